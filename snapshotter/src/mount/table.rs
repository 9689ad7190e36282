//! What this program has mounted, by the kernel's own table.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::{MountError, SOURCE};

/// Table of the mounts in this process's mount namespace (proc(5)).
pub(super) const MOUNTINFO: &str = "/proc/self/mountinfo";

/// What one of our mounts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// A FUSE mount: a session, or one chain.
    Fuse,
    /// An overlay on one.
    Overlay,
}

/// One of our mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub at: PathBuf,
    /// What it is.
    pub kind: MountKind,
}

/// All mounts of this program that this mount namespace shows, in the order they were made.
///
/// # Errors
///
/// [`MountError::Table`] when `/proc` is not mounted.
pub fn mounts() -> Result<Vec<Mount>, MountError> {
    let table = fs::read(Path::new(MOUNTINFO)).map_err(MountError::Table)?;
    Ok(table
        .split(|byte| *byte == b'\n')
        .filter_map(parse)
        .collect())
}

/// Reads one line: none when it is not ours.
///
/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: the mount
/// point is the fifth field, type and source are the first two after the lone hyphen.
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let at = fields.nth(4)?;
    let mut after_hyphen = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = match after_hyphen.next()? {
        b"fuse.iechor" => MountKind::Fuse,
        b"overlay" => MountKind::Overlay,
        _ => return None,
    };
    let ours = after_hyphen.next()? == SOURCE.as_bytes();
    ours.then(|| Mount {
        at: PathBuf::from(OsString::from_vec(unescape(at))),
        kind,
    })
}

/// Undoes the kernel's `\ooo` for space, tab, newline and backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after.first_chunk::<3>().and_then(octal)) {
            (b'\\', Some(escaped)) => {
                plain.push(escaped);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    plain
}

fn octal(digits: &[u8; 3]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ours_gives_mount_point_and_kind() {
        let line = b"40 28 0:44 / /a/b rw,nodev shared:7 - fuse.iechor iechor ro,user_id=0";
        assert_eq!(
            parse(line),
            Some(Mount {
                at: "/a/b".into(),
                kind: MountKind::Fuse
            })
        );
    }

    #[test]
    fn the_mount_point_is_unescaped() {
        let line = br"40 28 0:44 / /a\040b\011c\012d\134e\0 rw - overlay iechor rw";
        assert_eq!(parse(line).unwrap().at, Path::new("/a b\tc\nd\\e\\0"));
    }

    #[test]
    fn what_others_mounted_is_not_ours() {
        for line in [
            "40 28 0:44 / /a rw - overlay overlay rw",
            "40 28 0:44 / /a rw - fuse.sshfs iechor rw",
            "40 28 0:44 / /a rw",
            "",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line:?}");
        }
    }
}
