use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::chain::Chain;
use crate::id::Digest;
use crate::store::{SnapshotStore, StoreError};

/// A store in a directory that goes away with it.
struct Fixture {
    _dir: tempfile::TempDir,
    store: SnapshotStore,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
        Self { _dir: dir, store }
    }

    fn commit(&self, parent: &Chain, make: impl FnOnce(&mut LayerWriter)) -> Chain {
        let mut layer = self.store.new_layer(parent).unwrap();
        make(&mut layer);
        layer.commit().unwrap()
    }

    /// `/dir/{a,b}`, `/dir/sub/c`, `/file`.
    fn base(&self) -> Chain {
        self.commit(&Chain::empty(), |layer| {
            for path in ["dir/a", "dir/b", "dir/sub/c", "file"] {
                layer.put(Path::new(path), file(path), dated(7)).unwrap();
            }
        })
    }

    fn reader(&self, chain: &Chain) -> LayerWriter {
        self.store.new_layer(chain).unwrap()
    }
}

fn file(contents: &str) -> NodeKind {
    NodeKind::Regular {
        blob: Digest::of(contents.as_bytes()),
        size: contents.len() as u64,
    }
}

fn dated(secs: i64) -> Metadata {
    Metadata {
        mode: 0o644,
        uid: 1,
        mtime: Timestamp { secs, nanos: 0 },
        ..Metadata::default()
    }
}

fn names(layer: &LayerWriter, path: &str) -> Vec<String> {
    let names = layer.list(Path::new(path)).unwrap();
    names
        .iter()
        .map(|name| name.to_str().unwrap().to_owned())
        .collect()
}

fn reason(error: StoreError) -> EntryError {
    match error {
        StoreError::Entry { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn missing_parents_take_their_metadata_from_below_or_from_the_entry() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let made = fixture
        .reader(&base)
        .get(Path::new("/dir/sub"))
        .unwrap()
        .unwrap();
    let mtime = Timestamp { secs: 7, nanos: 0 };
    assert_eq!(
        made,
        (
            NodeKind::Directory,
            Metadata {
                mode: 0o755,
                mtime,
                ..Metadata::default()
            }
        )
    );
    let chain = fixture.commit(&base, |layer| {
        layer
            .put(Path::new("dir/sub/new"), file("x"), dated(99))
            .unwrap();
    });
    assert_eq!(
        fixture.reader(&chain).get(Path::new("dir/sub")).unwrap(),
        Some(made)
    );
    assert_eq!(names(&fixture.reader(&chain), "dir/sub"), ["c", "new"]);
}

#[test]
fn a_directory_over_a_directory_keeps_the_children() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&fixture.base(), |layer| {
        layer
            .put(Path::new("dir"), NodeKind::Directory, dated(8))
            .unwrap();
    });
    let layer = fixture.reader(&chain);
    assert_eq!(names(&layer, "dir"), ["a", "b", "sub"]);
    assert_eq!(layer.get(Path::new("dir")).unwrap().unwrap().1, dated(8));
}

#[test]
fn a_directory_over_a_file_starts_empty_and_a_file_hides_a_whole_tree() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&fixture.base(), |layer| {
        layer
            .put(Path::new("file"), NodeKind::Directory, dated(8))
            .unwrap();
        layer
            .put(Path::new("dir"), file("now a file"), dated(8))
            .unwrap();
    });
    let layer = fixture.reader(&chain);
    assert_eq!(names(&layer, "/"), ["dir", "file"]);
    assert_eq!(names(&layer, "file"), [""; 0]);
    assert_eq!(layer.get(Path::new("dir/a")).unwrap(), None);
    let back = fixture.commit(&chain, |layer| {
        layer
            .put(Path::new("dir"), NodeKind::Directory, dated(9))
            .unwrap();
    });
    assert_eq!(
        names(&fixture.reader(&back), "dir"),
        [""; 0],
        "what was hidden stays hidden"
    );
}

#[test]
fn a_removed_directory_that_is_made_again_shows_nothing_from_below() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&fixture.base(), |layer| {
        layer.remove(Path::new("dir")).unwrap();
        layer
            .put(Path::new("dir/new"), file("x"), dated(8))
            .unwrap();
        assert_eq!(names(layer, "dir"), ["new"]);
    });
    assert_eq!(names(&fixture.reader(&chain), "dir"), ["new"]);
}

