//! Which cgroup hierarchies this host has, and where in them a step's group may be made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A hierarchy with something to offer a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// What it controls.
    pub(super) kind: Kind,
    /// The group below which steps' groups are made.
    pub(super) parent: PathBuf,
}

/// What a hierarchy controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Version 2, all controllers.
    Unified,
    /// Version 1, number of processes.
    Pids,
    /// Version 1, memory.
    Memory,
    /// Version 1, access to devices.
    Devices,
}

/// Finds them for this process.
pub(super) fn usable() -> io::Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let mut hierarchies = version_1(&mounts, &groups);
    if let Some(parent) = version_2(&mounts, &groups).and_then(|own| delegating(&own)) {
        hierarchies.push(Hierarchy {
            kind: Kind::Unified,
            parent,
        });
    }
    Ok(hierarchies)
}

fn version_1(mounts: &str, groups: &str) -> Vec<Hierarchy> {
    let kinds = [
        ("pids", Kind::Pids),
        ("memory", Kind::Memory),
        ("devices", Kind::Devices),
    ];
    let find = |(controller, kind)| {
        let mount = cgroup_mounts(mounts).find(|mount| mount.controls(controller))?;
        let own = groups
            .lines()
            .find_map(|line| own_group(line, controller))?;
        Some(Hierarchy {
            kind,
            parent: mount.directory(own)?,
        })
    };
    kinds.into_iter().filter_map(find).collect()
}

fn version_2(mounts: &str, groups: &str) -> Option<PathBuf> {
    let mount = cgroup_mounts(mounts).find(|mount| mount.kind == "cgroup2")?;
    mount.directory(groups.lines().find_map(|line| line.strip_prefix("0::"))?)
}

/// The nearest group that passes controllers on to its children. The builder's own group cannot: in
/// version 2 a group has processes or controlled children, not both.
fn delegating(own: &Path) -> Option<PathBuf> {
    let passes_on = |group: &&Path| {
        let controllers = fs::read_to_string(group.join("cgroup.subtree_control"));
        controllers.is_ok_and(|names| names.split_whitespace().any(|name| name == "pids"))
    };
    own.ancestors().find(passes_on).map(Path::to_path_buf)
}

/// `8:pids,cpu:/path` for a controller of version 1.
fn own_group<'a>(line: &'a str, controller: &str) -> Option<&'a str> {
    let mut fields = line.splitn(3, ':').skip(1);
    let controllers = fields.next()?;
    controllers
        .split(',')
        .any(|name| name == controller)
        .then(|| fields.next())?
}

/// One line of `mountinfo`, for a cgroup file system.
struct CgroupMount<'a> {
    root: &'a str,
    mount_point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl CgroupMount<'_> {
    fn controls(&self, controller: &str) -> bool {
        self.kind == "cgroup" && self.options.split(',').any(|option| option == controller)
    }

    /// Where a group is seen below this mount, which may show a part of the hierarchy.
    fn directory(&self, group: &str) -> Option<PathBuf> {
        let below = Path::new(group).strip_prefix(self.root).ok()?;
        Some(Path::new(self.mount_point).join(below))
    }
}

fn cgroup_mounts(mounts: &str) -> impl Iterator<Item = CgroupMount<'_>> {
    let parse = |line| -> Option<CgroupMount<'_>> {
        let (place, file_system) = str::split_once(line, " - ")?;
        let mut place = place.split(' ').skip(3);
        let mut file_system = file_system.split(' ');
        let (root, mount_point) = (place.next()?, place.next()?);
        let (kind, options) = (file_system.next()?, file_system.nth(1)?);
        Some(CgroupMount {
            root,
            mount_point,
            kind,
            options,
        })
    };
    mounts
        .lines()
        .filter_map(parse)
        .filter(|mount| mount.kind.starts_with("cgroup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        34 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:3 - cgroup cgroup rw,pids\n\
        41 31 0:38 /docker/abc /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn finds_version_1_groups_by_controller() {
        let groups = "8:pids:/\n4:memory:/a/b\n0::/docker/abc/d\n";
        let expect = [
            Hierarchy {
                kind: Kind::Pids,
                parent: "/sys/fs/cgroup/pids/".into(),
            },
            Hierarchy {
                kind: Kind::Memory,
                parent: "/sys/fs/cgroup/memory/a/b".into(),
            },
        ];
        assert_eq!(version_1(MOUNTS, groups), expect);
    }

    #[test]
    fn sees_a_group_through_a_mount_of_a_part() {
        let own = version_2(MOUNTS, "0::/docker/abc/d\n");
        assert_eq!(own, Some("/sys/fs/cgroup/unified/d".into()));
        assert_eq!(version_2(MOUNTS, "0::/elsewhere\n"), None);
    }
}
