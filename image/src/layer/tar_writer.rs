//! Writes tar archives that depend on their entries alone: ustar headers, and PAX records only for
//! what ustar cannot hold (long names, large numbers, times finer than a second, attributes).

use std::io::{self, Read, Write};

use iechor_snapshotter::{Metadata, Timestamp, Xattr};
use tar::{EntryType, Header};

const BLOCK: u64 = 512;
/// Largest numbers that ustar's octal fields hold: 7 and 11 digits.
const MAX_ID: u32 = 0o777_7777;
const MAX_SIZE: u64 = 0o777_7777_7777;

/// A tar archive being written.
pub(crate) struct TarWriter<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

/// An entry, without the contents.
#[derive(Debug)]
pub(crate) struct TarEntry<'a> {
    pub(crate) kind: EntryType,
    /// Name, relative; a directory's ends in a slash.
    pub(crate) path: &'a [u8],
    /// Target of a link, else empty.
    pub(crate) link: &'a [u8],
    pub(crate) size: u64,
    /// Major and minor number of a device.
    pub(crate) device: Option<(u32, u32)>,
    pub(crate) metadata: &'a Metadata,
}

impl<'a> TarWriter<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, written: 0 }
    }

    /// Writes an entry and the contents, which must have its size.
    pub(crate) fn entry(
        &mut self,
        entry: &TarEntry<'_>,
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        let records = records(entry);
        if !records.is_empty() {
            self.raw(
                &extension_header(entry, records.len() as u64),
                &mut &records[..],
            )?;
        }
        self.raw(&header(entry), contents)
    }

    /// Ends the archive; gives its size.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.write(&[0; 2 * BLOCK as usize])?;
        Ok(self.written)
    }

    fn raw(&mut self, header: &Header, contents: &mut dyn Read) -> io::Result<()> {
        self.write(header.as_bytes())?;
        let copied = io::copy(contents, &mut Counting(self))?;
        let padding = copied.next_multiple_of(BLOCK) - copied;
        self.write(&[0; BLOCK as usize][..usize::try_from(padding).unwrap_or(0)])
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// The output, with what passes counted.
struct Counting<'w, 'a>(&'w mut TarWriter<'a>);

impl Write for Counting<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header(entry: &TarEntry<'_>) -> Header {
    let mut header = Header::new_ustar();
    let metadata = entry.metadata;
    header.set_entry_type(entry.kind);
    set_name(&mut header, entry.path);
    let link = &entry.link[..entry.link.len().min(100)];
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_mode(metadata.mode & 0o7777);
    header.set_uid(u64::from(if metadata.uid > MAX_ID {
        0
    } else {
        metadata.uid
    }));
    header.set_gid(u64::from(if metadata.gid > MAX_ID {
        0
    } else {
        metadata.gid
    }));
    header.set_size(if entry.size > MAX_SIZE { 0 } else { entry.size });
    header.set_mtime(ustar_time(metadata.mtime));
    if let (Some((major, minor)), Some(ustar)) = (entry.device, header.as_ustar_mut()) {
        ustar.set_device_major(major);
        ustar.set_device_minor(minor);
    }
    header.set_cksum();
    header
}

/// The header of the PAX records before an entry; its name is for readers that do not know PAX.
fn extension_header(entry: &TarEntry<'_>, size: u64) -> Header {
    let base = entry
        .path
        .split(|byte| *byte == b'/')
        .rfind(|part| !part.is_empty());
    let mut name = b"PaxHeaders/".to_vec();
    name.extend(base.unwrap_or_default().iter().take(80));
    let metadata = Metadata {
        mode: 0o644,
        ..Metadata::default()
    };
    let (link, device) = (&[][..], None);
    let kind = EntryType::XHeader;
    header(&TarEntry {
        kind,
        path: &name,
        link,
        size,
        device,
        metadata: &metadata,
    })
}

/// Whether whoever unpacks the layer would take an attribute for a mark of the overlay that it
/// unpacks for. A step may set one for an overlay of its own; it stays in the snapshot.
fn is_mark(xattr: &Xattr) -> bool {
    xattr.name.starts_with(b"trusted.overlay.")
}

/// The records that an entry needs, sorted by key.
fn records(entry: &TarEntry<'_>) -> Vec<u8> {
    let metadata = entry.metadata;
    let mut records = Vec::new();
    for xattr in metadata.xattrs.iter().filter(|xattr| !is_mark(xattr)) {
        let key = [b"SCHILY.xattr.", &xattr.name[..]].concat();
        push_record(&mut records, &key, &xattr.value);
    }
    let number = |number: u64| number.to_string().into_bytes();
    let time = needs_record(metadata.mtime).then(|| timestamp(metadata.mtime).into_bytes());
    let small: [(&[u8], Option<Vec<u8>>); 6] = [
        (
            b"gid",
            (metadata.gid > MAX_ID).then(|| number(metadata.gid.into())),
        ),
        (
            b"linkpath",
            (entry.link.len() > 100).then(|| entry.link.to_vec()),
        ),
        (b"mtime", time),
        (
            b"path",
            split_name(entry.path)
                .is_none()
                .then(|| entry.path.to_vec()),
        ),
        (b"size", (entry.size > MAX_SIZE).then(|| number(entry.size))),
        (
            b"uid",
            (metadata.uid > MAX_ID).then(|| number(metadata.uid.into())),
        ),
    ];
    for (key, value) in small {
        value
            .iter()
            .for_each(|value| push_record(&mut records, key, value));
    }
    records
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself too.
fn push_record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let digits = |number: usize| number.to_string().len();
    let first = body + digits(body);
    let length = if digits(first) > digits(body) {
        body + digits(first)
    } else {
        first
    };
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Puts as much of a name into the header as fits.
fn set_name(header: &mut Header, path: &[u8]) {
    let (prefix, name) = split_name(path).unwrap_or((b"", &path[..path.len().min(100)]));
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.prefix[..prefix.len()].copy_from_slice(prefix);
    }
}

/// Prefix and name as ustar has them, joined by a slash that stands in neither; none if the path
/// is too long.
fn split_name(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((b"", path));
    }
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let fits = |at: &usize| *at > 0 && *at <= 155 && (1..=100).contains(&(path.len() - at - 1));
    let at = slashes.map(|(at, _)| at).find(fits)?;
    Some((&path[..at], &path[at + 1..]))
}

