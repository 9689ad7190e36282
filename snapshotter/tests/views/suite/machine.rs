//! The operations that scripts consist of, and what they say.
//!
//! An operation is a verb and words; it says `ok`, a value, or the kernel's error. `x{9}` is nine
//! times an x, `hex:00ff` are bytes. A path is relative to the root of the step. `as 1000 VERB …` does
//! it as that user, `keeps-ino P VERB …` tells whether the inode number of P survives it,
//! `within P VERB …` whether a listing of P that has begun stays whole, and `if-open VERB f …` does
//! nothing without an open file f. Files are opened without waiting (`O_NONBLOCK`), as some are FIFOs.

mod attributes;
mod directories;
mod handles;
mod names;
mod words;

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::MmapMut;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::Gid;

use self::words::expand;

/// What an operation said.
type Said = Result<String, Errno>;

/// A process in the root of a step, with what it holds open.
pub(super) struct Machine {
    files: HashMap<String, File>,
    maps: HashMap<String, MmapMut>,
}

impl Machine {
    /// Makes `root` the working directory of this thread, which shares none with others.
    pub(super) fn enter(root: &Path) -> Self {
        std::env::set_current_dir(root).unwrap();
        rustix::process::umask(rustix::fs::Mode::empty());
        Self {
            files: HashMap::new(),
            maps: HashMap::new(),
        }
    }

    /// Runs a script; gives each operation with what it said.
    pub(super) fn run_all(&mut self, script: &str) -> Vec<String> {
        script
            .split(';')
            .map(str::trim)
            .filter(|operation| !operation.is_empty())
            .map(|operation| format!("{operation}: {}", self.run(operation)))
            .collect()
    }

    fn run(&mut self, operation: &str) -> String {
        let words: Vec<String> = operation.split_whitespace().map(expand).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run_words(&words)
    }

    fn run_words(&mut self, words: &[&str]) -> String {
        match words {
            ["as", user, rest @ ..] => self.run_as(user.parse().unwrap(), rest),
            ["keeps-ino", path, rest @ ..] => self.keeps_ino(Path::new(path), rest),
            ["within", path, rest @ ..] => self.within(path, rest),
            ["if-open", _, file, ..] if !self.files.contains_key(*file) => "not open".to_owned(),
            ["if-open", rest @ ..] => self.run_words(rest),
            _ => self
                .execute(words)
                .unwrap_or_else(|errno| errno.to_string()),
        }
    }

    fn execute(&mut self, words: &[&str]) -> Said {
        names::run(words)
            .or_else(|| attributes::run(words))
            .or_else(|| directories::run(words))
            .or_else(|| self.run_on_handles(words))
            .unwrap_or_else(|| panic!("no operation: {words:?}"))
    }

    fn run_as(&mut self, user: u32, words: &[&str]) -> String {
        let (root, other) = (Uid::ROOT, Uid::from_raw(user));
        let group = |gid| rustix::thread::set_thread_res_gid(Gid::ROOT, gid, Gid::ROOT).unwrap();
        rustix::thread::set_thread_groups(&[]).unwrap();
        group(Gid::from_raw(user));
        rustix::thread::set_thread_res_uid(root, other, root).unwrap();
        let said = self.run_words(words);
        rustix::thread::set_thread_res_uid(root, root, root).unwrap();
        group(Gid::ROOT);
        said
    }

    fn keeps_ino(&mut self, path: &Path, words: &[&str]) -> String {
        let ino = |path: &Path| path.symlink_metadata().unwrap().ino();
        let before = ino(path);
        let said = self.run_words(words);
        format!("{said}, kept: {}", ino(path) == before)
    }

    fn within(&mut self, path: &str, words: &[&str]) -> String {
        let mut listing = directories::Listing::begin(path);
        let said = self.run_words(words);
        format!("{said}, {}", listing.end())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::env::set_current_dir("/");
    }
}

/// Of calls that give nothing.
fn done(result: Result<(), Errno>) -> Said {
    result.map(|()| "ok".to_owned())
}
