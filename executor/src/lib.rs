//! Runs one build step in namespaces on a mounted root file system.
//!
//! The crate knows neither snapshots nor cache nor instructions: it is given a directory that is
//! mounted already and a [`StepSpec`], and says how the command ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;

/// Everything one step needs. All paths are absolute and inside the rootfs unless said otherwise.
#[derive(Debug)]
pub struct StepSpec {
    /// Directory of the calling process's mount namespace that becomes `/`.
    pub rootfs: PathBuf,
    /// Program and arguments; the program is looked up in the `PATH` of `env` when it has no `/`.
    pub argv: Vec<OsString>,
    /// The whole environment, in order.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory; must exist.
    pub cwd: PathBuf,
    /// Who runs the command.
    pub user: User,
    /// Host name inside.
    pub hostname: String,
    /// Network that the command sees.
    pub network: Network,
    /// Mounts on top of the rootfs, in the order in which they are made.
    pub mounts: Vec<StepMount>,
}

/// Numeric identity of a step, resolved from the rootfs's own `/etc/passwd` and `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// Network of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Own network namespace with `lo` up and nothing else.
    None,
    /// The caller's network namespace.
    Host,
}

/// One mount inside the step.
#[derive(Debug)]
pub struct StepMount {
    /// Where; free of symbolic links. It exists in the rootfs, or lies inside an earlier mount of
    /// this step that is writable (it is then made there).
    pub target: PathBuf,
    /// What.
    pub source: MountSource,
}

/// What a step's mount shows. All are `nosuid,nodev` and private.
#[derive(Debug)]
pub enum MountSource {
    /// A file or directory of the calling process's mount namespace.
    Bind {
        /// Host path, opened without following a link in its last component.
        source: PathBuf,
        /// What the step may do with it.
        access: Access,
    },
    /// An empty tmpfs.
    Tmpfs {
        /// Limit in bytes; none means the kernel's default.
        size: Option<u64>,
        /// Mode of its root.
        mode: u32,
    },
    /// A read-only file with these contents (resolv.conf, hosts, heredoc scripts), kept in memory.
    File {
        /// Contents.
        contents: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// A secret as a file on a tmpfs that is never swapped, for this step alone (rules C14, C15).
    Secret {
        /// The value.
        value: Secret,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// What a step may do with a bind mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read.
    ReadOnly,
    /// Read and write; writes reach the source (cache mounts).
    ReadWrite,
    /// Read and write; writes are thrown away with the step (`--mount=type=bind,rw`).
    Discard,
}

/// A secret's value: wiped when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the value.
    pub fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// Shows the value to code that must have it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Which of its two outputs a step wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Receives a step's output as it is written.
pub trait OutputSink {
    /// Takes bytes as they came, in order; nothing is dropped, lines may be split.
    fn output(&mut self, stream: Stream, bytes: &[u8]);
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// The command ended by itself with this code.
    Exited(u8),
    /// A signal ended it; `out_of_memory` when the kernel's OOM killer sent it.
    Signaled {
        /// Signal number.
        signal: i32,
        /// Whether the step's memory limit was met.
        out_of_memory: bool,
    },
    /// It was ended because the [`CancelToken`] fired.
    Cancelled,
}

/// Asks running steps to end: once, SIGTERM then SIGKILL after the grace time; twice, SIGKILL now.
/// Cheap to clone; may be fired from a signal handler's thread.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    requests: Arc<AtomicU8>,
}

/// Why a step could not be started or watched (not: why the command failed).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {}

/// Runs steps with Linux namespaces: the profile of docs/sandbox.md.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Prepares what all steps share (the sealed copy of this program, cgroup, seccomp filters).
    pub fn new() -> Result<Self, ExecError> {
        todo!()
    }

    /// Runs one step to its end. When it returns, no process of the step is left and none of its mounts.
    pub fn run(
        &self,
        spec: &StepSpec,
        output: &mut dyn OutputSink,
        cancel: &CancelToken,
    ) -> Result<StepOutcome, ExecError> {
        todo!()
    }
}

/// The re-executed side. Must be the first statement of `main`: if this process was started by
/// [`Sandbox::run`] it becomes the step and never returns; otherwise it returns at once.
pub fn init_if_child() {
    todo!()
}

/// Moves the whole process into a private mount namespace, so that no mount of it is seen from
/// outside or survives it. Must be called while the process has one thread.
pub fn enter_private_mounts() -> Result<(), ExecError> {
    todo!()
}
