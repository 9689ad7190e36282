//! PAX extended headers (POSIX pax, "pax Interchange Format").

use iechor_snapshotter::{Timestamp, Xattr};

use crate::layer::error::Refusal;
use crate::layer::limits::Limits;
use crate::layer::sparse::PaxSparse;

const XATTR: &[u8] = b"SCHILY.xattr.";
const SPARSE: &[u8] = b"GNU.sparse.";

/// Attributes that overlay file systems give a meaning to: never taken from an archive.
const DROPPED: [&[u8]; 4] = [
    b"trusted.overlay.",
    b"user.overlay.",
    b"user.fuseoverlayfs.",
    b"user.containers.",
];

/// What an extended header says of the entry after it.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Timestamp>,
    pub(super) xattrs: Vec<Xattr>,
    pub(super) sparse: PaxSparse,
}

/// What stops a header from being read: its form, or a limit that it breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PaxError {
    Refused(Refusal),
    Limit(&'static str, usize),
}

impl From<Refusal> for PaxError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Pax {
    /// Reads the records of a header for one entry.
    pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, PaxError> {
        let mut pax = Self::default();
        for record in Records(bytes) {
            let (key, value) = record?;
            pax.set(key, value, limits)?;
        }
        pax.xattrs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(pax)
    }

    fn set(&mut self, key: &[u8], value: &[u8], limits: &Limits) -> Result<(), PaxError> {
        match key {
            b"path" => self.path = text(value, "name")?,
            b"linkpath" => self.link = text(value, "link target")?,
            b"size" => self.size = number(value)?,
            b"uid" => self.uid = number(value)?,
            b"gid" => self.gid = number(value)?,
            b"mtime" => self.mtime = Some(timestamp(value)?),
            b"SCHILY.realsize" => return Err(Refusal::Pax("star's sparse files").into()),
            _ => return self.set_prefixed(key, value, limits),
        }
        Ok(())
    }

    /// Namespaced records; those that are not known change nothing that is kept here.
    fn set_prefixed(&mut self, key: &[u8], value: &[u8], limits: &Limits) -> Result<(), PaxError> {
        if let Some(name) = key.strip_prefix(XATTR) {
            return self.set_xattr(name, value, limits);
        }
        match key.strip_prefix(SPARSE) {
            Some(name) => self.sparse.set(name, value, limits),
            None => Ok(()),
        }
    }

    fn set_xattr(&mut self, name: &[u8], value: &[u8], limits: &Limits) -> Result<(), PaxError> {
        if name.is_empty() || name.contains(&0) {
            return Err(Refusal::Pax("attribute without a usable name").into());
        }
        if value.len() > limits.xattr_bytes {
            return Err(PaxError::Limit("xattr_bytes", limits.xattr_bytes));
        }
        if DROPPED.iter().any(|prefix| name.starts_with(prefix)) {
            return Ok(());
        }
        self.xattrs.retain(|xattr| xattr.name != name);
        self.xattrs.push(Xattr {
            name: name.to_vec(),
            value: value.to_vec(),
        });
        if self.xattrs.len() > limits.xattrs {
            return Err(PaxError::Limit("xattrs", limits.xattrs));
        }
        Ok(())
    }
}

/// Checks a global header, which no layer needs: it may have comments, but nothing that would
/// change what an entry is, for readers differ about how far it reaches.
pub(super) fn check_global(bytes: &[u8]) -> Result<(), Refusal> {
    for record in Records(bytes) {
        let (key, _) = record?;
        let matters = matches!(
            key,
            b"path" | b"linkpath" | b"size" | b"uid" | b"gid" | b"mtime"
        );
        if matters || key.starts_with(SPARSE) || key.starts_with(XATTR) {
            return Err(Refusal::Pax("global record that changes entries"));
        }
    }
    Ok(())
}

/// Records of the form `LENGTH KEY=VALUE\n`, where LENGTH counts all of it.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let record = split_record(self.0).ok_or(Refusal::Pax("record of the wrong length"));
        self.0 = record.as_ref().map_or(&[], |(_, _, rest)| *rest);
        Some(record.map(|(key, value, _)| (key, value)))
    }
}

type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn split_record(bytes: &[u8]) -> Option<Record<'_>> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(digits(&bytes[..space])?).ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    (equals > 0).then(|| (&body[..equals], &body[equals + 1..], rest))
}

