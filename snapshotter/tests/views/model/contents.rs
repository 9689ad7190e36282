//! Contents of files: made, read and changed, by opening and closing them (open(2)).

use rustix::io::Errno;

use super::paths::{Last, Spot};
use super::{Id, Kind, Model, Said, done};

impl Model {
    pub(super) fn run_on_contents(&mut self, words: &[&str]) -> Option<Said> {
        Some(match words {
            ["create", path, text] => done(
                self.create(path)
                    .map(|bytes| *bytes = text.as_bytes().to_vec()),
            ),
            ["exclusive", path, text] => done(self.create_new(path, text)),
            ["fill", path, size] => {
                let pattern: Vec<u8> = (0..number(size)).map(|at| (at / 7) as u8).collect();
                done(self.create(path).map(|bytes| overwrite(bytes, 0, &pattern)))
            }
            ["append", path, text] => done(
                self.open_to_write(path)
                    .map(|bytes| bytes.extend_from_slice(text.as_bytes())),
            ),
            ["write", path, offset, text] => done(
                self.open_to_write(path)
                    .map(|bytes| overwrite(bytes, number(offset), text.as_bytes())),
            ),
            ["resize", path, size] => done(
                self.open_to_write(path)
                    .map(|bytes| bytes.resize(number(size), 0)),
            ),
            ["read", path] => self.read(path),
            _ => return None,
        })
    }

    /// The contents of a file, made empty where there is none (`O_CREAT`).
    fn create(&mut self, path: &str) -> Result<&mut Vec<u8>, Errno> {
        let spot = self.spot(path, Last::Followed)?;
        if spot.id.is_none() {
            self.put(&spot, Kind::File(Vec::new()), 0o666);
        }
        self.open_to_write(path)
    }

    fn create_new(&mut self, path: &str, text: &str) -> Result<(), Errno> {
        let spot = self.vacant(path)?;
        self.put(&spot, Kind::File(text.into()), 0o666);
        Ok(())
    }

    /// The contents of a file that is opened for writing.
    fn open_to_write(&mut self, path: &str) -> Result<&mut Vec<u8>, Errno> {
        let (Spot { dir, name, .. }, id) = self.at(path, Last::Followed)?;
        match self.nodes[id].kind {
            Kind::Dir { .. } => return Err(Errno::ISDIR),
            // Nobody reads it.
            Kind::Fifo => return Err(Errno::NXIO),
            _ => self.check_opens(id)?,
        }
        let id = self.own(id, dir, &name);
        match &mut self.nodes[id].kind {
            Kind::File(bytes) => Ok(bytes),
            other => panic!("opened for writing: {other:?}"),
        }
    }

    fn read(&self, path: &str) -> Said {
        let (_, id) = self.at(path, Last::Followed)?;
        self.check_opens(id)?;
        let bytes = match &self.nodes[id].kind {
            Kind::Dir { .. } => return Err(Errno::ISDIR),
            Kind::File(bytes) => bytes.as_slice(),
            _ => &[],
        };
        let seen = &bytes[..bytes.len().min(4096)];
        let told = seen[..seen.len().min(64)].escape_ascii();
        Ok(format!("{} {told}", seen.len()))
    }

    /// A socket does not open; a device does not on a mount without devices.
    fn check_opens(&self, id: Id) -> Result<(), Errno> {
        match self.nodes[id].kind {
            Kind::Socket => Err(Errno::NXIO),
            Kind::Char(_) => Err(Errno::ACCESS),
            _ => Ok(()),
        }
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, with: &[u8]) {
    let end = offset + with.len();
    bytes.resize(bytes.len().max(end), 0);
    bytes[offset..end].copy_from_slice(with);
}

fn number(word: &str) -> usize {
    word.parse().unwrap()
}
