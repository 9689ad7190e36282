//! What overlayfs notes in extended attributes.

use crate::layer::Xattr;
use crate::overlay_xattr;

/// The notes on one file or directory of an upper.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Nothing below shows through this directory.
    pub(super) opaque: bool,
    /// The file stands for the absence of its name (`xwhiteout`).
    pub(super) whiteout: bool,
    /// Only the metadata was copied up; the contents are still below.
    pub(super) metacopy: bool,
    /// Where it was moved from: a path from the root of the lower, or a name beside it.
    pub(super) redirect: Option<Vec<u8>>,
    /// The file has extended attributes, be they such notes or its own.
    pub(super) any: bool,
}

impl Marks {
    /// Takes overlayfs' notes, and labels of the host's kernel, out of a file's attributes; what the
    /// step set for an overlay within gets the name that it has there.
    pub(super) fn take_from(xattrs: &mut Vec<Xattr>) -> Self {
        let mut marks = Self {
            any: !xattrs.is_empty(),
            ..Self::default()
        };
        for xattr in xattrs.iter() {
            marks.note(xattr);
        }
        let seen = xattrs.drain(..).filter_map(|Xattr { name, value }| {
            let name = overlay_xattr::unescape(&name)?.into_owned();
            (!is_host_label(&name)).then_some(Xattr { name, value })
        });
        *xattrs = seen.collect();
        xattrs.sort_unstable();
        marks
    }

    fn note(&mut self, xattr: &Xattr) {
        match xattr.name.strip_prefix(b"trusted.overlay.") {
            // "x" says that there are whiteouts by attribute inside, and hides nothing.
            Some(b"opaque") => self.opaque = xattr.value == b"y",
            Some(b"whiteout") => self.whiteout = true,
            Some(b"metacopy") => self.metacopy = true,
            Some(b"redirect") => self.redirect = Some(xattr.value.clone()),
            _ => {}
        }
    }
}

/// Whether an attribute is a security module's of this host rather than the image's.
fn is_host_label(name: &[u8]) -> bool {
    name.starts_with(b"security.") && name != b"security.capability"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattr(name: &str, value: &str) -> Xattr {
        Xattr {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn notes_of_overlayfs_are_taken_and_attributes_of_the_file_remain() {
        let mut xattrs = vec![
            xattr("security.capability", "c"),
            xattr("security.selinux", "label"),
            xattr("system.posix_acl_access", "acl"),
            xattr("trusted.overlay.metacopy", ""),
            xattr("trusted.overlay.opaque", "y"),
            xattr("trusted.overlay.origin", "handle"),
            xattr("trusted.overlay.overlay.opaque", "y"),
            xattr("trusted.overlay.redirect", "/a/b"),
            xattr("user.note", "n"),
        ];
        let marks = Marks::take_from(&mut xattrs);
        let redirect = Some(b"/a/b".to_vec());
        assert_eq!(
            marks,
            Marks {
                opaque: true,
                whiteout: false,
                metacopy: true,
                redirect,
                any: true,
            }
        );
        let kept: Vec<_> = xattrs.iter().map(|xattr| &*xattr.name).collect();
        let names = [
            &b"security.capability"[..],
            b"system.posix_acl_access",
            b"trusted.overlay.opaque",
            b"user.note",
        ];
        assert_eq!(kept, names);
    }

    #[test]
    fn a_directory_of_whiteouts_by_attribute_is_not_opaque() {
        let mut xattrs = vec![xattr("trusted.overlay.opaque", "x")];
        assert_eq!(
            Marks::take_from(&mut xattrs),
            Marks {
                any: true,
                ..Marks::default()
            }
        );
        let mut xattrs = vec![xattr("trusted.overlay.whiteout", "")];
        assert!(Marks::take_from(&mut xattrs).whiteout);
    }
}
