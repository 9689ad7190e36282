//! Mounts that outlive their command. Needs root and /dev/fuse.
//!
//! The server of a mount is a fork of who mounts, and that must have one thread: so this test has a
//! `main` of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "it reports its tests itself")]

#[expect(dead_code, reason = "shared with the other tests of this crate")]
#[path = "manage/support.rs"]
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use iechor_engine::mounts::{self, MountError, MountRecord, MountRequest, MountState, Writes};
use iechor_engine::prune::{self, PruneRequest};
use iechor_engine::reference::Selector;
use iechor_snapshotter::Chain;
use rustix::process::{Pid, Signal};

use support::{NOW, TestState, told};

const TESTS: &[(&str, fn())] = &[
    (
        "a_mount_shows_the_files_and_ends_without_a_trace",
        a_mount_shows_the_files,
    ),
    (
        "a_mount_is_read_only_without_devices_and_setuid",
        a_mount_is_protected,
    ),
    (
        "a_mount_point_of_the_users_stays",
        a_mount_point_of_the_users_stays,
    ),
    (
        "what_is_mounted_is_not_pruned",
        what_is_mounted_is_not_pruned,
    ),
    (
        "a_dead_server_is_found_named_and_cleared",
        a_dead_server_is_cleared,
    ),
    ("a_mount_that_is_used_says_so", a_mount_that_is_used_says_so),
    ("bad_mount_points_are_refused", bad_mount_points_are_refused),
    (
        "a_server_that_cannot_start_leaves_nothing",
        a_server_that_cannot_start_leaves_nothing,
    ),
    (
        "mounts_end_by_id_by_directory_and_all_at_once",
        mounts_end_in_every_way,
    ),
    (
        "an_empty_image_can_be_mounted",
        an_empty_image_can_be_mounted,
    ),
    (
        "a_long_chain_mounts_as_fast_as_a_short_one",
        a_long_chain_mounts_fast,
    ),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(*part));
    let failed = TESTS
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .filter(|test| !passes(test));
    ExitCode::from(u8::from(failed.count() > 0))
}

fn passes((name, test): &(&str, fn())) -> bool {
    let passed = catch_unwind(AssertUnwindSafe(test)).is_ok();
    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    passed
}

/// A state directory whose mounts end with it, whatever the test does.
struct Mounted(TestState);

impl std::ops::Deref for Mounted {
    type Target = TestState;

    fn deref(&self) -> &TestState {
        &self.0
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for mount in iechor_snapshotter::mount::mounts().unwrap() {
            if mount.at.starts_with(self.dir.path()) {
                let _ = iechor_snapshotter::mount::detach(&mount.at);
            }
        }
    }
}

impl Mounted {
    /// A state directory with the image `app`, which has one file.
    fn new() -> Self {
        let state = TestState::new();
        let chain = state.layer(&Chain::empty(), &[("etc/hello", "world\n")]);
        state.finish(&chain, &["app"], &[]);
        Self(state)
    }

    fn mount(&self, dir: Option<&Path>) -> Result<MountRecord, MountError> {
        self.mount_of("app", dir)
    }

    fn mount_of(&self, name: &str, dir: Option<&Path>) -> Result<MountRecord, MountError> {
        let request = MountRequest {
            what: &Selector::Named(name.into()),
            dir,
            writes: Writes::Refused,
        };
        mounts::mount(&self.engine, request, NOW)
    }

    /// Nothing of ours is mounted, recorded or running below this state directory.
    fn assert_nothing_left(&self) {
        let mounted = iechor_snapshotter::mount::mounts().unwrap();
        assert!(
            !mounted
                .iter()
                .any(|mount| mount.at.starts_with(self.dir.path()))
        );
        for dir in ["mounts", "mnt"] {
            let entries = fs::read_dir(self.engine.root().join(dir))
                .into_iter()
                .flatten();
            assert_eq!(entries.count(), 0, "{dir}");
        }
    }
}

