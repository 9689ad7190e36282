//! What both sides of a comparison begin with, and the comparison.

use std::path::Path;

use iechor_snapshotter::SnapshotStore;
use iechor_snapshotter::fuse::{FuseOptions, Sessions, Visibility};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

use super::kernel::Kernel;
use super::machine::Machine;
use super::observation::{Observation, coarse, differences, shapes};
use super::ours::Ours;
use crate::model::Model;

/// The layers below every case: something of everything, and a second layer that removes, replaces,
/// hides and moves.
const BASE: [&str; 2] = [
    "mkdir d 755; create d/a aaa; create d/b bbb; link d/b d/c; mkdir d/sub 755; \
     create d/sub/deep deep; mkdir d/sub/er 700; create d/sub/er/x x; mkdir e 755; \
     create gone gone; mkdir gonedir 755; create gonedir/f f; mkdir op 755; create op/old old; \
     mkdir tomove 755; create tomove/f moved; mkdir tomove/in 755; create tomove/in/g g; \
     create exe exe; chmod exe 755; create suid suid; chmod suid 6755; \
     create caps caps; setx caps security.capability hex:0100000200000000000000000000000000000000; \
     create attr attr; setx attr user.k v; setx attr trusted.t w; \
     create listed listed; chmod listed 640; acl listed 2000 4; mkdir defaults 755; default defaults 2000 5; \
     symlink d/a sl; symlink nowhere dangling; symlink d dirlink; symlink loop loop; \
     fifo fifo 600; socket sock 755; char null 1 3 666; block disk 7 0 660; \
     create sparse head; resize sparse 131072; write sparse 131072 tail; fill big 300000; \
     create private private; chmod private 600; chown private 1000 1000; \
     create one one; link one two; link one d/three; mkdir sticky 1777; create sticky/f f; \
     chown sticky/f 1000 1000; fill-dir many 120; create file f; mkdir dir 755; create dir/f f; age",
    "unlink gone; rmtree gonedir; rmtree op; mkdir op 755; create op/new new; rename tomove moved; \
     create moved/h h; unlink file; mkdir file 755; create file/f f; rmtree dir; create dir dir; \
     create d/sub/two two; chmod d/sub 750; unlink many/17; create many/new new; age",
];

/// A place for both sides, with sessions of ours and the base layers on each side.
pub(crate) struct Ground {
    pub(super) ours: Ours,
    pub(super) kernel: Kernel,
    // In the order in which they have to go.
    pub(super) sessions: Sessions,
    _tmpfs: Tmpfs,
}

impl Ground {
    /// The ground of the cases: with the base layers.
    pub(crate) fn new() -> Self {
        let mut ground = Self::bare();
        let (mut ours, mut kernel) = (ground.ours.clone(), ground.kernel.clone());
        for step in BASE {
            let shown = compare_step(&ground, &mut ours, &mut kernel, step);
            shown.unwrap_or_else(|difference| panic!("base: {difference}"));
        }
        (ground.ours, ground.kernel) = (ours, kernel);
        ground
    }

    /// A ground without any layer.
    pub(crate) fn bare() -> Self {
        let tmpfs = Tmpfs::in_own_namespace();
        let store = SnapshotStore::open(&tmpfs.0.path().join("store")).unwrap();
        let options = FuseOptions::new(Visibility::Private);
        Self {
            sessions: Sessions::new(&store, options),
            ours: Ours::new(store),
            kernel: Kernel::new(&tmpfs.0.path().join("kernel")),
            _tmpfs: tmpfs,
        }
    }
}

/// Runs a script on both sides; gives what differs.
pub(crate) fn check(ground: &Ground, script: &str) -> Result<(), String> {
    let (mut ours, mut kernel) = (ground.ours.clone(), ground.kernel.clone());
    script
        .split("//")
        .try_for_each(|step| compare_step(ground, &mut ours, &mut kernel, step))
}

/// Runs a script on our side and on a model; gives what differs.
pub(crate) fn check_against(
    ground: &Ground,
    script: &str,
    model: &mut Model,
) -> Result<(), String> {
    let mut ours = ground.ours.clone();
    for step in script.split("//") {
        let (said, expected) = model.step(step);
        let (found, committed) = ours.step(&ground.sessions, |root| run(root, step));
        same_words(&found.said, &said)?;
        differences(
            "over our mount",
            &shapes(&found.tree),
            "in the model",
            &expected,
        )?;
        same_committed(&committed, &found)?;
    }
    Ok(())
}

fn compare_step(
    ground: &Ground,
    ours: &mut Ours,
    kernel: &mut Kernel,
    step: &str,
) -> Result<(), String> {
    let (found, committed) = ours.step(&ground.sessions, |root| run(root, step));
    let expected = kernel.step(|root| run(root, step));
    same_words(&found.said, &expected.said)?;
    differences(
        "over our mount",
        &coarse(&found.tree),
        "plainly",
        &coarse(&expected.tree),
    )?;
    same_committed(&committed, &found)
}

fn same_committed(committed: &[Observation; 2], found: &Report) -> Result<(), String> {
    let [through_kernel, directly] = committed;
    differences("committed", through_kernel, "in the step", &found.tree)?;
    differences("asked directly", directly, "in the step", &found.tree)
}

/// What a step said and left.
pub(super) struct Report {
    said: Vec<String>,
    tree: Observation,
}

fn run(root: &Path, step: &str) -> Report {
    let mut machine = Machine::enter(root);
    let said = machine.run_all(step);
    drop(machine);
    Report {
        said,
        tree: super::observation::observe(root),
    }
}

fn same_words(found: &[String], expected: &[String]) -> Result<(), String> {
    match found
        .iter()
        .zip(expected)
        .find(|(found, expected)| found != expected)
    {
        Some((found, expected)) => Err(format!("  {found}\n  but plainly: {expected}")),
        None => Ok(()),
    }
}

/// A memory file system in a mount namespace of this thread's own.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn in_own_namespace() -> Self {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = Some("mode=755,size=2g");
        mount(
            Some("tmpfs"),
            dir.path(),
            Some("tmpfs"),
            MsFlags::empty(),
            options,
        )
        .unwrap();
        Self(dir)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}
