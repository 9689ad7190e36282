//! ADD of a git repository: keyed by the commit that its reference names (rule C8).
//!
//! git itself does the work, started without a shell, with transports limited to https, ssh and
//! git, and asking nobody for a password.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use iechor_frontend::ignore::IgnoreSet;
use iechor_snapshotter::{ActiveSnapshot, Chain, SnapshotStore};

use crate::build::origin::{Identity, Origin};
use crate::copy::HostTree;
use crate::copy::select::{Files, Layout, Rules};
use crate::error::StepError;

/// Why a repository could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// git could not be started.
    #[error("cannot start git, which ADD of a repository needs")]
    Start(#[source] io::Error),
    /// git ended badly.
    #[error("git {what} failed for {url}: {message}")]
    Failed {
        /// `ls-remote`.
        what: &'static str,
        /// The repository.
        url: String,
        /// What git wrote.
        message: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{url} has no branch, tag or commit {reference:?}")]
    NoReference {
        /// The repository.
        url: String,
        /// What was asked for.
        reference: String,
    },
}

/// `https://host/path.git#reference:directory`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    url: String,
    reference: Option<String>,
    directory: PathBuf,
}

/// A repository at one commit.
#[derive(Debug, Clone)]
pub(crate) struct PinnedRepository {
    repository: Repository,
    commit: String,
}

/// Files of a commit on disk, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Checkout {
    /// A directory of the store that no other process sweeps while it is held.
    scratch: ActiveSnapshot,
    directory: PathBuf,
    ignore: IgnoreSet,
}

impl Repository {
    /// Reads a source of ADD; none when it is no repository: those end in `.git`, or say so with
    /// `git://`, `ssh://` or `git@host:`.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        let (url, fragment) = source.split_once('#').unwrap_or((source, ""));
        let by_scheme = ["git://", "ssh://", "git@"]
            .iter()
            .any(|prefix| url.starts_with(prefix));
        let by_name = super::is_url(url) && url.ends_with(".git");
        if !(by_scheme || by_name) {
            return None;
        }
        let (reference, directory) = fragment.split_once(':').unwrap_or((fragment, ""));
        Some(Self {
            url: url.to_owned(),
            reference: Some(reference)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            directory: directory.into(),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The commit that the reference names now.
    pub(crate) fn resolve(&self) -> Result<String, StepError> {
        let wanted = self.reference.as_deref().unwrap_or("HEAD");
        if is_commit(wanted) {
            return Ok(wanted.to_owned());
        }
        let listing = self.git("ls-remote", None, &["ls-remote", "--", &self.url])?;
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        let missing = || GitError::NoReference {
            url: self.url.clone(),
            reference: wanted.to_owned(),
        };
        Ok(find_reference(&listing, wanted)
            .ok_or_else(missing)
            .map_err(super::FetchError::from)?)
    }

    pub(crate) fn at(&self, commit: String) -> PinnedRepository {
        PinnedRepository {
            repository: self.clone(),
            commit,
        }
    }

    fn git(
        &self,
        what: &'static str,
        dir: Option<&Path>,
        args: &[&str],
    ) -> Result<Output, super::FetchError> {
        let mut command = Command::new("git");
        command
            .args([
                "-c",
                "protocol.allow=never",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(
                ["http", "https", "ssh", "git"]
                    .iter()
                    .flat_map(|name| ["-c".to_owned(), format!("protocol.{name}.allow=always")]),
            )
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null());
        if let Some(dir) = dir {
            command.current_dir(dir);
        }
        let output = command.output().map_err(GitError::Start)?;
        if output.status.success() {
            return Ok(output);
        }
        let message = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ");
        Err(GitError::Failed {
            what,
            url: self.url.clone(),
            message,
        }
        .into())
    }
}

impl PinnedRepository {
    /// Fetches the commit alone, without its history, and writes its files out.
    pub(crate) fn check_out(
        &self,
        store: &SnapshotStore,
        keep_git_dir: bool,
    ) -> Result<Checkout, StepError> {
        let scratch = store.prepare(&Chain::empty())?;
        let dir = scratch.upper();
        let repository = &self.repository;
        let fetch = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--",
            &repository.url,
            &self.commit,
        ];
        repository.git("init", Some(&dir), &["init", "--quiet"])?;
        repository.git("fetch", Some(&dir), &fetch)?;
        repository.git(
            "checkout",
            Some(&dir),
            &["checkout", "--quiet", "FETCH_HEAD"],
        )?;
        let hidden = if keep_git_dir { None } else { Some(".git") };
        let ignore = IgnoreSet::new(hidden).map_err(StepError::from)?;
        Ok(Checkout {
            scratch,
            directory: repository.directory.clone(),
            ignore,
        })
    }
}

impl Checkout {
    /// The files, as a source to copy from.
    pub(crate) fn files(&self) -> Result<Files, StepError> {
        let tree = HostTree::open(&self.scratch.upper(), "the repository", self.ignore.clone())?;
        let identity = Identity::Host(tree.identity()?);
        let rules = Rules {
            excludes: IgnoreSet::default(),
            layout: Layout::Flat,
        };
        let source = self.directory.display().to_string();
        Ok(Files::new(
            Origin {
                tree: Arc::new(tree),
                identity,
            },
            &source,
            &Arc::new(rules),
        ))
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The commit of a branch or tag in the lines `<commit>\t<name>`; an annotated tag means the
/// commit that it points at (`^{}`).
fn find_reference(listing: &str, wanted: &str) -> Option<String> {
    let names = [
        format!("refs/tags/{wanted}^{{}}"),
        format!("refs/tags/{wanted}"),
        format!("refs/heads/{wanted}"),
        wanted.to_owned(),
    ];
    let lines: Vec<(&str, &str)> = listing
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    names
        .iter()
        .find_map(|name| lines.iter().find(|(_, found)| found == name))
        .map(|(commit, _)| (*commit).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_from_a_file() {
        let parsed = Repository::parse("https://example.org/a/b.git#v1:docs").unwrap();
        assert_eq!(parsed.url(), "https://example.org/a/b.git");
        assert_eq!(
            (parsed.reference.as_deref(), parsed.directory),
            (Some("v1"), PathBuf::from("docs"))
        );
        assert!(Repository::parse("git@example.org:a/b").is_some());
        assert!(Repository::parse("https://example.org/a.tar.gz").is_none());
        assert!(Repository::parse("src/main.git").is_none());
    }

    #[test]
    fn an_annotated_tag_is_the_commit_it_points_at() {
        let listing = "aa\tHEAD\nbb\trefs/heads/v1\ncc\trefs/tags/v1\ndd\trefs/tags/v1^{}\n";
        assert_eq!(find_reference(listing, "v1").as_deref(), Some("dd"));
        assert_eq!(find_reference(listing, "HEAD").as_deref(), Some("aa"));
        assert_eq!(find_reference(listing, "v2"), None);
    }
}
