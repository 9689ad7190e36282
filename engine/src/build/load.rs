//! Reading the iEchorfile and the ignore file: the only text that a build takes from the disk.

use std::fs;
use std::path::{Path, PathBuf};

use iechor_frontend::ignore::IgnoreSet;
use iechor_frontend::{Parsed, Severity};

use crate::error::BuildError;
use crate::progress::{Event, ProgressSink};
use crate::request::{BuildRequest, ContextSource, FileSource};

/// Names that are looked for in the context when `-f` is not given, in this order.
const DEFAULT_NAMES: [&str; 3] = ["iEchorfile", "Dockerfile", "Containerfile"];

/// Ignore files looked for in the context, in this order; the first one found counts alone.
const IGNORE_NAMES: [&str; 3] = [".iechorignore", ".dockerignore", ".containerignore"];

/// A parsed iEchorfile and the text it came from.
#[derive(Debug)]
pub(crate) struct LoadedFile {
    /// What messages call it.
    pub(crate) name: String,
    /// Where it is, unless it came from standard input.
    pub(crate) path: Option<PathBuf>,
    /// What records call it: its path without links, so that files of one name are told apart.
    pub(crate) identity: String,
    /// The text that spans point into.
    pub(crate) text: String,
    /// What it says; has no errors.
    pub(crate) parsed: Parsed,
}

/// Reads and parses the file; tells its warnings.
///
/// # Errors
///
/// When it can't be read, and when it has errors: all of them at once.
pub(crate) fn load(
    request: &BuildRequest,
    progress: &dyn ProgressSink,
) -> Result<LoadedFile, BuildError> {
    let (name, path, bytes) = read(request, progress)?;
    let parsed = iechor_frontend::parse(&bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let identity = identity(&name, path.as_deref());
    let file = LoadedFile {
        name,
        path,
        identity,
        text,
        parsed,
    };
    file.refuse_errors()?;
    file.tell_warnings(progress);
    Ok(file)
}

fn identity(name: &str, path: Option<&Path>) -> String {
    let resolved = path.and_then(|path| fs::canonicalize(path).ok());
    resolved.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}

impl LoadedFile {
    fn refuse_errors(&self) -> Result<(), BuildError> {
        if !self.parsed.has_errors() {
            return Ok(());
        }
        Err(BuildError::Parse {
            rendered: self.rendered(Severity::Error).join("\n"),
        })
    }

    fn tell_warnings(&self, progress: &dyn ProgressSink) {
        for warning in self.rendered(Severity::Warning) {
            progress.event(Event::Warning(warning));
        }
    }

    fn rendered(&self, severity: Severity) -> Vec<String> {
        let found = self
            .parsed
            .diagnostics
            .iter()
            .filter(|found| found.severity == severity);
        found
            .map(|found| found.render(&self.name, &self.text))
            .collect()
    }
}

type Read = (String, Option<PathBuf>, Vec<u8>);

fn read(request: &BuildRequest, progress: &dyn ProgressSink) -> Result<Read, BuildError> {
    match &request.file {
        FileSource::Text { name, text } => Ok((name.clone(), None, text.clone())),
        FileSource::Path(path) => read_path(path),
        FileSource::Default => read_default(&request.context, progress),
    }
}

fn read_path(path: &Path) -> Result<Read, BuildError> {
    let bytes = fs::read(path).map_err(|source| BuildError::io("cannot read", path, source))?;
    Ok((path.display().to_string(), Some(path.to_owned()), bytes))
}

fn read_default(context: &ContextSource, progress: &dyn ProgressSink) -> Result<Read, BuildError> {
    let ContextSource::Directory(dir) = context else {
        return Err(BuildError::NoFile {
            dir: PathBuf::from("-"),
        });
    };
    fs::metadata(dir)
        .map_err(|source| BuildError::io("cannot read the build context", dir, source))?;
    let found = DEFAULT_NAMES.iter().find(|name| dir.join(name).is_file());
    let name = found.ok_or_else(|| BuildError::NoFile { dir: dir.clone() })?;
    if *name != DEFAULT_NAMES[0] {
        let note = format!("no {} in {}: using {name}", DEFAULT_NAMES[0], dir.display());
        progress.event(Event::Warning(note));
    }
    let (_, path, bytes) = read_path(&dir.join(name))?;
    Ok(((*name).to_owned(), path, bytes))
}

/// The ignore rules of the build context: of `--ignorefile`, else of the first one found among
/// `FILE.iechorignore`, `FILE.dockerignore` and those in the context.
pub(crate) fn ignore_rules(
    request: &BuildRequest,
    file: &LoadedFile,
) -> Result<IgnoreSet, BuildError> {
    let Some(path) = ignore_file(request, file) else {
        return Ok(IgnoreSet::default());
    };
    let bytes = fs::read(&path).map_err(|source| BuildError::io("cannot read", &path, source))?;
    IgnoreSet::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|source| BuildError::IgnoreFile { path, source })
}

fn ignore_file(request: &BuildRequest, file: &LoadedFile) -> Option<PathBuf> {
    if let Some(named) = &request.ignore_file {
        return Some(named.clone());
    }
    let beside = file.path.iter().flat_map(|path| {
        ["iechorignore", "dockerignore"]
            .map(|ending| PathBuf::from(format!("{}.{ending}", path.display())))
    });
    let inside = match &request.context {
        ContextSource::Directory(dir) => IGNORE_NAMES.map(|name| dir.join(name)).to_vec(),
        ContextSource::Empty => Vec::new(),
    };
    beside.chain(inside).find(|path| path.is_file())
}
