//! Why a request is refused.

use rustix::io::Errno;

use super::Ino;

/// Why a request is refused; each reason has its errno.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// There is no view of that name: `ENOENT`. Unlike the absence of a name in a chain, which is
    /// for ever and no error, a view can come.
    #[error("there is no such view")]
    NoView,
    /// No name is that long: `ENAMETOOLONG`.
    #[error("the name is longer than {} bytes", super::Totals::NAME_MAX)]
    NameTooLong,
    /// The number stands for nothing, or for what the kernel said it had forgotten: `ESTALE`.
    #[error("the inode number is not known")]
    Stale,
    /// A directory is needed: `ENOTDIR`.
    #[error("this is not a directory")]
    NotADirectory,
    /// A regular file is needed and this is a directory: `EISDIR`.
    #[error("this is a directory")]
    IsADirectory,
    /// The operation has no meaning for this kind of inode: `EINVAL`.
    #[error("the operation does not apply to this kind of inode")]
    WrongKind,
    /// There is no such extended attribute: `ENODATA`.
    #[error("there is no such attribute")]
    NoAttribute,
    /// The position lies behind the end of the file, or of its data: `ENXIO`.
    #[error("the position is behind the end")]
    BehindEnd,
    /// The contents of a file are not what its layer says: `EIO`.
    #[error("contents of {ino:?} cannot be read: {reason}")]
    Lost {
        /// The file.
        ino: Ino,
        /// What the store or the kernel said, with its causes.
        reason: String,
    },
}

impl FsError {
    /// The errno that the kernel gets.
    pub fn errno(&self) -> Errno {
        match self {
            Self::NoView => Errno::NOENT,
            Self::NameTooLong => Errno::NAMETOOLONG,
            Self::Stale => Errno::STALE,
            Self::NotADirectory => Errno::NOTDIR,
            Self::IsADirectory => Errno::ISDIR,
            Self::WrongKind => Errno::INVAL,
            Self::NoAttribute => Errno::NODATA,
            Self::BehindEnd => Errno::NXIO,
            Self::Lost { .. } => Errno::IO,
        }
    }
}
