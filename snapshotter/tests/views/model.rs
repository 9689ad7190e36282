//! The reference model: a file system in memory, written as plainly as can be.
//!
//! It has no layers. A commit changes nothing of it but one thing that overlayfs documents ("Non-standard
//! behavior"): a file with several names below is broken up when it is changed by one of them, and its
//! names go on to count as many. Everything is done by root, without a umask. What an operation says is
//! what a [`Machine`](crate::suite) says of it.

mod attributes;
mod contents;
mod moves;
mod names;
mod paths;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::suite::{Shape, told_contents};

pub(crate) type Said = Result<String, Errno>;
type Id = usize;

/// The file system.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    /// Permission bits.
    mode: u32,
    owner: (u32, u32),
    xattrs: BTreeMap<String, Vec<u8>>,
    /// Names that it has now.
    names: u64,
    /// How many it had when it was committed, if several.
    names_below: Option<u64>,
}

#[derive(Debug, Clone)]
enum Kind {
    Dir {
        children: BTreeMap<String, Id>,
        parent: Id,
    },
    File(Vec<u8>),
    Symlink(String),
    Fifo,
    Socket,
    Char(u64),
}

const ROOT: Id = 0;

impl Model {
    pub(crate) fn new() -> Self {
        let children = BTreeMap::new();
        let root = Kind::Dir {
            children,
            parent: ROOT,
        };
        Self {
            nodes: vec![Node::new(root, 0o755)],
        }
    }

    /// Runs a step, and commits it; gives each operation with what it said.
    pub(crate) fn step(&mut self, script: &str) -> (Vec<String>, BTreeMap<PathBuf, Shape>) {
        let operations = script.split(';').map(str::trim);
        let said = operations
            .filter(|operation| !operation.is_empty())
            .map(|operation| format!("{operation}: {}", self.run(operation)))
            .collect();
        let shown = self.shown();
        self.commit();
        (said, shown)
    }

    fn run(&mut self, operation: &str) -> String {
        let words: Vec<&str> = operation.split_whitespace().collect();
        let said = self
            .run_on_names(&words)
            .or_else(|| self.run_on_contents(&words))
            .or_else(|| self.run_on_attributes(&words))
            .unwrap_or_else(|| panic!("no operation of the model: {words:?}"));
        said.unwrap_or_else(|errno| errno.to_string())
    }

    fn commit(&mut self) {
        for node in &mut self.nodes {
            if node.names > 1 && node.names_below.is_none() {
                node.names_below = Some(node.names);
            }
        }
    }

    /// The tree as a process sees it.
    fn shown(&self) -> BTreeMap<PathBuf, Shape> {
        let mut shown = BTreeMap::new();
        self.show(ROOT, Path::new("."), &mut shown, &mut BTreeMap::new());
        shown
    }

    fn show(
        &self,
        id: Id,
        path: &Path,
        shown: &mut BTreeMap<PathBuf, Shape>,
        first_names: &mut BTreeMap<Id, PathBuf>,
    ) {
        let node = &self.nodes[id];
        let first_name = first_names.entry(id).or_insert_with(|| path.to_owned());
        let shape = Shape {
            mode: node.kind.type_bits() | node.mode,
            owner: node.owner,
            rdev: node.kind.rdev(),
            links: (!node.is_dir()).then(|| node.links()),
            xattrs: node.xattrs.clone(),
            contents: node.kind.contents(),
            first_name: first_name.clone(),
        };
        shown.insert(path.to_owned(), shape);
        for (name, child) in node.children() {
            self.show(*child, &path.join(name), shown, first_names);
        }
    }

    /// The node, as something that is about to change by one of its names.
    ///
    /// A file with several names below becomes one of its own there: the copy that overlayfs makes.
    fn own(&mut self, id: Id, dir: Id, name: &str) -> Id {
        if self.nodes[id].names_below.is_none() {
            return id;
        }
        self.nodes[id].names -= 1;
        let copy = Node {
            names: 1,
            names_below: None,
            ..self.nodes[id].clone()
        };
        let copy = self.add(copy);
        self.children_mut(dir).insert(name.to_owned(), copy);
        copy
    }

    fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn children_mut(&mut self, dir: Id) -> &mut BTreeMap<String, Id> {
        match &mut self.nodes[dir].kind {
            Kind::Dir { children, .. } => children,
            other => panic!("no directory: {other:?}"),
        }
    }
}

impl Node {
    fn new(kind: Kind, mode: u32) -> Self {
        Self {
            kind,
            mode,
            owner: (0, 0),
            xattrs: BTreeMap::new(),
            names: 1,
            names_below: None,
        }
    }

    fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Dir { .. })
    }

    fn links(&self) -> u64 {
        self.names_below.unwrap_or(self.names)
    }

    /// What is in a directory; nothing is in anything else.
    fn children(&self) -> impl Iterator<Item = (&String, &Id)> {
        let children = match &self.kind {
            Kind::Dir { children, .. } => Some(children),
            _ => None,
        };
        children.into_iter().flatten()
    }
}

impl Kind {
    fn type_bits(&self) -> u32 {
        match self {
            Self::Dir { .. } => libc::S_IFDIR,
            Self::File(_) => libc::S_IFREG,
            Self::Symlink(_) => libc::S_IFLNK,
            Self::Fifo => libc::S_IFIFO,
            Self::Socket => libc::S_IFSOCK,
            Self::Char(_) => libc::S_IFCHR,
        }
    }

    fn rdev(&self) -> u64 {
        match self {
            Self::Char(device) => *device,
            _ => 0,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::File(bytes) => bytes.len(),
            Self::Symlink(target) => target.len(),
            _ => 0,
        }
    }

    fn contents(&self) -> String {
        match self {
            Self::File(bytes) => told_contents(bytes),
            Self::Symlink(target) => target.clone(),
            _ => String::new(),
        }
    }
}

/// Of operations that give nothing.
fn done(result: Result<(), Errno>) -> Said {
    result.map(|()| "ok".to_owned())
}