fn ustar_time(time: Timestamp) -> u64 {
    u64::try_from(time.secs).map_or(0, |secs| secs.min(MAX_SIZE))
}

fn needs_record(time: Timestamp) -> bool {
    time.nanos != 0 || i64::try_from(ustar_time(time)) != Ok(time.secs)
}

/// Decimal seconds, without zeros at the end: `-1.5` for half a second before -1.
fn timestamp(time: Timestamp) -> String {
    let (sign, secs, nanos) = match (time.secs < 0, time.nanos) {
        (true, 0) => ("-", time.secs.unsigned_abs(), 0),
        (true, nanos) => ("-", (time.secs + 1).unsigned_abs(), 1_000_000_000 - nanos),
        (false, nanos) => ("", time.secs.unsigned_abs(), nanos),
    };
    let fraction = format!("{nanos:09}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{secs}"),
        fraction => format!("{sign}{secs}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_nanosecond() {
        let at = |secs, nanos| timestamp(Timestamp { secs, nanos });
        assert_eq!(at(12, 0), "12");
        assert_eq!(at(12, 500_000_000), "12.5");
        assert_eq!(at(12, 1), "12.000000001");
        assert_eq!(at(-2, 500_000_000), "-1.5");
        assert_eq!(at(-1, 999_999_999), "-0.000000001");
        assert_eq!(at(-3, 0), "-3");
    }

    #[test]
    fn marks_for_overlays_are_left_out() {
        let xattr = |name: &str| Xattr {
            name: name.into(),
            value: b"y".into(),
        };
        assert!(is_mark(&xattr("trusted.overlay.opaque")));
        assert!(is_mark(&xattr("trusted.overlay.overlay.opaque")));
        assert!(!is_mark(&xattr("trusted.other")));
    }

    #[test]
    fn a_record_counts_its_own_length() {
        for n in 0..1200 {
            let mut records = Vec::new();
            push_record(&mut records, b"k", &vec![b'v'; n]);
            let text = String::from_utf8(records).unwrap();
            let (length, _) = text.split_once(' ').unwrap();
            assert_eq!(length.parse(), Ok(text.len()), "{text}");
        }
    }

    #[test]
    fn long_names_are_split_where_they_can_be() {
        let path = |a: usize, b: usize| format!("{}/{}", "a".repeat(a), "b".repeat(b)).into_bytes();
        assert!(split_name(&path(155, 100)).is_some());
        assert!(split_name(&path(156, 99)).is_none());
        assert!(split_name(&path(155, 101)).is_none());
        assert!(split_name(&"a".repeat(101).into_bytes()).is_none());
    }
}
