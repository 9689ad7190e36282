//! The command line, as mount(8) gives it to a helper.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

pub(crate) const USAGE: &str =
    "usage: overlay_mount SOURCE DIR -o lowerdir=TOP:...:BASE,upperdir=UPPER,workdir=WORK";

/// What is to be mounted where.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Topmost first, as overlayfs has them.
    pub(crate) lowers: Vec<PathBuf>,
    pub(crate) upper: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) at: PathBuf,
}

/// Options that say what the mount does anyway, or what mount(8) has already done.
const ACCEPTED: [&str; 10] = [
    "rw",
    "defaults",
    "dev",
    "suid",
    "exec",
    "volatile",
    "redirect_dir=on",
    "metacopy=on",
    "index=off",
    "xino=on",
];

impl Request {
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut request = Self::default();
        let mut plain = Vec::new();
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("-o") => request.take_options(&args.next().ok_or("-o without options")?)?,
                // Sloppy, no /etc/mtab, verbose, type: nothing to do with them.
                Some("-s" | "-n" | "-v") => {}
                Some("-t") => drop(args.next()),
                _ => plain.push(PathBuf::from(arg)),
            }
        }
        let [_source, at] =
            <[PathBuf; 2]>::try_from(plain).map_err(|_| "SOURCE and DIR are needed")?;
        request.at = at;
        request.checked()
    }

    fn take_options(&mut self, options: &OsStr) -> Result<(), String> {
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        for option in options.as_bytes().split(|byte| *byte == b',') {
            if let Some(lowers) = option.strip_prefix(b"lowerdir=") {
                self.lowers = lowers.split(|byte| *byte == b':').map(path).collect();
            } else if let Some(upper) = option.strip_prefix(b"upperdir=") {
                self.upper = path(upper);
            } else if let Some(work) = option.strip_prefix(b"workdir=") {
                self.work = path(work);
            } else if !ACCEPTED
                .iter()
                .any(|accepted| accepted.as_bytes() == option)
            {
                let option = String::from_utf8_lossy(option);
                return Err(format!("the option {option} is not known here"));
            }
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, String> {
        let named = [
            ("lowerdir", self.lowers.first()),
            ("upperdir", Some(&self.upper)),
            ("workdir", Some(&self.work)),
        ];
        for (option, path) in named {
            if path.is_none_or(|path| path.as_os_str().is_empty()) {
                return Err(format!("the option {option} is missing"));
            }
        }
        Ok(self)
    }
}
