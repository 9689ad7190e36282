//! Operations on directories as wholes: listing, filling, emptying.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, Timespec};
use rustix::io::Errno;

use super::attributes::set_times;
use super::words::number;
use super::{Said, done};

pub(super) fn run(words: &[&str]) -> Option<Said> {
    Some(match words {
        ["ls", path] => list(path),
        ["rmtree", path] => done(plainly(fs::remove_dir_all(path))),
        ["fill-dir", path, count] => done(fill(path, number(count))),
        ["links", path, count] => done(make_links(path, number(count))),
        ["deep", name, depth] => done(dig(name, number(depth))),
        ["positions", path] => positions(path),
        ["age"] => done(age(Path::new("."))),
        _ => return None,
    })
}

fn plainly(result: std::io::Result<()>) -> Result<(), Errno> {
    result.map_err(|error| Errno::from_io_error(&error).unwrap())
}

fn list(path: &str) -> Said {
    let names: Vec<_> = read_names(path)?.into_iter().collect();
    Ok(names.join(" "))
}

fn read_names(path: &str) -> Result<BTreeSet<String>, Errno> {
    let entries = entries(&open(path)?, 1 << 16)?;
    Ok(entries.into_iter().map(|(name, _)| name).collect())
}

fn open(path: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map(File::from)
}

/// Names with the positions after them, from where the directory stands, as buffers of that size
/// bring them.
fn entries(directory: &File, size: usize) -> Result<Vec<(String, u64)>, Errno> {
    let mut buffer = vec![MaybeUninit::uninit(); size];
    let mut raw = RawDir::new(directory, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = raw.next() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.next_entry_cookie()));
    }
    Ok(found)
}

/// Goes back to every position of a directory, and tells whether the rest is what it was.
fn positions(path: &str) -> Said {
    let directory = open(path)?;
    let all = entries(&directory, 4096)?;
    for place in (0..all.len()).rev() {
        rustix::fs::seek(&directory, SeekFrom::Start(all[place].1))?;
        if entries(&directory, 4096)? != all[place + 1..] {
            return Ok(format!("another rest after {}", all[place].0));
        }
    }
    Ok(format!("{} names", all.len()))
}

fn fill(path: &str, count: u32) -> Result<(), Errno> {
    plainly((|| {
        fs::create_dir_all(path)?;
        (0..count).try_for_each(|name| File::create(format!("{path}/{name}")).map(drop))
    })())
}

fn make_links(path: &str, count: u32) -> Result<(), Errno> {
    (0..count).try_for_each(|name| rustix::fs::link(path, format!("{path}.{name}")))
}

/// Directories in each other.
fn dig(name: &str, depth: usize) -> Result<(), Errno> {
    plainly(fs::create_dir_all(vec![name; depth].join("/")))
}

/// Gives everything the same old time.
fn age(path: &Path) -> Result<(), Errno> {
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        let entries = fs::read_dir(path).map_err(|error| Errno::from_io_error(&error).unwrap())?;
        entries.flatten().try_for_each(|entry| age(&entry.path()))?;
    }
    let old = Timespec {
        tv_sec: 1_000_000_000,
        tv_nsec: 123_456_789,
    };
    set_times(path.to_str().unwrap(), old, old)
}

/// A listing that something happens within.
pub(super) struct Listing {
    path: String,
    directory: File,
    seen: Vec<String>,
    before: BTreeSet<String>,
}

impl Listing {
    /// Reads the first few names.
    pub(super) fn begin(path: &str) -> Self {
        let directory = open(path).unwrap();
        let mut buffer = vec![MaybeUninit::uninit(); 256];
        let mut raw = RawDir::new(&directory, &mut buffer);
        let mut seen = Vec::new();
        while let Some(entry) = raw.next() {
            seen.push(entry.unwrap().file_name().to_string_lossy().into_owned());
            if raw.is_buffer_empty() {
                break;
            }
        }
        Self {
            path: path.to_owned(),
            before: read_names(path).unwrap(),
            directory,
            seen,
        }
    }

    /// Reads the rest; each name that was there all the time has to come once.
    pub(super) fn end(&mut self) -> String {
        let rest = entries(&self.directory, 256).unwrap();
        self.seen.extend(rest.into_iter().map(|(name, _)| name));
        let after = read_names(&self.path).unwrap();
        let times = |name: &&String| self.seen.iter().filter(|seen| seen == name).count();
        match self
            .before
            .intersection(&after)
            .find(|name| times(name) != 1)
        {
            Some(name) => format!("{name} came {} times", times(&name)),
            None => "each name once".to_owned(),
        }
    }
}

/// What an open directory lists from its start.
pub(super) fn names_of(directory: &File) -> Said {
    rustix::fs::seek(directory, SeekFrom::Start(0))?;
    let mut names: Vec<_> = entries(directory, 1 << 16)?
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    Ok(names.join(" "))
}
