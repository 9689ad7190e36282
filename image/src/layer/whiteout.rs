//! Whiteouts: how a layer's archive tells what is gone (OCI image-spec layer.md, "Whiteouts").

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::layer::error::Refusal;

/// What the name of a removed file begins with.
pub(super) const PREFIX: &[u8] = b".wh.";
/// The name that makes its directory opaque.
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names of AUFS' own bookkeeping, which old layers still have.
const AUFS: &[u8] = b".wh..wh.";

/// What a name means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whiteout {
    /// Itself.
    None,
    /// That this path is gone.
    Name(PathBuf),
    /// That all below this directory is gone.
    Opaque(PathBuf),
    /// Nothing: bookkeeping of AUFS.
    Ignored,
}

impl Whiteout {
    pub(super) fn of(path: &Path) -> Result<Self, Refusal> {
        let mut names: Vec<&[u8]> = path.iter().map(OsStr::as_bytes).collect();
        let is_reserved = |name: &&[u8]| name.starts_with(PREFIX);
        if names
            .first()
            .is_some_and(|first| first.starts_with(AUFS) && *first != OPAQUE)
        {
            return Ok(Self::Ignored);
        }
        let Some(last) = names.pop() else {
            return Ok(Self::None);
        };
        let dir = path.parent().unwrap_or(Path::new(""));
        match last.strip_prefix(PREFIX) {
            _ if names.iter().any(is_reserved) => Err(Refusal::BelowWhiteout),
            None => Ok(Self::None),
            _ if last == OPAQUE => Ok(Self::Opaque(dir.to_owned())),
            _ if last.starts_with(AUFS) => Ok(Self::Ignored),
            Some(b"" | b"." | b"..") => Err(Refusal::Whiteout),
            Some(name) => Ok(Self::Name(dir.join(OsStr::from_bytes(name)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Result<Whiteout, Refusal> {
        Whiteout::of(Path::new(path))
    }

    #[test]
    fn names_are_told_apart() {
        assert_eq!(of("a/b"), Ok(Whiteout::None));
        assert_eq!(of(""), Ok(Whiteout::None));
        assert_eq!(of("a/.wh.b"), Ok(Whiteout::Name("a/b".into())));
        assert_eq!(of(".wh.b"), Ok(Whiteout::Name("b".into())));
        assert_eq!(of("a/.wh..wh..opq"), Ok(Whiteout::Opaque("a".into())));
        assert_eq!(of(".wh..wh..opq"), Ok(Whiteout::Opaque("".into())));
        assert_eq!(of(".wh..wh.plnk/1.2"), Ok(Whiteout::Ignored));
        assert_eq!(of("a/.wh..hidden"), Ok(Whiteout::Name("a/.hidden".into())));
    }

    #[test]
    fn whiteouts_of_no_name_and_names_below_whiteouts_are_refused() {
        for path in [
            ".wh.",
            "a/.wh.",
            ".wh..",
            "a/.wh...",
            ".wh.a/b",
            "a/.wh.b/c",
        ] {
            assert!(of(path).is_err(), "{path}");
        }
    }
}
