//! From a fork of init to the command.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{console, identity};
use crate::fault::Doing;
use crate::sandbox::Filters;
use crate::{StepFault, StepSpec, sys};

/// Becomes the command, on a terminal if it has one; comes back only with why not.
pub(super) fn command(step: &StepSpec, filters: &Filters, terminal: Option<OwnedFd>) -> StepFault {
    match prepare(step, filters, terminal) {
        Ok(()) => execute(step),
        Err(fault) => fault,
    }
}

fn prepare(step: &StepSpec, filters: &Filters, terminal: Option<OwnedFd>) -> Result<(), StepFault> {
    // A session that the step's signals stay in, without the controlling terminal of the builder.
    rustix::process::setsid().doing("start a session")?;
    terminal.as_ref().map_or(Ok(()), console::take)?;
    sys::restore_default_signals();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    enter_directory(&step.cwd)?;
    identity::assume(&step.user, filters)
}

/// A directory outside the root has no path, and `getcwd` says so (CVE-2024-21626).
fn enter_directory(path: &Path) -> Result<(), StepFault> {
    let fault = |source| StepFault::WorkingDirectory {
        path: path.into(),
        source,
    };
    rustix::process::chdir(path).map_err(|errno| fault(errno.into()))?;
    let seen = std::env::current_dir().map_err(fault)?;
    if seen.is_absolute() {
        Ok(())
    } else {
        Err(fault(Errno::ACCESS.into()))
    }
}

/// Tries each place where the program may be, as `execvp` does.
fn execute(step: &StepSpec) -> StepFault {
    let program = step.argv.first().cloned().unwrap_or_default();
    let call = Call::new(step);
    let mut denied = None;
    for candidate in candidates(&program, step) {
        match call.execute(&candidate) {
            Ok(fault @ StepFault::NotExecutable { .. }) => denied = denied.or(Some(fault)),
            Ok(fault) => return fault,
            Err(NotThere) => {}
        }
    }
    denied.unwrap_or_else(|| not_found(program, step))
}

fn not_found(program: OsString, step: &StepSpec) -> StepFault {
    if program.as_bytes().contains(&b'/') {
        StepFault::NoProgram {
            path: program.into(),
        }
    } else {
        StepFault::NotInPath {
            program,
            search: search_path(step).to_owned(),
        }
    }
}

/// A name with a slash is a path; others are looked up in the step's own `PATH`.
fn candidates(program: &OsStr, step: &StepSpec) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![program.into()];
    }
    let directories = search_path(step).as_bytes().split(|byte| *byte == b':');
    let candidate = |directory: &[u8]| Path::new(OsStr::from_bytes(directory)).join(program);
    directories
        .filter(|directory| !directory.is_empty())
        .map(candidate)
        .collect()
}

/// Of two settings the later counts, as it does for most programs that read it.
fn search_path(step: &StepSpec) -> &OsStr {
    let setting = step.env.iter().rev().find(|(name, _)| name == "PATH");
    setting
        .map(|(_, value)| value.as_os_str())
        .unwrap_or_default()
}

/// A candidate that does not exist.
struct NotThere;

/// The arguments and environment, as the kernel wants them.
struct Call {
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Call {
    fn new(step: &StepSpec) -> Self {
        let pair = |(name, value): &(OsString, OsString)| {
            c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat())
        };
        Self {
            argv: step
                .argv
                .iter()
                .map(|argument| c_string(argument.as_bytes()))
                .collect(),
            env: step.env.iter().map(pair).collect(),
        }
    }

    fn execute(&self, program: &Path) -> Result<StepFault, NotThere> {
        let path = || program.to_path_buf();
        let error = sys::execute(
            &c_string(program.as_os_str().as_bytes()),
            &self.argv,
            &self.env,
        );
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => missing_part(program),
            Some(libc::EACCES) => Ok(StepFault::NotExecutable { path: path() }),
            Some(libc::ENOEXEC) => Ok(StepFault::WrongFormat { path: path() }),
            _ => Ok(StepFault::Exec {
                path: path(),
                source: error,
            }),
        }
    }
}

/// Strings of a step come from a text without NUL; a NUL all the same ends the string.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

/// "No such file" is said of the program, and of the interpreter that an existing one needs.
fn missing_part(program: &Path) -> Result<StepFault, NotThere> {
    if fs::metadata(program).is_err() {
        return Err(NotThere);
    }
    let path = program.to_path_buf();
    let interpreter = interpreter(program).unwrap_or_else(|_| "its interpreter".into());
    Ok(StepFault::NoInterpreter { path, interpreter })
}

/// What a script's first line or a binary's `PT_INTERP` names.
fn interpreter(program: &Path) -> io::Result<PathBuf> {
    let mut head = Vec::new();
    File::open(program)?.take(4096).read_to_end(&mut head)?;
    let name = match head.strip_prefix(b"#!") {
        Some(line) => line.split(|byte| *byte == b'\n').next().and_then(|line| {
            line.split(|byte| matches!(byte, b' ' | b'\t'))
                .find(|word| !word.is_empty())
        }),
        None => elf_interpreter(&head),
    };
    let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(OsString::from_vec(name.to_vec()).into())
}

/// Dynamic loaders are named by an absolute path at the front of the file.
fn elf_interpreter(head: &[u8]) -> Option<&[u8]> {
    let names = head.strip_prefix(b"\x7fELF")?.split(|byte| *byte == 0);
    names
        .into_iter()
        .find(|name| name.starts_with(b"/") && name.is_ascii())
}
