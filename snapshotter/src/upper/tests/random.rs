//! Random steps: the kernel's overlayfs is asked what they do, and the chain has to agree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::Fixture;
use crate::chain::Chain;

/// What a process may do to a file system. Whether it succeeds is for the kernel to say.
#[derive(Debug, Clone)]
enum Act {
    Write(PathBuf, u8),
    MakeDir(PathBuf),
    Symlink(PathBuf),
    Link(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveTree(PathBuf),
    Chmod(PathBuf, u32),
    Chown(PathBuf, u32),
}

impl Act {
    fn run(&self, root: &Path) {
        // A refusal by the kernel is as good an outcome as any: nothing changed.
        let _ = match self {
            Self::Write(path, byte) => fs::write(root.join(path), [*byte; 3]),
            Self::MakeDir(path) => fs::create_dir(root.join(path)),
            Self::Symlink(path) => symlink("target", root.join(path)),
            Self::Link(from, to) => fs::hard_link(root.join(from), root.join(to)),
            Self::Rename(from, to) => fs::rename(root.join(from), root.join(to)),
            Self::Remove(path) => fs::remove_file(root.join(path)),
            Self::RemoveTree(path) => fs::remove_dir_all(root.join(path)),
            Self::Chmod(path, mode) => {
                fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode))
            }
            Self::Chown(path, user) => lchown(root.join(path), Some(*user), None),
        };
    }
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec("[ab]", 1..4).prop_map(|names| names.iter().collect())
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (path(), any::<u8>()).prop_map(|(path, byte)| Act::Write(path, byte)),
        5 => path().prop_map(Act::MakeDir),
        1 => path().prop_map(Act::Symlink),
        2 => (path(), path()).prop_map(|(from, to)| Act::Link(from, to)),
        5 => (path(), path()).prop_map(|(from, to)| Act::Rename(from, to)),
        2 => path().prop_map(Act::Remove),
        1 => path().prop_map(Act::RemoveTree),
        1 => (path(), 0o700..0o1000_u32).prop_map(|(path, mode)| Act::Chmod(path, mode)),
        1 => (path(), 0..9_u32).prop_map(|(path, user)| Act::Chown(path, user)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_of_random_steps_shows_what_the_kernel_showed(
        steps in prop::collection::vec(prop::collection::vec(act(), 1..12), 1..5),
    ) {
        let fixture = Fixture::new();
        steps.iter().fold(Chain::empty(), |chain, acts| {
            fixture.step(&chain, |root| acts.iter().for_each(|act| act.run(root)))
        });
    }
}
