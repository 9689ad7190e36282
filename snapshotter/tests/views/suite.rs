//! Our own suite: small scripts, each run on the kernel's overlay over our mount and on a plain
//! overlay of the same layers, with the same outcome of every operation and the same tree; what is
//! committed is then asked of the mount and of [`ChainFs`](iechor_snapshotter::chainfs::ChainFs).
//!
//! A case is a line `name | operation; operation // operation`, where `//` ends a step: what it
//! changed is committed (here) or becomes one more lower directory (there). The operations are those
//! of [`machine`]. All of it happens on a tmpfs in a mount namespace of the test's own.

mod direct;
mod ground;
mod kernel;
mod machine;
mod observation;
mod ours;

pub(crate) use self::ground::{Ground, check, check_against};
pub(crate) use self::observation::{Shape, told_contents};

/// A group of cases as a test.
macro_rules! groups {
    ($($group:ident)*) => {$(
        #[test]
        fn $group() {
            run_group(include_str!(concat!("suite/cases/", stringify!($group), ".txt")));
        }
    )*};
}

groups! {
    whiteouts copy_up hard_links rename nameless open_removed mapped listing
    clearing access_lists special sparse locks times limits nested_overlay found
}

/// Runs all cases of a group, and tells of all that failed.
fn run_group(table: &str) {
    let ground = Ground::new();
    let failed: Vec<String> = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let (name, script) = line.split_once('|').unwrap();
            check(&ground, script)
                .err()
                .map(|difference| format!("{}\n{difference}", name.trim()))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
