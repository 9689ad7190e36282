//! Archives made to harm (the threats T1 to T13 of `iechor_image::layer`).
//!
//! Each is refused with a reason, or does no more than its names say inside the tree. After each,
//! nothing outside the store has changed.
//!
//! The names of the link, whiteout and override cases follow containerd's `TestBreakouts`.

mod t12_names_twice;
mod t1_names;
mod t2_links_on_the_way;
mod t3_hard_links;
mod t4_metadata_through_links;
mod t5_readers_that_differ;
mod t6_whiteouts;
mod t7_t8_special_files;

use iechor_snapshotter::Chain;
use tar::EntryType;

use crate::store::{Store, store};
use crate::tarball::{Tar, header, record, tar};

/// The message with which an archive on an empty tree is refused.
fn refused(layer: Tar) -> String {
    refused_on(&[], layer)
}

/// The same on other layers.
fn refused_on(below: &[Tar], layer: Tar) -> String {
    let store = store();
    let chain = base(&store, below);
    store
        .layer(&chain, &layer.end())
        .map(drop)
        .unwrap_err()
        .to_string()
}

fn base(store: &Store, below: &[Tar]) -> Chain {
    let tars: Vec<_> = below.iter().cloned().map(Tar::end).collect();
    store.layers(&tars)
}

/// What the tree shows after an archive that tries and fails to leave it.
fn contained(below: &[Tar], layer: impl FnOnce(&str) -> Tar, expected: &[&str]) {
    let store = store();
    let outside = store.outside();
    let chain = base(&store, below);
    let chain = store.layer(&chain, &layer(&outside).end()).unwrap();
    let shown: Vec<_> = store
        .listing(&chain)
        .iter()
        .map(|line| line.replace(&outside, "OUTSIDE"))
        .collect();
    assert_eq!(shown, expected);
}
