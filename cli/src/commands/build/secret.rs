//! `--secret`: which value, from where. The value itself is shown nowhere (rule C14).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use iechor_engine::Secret;
use iechor_engine::request::SecretSource;

use super::fields::{self, FieldError};
use crate::env;
use crate::error::CliError;

/// The most that a secret may hold, as in docker: it lives in memory that is never swapped.
const MAX_BYTES: u64 = 500 * 1024;

/// One `--secret` as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretArg {
    id: String,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// `src=`.
    File(PathBuf),
    /// `env=`.
    Env(String),
    /// Neither: the environment variable of the id's name, else the file.
    Id,
}

/// Why a `--secret` could not be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum SecretArgError {
    /// It is no list of fields. The text is not shown: it may be the value.
    #[error("{0}; write id=ID,src=FILE or id=ID,env=NAME")]
    Fields(&'static str),
    /// A key that is not one of ours.
    #[error("unknown key `{0}`: a secret has id, src (or source), env and type")]
    UnknownKey(String),
    /// A type that is not one of ours.
    #[error("unknown type `{0}`: a secret's type is file or env")]
    UnknownType(String),
    /// No id.
    #[error("a secret needs id=ID")]
    NoId,
    /// Two origins.
    #[error("the secret has both src and env: give one of them")]
    TwoOrigins,
}

impl FromStr for SecretArg {
    type Err = SecretArgError;

    fn from_str(text: &str) -> Result<Self, SecretArgError> {
        let mut id = None;
        let (mut file, mut variable, mut kind) = (None, None, None);
        for (key, value) in fields::parse(text).map_err(without_text)? {
            match key.as_str() {
                "id" => id = Some(value),
                "src" | "source" => file = Some(value),
                "env" => variable = Some(value),
                "type" => kind = Some(Kind::from_str(&value)?),
                _ => return Err(SecretArgError::UnknownKey(key)),
            }
        }
        let id = id.filter(|id| !id.is_empty()).ok_or(SecretArgError::NoId)?;
        let origin = origin(kind, file, variable, &id)?;
        Ok(Self { id, origin })
    }
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Env,
}

impl FromStr for Kind {
    type Err = SecretArgError;

    fn from_str(text: &str) -> Result<Self, SecretArgError> {
        match text {
            "file" => Ok(Self::File),
            "env" => Ok(Self::Env),
            _ => Err(SecretArgError::UnknownType(text.to_owned())),
        }
    }
}

/// `type=env,src=NAME` means the variable, as it does to docker.
fn origin(
    kind: Option<Kind>,
    file: Option<String>,
    variable: Option<String>,
    id: &str,
) -> Result<Origin, SecretArgError> {
    match (kind, file, variable) {
        (_, Some(_), Some(_)) => Err(SecretArgError::TwoOrigins),
        (Some(Kind::Env), Some(name), None) | (_, None, Some(name)) => Ok(Origin::Env(name)),
        (_, Some(path), None) => Ok(Origin::File(path.into())),
        (Some(Kind::Env), None, None) => Ok(Origin::Env(id.to_owned())),
        (Some(Kind::File), None, None) => Ok(Origin::File(id.into())),
        (None, None, None) => Ok(Origin::Id),
    }
}

fn without_text(error: FieldError) -> SecretArgError {
    SecretArgError::Fields(match error {
        FieldError::OpenQuote => "a quotation mark is not closed",
        FieldError::NoValue(_) => "a part has no `=`",
    })
}

impl SecretArg {
    /// Reads the value.
    pub(super) fn read(self) -> Result<SecretSource, CliError> {
        let value = match self.origin {
            Origin::Env(name) => env::named(&name).ok_or_else(|| unset(&self.id, &name))?,
            Origin::File(path) => return Ok(source(self.id, read_file(&path)?)),
            Origin::Id => match env::named(&self.id) {
                Some(value) => value,
                None => {
                    let bytes = read_fallback(&self.id)?;
                    return Ok(source(self.id, bytes));
                }
            },
        };
        Ok(source(self.id, OsString::into_vec(value)))
    }
}

fn source(id: String, value: Vec<u8>) -> SecretSource {
    SecretSource {
        id,
        value: Secret::new(value),
    }
}

fn unset(id: &str, variable: &str) -> CliError {
    CliError::usage(format!(
        "secret `{id}`: the environment variable {variable} is not set"
    ))
}

/// `id=ID` alone, and no variable is called so.
fn read_fallback(id: &str) -> Result<Vec<u8>, CliError> {
    if !Path::new(id).exists() {
        return Err(CliError::usage_with_hint(
            format!(
                "secret `{id}`: there is neither an environment variable nor a file of that name"
            ),
            format!("say where it is: --secret id={id},src=FILE or --secret id={id},env=NAME"),
        ));
    }
    read_file(Path::new(id))
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut value = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut value));
    match read {
        Ok(length) if length as u64 > MAX_BYTES => Err(too_large(path)),
        Ok(_) => Ok(value),
        Err(source) => Err(cannot_read(path, source)),
    }
}

fn too_large(path: &Path) -> CliError {
    CliError::usage(format!(
        "secret {}: more than {MAX_BYTES} bytes",
        path.display()
    ))
}

fn cannot_read(path: &Path, source: io::Error) -> CliError {
    CliError::Io {
        action: "read the secret",
        path: path.to_owned(),
        source,
    }
}

/// Reads every `--secret`. Parsed here and not by clap, whose message would repeat what may be the value.
pub(in crate::commands) fn read_all(args: Vec<String>) -> Result<Vec<SecretSource>, CliError> {
    let parse = |text: String| {
        text.parse::<SecretArg>()
            .map_err(|error| CliError::usage(format!("--secret: {error}")))
    };
    args.into_iter().map(|text| parse(text)?.read()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_of(text: &str) -> Result<Origin, SecretArgError> {
        text.parse::<SecretArg>().map(|secret| secret.origin)
    }

    #[test]
    fn every_form_of_docker_is_read() {
        assert_eq!(origin_of("id=a,src=/x"), Ok(Origin::File("/x".into())));
        assert_eq!(origin_of("id=a,source=/x"), Ok(Origin::File("/x".into())));
        assert_eq!(
            origin_of("type=file,id=a,src=/x"),
            Ok(Origin::File("/x".into()))
        );
        assert_eq!(origin_of("id=a,env=X"), Ok(Origin::Env("X".into())));
        assert_eq!(
            origin_of("id=a,type=env,src=X"),
            Ok(Origin::Env("X".into()))
        );
        assert_eq!(origin_of("id=a,type=env"), Ok(Origin::Env("a".into())));
        assert_eq!(origin_of("id=a"), Ok(Origin::Id));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(origin_of("src=/x"), Err(SecretArgError::NoId));
        assert_eq!(origin_of("id=,src=/x"), Err(SecretArgError::NoId));
        assert_eq!(
            origin_of("id=a,src=/x,env=X"),
            Err(SecretArgError::TwoOrigins)
        );
        assert_eq!(
            origin_of("id=a,mode=1"),
            Err(SecretArgError::UnknownKey("mode".into()))
        );
        assert_eq!(
            origin_of("id=a,type=gpg"),
            Err(SecretArgError::UnknownType("gpg".into()))
        );
    }

    #[test]
    fn a_malformed_secret_is_not_repeated() {
        let error = "hunter2".parse::<SecretArg>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