/// Processes that serve a mount of this state directory: their standard input is its record.
fn servers(root: &Path) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let pid: i32 = path.file_name()?.to_str()?.parse().ok()?;
        let input = fs::read_link(path.join("fd/0")).ok()?;
        let is_ours = input.starts_with(root.join("mounts"));
        is_ours.then(|| Pid::from_raw(pid)).flatten()
    });
    processes.collect()
}

fn options_of(dir: &Path) -> String {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = table
        .lines()
        .find(|line| line.split(' ').nth(4) == dir.to_str())
        .unwrap();
    line.to_owned()
}

fn a_mount_shows_the_files() {
    let state = Mounted::new();
    let record = state.mount(None).unwrap();
    assert!(record.dir.starts_with(state.engine.root()));
    assert_eq!(
        fs::read_to_string(record.dir.join("etc/hello")).unwrap(),
        "world\n"
    );
    let listed = mounts::list(&state.engine).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].record, listed[0].state),
        (&record, MountState::Alive)
    );
    assert_eq!(mounts::umount(&state.engine, &record.id).unwrap(), record);
    state.assert_nothing_left();
}

fn a_mount_is_protected() {
    let state = Mounted::new();
    let record = state.mount(None).unwrap();
    let options = options_of(&record.dir);
    for option in ["ro", "nosuid", "nodev"] {
        let given = options.split(' ').nth(5).unwrap();
        assert!(
            given.split(',').any(|word| word == option),
            "{option}: {options}"
        );
    }
    assert!(options.contains(" fuse.iechor iechor "), "{options}");
    let error = fs::write(record.dir.join("new"), "x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    mounts::umount(&state.engine, &record.id).unwrap();
}

fn a_mount_point_of_the_users_stays() {
    let state = Mounted::new();
    let dir = state.path("here");
    fs::create_dir(&dir).unwrap();
    symlink(&dir, state.path("link")).unwrap();
    let record = state.mount(Some(&state.path("link"))).unwrap();
    assert_eq!(
        record.dir,
        fs::canonicalize(state.dir.path()).unwrap().join("here")
    );
    assert!(dir.join("etc/hello").exists());
    mounts::umount(&state.engine, dir.to_str().unwrap()).unwrap();
    assert!(dir.is_dir() && !dir.join("etc").exists());
    state.assert_nothing_left();
}

fn what_is_mounted_is_not_pruned() {
    let state = Mounted::new();
    let record = state.mount(None).unwrap();
    iechor_engine::images::remove(&state.engine, "app", Default::default()).unwrap();
    let plan = prune::plan(&state.engine, &PruneRequest::everything(), NOW).unwrap();
    let report = prune::apply(&state.engine, plan).unwrap();
    assert!(report.items.is_empty(), "{report:#?}");
    assert_eq!(
        fs::read_to_string(record.dir.join("etc/hello")).unwrap(),
        "world\n"
    );
    mounts::umount(&state.engine, &record.id).unwrap();
    let plan = prune::plan(&state.engine, &PruneRequest::everything(), NOW).unwrap();
    assert_eq!(prune::apply(&state.engine, plan).unwrap().items.len(), 1);
}

fn a_dead_server_is_cleared() {
    let state = Mounted::new();
    let record = state.mount(None).unwrap();
    let servers = servers(state.engine.root());
    assert_eq!(servers.len(), 1);
    rustix::process::kill_process(servers[0], Signal::KILL).unwrap();
    rustix::process::waitpid(Some(servers[0]), rustix::process::WaitOptions::empty()).unwrap();
    assert!(fs::read_dir(&record.dir).is_err(), "the mount is dead");
    let listed = mounts::list(&state.engine).unwrap();
    assert_eq!(
        (&listed[0].record, listed[0].state),
        (&record, MountState::Dead)
    );
    assert!(mounts::list(&state.engine).unwrap().is_empty(), "told once");
    state.assert_nothing_left();
}

fn a_mount_that_is_used_says_so() {
    let state = Mounted::new();
    let record = state.mount(None).unwrap();
    let open = fs::File::open(record.dir.join("etc/hello")).unwrap();
    let error = mounts::umount(&state.engine, &record.id).unwrap_err();
    assert!(
        matches!(&error, MountError::Busy { dir, .. } if *dir == record.dir),
        "{error}"
    );
    assert!(record.dir.join("etc/hello").exists(), "it still is mounted");
    drop(open);
    mounts::umount(&state.engine, &record.id).unwrap();
    state.assert_nothing_left();
}

fn bad_mount_points_are_refused() {
    let state = Mounted::new();
    let file = state.path("file");
    fs::write(&file, "").unwrap();
    for bad in [&file, &state.path("missing")] {
        let error = state.mount(Some(bad)).unwrap_err();
        assert!(
            matches!(&error, MountError::NotADirectory(dir) if dir == bad),
            "{error}"
        );
    }
    let record = state.mount(None).unwrap();
    let error = state.mount(Some(&record.dir)).unwrap_err();
    assert!(
        matches!(&error, MountError::InUse(dir) if *dir == record.dir),
        "{error}"
    );
    let error = mounts::umount(&state.engine, "/nowhere").unwrap_err();
    assert!(
        matches!(&error, MountError::NotMounted(dir) if dir == "/nowhere"),
        "{error}"
    );
    mounts::umount_all(&state.engine).unwrap();
    state.assert_nothing_left();
}

fn a_server_that_cannot_start_leaves_nothing() {
    let state = Mounted::new();
    state.mount_of("unknown", None).unwrap_err();
    state.assert_nothing_left();
    let error = with_another_thread(|| state.mount(None).unwrap_err());
    assert!(told(&error).contains("2 threads"), "{}", told(&error));
    state.assert_nothing_left();
    let layer = only_file(&state.engine.root().join("layers"));
    fs::OpenOptions::new()
        .write(true)
        .open(&layer)
        .unwrap()
        .set_len(40)
        .unwrap();
    let error = told(&state.mount(None).unwrap_err());
    assert!(error.contains(layer.to_str().unwrap()), "{error}");
    state.assert_nothing_left();
}

fn with_another_thread<T>(act: impl FnOnce() -> T) -> T {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || ended.recv());
        let done = act();
        drop(end);
        done
    })
}

