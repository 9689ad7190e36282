//! A session that shows views of chains, and the mount of a single chain.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{INodeNo, Notifier};

use super::server::Server;
use super::{FuseError, FuseOptions, Xattrs};
use crate::blob::BlobStore;
use crate::chain::Chain;
use crate::chainfs::{ChainFs, Faults, Ino, ViewId, VirtualEntry};

/// One FUSE mount that shows any number of chains, each as a directory of its own.
///
/// Keep one for all steps of a build: what the kernel has read for a step it still has for the
/// next. Dropped, it is unmounted and its threads have ended.
#[derive(Debug)]
pub struct FuseSession {
    server: Server,
    shown: Arc<Shown>,
    xattrs: Xattrs,
}

/// What a session shows; outlives it as long as a view does.
#[derive(Debug)]
struct Shown {
    fs: Arc<ChainFs>,
    notifier: Notifier,
    /// Views that are gone and that the kernel may still know, oldest first.
    retired: Mutex<VecDeque<ViewId>>,
}

impl FuseSession {
    /// Mounts a session without views on the directory `at`. Contents come from `blobs`.
    ///
    /// # Errors
    ///
    /// [`FuseError::Device`] without FUSE; [`FuseError::Mount`] when `at` is no directory, or
    /// without `CAP_SYS_ADMIN`.
    pub fn start(blobs: &BlobStore, at: &Path, options: FuseOptions) -> Result<Self, FuseError> {
        let fs = Arc::new(ChainFs::of_views(blobs));
        let (server, notifier) = Server::start(Arc::clone(&fs), at, options)?;
        let shown = Arc::new(Shown {
            fs,
            notifier,
            retired: Mutex::default(),
        });
        Ok(Self {
            server,
            shown,
            xattrs: options.xattrs,
        })
    }

    /// Mounts a single chain on the directory `at`, its root being the chain's. Of extended
    /// attributes it says what the chain needs, whatever the options say.
    ///
    /// # Errors
    ///
    /// As [`FuseSession::start`].
    pub fn serve_chain(
        blobs: &BlobStore,
        chain: &Chain,
        at: &Path,
        options: FuseOptions,
    ) -> Result<ServedChain, FuseError> {
        let fs = Arc::new(ChainFs::of_chain(chain, blobs)?);
        let options = options.with(Xattrs::of(chain));
        let (server, _) = Server::start(Arc::clone(&fs), at, options)?;
        Ok(ServedChain { server, fs })
    }

    /// Shows a chain, with virtual entries where the chain has nothing.
    ///
    /// # Errors
    ///
    /// [`FuseError::View`] when a virtual entry has no place in the chain; [`FuseError::Xattrs`] when
    /// the chain has extended attributes and the session none.
    pub fn add_view(&self, chain: &Chain, stubs: &[VirtualEntry]) -> Result<View, FuseError> {
        if self.xattrs == Xattrs::Absent && chain.has_xattrs() {
            return Err(FuseError::Xattrs);
        }
        let id = self.shown.fs.add_view(chain, stubs)?;
        self.shown.list_changed();
        let path = self.path().join(id.to_string());
        Ok(View {
            shown: Arc::clone(&self.shown),
            id,
            path,
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.server.at()
    }

    /// What went wrong so far. Look here before a step counts as done.
    pub fn faults(&self) -> &Faults {
        self.shown.fs.faults()
    }

    /// Unmounts and waits for the server's threads.
    ///
    /// # Errors
    ///
    /// [`FuseError::Mount`] with `EBUSY` when something still used it: it is gone nevertheless, and
    /// what used it gets `ENOTCONN`.
    pub fn stop(self) -> Result<(), FuseError> {
        self.server.stop()
    }
}

/// A chain as a directory of a session, for as long as this lives.
#[derive(Debug)]
pub struct View {
    shown: Arc<Shown>,
    id: ViewId,
    path: PathBuf,
}

impl View {
    /// The root of the chain. No other view of the session has had or will have this path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The paths that virtual entries add to the chain, from the root and without links, parents
    /// first: what the commit of a step on this view must not take for changes.
    pub fn added_paths(&self) -> Vec<PathBuf> {
        self.shown.fs.added_paths(self.id)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.shown.fs.remove_view(self.id);
        self.shown.retire(self.id);
        self.shown.list_changed();
    }
}

impl Shown {
    /// How many views the kernel may know that are gone. It drops the pages of a file with the last
    /// name that it knows of it; so the names of the last steps stay until the next have theirs.
    const RETIRED_MAX: usize = 8;

    /// Makes the kernel forget its list of the views.
    fn list_changed(&self) {
        // It has none to forget, or is unmounted: both are well.
        let _ = self.notifier.inval_inode(INodeNo(Ino::ROOT.get()), 0, 0);
    }

    fn retire(&self, id: ViewId) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.push_back(id);
        if retired.len() > Self::RETIRED_MAX
            && let Some(oldest) = retired.pop_front()
        {
            let root = INodeNo(Ino::ROOT.get());
            let _ = self
                .notifier
                .inval_entry(root, OsStr::new(&oldest.to_string()));
        }
    }
}

/// A chain that is mounted by itself, for as long as this lives or until somebody unmounts it.
#[derive(Debug)]
pub struct ServedChain {
    server: Server,
    fs: Arc<ChainFs>,
}

impl ServedChain {
    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.server.at()
    }

    /// What went wrong so far.
    pub fn faults(&self) -> &Faults {
        self.fs.faults()
    }

    /// Takes it out of the tree of mounts. What uses it keeps it, above all an overlay of which it
    /// is the lower: [`ServedChain::wait`] returns when the last of that is unmounted.
    ///
    /// # Errors
    ///
    /// [`FuseError::Mount`] when somebody has unmounted it already.
    pub fn leave_tree(&mut self) -> Result<(), FuseError> {
        self.server.leave_tree()
    }

    /// Serves until somebody unmounts it.
    ///
    /// # Errors
    ///
    /// [`FuseError::Server`] when the connection to the kernel breaks.
    pub fn wait(self) -> Result<(), FuseError> {
        self.server.wait()
    }

    /// Unmounts and waits for the server's threads.
    ///
    /// # Errors
    ///
    /// As [`FuseSession::stop`].
    pub fn stop(self) -> Result<(), FuseError> {
        self.server.stop()
    }
}
