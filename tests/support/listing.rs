//! What `lstat` says of everything below a directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// One file, as far as an image tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) file_type: &'static str,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// 0 for what is neither file nor link.
    pub(crate) size: u64,
    pub(crate) mtime: i64,
    pub(crate) target: Option<String>,
    pub(crate) contents: Option<Vec<u8>>,
}

/// Everything below a directory by path from it, with a slash in front; not the directory itself.
pub(crate) fn of(dir: &Path) -> BTreeMap<String, Listed> {
    let mut found = BTreeMap::new();
    collect(dir, "", &mut found);
    found
}

fn collect(dir: &Path, prefix: &str, found: &mut BTreeMap<String, Listed>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        let listed = listed(&entry.path());
        if listed.file_type == "directory" {
            collect(&entry.path(), &path, found);
        }
        found.insert(path, listed);
    }
}

fn listed(path: &Path) -> Listed {
    let stat = fs::symlink_metadata(path).unwrap();
    let file_type = file_type(&stat);
    Listed {
        file_type,
        mode: stat.mode() & 0o7777,
        owner: (stat.uid(), stat.gid()),
        size: match file_type {
            "file" | "symlink" => stat.len(),
            _ => 0,
        },
        mtime: stat.mtime(),
        target: fs::read_link(path)
            .ok()
            .map(|target| target.display().to_string()),
        contents: stat.is_file().then(|| fs::read(path).unwrap()),
    }
}

fn file_type(stat: &fs::Metadata) -> &'static str {
    let kind = stat.file_type();
    match () {
        () if kind.is_dir() => "directory",
        () if kind.is_symlink() => "symlink",
        () if kind.is_fifo() => "fifo",
        () if kind.is_char_device() => "char-device",
        () if kind.is_block_device() => "block-device",
        () if kind.is_socket() => "socket",
        () => "file",
    }
}
