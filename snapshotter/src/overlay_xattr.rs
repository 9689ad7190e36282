//! Attributes `trusted.overlay.*`, which have two meanings.
//!
//! On an upper or a lower they are overlayfs' own marks (opaque, redirect, …). But a process may also
//! set one on a file that it sees *through* an overlay: to prepare layers of an overlay within. Since
//! Linux 6.7 overlayfs keeps that one on its upper under an escaped name, `trusted.overlay.overlay.*`,
//! and looks for it under that name on its lowers (`filesystems/overlayfs.rst`, "Nesting overlayfs
//! mounts").
//!
//! In a layer an attribute stands under the name that the step gave it. It is escaped wherever a
//! directory is an overlay's upper or lower: in the mount of a chain, and at the root of an upper.

use std::borrow::Cow;

/// What overlayfs' own marks, and attributes for overlays within, begin with.
const OWN: &[u8] = b"trusted.overlay.";
/// What the latter begin with on an upper or a lower.
const ESCAPED: &[u8] = b"trusted.overlay.overlay.";

/// Whether the name is one that overlayfs gives a meaning to.
pub(crate) fn is_overlay(name: &[u8]) -> bool {
    name.starts_with(OWN)
}

/// The name under which a lower has what is seen as `name` through the overlay.
pub(crate) fn escape(name: &[u8]) -> Cow<'_, [u8]> {
    match name.strip_prefix(OWN) {
        Some(rest) => [ESCAPED, rest].concat().into(),
        None => name.into(),
    }
}

/// The name under which an attribute of an upper or a lower is seen through the overlay; none for
/// a mark of overlayfs itself.
pub(crate) fn unescape(name: &[u8]) -> Option<Cow<'_, [u8]>> {
    match name.strip_prefix(ESCAPED) {
        Some(rest) => Some([OWN, rest].concat().into()),
        None => (!is_overlay(name)).then(|| name.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_seen_under_its_name_again() {
        for name in [
            "user.k",
            "trusted.overlay.opaque",
            "trusted.overlay.overlay.x",
        ] {
            let escaped = escape(name.as_bytes());
            assert_eq!(unescape(&escaped).as_deref(), Some(name.as_bytes()));
        }
    }

    #[test]
    fn marks_of_overlayfs_are_seen_by_nobody() {
        assert_eq!(unescape(b"trusted.overlay.opaque"), None);
        assert_eq!(
            &*escape(b"trusted.overlay.opaque"),
            b"trusted.overlay.overlay.opaque"
        );
    }
}
