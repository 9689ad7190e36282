//! What a build must not leave: mounts, processes, temporary files.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the kernel may take to clear away what was killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that is left of a test's directory, one line each. Waits for what is just ending.
pub(crate) fn of(dir: &Path, tmp: &Path) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found: Vec<String> = [mounts(dir), processes(dir), files(tmp)].concat();
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Mounts that stay below the directory. Waits for the builds of other
/// tests, whose namespaces were made with copies of them.
pub(crate) fn mounts_left(dir: &Path) -> Vec<String> {
    mounts_but(dir, 0)
}

/// As [`mounts_left`], where so many are meant to stay.
pub(crate) fn mounts_but(dir: &Path, expected: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = mounts(dir);
        if found.len() <= expected || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Mounts below the directory, in the mount namespace of any process.
pub(crate) fn mounts(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let mut found: Vec<String> = pids()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok())
        .flat_map(|table| table.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains(dir))
        .map(|line| format!("mount {line}"))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Processes whose command line names the directory.
pub(crate) fn processes(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    pids()
        .filter_map(|pid| Some((pid, fs::read(format!("/proc/{pid}/cmdline")).ok()?)))
        .map(|(pid, line)| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        .filter(|(_, line)| line.contains(dir))
        .map(|(pid, line)| format!("process {pid} {line}"))
        .collect()
}

/// Whether a process has not ended yet; one that only waits to be reaped has.
pub(crate) fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, Some('Z' | 'X')))
}

fn files(tmp: &Path) -> Vec<String> {
    let entries = fs::read_dir(tmp).into_iter().flatten().flatten();
    entries
        .map(|entry| format!("file {}", entry.path().display()))
        .collect()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Unmounts what is mounted below the directory here, so that it can be removed.
pub(crate) fn clear(dir: &Path) {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let dir = dir.to_str().unwrap();
    for point in table
        .lines()
        .rev()
        .filter_map(|line| line.split(' ').nth(4))
    {
        if point.starts_with(dir) {
            let _ended = Command::new("umount").args(["-l", point]).status();
        }
    }
}
