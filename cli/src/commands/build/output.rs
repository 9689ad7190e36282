//! `--output`: which form, where to.

use std::io::IsTerminal;
use std::path::PathBuf;

use iechor_engine::request::{Compression, Output, OutputDest, OutputKind};

use super::fields::{self, FieldError};

/// Why an `--output` could not be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    /// It is no list of fields.
    #[error(transparent)]
    Fields(#[from] FieldError),
    /// A key that is not one of ours.
    #[error("unknown key `{0}`: an output has type, dest and compression")]
    UnknownKey(String),
    /// No type.
    #[error("an output needs type=oci, docker, tar or local")]
    NoType,
    /// A type that is not one of ours.
    #[error("unknown type `{0}`: an output's type is oci, docker, tar or local{hint}", hint = type_hint(.0))]
    UnknownType(String),
    /// A compression that is not one of ours.
    #[error("unknown compression `{0}`: it is gzip, zstd or uncompressed")]
    UnknownCompression(String),
    /// No destination, and an archive would go to the terminal.
    #[error("an output of type {0} needs dest=PATH, or standard output that is no terminal")]
    NoDest(&'static str),
    /// A directory tree has no place in a stream.
    #[error("an output of type local needs dest=DIRECTORY")]
    LocalStdout,
}

fn type_hint(kind: &str) -> &'static str {
    match kind {
        "image" | "registry" => "; images go to a registry with `iechor push`",
        "cacheonly" => "; leave out --output to build without one",
        _ => "",
    }
}

/// Takes `type=…,dest=…`, a bare directory, or `-`.
pub(super) fn parse(text: &str) -> Result<Output, OutputError> {
    if text == "-" {
        return Ok(output(OutputKind::Tar, OutputDest::Stdout));
    }
    if !text.contains('=') {
        return Ok(output(
            OutputKind::Local,
            OutputDest::Path(PathBuf::from(text)),
        ));
    }
    let (mut kind, mut dest, mut compression) = (None, None, Compression::default());
    for (key, value) in fields::parse(text)? {
        match key.as_str() {
            "type" => kind = Some(parse_kind(value)?),
            "dest" => dest = Some(value),
            "compression" => compression = parse_compression(value)?,
            _ => return Err(OutputError::UnknownKey(key)),
        }
    }
    let kind = kind.ok_or(OutputError::NoType)?;
    let dest = parse_dest(kind, dest.as_deref())?;
    Ok(Output {
        kind,
        dest,
        compression,
    })
}

/// Whether an output goes to standard output.
pub(super) fn is_stdout(output: &Output) -> bool {
    output.dest == OutputDest::Stdout
}

fn output(kind: OutputKind, dest: OutputDest) -> Output {
    Output {
        kind,
        dest,
        compression: Compression::default(),
    }
}

fn parse_kind(text: String) -> Result<OutputKind, OutputError> {
    match text.as_str() {
        "oci" => Ok(OutputKind::Oci),
        "docker" => Ok(OutputKind::Docker),
        "tar" => Ok(OutputKind::Tar),
        "local" => Ok(OutputKind::Local),
        _ => Err(OutputError::UnknownType(text)),
    }
}

fn parse_compression(text: String) -> Result<Compression, OutputError> {
    match text.as_str() {
        "gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        "uncompressed" => Ok(Compression::Uncompressed),
        _ => Err(OutputError::UnknownCompression(text)),
    }
}

fn parse_dest(kind: OutputKind, dest: Option<&str>) -> Result<OutputDest, OutputError> {
    match (kind, dest) {
        (OutputKind::Local, None | Some("" | "-")) => Err(OutputError::LocalStdout),
        (_, Some("-")) => Ok(OutputDest::Stdout),
        (_, None | Some("")) if std::io::stdout().is_terminal() => {
            Err(OutputError::NoDest(name(kind)))
        }
        (_, None | Some("")) => Ok(OutputDest::Stdout),
        (_, Some(path)) => Ok(OutputDest::Path(PathBuf::from(path))),
    }
}

fn name(kind: OutputKind) -> &'static str {
    match kind {
        OutputKind::Oci => "oci",
        OutputKind::Docker => "docker",
        OutputKind::Tar => "tar",
        OutputKind::Local => "local",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_forms() {
        assert_eq!(
            parse("-").unwrap(),
            output(OutputKind::Tar, OutputDest::Stdout)
        );
        let local = output(OutputKind::Local, OutputDest::Path("out".into()));
        assert_eq!(parse("out").unwrap(), local);
        assert_eq!(parse("type=local,dest=out").unwrap(), local);
    }

    #[test]
    fn the_long_form() {
        let parsed = parse("type=oci,dest=a.tar,compression=zstd").unwrap();
        assert_eq!(parsed.kind, OutputKind::Oci);
        assert_eq!(parsed.dest, OutputDest::Path("a.tar".into()));
        assert_eq!(parsed.compression, Compression::Zstd);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("type=zip,dest=x").contains("`zip`"));
        assert!(error("type=registry").contains("iechor push"));
        assert!(error("dest=x").contains("type="));
        assert!(error("type=oci,name=x").contains("`name`"));
        assert!(error("type=oci,compression=lz4").contains("`lz4`"));
        assert!(error("type=local").contains("dest=DIRECTORY"));
    }
}
