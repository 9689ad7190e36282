//! Devices, pipes and setuid files (T7, T8).

use super::*;

/// `Store::layer` looks for nodes and setuid files on the host's disk after each archive.
#[test]
fn devices_pipes_and_setuid_files_are_facts_and_no_files() {
    contained(
        &[],
        |_| {
            tar()
                .device(EntryType::Char, "mem", 1, 1)
                .device(EntryType::Block, "sda", 8, 0)
                .fifo("etc/passwd")
                .edited(EntryType::Regular, "su", b"x", |header| {
                    header.set_mode(0o6755);
                })
        },
        &[
            "d755 etc",
            "p644 etc/passwd",
            "c644 mem 0x101",
            "b644 sda 0x800",
            "f6755 su \"x\"",
        ],
    );
}

#[test]
fn a_mode_with_type_bits_is_no_other_type() {
    contained(
        &[],
        |_| {
            tar().edited(EntryType::Regular, "a", b"x", |header| {
                header.set_mode(0o120_644);
            })
        },
        &["f644 a \"x\""],
    );
}
