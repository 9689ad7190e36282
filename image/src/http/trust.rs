//! Whose certificates are good, and who we are.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::{HttpError, HttpSettings};

/// For a server, which may be a registry that certificates are kept for.
pub(super) fn tls(settings: &HttpSettings, registry: Option<&str>) -> Result<TlsConfig, HttpError> {
    let files = match registry {
        Some(registry) => files_of(&settings.certificates, registry)?,
        None => Vec::new(),
    };
    let mut trusted = Vec::new();
    for path in settings
        .authorities
        .iter()
        .chain(with_ending(&files, "crt"))
    {
        trusted.extend(certificates(path)?);
    }
    let roots = match trusted.as_slice() {
        [] => RootCerts::WebPki,
        trusted => RootCerts::new_with_certs(trusted),
    };
    let config = TlsConfig::builder().root_certs(roots);
    Ok(config.client_cert(identity(&files)?).build())
}

/// The files that are kept for a registry.
fn files_of(directories: &[PathBuf], registry: &str) -> Result<Vec<PathBuf>, HttpError> {
    let mut files = Vec::new();
    for dir in directories.iter().map(|dir| dir.join(registry)) {
        let failed = |source| HttpError::Read {
            path: dir.clone(),
            source,
        };
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            files.push(entry.map_err(failed)?.path());
        }
    }
    files.sort();
    Ok(files)
}

fn with_ending<'a>(files: &'a [PathBuf], ending: &str) -> impl Iterator<Item = &'a PathBuf> {
    files
        .iter()
        .filter(move |file| file.extension().is_some_and(|found| found == ending))
}

/// The first certificate that has its key beside it.
fn identity(files: &[PathBuf]) -> Result<Option<ClientCert>, HttpError> {
    let Some(path) = with_ending(files, "cert").find(|path| path.with_extension("key").exists())
    else {
        return Ok(None);
    };
    let key = path.with_extension("key");
    let read = PrivateKey::from_pem(&read(&key)?).map_err(|_| HttpError::Pem {
        path: key.clone(),
        wanted: "a private key",
    })?;
    Ok(Some(ClientCert::new_with_certs(&certificates(path)?, read)))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, HttpError> {
    let none = || HttpError::Pem {
        path: path.to_owned(),
        wanted: "a certificate",
    };
    let mut found = Vec::new();
    for item in parse_pem(&read(path)?) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| none())? {
            found.push(certificate);
        }
    }
    match found.is_empty() {
        true => Err(none()),
        false => Ok(found),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, HttpError> {
    fs::read(path).map_err(|source| HttpError::Read {
        path: path.to_owned(),
        source,
    })
}
