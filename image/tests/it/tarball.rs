//! Tar archives made by hand, the honest and the other ones.

use tar::{EntryType, Header};

/// An archive being made; every method adds an entry.
#[derive(Default, Clone)]
pub(crate) struct Tar(Vec<u8>);

pub(crate) fn tar() -> Tar {
    Tar::default()
}

/// A header with a valid checksum, for a name of at most 100 bytes.
pub(crate) fn header(kind: EntryType, path: &[u8], size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A PAX record.
pub(crate) fn record(key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let body = key.len() + value.len() + 3;
    let length = (1..9)
        .map(|digits| body + digits)
        .find(|n| n.to_string().len() + body == *n);
    let mut bytes = format!("{} {key}=", length.unwrap()).into_bytes();
    bytes.extend_from_slice(value);
    bytes.push(b'\n');
    bytes
}

impl Tar {
    /// A header and contents, padded to whole blocks.
    pub(crate) fn raw(mut self, header: &Header, contents: &[u8]) -> Self {
        self.0.extend_from_slice(header.as_bytes());
        self.bytes(contents)
    }

    /// Bytes, padded to whole blocks.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// An entry with its header changed by hand.
    pub(crate) fn edited(
        self,
        kind: EntryType,
        path: &str,
        contents: &[u8],
        edit: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = header(kind, path.as_bytes(), contents.len() as u64);
        edit(&mut header);
        header.set_cksum();
        self.raw(&header, contents)
    }

    pub(crate) fn file(self, path: impl AsRef<[u8]>, contents: &str) -> Self {
        let header = header(EntryType::Regular, path.as_ref(), contents.len() as u64);
        self.raw(&header, contents.as_bytes())
    }

    pub(crate) fn dir(self, path: &str) -> Self {
        self.raw(&header(EntryType::Directory, path.as_bytes(), 0), b"")
    }

    pub(crate) fn dir_mode(self, path: &str, mode: u32) -> Self {
        self.edited(EntryType::Directory, path, b"", |header| {
            header.set_mode(mode);
        })
    }

    fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        self.edited(kind, path, b"", |header| {
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        })
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    pub(crate) fn fifo(self, path: &str) -> Self {
        self.raw(&header(EntryType::Fifo, path.as_bytes(), 0), b"")
    }

    pub(crate) fn device(self, kind: EntryType, path: &str, major: u32, minor: u32) -> Self {
        self.edited(kind, path, b"", |header| {
            header.set_device_major(major).unwrap();
            header.set_device_minor(minor).unwrap();
        })
    }

    /// A PAX header for the next entry.
    pub(crate) fn pax(self, records: &[Vec<u8>]) -> Self {
        let records = records.concat();
        let header = header(EntryType::XHeader, b"PaxHeaders/x", records.len() as u64);
        self.raw(&header, &records)
    }

    pub(crate) fn global(self, records: &[Vec<u8>]) -> Self {
        let records = records.concat();
        let header = header(
            EntryType::XGlobalHeader,
            b"pax_global_header",
            records.len() as u64,
        );
        self.raw(&header, &records)
    }

    /// GNU's entry with the long name of the next one.
    pub(crate) fn gnu_long_name(self, name: &str) -> Self {
        let bytes = [name.as_bytes(), b"\0"].concat();
        self.raw(
            &header(EntryType::GNULongName, b"././@LongLink", bytes.len() as u64),
            &bytes,
        )
    }

    /// The archive, ended properly.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }

    /// The archive as it is, without an end.
    pub(crate) fn cut(self) -> Vec<u8> {
        self.0
    }
}
