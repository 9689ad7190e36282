//! What differs between two sets of files.

use std::cmp::Ordering;

use iechor_snapshotter::Digest;

use super::{FileChange, MissReason};
use crate::file_set::{FileFact, FileKind, FileSet, Stamp};

/// How many of the files that came or went are named.
const EXAMPLES: usize = 10;

/// Tells the first file that changed and how many more did; then what came; then what went.
pub(super) fn diff(old: &FileSet, new: &FileSet, to: &mut Vec<MissReason>) {
    if old.mode() != new.mode() {
        to.push(MissReason::ContextDigestChanged {
            old: old.mode().word(),
            new: new.mode().word(),
        });
        return;
    }
    let found = Differences::between(old.files(), new.files());
    to.extend(found.first_change());
    to.extend(Several::of(&found.added).map(Several::added));
    to.extend(Several::of(&found.removed).map(Several::removed));
}

#[derive(Default)]
struct Differences<'a> {
    changed: Vec<(&'a FileFact, FileChange)>,
    added: Vec<&'a FileFact>,
    removed: Vec<&'a FileFact>,
}

impl<'a> Differences<'a> {
    /// Walks both lists at once; they are in path order.
    fn between(mut old: &'a [FileFact], mut new: &'a [FileFact]) -> Self {
        let mut found = Self::default();
        while let ([before, olds @ ..], [after, news @ ..]) = (old, new) {
            match before.path.cmp(&after.path) {
                Ordering::Less => found.removed.push(before),
                Ordering::Greater => found.added.push(after),
                Ordering::Equal => found
                    .changed
                    .extend(change(before, after).map(|c| (after, c))),
            }
            old = if before.path <= after.path { olds } else { old };
            new = if after.path <= before.path { news } else { new };
        }
        found.removed.extend(old);
        found.added.extend(new);
        found
    }

    fn first_change(&self) -> Option<MissReason> {
        let (file, change) = self.changed.first()?;
        Some(MissReason::FileChanged {
            path: lossy(&file.path),
            change: change.clone(),
            more: self.changed.len() as u64 - 1,
        })
    }
}

/// The most telling difference of two facts about one path.
fn change(old: &FileFact, new: &FileFact) -> Option<FileChange> {
    let kind = || {
        (old.kind != new.kind).then(|| FileChange::Kind {
            old: old.kind.word(),
            new: new.kind.word(),
        })
    };
    let size = || {
        (old.size != new.size).then_some(FileChange::Size {
            old: old.size,
            new: new.size,
        })
    };
    let mode = || {
        (old.mode != new.mode).then_some(FileChange::Mode {
            old: old.mode,
            new: new.mode,
        })
    };
    let owner = || {
        let (old, new) = ((old.uid, old.gid), (new.uid, new.gid));
        (old != new).then_some(FileChange::Owner { old, new })
    };
    let device = || {
        (old.rdev != new.rdev).then_some(FileChange::Device {
            old: old.rdev,
            new: new.rdev,
        })
    };
    kind()
        .or_else(|| target(old, new))
        .or_else(size)
        .or_else(|| stamp(&old.stamp, &new.stamp))
        .or_else(mode)
        .or_else(owner)
        .or_else(device)
}

fn target(old: &FileFact, new: &FileFact) -> Option<FileChange> {
    (old.target != new.target).then(|| FileChange::Target {
        old: lossy(&old.target),
        new: lossy(&new.target),
    })
}

fn stamp(old: &Stamp, new: &Stamp) -> Option<FileChange> {
    match (old, new) {
        _ if old == new => None,
        (Stamp::Mtime(old), Stamp::Mtime(new)) => Some(FileChange::Mtime {
            old: *old,
            new: *new,
        }),
        _ => Some(FileChange::Content {
            old: content(old),
            new: content(new),
        }),
    }
}

fn content(stamp: &Stamp) -> Option<Digest> {
    match stamp {
        Stamp::Content(digest) => Some(*digest),
        Stamp::Nothing | Stamp::Mtime(_) => None,
    }
}

/// Files that came or went together.
struct Several {
    count: u64,
    under: String,
    examples: Vec<String>,
}

impl Several {
    /// Directories count only when there is nothing else: those of new files go without saying.
    fn of(facts: &[&FileFact]) -> Option<Self> {
        let mut paths = paths_where(facts, |fact| fact.kind != FileKind::Directory);
        if paths.is_empty() {
            paths = paths_where(facts, |_| true);
        }
        let under = common_directory(&paths)?;
        Some(Self {
            count: paths.len() as u64,
            under: lossy(under),
            examples: paths
                .iter()
                .take(EXAMPLES)
                .map(|path| lossy(path))
                .collect(),
        })
    }

    fn added(self) -> MissReason {
        let Self {
            count,
            under,
            examples,
        } = self;
        MissReason::FilesAdded {
            count,
            under,
            examples,
        }
    }

    fn removed(self) -> MissReason {
        let Self {
            count,
            under,
            examples,
        } = self;
        MissReason::FilesRemoved {
            count,
            under,
            examples,
        }
    }
}

fn paths_where<'a>(facts: &[&'a FileFact], keep: impl Fn(&FileFact) -> bool) -> Vec<&'a [u8]> {
    facts
        .iter()
        .filter(|fact| keep(fact))
        .map(|fact| fact.path.as_slice())
        .collect()
}

/// The deepest directory that has all paths; `None` when there are none. Paths are in order, so
/// what the first and the last share all share.
fn common_directory<'a>(paths: &[&'a [u8]]) -> Option<&'a [u8]> {
    let (first, last) = (paths.first()?, paths.last()?);
    let shared = first.iter().zip(*last).take_while(|(a, b)| a == b).count();
    let end = first[..shared]
        .iter()
        .rposition(|&byte| byte == b'/')
        .unwrap_or(0);
    Some(&first[..end])
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