#[test]
fn an_opaque_directory_keeps_what_this_layer_has() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&fixture.base(), |layer| {
        layer
            .put(Path::new("dir/new"), file("x"), dated(8))
            .unwrap();
        layer.remove(Path::new("dir/a")).unwrap();
        layer.make_opaque(Path::new("dir")).unwrap();
        layer
            .put(Path::new("dir/sub/d"), file("y"), dated(8))
            .unwrap();
    });
    let layer = fixture.reader(&chain);
    assert_eq!(names(&layer, "dir"), ["new", "sub"]);
    assert_eq!(names(&layer, "dir/sub"), ["d"]);
    let emptied = fixture.commit(&chain, |layer| layer.make_opaque(Path::new("/")).unwrap());
    assert_eq!(names(&fixture.reader(&emptied), "/"), [""; 0]);
}

#[test]
fn a_link_to_a_file_below_copies_it_up_by_reference() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&fixture.base(), |layer| {
        layer
            .link(Path::new("new/name"), Path::new("dir/a"))
            .unwrap();
    });
    let index = chain.layers()[1].index();
    let inode = |chain: &Chain, path: &[u8]| {
        crate::merge::lookup_path(crate::merge::root(chain), path)
            .unwrap()
            .top()
            .unwrap()
    };
    assert_eq!(inode(&chain, b"new/name"), inode(&chain, b"dir/a"));
    assert_eq!(index.stat(inode(&chain, b"dir/a").inode).nlink, 2);
    assert_eq!(index.blobs(), [Digest::of(b"dir/a")]);
}

#[test]
fn a_link_outlives_the_name_that_it_was_made_from() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&Chain::empty(), |layer| {
        layer.put(Path::new("a"), file("x"), dated(1)).unwrap();
        layer.link(Path::new("b"), Path::new("a")).unwrap();
        layer.put(Path::new("a"), file("y"), dated(2)).unwrap();
    });
    let layer = fixture.reader(&chain);
    assert_eq!(
        layer.get(Path::new("b")).unwrap(),
        Some((file("x"), dated(1)))
    );
    assert_eq!(chain.layers()[0].index().blobs().len(), 2);
}

#[test]
fn a_file_may_have_names_in_directories_of_any_depth() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&Chain::empty(), |layer| {
        layer.put(Path::new("a"), file("x"), dated(1)).unwrap();
        layer.link(Path::new("z/y/x/w"), Path::new("a")).unwrap();
        layer.link(Path::new("z/b"), Path::new("a")).unwrap();
    });
    let index = chain.layers()[0].index();
    assert_eq!(index.len(), 5);
    assert_eq!(index.stat(crate::index::InodeIdx(4)).nlink, 3);
}

#[test]
fn what_was_changed_and_changed_back_is_no_change() {
    let fixture = Fixture::new();
    let base = fixture.base();
    let same = fixture.commit(&base, |layer| {
        assert!(layer.is_empty());
        layer
            .put(Path::new("dir/sub/new"), file("x"), dated(9))
            .unwrap();
        assert!(!layer.is_empty());
        layer.remove(Path::new("dir/sub/new")).unwrap();
        layer
            .put(Path::new("file"), file("file"), dated(7))
            .unwrap();
        layer.remove(Path::new("not/there")).unwrap();
    });
    assert_eq!(same.tip(), base.tip());
    let mut layer = fixture.reader(&base);
    layer
        .put(Path::new("dir/sub/new"), file("x"), dated(9))
        .unwrap();
    layer.remove(Path::new("dir/sub/new")).unwrap();
    let empty = layer.commit_even_if_empty().unwrap();
    assert_eq!(empty.layers()[1].index().len(), 1, "only the root is left");
}