/// A decimal number without sign; none for anything else.
pub(super) fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An empty value takes a record back (POSIX).
fn text(value: &[u8], what: &'static str) -> Result<Option<Vec<u8>>, Refusal> {
    if value.contains(&0) {
        return Err(Refusal::Nul(what));
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

fn number(value: &[u8]) -> Result<Option<u64>, Refusal> {
    match value {
        [] => Ok(None),
        _ => digits(value)
            .map(Some)
            .ok_or(Refusal::Pax("number that is none")),
    }
}

/// Seconds with an optional fraction; what is finer than a nanosecond is cut off.
fn timestamp(value: &[u8]) -> Result<Timestamp, Refusal> {
    parse_timestamp(value).ok_or(Refusal::Pax("time that is none"))
}

fn parse_timestamp(value: &[u8]) -> Option<Timestamp> {
    let (negative, value) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let point = value
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(value.len());
    let secs = i64::try_from(digits(&value[..point])?).ok()?;
    let nanos = fraction(value.get(point + 1..).unwrap_or_default())?;
    Some(match (negative, nanos) {
        (false, _) => Timestamp { secs, nanos },
        (true, 0) => Timestamp { secs: -secs, nanos },
        (true, _) => Timestamp {
            secs: -secs - 1,
            nanos: 1_000_000_000 - nanos,
        },
    })
}

fn fraction(text: &[u8]) -> Option<u32> {
    let digit = |idx| text.get(idx).copied().unwrap_or(b'0');
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((0..9).fold(0, |nanos, idx| nanos * 10 + u32::from(digit(idx) - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let body = key.len() + value.len() + 3;
        let length = (1..)
            .map(|digits| body + digits)
            .find(|n| n.to_string().len() + body == *n);
        let mut bytes = format!("{} {key}=", length.unwrap()).into_bytes();
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Pax, PaxError> {
        Pax::parse(bytes, &Limits::default())
    }

    #[test]
    fn records_set_what_they_name() {
        let bytes = [
            record("path", "ü/x".as_bytes()),
            record("size", b"12"),
            record("mtime", b"-1.5"),
            record("SCHILY.xattr.user.b", b"2\0"),
            record("SCHILY.xattr.user.a", b""),
            record("comment", b"hello"),
        ]
        .concat();
        let pax = parse(&bytes).unwrap();
        assert_eq!(pax.path.as_deref(), Some("ü/x".as_bytes()));
        assert_eq!(pax.size, Some(12));
        assert_eq!(
            pax.mtime,
            Some(Timestamp {
                secs: -2,
                nanos: 500_000_000
            })
        );
        let names: Vec<&[u8]> = pax.xattrs.iter().map(|xattr| &xattr.name[..]).collect();
        assert_eq!(names, [b"user.a", b"user.b"]);
    }

    #[test]
    fn attributes_of_overlay_file_systems_are_dropped() {
        for name in [
            "trusted.overlay.opaque",
            "user.overlay.whiteout",
            "user.containers.x",
        ] {
            let bytes = record(&format!("SCHILY.xattr.{name}"), b"y");
            assert!(parse(&bytes).unwrap().xattrs.is_empty(), "{name}");
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        let bad: [&[u8]; 9] = [
            b"x",
            b"9999999999999999999999 path=a\n",
            b"11 path=aa",
            b"5 =a\n",
            b"6 path\n",
            b"-1 a=b\n",
            b"0 a=b\n",
            b"3 a",
            b"11 size=1.5\n",
        ];
        for bytes in bad {
            assert!(
                matches!(parse(bytes), Err(PaxError::Refused(_))),
                "{bytes:?}"
            );
        }
        assert!(parse(&record("path", b"a\0b")).is_err());
        assert!(parse(&record("size", b"-1")).is_err());
        assert!(parse(&record("mtime", b"now")).is_err());
        assert!(check_global(&record("path", b"x")).is_err());
        assert_eq!(check_global(&record("comment", b"abc")), Ok(()));
    }

    #[test]
    fn a_time_keeps_its_nanoseconds() {
        let at = |text: &str| parse_timestamp(text.as_bytes());
        assert_eq!(at("12.000000001"), Some(Timestamp { secs: 12, nanos: 1 }));
        assert_eq!(
            at("12.5"),
            Some(Timestamp {
                secs: 12,
                nanos: 500_000_000
            })
        );
        assert_eq!(at("-3"), Some(Timestamp { secs: -3, nanos: 0 }));
        assert_eq!(at("1.0000000019"), Some(Timestamp { secs: 1, nanos: 1 }));
        assert_eq!(at(""), None);
        assert_eq!(at("1.x"), None);
    }
}
