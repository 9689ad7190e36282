//! What a step is made of.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Secret;
use crate::wire::{wire_enum, wire_struct};

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
    /// this step that is writable, or in `/dev` (it is then made there).
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

wire_struct!(StepSpec {
    rootfs,
    argv,
    env,
    cwd,
    user,
    hostname,
    network,
    mounts
});
wire_struct!(User { uid, gid, groups });
wire_struct!(StepMount { target, source });
wire_enum!(Network {
    0 => None {},
    1 => Host {},
});
wire_enum!(Access {
    0 => ReadOnly {},
    1 => ReadWrite {},
    2 => Discard {},
});
wire_enum!(MountSource {
    0 => Bind { source, access },
    1 => Tmpfs { size, mode },
    2 => File { contents, mode },
    3 => Secret { value, mode, uid, gid },
});