#[test]
fn paths_are_resolved_as_chroot_would() {
    let fixture = Fixture::new();
    let base = fixture.commit(&fixture.base(), |layer| {
        let mut link = |path: &str, target: &str| {
            let kind = NodeKind::Symlink(target.as_bytes().to_vec());
            layer.put(Path::new(path), kind, dated(1)).unwrap();
        };
        link("abs", "/dir/sub");
        link("dir/rel", "../dir/./sub/../a");
        link("out", "../../../../file");
        link("dangling", "no/such");
        link("loop", "loop2");
        link("loop2", "/loop");
        link("chain", "abs/.././rel");
    });
    let layer = fixture.reader(&base);
    let check = |path: &str, expect: &str| {
        assert_eq!(
            layer.resolve(Path::new(path)).unwrap(),
            Path::new(expect),
            "{path}"
        );
    };
    check("/", "");
    check("abs/c", "dir/sub/c");
    check("dir/rel", "dir/a");
    check("out", "file");
    check("../../dir/../file", "file");
    check("dangling/deeper", "no/such/deeper");
    check("missing/x/../y", "missing/y");
    check("chain", "dir/a");
    check("file/below", "file/below");
    for path in ["loop", "loop2/x"] {
        let error = layer.resolve(Path::new(path)).unwrap_err();
        assert_eq!(reason(error), EntryError::TooManyLinks);
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let fixture = Fixture::new();
    let base = fixture.commit(&fixture.base(), |layer| {
        for number in 0..41 {
            let target = if number == 0 {
                "file".into()
            } else {
                format!("l{}", number - 1)
            };
            let path = PathBuf::from(format!("l{number}"));
            layer
                .put(&path, NodeKind::Symlink(target.into_bytes()), dated(1))
                .unwrap();
        }
    });
    let layer = fixture.reader(&base);
    assert_eq!(layer.resolve(Path::new("l39")).unwrap(), Path::new("file"));
    assert_eq!(
        reason(layer.resolve(Path::new("l40")).unwrap_err()),
        EntryError::TooManyLinks
    );
}

#[test]
fn entries_that_no_tree_can_have_are_refused() {
    let fixture = Fixture::new();
    let mut layer = fixture.reader(&fixture.base());
    let mut refuse = |path: &str, kind: NodeKind, metadata: Metadata| {
        reason(layer.put(Path::new(path), kind, metadata).unwrap_err())
    };
    let long = "n".repeat(256);
    for path in ["../up", "dir/../..", "a/./b", &long, "nul\0"] {
        assert_eq!(
            refuse(path, file("x"), dated(1)),
            EntryError::Path,
            "{path:?}"
        );
    }
    assert_eq!(
        refuse(&"d/".repeat(513), NodeKind::Directory, dated(1)),
        EntryError::TooDeep
    );
    assert_eq!(refuse("/", file("x"), dated(1)), EntryError::Root);
    assert_eq!(
        refuse("file/x", file("x"), dated(1)),
        EntryError::NotADirectory
    );
    let links = [vec![], b"a\0b".to_vec(), vec![b'x'; 4096]];
    for target in links {
        let error = refuse("l", NodeKind::Symlink(target), dated(1));
        assert!(matches!(error, EntryError::Property(_)));
    }
    let xattr = |name: &str, len| Xattr {
        name: name.into(),
        value: vec![0; len],
    };
    for bad in [xattr("", 1), xattr(&long, 1), xattr("user.big", 65_537)] {
        let error = refuse(
            "f",
            file("x"),
            Metadata {
                xattrs: vec![bad],
                ..dated(1)
            },
        );
        assert!(matches!(error, EntryError::Property(_)));
    }
    let mtime = Timestamp {
        secs: 0,
        nanos: 1_000_000_000,
    };
    let error = refuse("f", file("x"), Metadata { mtime, ..dated(1) });
    assert!(matches!(error, EntryError::Property(_)));
    assert_eq!(
        reason(layer.remove(Path::new("/")).unwrap_err()),
        EntryError::Root
    );
    let mut link =
        |target: &str| reason(layer.link(Path::new("l"), Path::new(target)).unwrap_err());
    assert_eq!(link("nothing"), EntryError::NoTarget);
    assert_eq!(link("dir"), EntryError::LinkToDirectory);
    assert!(layer.is_empty(), "refused entries change nothing");
}

#[test]
fn attributes_are_kept_sorted_each_once_and_without_those_of_overlayfs() {
    let fixture = Fixture::new();
    let xattr = |name: &str, value: &str| Xattr {
        name: name.into(),
        value: value.into(),
    };
    let xattrs = vec![
        xattr("user.b", "1"),
        xattr("trusted.overlay.opaque", "y"),
        xattr("user.a", "2"),
        xattr("user.b", "3"),
    ];
    let mut layer = fixture.reader(&Chain::empty());
    layer
        .put(Path::new("f"), file("x"), Metadata { xattrs, ..dated(1) })
        .unwrap();
    let (_, metadata) = layer.get(Path::new("f")).unwrap().unwrap();
    assert_eq!(
        metadata.xattrs,
        [xattr("user.a", "2"), xattr("user.b", "3")]
    );
}

#[test]
fn one_file_may_have_65_000_names() {
    let fixture = Fixture::new();
    let chain = fixture.commit(&Chain::empty(), |layer| {
        layer.put(Path::new("d/0"), file("x"), dated(1)).unwrap();
        for number in 1..65_000 {
            layer
                .link(&Path::new("d").join(number.to_string()), Path::new("d/0"))
                .unwrap();
        }
    });
    let layer = fixture.reader(&chain);
    assert_eq!(layer.list(Path::new("d")).unwrap().len(), 65_000);
    assert_eq!(chain.layers()[0].index().len(), 3);
}

/// The simplest tree there is: what stands at each path.
#[derive(Debug, Clone, Default)]
struct Model(BTreeMap<PathBuf, (NodeKind, Metadata)>);

/// One change, to the model and to the layer.
#[derive(Debug, Clone)]
enum Change {
    Put(PathBuf, NodeKind),
    Remove(PathBuf),
    Opaque(PathBuf),
    /// Commits what is there so far and goes on in a new layer.
    Commit,
}

impl Model {
    fn is_directory(&self, path: &Path) -> bool {
        path == Path::new("")
            || self
                .0
                .get(path)
                .is_some_and(|(kind, _)| *kind == NodeKind::Directory)
    }

    /// Whether something that is no directory stands in the way.
    fn is_blocked(&self, path: &Path) -> bool {
        path.ancestors()
            .any(|above| self.0.contains_key(above) && !self.is_directory(above))
    }

    fn make_parents(&mut self, path: &Path) {
        let parents: Vec<_> = path
            .ancestors()
            .skip(1)
            .filter(|path| *path != Path::new(""))
            .collect();
        for parent in parents {
            self.0
                .entry(parent.to_owned())
                .or_insert((NodeKind::Directory, made()));
        }
    }

    fn remove_below(&mut self, path: &Path) {
        self.0
            .retain(|other, _| other == path || !other.starts_with(path));
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(path, kind) if !self.is_blocked(path.parent().unwrap()) => {
                self.make_parents(path);
                if *kind != NodeKind::Directory || !self.is_directory(path) {
                    self.remove_below(path);
                }
                self.0.insert(path.clone(), (kind.clone(), dated(3)));
            }
            Change::Remove(path) => self.0.retain(|other, _| !other.starts_with(path)),
            Change::Opaque(path) if self.is_directory(path) => self.remove_below(path),
            _ => {}
        }
    }
}

