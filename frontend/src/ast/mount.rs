//! `RUN --mount`: as written, and with its options known.

mod options;
mod resolve;

use super::Text;
use crate::span::Span;

/// One `--mount=key=value,…` as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFlag {
    /// The options, in order.
    pub options: Vec<MountOption>,
    /// The whole flag.
    pub span: Span,
}

/// One option of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOption {
    /// Before the `=`.
    pub key: Text,
    /// After it, when there is one.
    pub value: Option<Text>,
}

impl MountFlag {
    /// `from=`: a stage, an image or a named context. Known before expansion, for it may hold no
    /// variable.
    pub fn from(&self) -> Option<&Text> {
        let from = self
            .options
            .iter()
            .rfind(|option| option.key.raw().eq_ignore_ascii_case("from"));
        from.and_then(|option| option.value.as_ref())
    }
}

/// The kind of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountType {
    /// `bind`, the default.
    Bind,
    /// `cache`.
    Cache,
    /// `tmpfs`.
    Tmpfs,
    /// `secret`.
    Secret,
    /// `ssh`.
    Ssh,
}

/// A mount with all its options known.
///
/// A target that is not absolute is relative to the WORKDIR in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// `type=bind`.
    Bind(BindMount),
    /// `type=cache`.
    Cache(CacheMount),
    /// `type=tmpfs`.
    Tmpfs(TmpfsMount),
    /// `type=secret`.
    Secret(SecretMount),
    /// `type=ssh`.
    Ssh(SshMount),
}

/// What the command may do with a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountAccess {
    /// Read.
    ReadOnly,
    /// Read and write. What is written to a bind mount is thrown away.
    ReadWrite,
}

/// Files of the context, a stage, an image or a named context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindMount {
    /// Where to mount.
    pub target: String,
    /// Whose files; the build context when none.
    pub from: Option<String>,
    /// Path in `from`; its root (`/`) when not given.
    pub source: String,
    /// Read-only unless `rw` was given.
    pub access: MountAccess,
}

/// A directory that stays from build to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheMount {
    /// Where to mount.
    pub target: String,
    /// Which cache; the target when not given.
    pub id: String,
    /// What a new cache is filled from; nothing when none.
    pub from: Option<String>,
    /// Path in `from`; its root (`/`) when not given.
    pub source: String,
    /// Writable unless `ro` was given.
    pub access: MountAccess,
    /// What happens when two steps want it at once.
    pub sharing: Sharing,
    /// Mode of a new cache's directory; 0755 when not given.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What happens when two steps want one cache at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sharing {
    /// Both use it.
    #[default]
    Shared,
    /// The second gets another one.
    Private,
    /// The second waits.
    Locked,
}

/// An empty directory in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TmpfsMount {
    /// Where to mount.
    pub target: String,
    /// Limit in bytes.
    pub size: Option<u64>,
}

/// Whether a step can do without a secret or a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Requirement {
    /// Missing is fine: nothing is mounted.
    #[default]
    Optional,
    /// Missing is an error.
    Required,
}

/// A secret, as a file, a variable or both. All of these properties enter the key (rule C15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretMount {
    /// Which secret; the last component of the target when not given.
    pub id: String,
    /// The file; `/run/secrets/ID` when neither it nor `env` is given.
    pub target: Option<String>,
    /// The variable.
    pub env: Option<String>,
    /// Whether the step can do without.
    pub requirement: Requirement,
    /// Mode of the file; 0400 when not given.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// A socket of an SSH agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshMount {
    /// Which agent; `default` when not given.
    pub id: String,
    /// The socket's path, when given.
    pub target: Option<String>,
    /// Whether the step can do without.
    pub requirement: Requirement,
    /// Mode of the socket; 0600 when not given.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}
