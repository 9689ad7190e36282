//! Requests of the kernel, one method each: take apart, ask [`ChainFs`], answer.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fuser::{
    AccessFlags, Errno, FileHandle, Filesystem, Generation, INodeNo, InitFlags, IoctlFlags,
    KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyXattr, Request,
};

use super::Xattrs;
use super::convert::{FOR_EVER, absent, errno, file_attr, file_type, ino, number};
use super::readahead::ReadAhead;
use crate::chainfs::{ChainFs, FsError, Seek, Sink, Totals};

/// What this server wants from the kernel; what a kernel does not know is left out.
///
/// `FUSE_EXPORT_SUPPORT` is missing on purpose. Overlayfs keeps the file handle of a lower file with
/// its copy, and finds the lower file by it when the caches were dropped. What FUSE finds so has no
/// name, and fails each time that it is looked at again: every file that a step had changed was
/// ESTALE once memory had been short. Without, only what the kernel still knows is found.
const WANTED: [InitFlags; 6] = [
    // Each name that is listed is known with its attributes, without another request.
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_NO_OPEN_SUPPORT,
    InitFlags::FUSE_NO_OPENDIR_SUPPORT,
    InitFlags::FUSE_CACHE_SYMLINKS,
    InitFlags::FUSE_PARALLEL_DIROPS,
    // Access control lists of an image count, and are kept like other metadata.
    InitFlags::FUSE_POSIX_ACL,
];

/// Largest answer to READ, in bytes: the kernel's limit for one request (256 pages).
const READ_MAX: u32 = 1 << 20;

/// How many read-ahead requests may wait for an answer.
const BACKGROUND_MAX: u16 = 64;

