//! A mounted file system and the threads that answer for it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use fuser::{Config, Notifier, Session, SessionACL};

use super::adapter::Adapter;
use super::{FuseError, FuseOptions};
use crate::chainfs::ChainFs;
use crate::mount::{Attached, FsContext, MountError, abort, detach};

/// Where the kernel's side of FUSE is opened.
pub(super) const DEVICE: &str = "/dev/fuse";

/// A mounted file system. Dropped, it is unmounted and its threads have ended.
#[derive(Debug)]
pub(super) struct Server {
    attached: Option<Attached>,
    threads: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    /// Mounts a file system on the directory `at` and starts to answer.
    ///
    /// The mount appears when handshake and threads stand, so that whoever sees it gets answers.
    pub(super) fn start(
        fs: Arc<ChainFs>,
        at: &Path,
        options: FuseOptions,
    ) -> Result<(Self, Notifier), FuseError> {
        let device = open_device()?;
        let context = configure(&device)?;
        context.create()?;
        let session = handshake(fs, device, options)?;
        let notifier = session.notifier();
        // From here on a failure drops the context, which ends the connection and the threads.
        let threads = serve(session)?;
        let attached = context.attach(at, options.protection())?;
        Ok((
            Self {
                attached: Some(attached),
                threads: Some(threads),
            },
            notifier,
        ))
    }

    /// Where it is mounted.
    pub(super) fn at(&self) -> &Path {
        self.attached.as_ref().map_or(Path::new(""), Attached::at)
    }

    /// Unmounts and waits for the threads.
    pub(super) fn stop(mut self) -> Result<(), FuseError> {
        self.unmount()?;
        self.join()
    }

    /// Takes the mount out of the tree; the threads answer as long as anything uses it.
    pub(super) fn leave_tree(&mut self) -> Result<(), FuseError> {
        let at = self.attached.take().map(Attached::release);
        Ok(at.map_or(Ok(()), |at| detach(&at))?)
    }

    /// Waits until somebody unmounts it.
    pub(super) fn wait(mut self) -> Result<(), FuseError> {
        let served = self.join();
        if let Some(attached) = self.attached.take() {
            // Whatever is mounted there now is somebody else's.
            attached.release();
        }
        served
    }

    /// Unmounts plainly; when something uses the mount, breaks the connection, so that what still
    /// uses it gets `ENOTCONN`, and says what was in the way.
    fn unmount(&mut self) -> Result<(), MountError> {
        let Some(attached) = self.attached.take() else {
            return Ok(());
        };
        let at = attached.at().to_owned();
        attached.unmount().inspect_err(|_| {
            if abort(&at).is_err() {
                // Not ours to end any more: it was detached by somebody and still has users.
                self.threads = None;
            }
        })
    }

    fn join(&mut self) -> Result<(), FuseError> {
        match self.threads.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(FuseError::Server(error)),
            Some(Err(_)) => Err(FuseError::Server(io::Error::other("a thread panicked"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A drop has nobody to tell; after a failed unmount the connection is broken, so that the
        // threads end all the same.
        let _ = self.unmount();
        let _ = self.join();
    }
}

fn open_device() -> Result<OwnedFd, FuseError> {
    let device: File = OpenOptions::new()
        .read(true)
        .write(true)
        .open(DEVICE)
        .map_err(FuseError::Device)?;
    Ok(device.into())
}

/// Sets the options of the mount: permissions are the kernel's to check, for every user.
fn configure(device: &OwnedFd) -> Result<FsContext, MountError> {
    let context = FsContext::open("fuse")?;
    context.set("subtype", "iechor")?;
    context.set("fd", device.as_raw_fd())?;
    context.set("rootmode", "40000")?;
    context.set("user_id", rustix::process::geteuid().as_raw())?;
    context.set("group_id", rustix::process::getegid().as_raw())?;
    context.set_flag("default_permissions")?;
    context.set_flag("allow_other")?;
    context.set_flag("ro")?;
    Ok(context)
}

fn handshake(
    fs: Arc<ChainFs>,
    device: OwnedFd,
    options: FuseOptions,
) -> Result<Session<Adapter>, FuseError> {
    let mut config = Config::default();
    config.acl = SessionACL::All;
    config.n_threads = Some(options.threads.get());
    config.clone_fd = true;
    Session::from_fd(Adapter::new(fs, options.xattrs), device, config.acl, config)
        .map_err(FuseError::Handshake)
}

/// Answers requests on threads of its own until the file system is unmounted.
fn serve(session: Session<Adapter>) -> Result<JoinHandle<io::Result<()>>, FuseError> {
    thread::Builder::new()
        .name("iechor-fuse".to_owned())
        .spawn(move || session.run())
        .map_err(FuseError::Thread)
}
