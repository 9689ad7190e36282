//! A control group for each step: how many processes it may have, which devices it may open, and
//! whether the kernel killed it for memory.
//!
//! All of it is best effort, a second line behind namespaces and `nodev`: a host that does not let
//! the builder make groups builds without them.

mod hierarchy;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use hierarchy::{Hierarchy, Kind};

/// Processes and threads that a step may have at once.
const MAX_PIDS: &str = "4096";

/// In the words of the v1 controller: any node may be made, for packages bring some along; only the
/// devices of a step's `/dev`, and its terminals, may be used.
const DEVICES: [&str; 10] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rw",
    "c 1:5 rw",
    "c 1:7 rw",
    "c 1:8 rw",
    "c 1:9 rw",
    "c 5:0 rw",
    "c 5:2 rw",
    "c 136:* rw",
];

/// Names of step groups: this, the builder's process id, a number.
const PREFIX: &str = "iechor-";

/// Where step groups are made.
#[derive(Debug)]
pub(crate) struct CgroupRoot {
    hierarchies: Vec<Hierarchy>,
}

impl CgroupRoot {
    /// Finds the usable hierarchies, and removes groups of builders that were killed.
    pub(crate) fn find() -> Self {
        let hierarchies = hierarchy::usable().unwrap_or_default();
        hierarchies
            .iter()
            .for_each(|hierarchy| remove_stale(&hierarchy.parent));
        Self { hierarchies }
    }

    /// Makes the groups of one step.
    pub(crate) fn create(&self) -> Cgroup {
        static CREATED: AtomicU64 = AtomicU64::new(0);
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", process::id());
        let create =
            |hierarchy: &Hierarchy| Group::create(hierarchy.kind, hierarchy.parent.join(&name));
        Cgroup {
            groups: self
                .hierarchies
                .iter()
                .filter_map(|h| create(h).ok())
                .collect(),
        }
    }
}

/// The groups of one step, one for each hierarchy; removed when dropped.
#[derive(Debug)]
pub(crate) struct Cgroup {
    groups: Vec<Group>,
}

impl Cgroup {
    /// Moves init, and so all that it starts, into the groups that it cannot join by itself.
    pub(crate) fn admit(&self, pid: i32) {
        for group in self
            .groups
            .iter()
            .filter(|group| group.kind == Kind::Unified)
        {
            let _ = group.set("cgroup.procs", &pid.to_string());
        }
    }

    /// Files to which init writes `0` to join the other groups. A thread that moves itself need not
    /// wait until every processor of the host has passed a quiet state; being moved takes 15 ms.
    pub(crate) fn doors(&self) -> Vec<PathBuf> {
        let groups = self
            .groups
            .iter()
            .filter(|group| group.kind != Kind::Unified);
        groups.map(|group| group.path.join("tasks")).collect()
    }

    /// Whether the kernel killed a process of the step for want of memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        self.groups.iter().any(Group::out_of_memory)
    }
}

#[derive(Debug)]
struct Group {
    kind: Kind,
    path: PathBuf,
}

impl Group {
    fn create(kind: Kind, path: PathBuf) -> io::Result<Self> {
        fs::create_dir(&path)?;
        // From here on dropping it removes the directory.
        let group = Self { kind, path };
        group.limit()?;
        Ok(group)
    }

    fn limit(&self) -> io::Result<()> {
        match self.kind {
            Kind::Unified | Kind::Pids => self.set("pids.max", MAX_PIDS),
            Kind::Memory => Ok(()),
            Kind::Devices => {
                self.set("devices.deny", "a")?;
                DEVICES
                    .iter()
                    .try_for_each(|device| self.set("devices.allow", device))
            }
        }
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    fn out_of_memory(&self) -> bool {
        let events = match self.kind {
            Kind::Unified => "memory.events",
            Kind::Memory => "memory.oom_control",
            Kind::Pids | Kind::Devices => return false,
        };
        fs::read_to_string(self.path.join(events)).is_ok_and(|events| counts_oom_kill(&events))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One that cannot be removed is removed by the next builder.
        let _ = fs::remove_dir(&self.path);
    }
}

/// Both generations of the memory controller have a line `oom_kill N`.
fn counts_oom_kill(events: &str) -> bool {
    let count = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    count.is_some_and(|count| count.trim() != "0")
}

fn remove_stale(parent: &PathBuf) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let builder = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if builder.is_some_and(|pid| !PathBuf::from("/proc").join(pid).exists()) {
            // Refused by the kernel while a process is in it.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_generations_of_oom_counters() {
        assert!(counts_oom_kill(
            "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"
        ));
        assert!(counts_oom_kill(
            "low 0\noom 1\noom_kill 2\noom_group_kill 0\n"
        ));
        assert!(!counts_oom_kill("oom 1\noom_kill 0\n"));
    }
}