/// Metadata of a directory that came about by itself.
fn made() -> Metadata {
    Metadata {
        mode: 0o755,
        mtime: Timestamp { secs: 3, nanos: 0 },
        ..Metadata::default()
    }
}

/// Applies a change; those that the model passes over may be refused.
fn apply(layer: &mut LayerWriter, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Put(path, kind) => layer.put(path, kind.clone(), dated(3)),
        Change::Remove(path) => layer.remove(path),
        Change::Opaque(path) if matches!(layer.get(path)?, Some((NodeKind::Directory, _))) => {
            opaque_now(layer, path)
        }
        Change::Opaque(_) | Change::Commit => Ok(()),
    }
}

/// Empties a directory: hides what is below, and removes what this layer has.
fn opaque_now(layer: &mut LayerWriter, path: &Path) -> Result<(), StoreError> {
    layer.make_opaque(path)?;
    layer
        .list(path)?
        .iter()
        .try_for_each(|name| layer.remove(&path.join(&**name)))
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec("[abc]", 1..4).prop_map(|names| names.iter().collect())
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (path(), "[xyz]").prop_map(|(path, contents)| Change::Put(path, file(&contents))),
        3 => path().prop_map(|path| Change::Put(path, NodeKind::Directory)),
        2 => path().prop_map(Change::Remove),
        1 => path().prop_map(Change::Opaque),
        2 => Just(Change::Commit),
    ]
}

/// Every path that a layer shows.
fn read_all(layer: &LayerWriter) -> Model {
    let mut model = Model::default();
    let mut pending = vec![PathBuf::new()];
    while let Some(path) = pending.pop() {
        pending.extend(
            layer
                .list(&path)
                .unwrap()
                .iter()
                .map(|name| path.join(&**name)),
        );
        if path != Path::new("") {
            model
                .0
                .insert(path.clone(), layer.get(&path).unwrap().unwrap());
        }
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn layers_show_what_the_simplest_model_shows(changes in prop::collection::vec(change(), 1..40)) {
        let fixture = Fixture::new();
        let mut model = Model::default();
        let mut layer = fixture.reader(&Chain::empty());
        for change in &changes {
            let blocked = matches!(change, Change::Put(path, _) if model.is_blocked(path.parent().unwrap()));
            model.apply(change);
            prop_assert_eq!(apply(&mut layer, change).is_err(), blocked);
            if matches!(change, Change::Commit) {
                let chain = layer.commit().unwrap();
                layer = fixture.reader(&chain);
            }
        }
        prop_assert_eq!(&read_all(&layer).0, &model.0);
        let chain = layer.commit().unwrap();
        prop_assert_eq!(&read_all(&fixture.reader(&chain)).0, &model.0);
    }
}
