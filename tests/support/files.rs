//! A directory to write in and to look at.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A directory.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    /// The files below a directory.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where a file is.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file, with the directories above it, and a time that is always the same.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        self.set_mtime(name, 1_000_000_000)
    }

    /// Sets the modification time, in seconds since the epoch.
    pub(crate) fn set_mtime(&self, name: &str, seconds: u64) -> &Self {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let times = FileTimes::new().set_modified(time);
        File::open(self.path(name))
            .unwrap()
            .set_times(times)
            .unwrap();
        self
    }

    /// Sets the permission bits.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, name: &str, target: &str) -> &Self {
        let path = self.path(name);
        let _replaced = fs::remove_file(&path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> &Self {
        fs::remove_file(self.path(name)).unwrap();
        self
    }

    /// The text of a file.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => panic!("cannot read {}: {error}", path.display()),
        }
    }

    /// Whether there is such a file, dangling links included.
    pub(crate) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// Permission bits with setuid, setgid and sticky.
    #[track_caller]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        self.stat(name).mode() & 0o7777
    }

    /// Owner and group.
    #[track_caller]
    pub(crate) fn owner(&self, name: &str) -> (u32, u32) {
        let stat = self.stat(name);
        (stat.uid(), stat.gid())
    }

    /// What `lstat` says.
    #[track_caller]
    pub(crate) fn stat(&self, name: &str) -> fs::Metadata {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(stat) => stat,
            Err(error) => panic!("cannot stat {}: {error}", path.display()),
        }
    }

    /// The names in a directory, sorted.
    #[track_caller]
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }
}
