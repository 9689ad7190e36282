//! Interpreters of other processors' programs, as the host has registered them with the kernel
//! (Documentation/admin-guide/binfmt-misc.rst).

use std::fs;
use std::path::Path;

use iechor_image::Platform;

/// Where the kernel lists them.
const REGISTERED: &str = "/proc/sys/fs/binfmt_misc";

/// Whether programs for a platform run here through QEMU's user emulation. It must be registered
/// with `F`: the interpreter itself is not in the image.
pub(super) fn exists(platform: &Platform) -> bool {
    let entry = Path::new(REGISTERED).join(format!("qemu-{}", name(&platform.architecture)));
    fs::read_to_string(entry).is_ok_and(|text| is_usable(&text))
}

/// QEMU's name of a processor.
fn name(architecture: &str) -> &str {
    match architecture {
        "amd64" => "x86_64",
        "386" => "i386",
        "arm64" => "aarch64",
        other => other,
    }
}

fn is_usable(entry: &str) -> bool {
    let flags = entry
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .unwrap_or_default();
    entry.lines().any(|line| line == "enabled") && flags.contains('F')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_counts_when_it_is_enabled_and_fixed() {
        let entry = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\n";
        assert!(is_usable(entry));
        assert!(!is_usable(&entry.replace("OCF", "OC")));
        assert!(!is_usable(&entry.replace("enabled", "disabled")));
    }
}