thread_local! {
    /// Where contents pass through on their way from a blob to the kernel.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The library's view of [`ChainFs`].
#[derive(Debug)]
pub(super) struct Adapter {
    fs: Arc<ChainFs>,
    xattrs: Xattrs,
    ahead: ReadAhead,
}

impl Adapter {
    pub(super) fn new(fs: Arc<ChainFs>, xattrs: Xattrs) -> Self {
        let ahead = ReadAhead::default();
        Self { fs, xattrs, ahead }
    }

    /// Runs one operation. A panic in it fails this request alone.
    fn ask<T>(&self, operation: impl FnOnce(&ChainFs) -> Result<T, FsError>) -> Result<T, Errno> {
        match catch_unwind(AssertUnwindSafe(|| operation(&self.fs))) {
            Ok(answer) => answer.map_err(|error| errno(&error)),
            Err(_) => {
                self.fs.faults().record("a request ended in a panic");
                Err(Errno::EIO)
            }
        }
    }
}

// Requests that would change something are missing: the file system is read-only, so the kernel
// refuses them itself and never sends one.
impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for capability in WANTED {
            // Each is an optimisation or, for lists of access rights, an addition.
            let _ = config.add_capabilities(capability);
        }
        let too_much = |limit| io::Error::other(format!("the kernel's limit is {limit}"));
        // The library derives the number of pages in one request, reads included, from this.
        config.set_max_write(READ_MAX).map_err(too_much)?;
        config
            .set_max_background(BACKGROUND_MAX)
            .map_err(|limit| too_much(limit.into()))?;
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.ask(|fs| fs.lookup(ino(parent), name.as_bytes())) {
            Ok(Some(attr)) => reply.entry(&FOR_EVER, &file_attr(&attr), Generation(0)),
            Ok(None) => reply.entry(&FOR_EVER, &absent(), Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn forget(&self, _: &Request, number: INodeNo, lookups: u64) {
        // There is nobody to answer.
        let _ = self.ask(|fs| {
            fs.forget(ino(number), lookups);
            Ok(())
        });
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.ask(|fs| fs.getattr(ino(number))) {
            Ok(attr) => reply.attr(&FOR_EVER, &file_attr(&attr)),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _: &Request, number: INodeNo, reply: ReplyData) {
        match self.ask(|fs| fs.readlink(ino(number))) {
            Ok(target) => reply.data(&target),
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(size.min(READ_MAX) as usize, 0);
            match self.ask(|fs| fs.read(ino(number), offset, buffer)) {
                Ok(length) => reply.data(buffer.get(..length).unwrap_or_default()),
                Err(errno) => reply.error(errno),
            }
        });
        if offset == 0 {
            self.ahead.note(&self.fs, ino(number));
        }
    }

    fn readdir(
        &self,
        _: &Request,
        dir: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.ask(|fs| {
            fs.readdir(ino(dir), offset, |entry| {
                let (kind, name) = (file_type(entry.kind), OsStr::from_bytes(entry.name));
                full(reply.add(number(entry.ino), entry.next, kind, name))
            })
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdirplus(
        &self,
        _: &Request,
        dir: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.ask(|fs| {
            fs.readdirplus(ino(dir), offset, |entry| {
                let (attr, name) = (file_attr(&entry.attr), OsStr::from_bytes(entry.name));
                full(reply.add(attr.ino, entry.next, name, &FOR_EVER, &attr, Generation(0)))
            })
        });
        match listed {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn getxattr(&self, _: &Request, number: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        if self.xattrs == Xattrs::Absent {
            // As below: the kernel remembers it.
            return reply.error(Errno::ENOSYS);
        }
        match self.ask(|fs| fs.getxattr(ino(number), name.as_bytes())) {
            Ok(value) => answer_sized(&value, size, reply),
            Err(errno) => reply.error(errno),
        }
    }

    fn listxattr(&self, _: &Request, number: INodeNo, size: u32, reply: ReplyXattr) {
        match self.ask(|fs| fs.listxattr(ino(number))) {
            Ok(names) => answer_sized(&names, size, reply),
            Err(errno) => reply.error(errno),
        }
    }

    fn lseek(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let Some(seek) = seek(whence) else {
            return reply.error(Errno::EINVAL);
        };
        // No file has a place before its beginning, which the kernel's file systems call ENXIO too.
        let Ok(offset) = u64::try_from(offset) else {
            return reply.error(Errno::ENXIO);
        };
        match self.ask(|fs| fs.lseek(ino(number), offset, seek)) {
            Ok(found) => reply.offset(i64::try_from(found).unwrap_or(i64::MAX)),
            Err(errno) => reply.error(errno),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.ask(|fs| Ok(fs.statfs())) {
            Ok(Totals { inodes }) => {
                reply.statfs(
                    0,
                    0,
                    0,
                    inodes,
                    0,
                    Totals::BLOCK,
                    Totals::NAME_MAX,
                    Totals::BLOCK,
                );
            }
            Err(errno) => reply.error(errno),
        }
    }

    // Refused once and for all: the kernel remembers ENOSYS for the connection, goes on without,
    // and asks no more. An open file then keeps its pages, an open directory its entries.

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    // No file has flags, and overlayfs asks for them before it copies up and sets some. Every other
    // ioctl is refused.
    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        command: u32,
        _: &[u8],
        room: u32,
        reply: ReplyIoctl,
    ) {
        match no_flags(command) {
            Some(flags) if flags.len() == room as usize => reply.ioctl(0, flags),
            _ => reply.error(Errno::ENOTTY),
        }
    }
}

/// What is read of a file without flags, if that is what is asked (ioctl_iflags(2), ioctl_xfs_fsgetxattr(2)).
fn no_flags(command: u32) -> Option<&'static [u8]> {
    const FS_IOC_GETFLAGS: u32 = 0x8008_6601;
    const FS_IOC_FSGETXATTR: u32 = 0x801c_581f;
    match command {
        FS_IOC_GETFLAGS => Some(&[0; 4]),
        FS_IOC_FSGETXATTR => Some(&[0; 28]),
        _ => None,
    }
}

/// What the library says of an entry that it was given.
fn full(is_full: bool) -> Sink {
    if is_full { Sink::Full } else { Sink::Took }
}

fn seek(whence: i32) -> Option<Seek> {
    match whence {
        libc::SEEK_DATA => Some(Seek::Data),
        libc::SEEK_HOLE => Some(Seek::Hole),
        _ => None,
    }
}

/// Answers with a value, or with its length when the kernel has room for nothing.
fn answer_sized(value: &[u8], size: u32, reply: ReplyXattr) {
    match u32::try_from(value.len()) {
        Ok(length) if size == 0 => reply.size(length),
        Ok(length) if length <= size => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SnapshotStore;

    #[test]
    fn a_panic_fails_its_request_and_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(&dir.path().join("store")).unwrap();
        let adapter = Adapter::new(Arc::new(ChainFs::of_views(store.blobs())), Xattrs::Served);
        let answer = adapter.ask(|_| -> Result<(), FsError> { panic!("on purpose") });
        assert_eq!(answer, Err(Errno::EIO));
        assert_eq!(adapter.fs.faults().count(), 1);
        assert_eq!(adapter.ask(|fs| Ok(fs.statfs().inodes)), Ok(0));
    }
}
