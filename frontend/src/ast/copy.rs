//! `COPY` and `ADD`.

use super::{Heredoc, Text};

/// What COPY and ADD have in common.
///
/// Sources, destination, owner, mode and excludes are each expanded as one word (they are not
/// split again); a heredoc's body by [`Expander::heredoc`](crate::expand::Expander::heredoc).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// What to copy; at least one.
    pub sources: Vec<Source>,
    /// Where to.
    pub destination: Text,
    /// `--chown=USER[:GROUP]`.
    pub chown: Option<Text>,
    /// `--chmod=`: a [`FileMode`](super::FileMode) once expanded.
    pub chmod: Option<Text>,
    /// `--link`: the files form a layer that does not depend on what is below.
    pub link: bool,
    /// `--exclude=`, in order: patterns as in an ignore file.
    pub excludes: Vec<Text>,
}

impl Placement {
    /// The sources that are paths (or, in ADD, URLs).
    pub fn paths(&self) -> impl Iterator<Item = &Text> {
        self.sources.iter().filter_map(|source| match source {
            Source::Path(path) => Some(path),
            Source::Heredoc(_) => None,
        })
    }
}

/// One source of COPY or ADD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path with wildcards, or a URL (ADD).
    Path(Text),
    /// A file whose contents are in the iEchorfile.
    Heredoc(Heredoc),
}

/// Copies from the context, a stage, an image or a named context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What goes where.
    pub placement: Placement,
    /// `--from`: stage name or index, image or named context. Holds no variable.
    pub from: Option<Text>,
    /// `--parents`: keep the directories of the sources.
    pub parents: bool,
}

/// Copies from the context, unpacks archives and fetches URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// What goes where.
    pub placement: Placement,
    /// `--checksum=sha256:…`, expanded as a word (rule C8).
    pub checksum: Option<Text>,
    /// `--unpack`; when it was not given, local archives are unpacked and fetched ones are not.
    pub unpack: Option<bool>,
    /// `--keep-git-dir`: keep `.git` of a git repository.
    pub keep_git_dir: bool,
}
