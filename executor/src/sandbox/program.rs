//! The sealed copy of this program that steps start from.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// A copy of the running program in memory that nobody can change, so that a step that gets hold of
/// `/proc/1/exe` cannot reach the program on disk through it (CVE-2019-5736).
#[derive(Debug)]
pub(crate) struct SealedProgram(OwnedFd);

impl SealedProgram {
    /// Copies `/proc/self/exe`.
    pub(crate) fn copy() -> io::Result<Self> {
        let mut copy = File::from(executable_memfd()?);
        io::copy(&mut File::open("/proc/self/exe")?, &mut copy)?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&copy, seals)?;
        Ok(Self(copy.into()))
    }
}

impl AsFd for SealedProgram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Kernels before 6.3 do not know the flag that asks for an executable file, and need none.
fn executable_memfd() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let executable = MemfdFlags::from_bits_retain(libc::MFD_EXEC);
    match memfd_create("iechor", flags | executable) {
        Err(Errno::INVAL) => memfd_create("iechor", flags),
        result => result,
    }
}
