//! What is told of files, as `ls` writes it.

use std::path::Path;

use iechor_engine::files::Facts;

/// A path on one line of a terminal: control characters are escaped, for an image may have any.
pub(crate) fn path(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// `drwxr-xr-x`.
pub(crate) fn mode(facts: &Facts) -> String {
    let bits = |shift: u32, special: u32, letter: char| {
        let bits = facts.mode >> shift;
        let execute = match (bits & 1 != 0, facts.mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        };
        let read = if bits & 4 != 0 { 'r' } else { '-' };
        let write = if bits & 2 != 0 { 'w' } else { '-' };
        [read, write, execute]
    };
    let letters = [
        bits(6, 0o4000, 's'),
        bits(3, 0o2000, 's'),
        bits(0, 0o1000, 't'),
    ];
    std::iter::once(facts.file_type.letter())
        .chain(letters.into_iter().flatten())
        .collect()
}

/// `1000:1000`.
pub(crate) fn owner(facts: &Facts) -> String {
    format!("{}:{}", facts.uid, facts.gid)
}

/// Time of modification in UTC: `2001-09-09 01:46:40`; seconds since the epoch when that is no date.
pub(crate) fn mtime(facts: &Facts) -> String {
    match jiff::Timestamp::from_second(facts.mtime.secs) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => facts.mtime.secs.to_string(),
    }
}

/// Where a link points to, as `ls` adds it to the name.
pub(crate) fn arrow(facts: &Facts) -> String {
    let target = facts.target.as_deref();
    target.map_or_else(String::new, |target| format!(" -> {}", path(target)))
}

#[cfg(test)]
mod tests {
    use iechor_engine::files::FileType;

    use super::*;

    fn facts(file_type: FileType, mode: u32) -> Facts {
        Facts {
            file_type,
            mode,
            uid: 1,
            gid: 2,
            size: 0,
            mtime: Default::default(),
            target: None,
            device: None,
            content: None,
            xattrs: Vec::new(),
        }
    }

    #[test]
    fn modes_are_written_as_ls_writes_them() {
        let shown = |file_type, bits| mode(&facts(file_type, bits));
        assert_eq!(shown(FileType::File, 0o644), "-rw-r--r--");
        assert_eq!(shown(FileType::File, 0o4711), "-rws--x--x");
        assert_eq!(shown(FileType::File, 0o4600), "-rwS------");
        assert_eq!(shown(FileType::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(shown(FileType::Symlink, 0o777), "lrwxrwxrwx");
        assert_eq!(shown(FileType::Fifo, 0o2750), "prwxr-s---");
    }

    #[test]
    fn paths_cannot_write_on_the_terminal() {
        assert_eq!(path(Path::new("/a\nb\u{1b}[2J")), "/a\\nb\\u{1b}[2J");
        assert_eq!(path(Path::new("/ü b")), "/ü b");
    }
}