fn only_file(dir: &Path) -> PathBuf {
    let entry = fs::read_dir(dir).unwrap().next().unwrap().unwrap();
    match entry.path() {
        path if path.is_dir() => only_file(&path),
        path => path,
    }
}

fn mounts_end_in_every_way() {
    let state = Mounted::new();
    let records: Vec<_> = (0..4).map(|_| state.mount(None).unwrap()).collect();
    assert_eq!(
        mounts::umount(&state.engine, &records[0].id[..11]).unwrap(),
        records[0]
    );
    assert_eq!(
        mounts::umount(&state.engine, records[1].dir.to_str().unwrap()).unwrap(),
        records[1]
    );
    assert_eq!(mounts::umount_all(&state.engine).unwrap().len(), 2);
    state.assert_nothing_left();
}

fn an_empty_image_can_be_mounted() {
    let state = Mounted::new();
    state.finish(&Chain::empty(), &["app"], &[]);
    let record = state.mount(None).unwrap();
    assert_eq!(
        (
            record.snapshot.as_ref(),
            fs::read_dir(&record.dir).unwrap().count()
        ),
        (None, 0)
    );
    mounts::umount(&state.engine, &record.id).unwrap();
}

fn a_long_chain_mounts_fast() {
    let state = Mounted::new();
    let short = median_mount(&state);
    let mut chain = Chain::empty();
    for layer in 0..100 {
        chain = state.layer(&chain, &[(&format!("dir/{layer}"), "x")]);
    }
    state.finish(&chain, &["app"], &[]);
    let long = median_mount(&state);
    println!("mount of 1 layer {short:?}, of 100 layers {long:?}");
    assert!(
        long < short * 4 + Duration::from_millis(50),
        "{long:?} against {short:?}"
    );
}

fn median_mount(state: &Mounted) -> Duration {
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            let record = state.mount(None).unwrap();
            let took = begun.elapsed();
            mounts::umount(&state.engine, &record.id).unwrap();
            took
        })
        .collect();
    times.sort();
    times[4]
}
