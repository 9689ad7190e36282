//! The root file system of a step, tried: a FUSE server with an overlay on it, and a file written.

use std::error::Error;
use std::fs;
use std::path::Path;

use iechor_snapshotter::fuse::{FuseOptions, FuseSession, Visibility};
use iechor_snapshotter::mount::OverlayMount;
use iechor_snapshotter::{Chain, SnapshotStore};

use super::Finding;
use super::state_dir::nearest;

const NAME: &str = "overlay on FUSE";

/// Mounts both in a temporary store beside the state, so that it is the same file system.
pub(super) fn overlay_on_fuse(root: &Path) -> Finding {
    match mount_and_write(&nearest(root)) {
        Ok(()) => Finding::ok(NAME, "mounted, written and unmounted"),
        Err(error) => Finding::missing(
            NAME,
            with_causes(&*error),
            "load the modules fuse and overlay; put the state on ext4, xfs or btrfs",
        ),
    }
}

/// Without a mount namespace of its own it would be seen by everybody.
pub(super) fn not_tried() -> Finding {
    Finding::missing(
        NAME,
        "not tried: there is no private mount namespace",
        "see `namespaces`",
    )
}

fn mount_and_write(beside: &Path) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::Builder::new()
        .prefix(".iechor-doctor-")
        .tempdir_in(beside)?;
    let store = SnapshotStore::open(dir.path())?;
    let at = store.mount_point()?;
    let options = FuseOptions::new(Visibility::Private);
    let fuse = FuseSession::start(store.blobs(), &at.path(), options)?;
    let view = fuse.add_view(&Chain::empty(), &[])?;
    let active = store.prepare(&Chain::empty())?;
    let (upper, work, merged) = (active.upper(), active.work(), active.merged());
    let overlay = OverlayMount::new(view.path(), &upper, &work, &merged)?;
    fs::write(merged.join("file"), "written")?;
    overlay.unmount()?;
    Ok(())
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
