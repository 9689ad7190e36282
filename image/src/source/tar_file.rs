//! A tar archive on disk, its files opened by name; compressed ones are decompressed anew for
//! each file that is opened, so that nothing is unpacked.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::layer::stream::{Decoder, Encoding};
use crate::source::SourceError;
use crate::source::layout::Files;

/// How many links in a row are followed inside an archive.
const MAX_LINKS: usize = 8;
/// Bytes that tell how the archive is compressed.
const MAGIC: u64 = 6;

/// An archive and where its files are.
#[derive(Debug)]
pub(super) struct TarFile {
    path: PathBuf,
    encoding: Encoding,
    members: HashMap<String, Member>,
}

#[derive(Debug)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// Old archives of docker have a layer once, and links to it.
    Link(String),
}

impl TarFile {
    /// Reads the archive once to learn what it has.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let failed = |source| SourceError::Io {
            action: "cannot read",
            path: path.to_owned(),
            source,
        };
        let encoding = encoding_of(path).map_err(failed)?;
        let mut archive = tar::Archive::new(decode(path, encoding).map_err(failed)?);
        let mut members = HashMap::new();
        for entry in archive.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = clean(Path::new(&*entry.path().map_err(failed)?));
            members.extend(name.zip(Member::of(&entry).map_err(failed)?));
        }
        Ok(Self {
            path: path.to_owned(),
            encoding,
            members,
        })
    }

    /// Size of a file in bytes.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        self.find(name).map(|(_, size)| size)
    }

    fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = name;
        for _ in 0..MAX_LINKS {
            match self.members.get(name)? {
                Member::File { offset, size } => return Some((*offset, *size)),
                Member::Link(target) => name = target,
            }
        }
        None
    }

    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        if self.encoding == Encoding::Plain {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(file));
        }
        let mut stream = decode(&self.path, self.encoding)?;
        io::copy(&mut stream.by_ref().take(offset), &mut io::sink())?;
        Ok(Box::new(stream))
    }
}

impl Member {
    /// None for what has no contents.
    fn of<R: Read>(entry: &tar::Entry<'_, R>) -> io::Result<Option<Self>> {
        let kind = entry.header().entry_type();
        if kind.is_file() || kind.is_contiguous() {
            let (offset, size) = (entry.raw_file_position(), entry.size());
            return Ok(Some(Self::File { offset, size }));
        }
        let (Some(target), Some(dir)) = (
            entry.link_name()?,
            entry.path()?.parent().map(Path::to_owned),
        ) else {
            return Ok(None);
        };
        let target = if kind.is_symlink() {
            dir.join(target)
        } else {
            target.into_owned()
        };
        Ok(clean(&target).map(Self::Link))
    }
}

impl Files for TarFile {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError> {
        let Some((offset, size)) = self.find(name) else {
            return Ok(None);
        };
        let file = self
            .open_at(offset)
            .map_err(|source| self.read_error(name, source))?;
        Ok(Some(Box::new(file.take(size))))
    }

    fn read_error(&self, _name: &str, source: io::Error) -> SourceError {
        SourceError::Io {
            action: "cannot read",
            path: self.path.clone(),
            source,
        }
    }
}

fn encoding_of(path: &Path) -> io::Result<Encoding> {
    let mut head = Vec::new();
    File::open(path)?.take(MAGIC).read_to_end(&mut head)?;
    Ok(Encoding::of_bytes(&head))
}

fn decode(path: &Path, encoding: Encoding) -> io::Result<Decoder<BufReader<File>>> {
    encoding.decode(BufReader::new(File::open(path)?))
}

/// A name as others in the archive would write it; none if it leads out of the archive.
fn clean(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(parts.join("/"))
}
