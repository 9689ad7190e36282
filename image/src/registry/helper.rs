//! Credential helpers: programs `docker-credential-NAME` that know passwords.
//!
//! The host goes in on stdin, JSON comes out on stdout; a host that is not known is told on stdout
//! with a failing exit status.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::registry::credentials::{Credential, CredentialError};

/// How long a helper may take; one that asks a person for a password takes too long for a build.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often we look whether it has ended.
const TICK: Duration = Duration::from_millis(10);
/// Longest answer that is read.
const MAX_ANSWER: u64 = 1 << 20;
/// The user name with which a helper says that the secret is a refresh token.
const TOKEN_USER: &str = "<token>";

/// A credential helper.
#[derive(Debug)]
pub(super) struct Helper {
    program: String,
    timeout: Duration,
}

/// What a helper says of a host.
#[derive(Debug)]
pub(super) enum Answer {
    Known(Credential),
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    username: String,
    secret: String,
}

impl Helper {
    /// The helper of a name, which is the rest of a program's name and no path.
    pub(super) fn new(name: &str) -> Result<Self, CredentialError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        match name.chars().all(is_word) {
            true => Ok(Self {
                program: format!("docker-credential-{name}"),
                timeout: TIMEOUT,
            }),
            false => Err(CredentialError::HelperName(name.to_owned())),
        }
    }

    /// Asks for the credential of a host.
    pub(super) fn get(&self, host: &str) -> Result<Answer, CredentialError> {
        let mut child = self.start().map_err(|source| self.start_error(source))?;
        let output = self.converse(&mut child, host);
        if output.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let (status, output) = output?;
        match status.success() {
            true => self.parse(&output),
            false => self.failure(&output),
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }

    fn start_error(&self, source: io::Error) -> CredentialError {
        CredentialError::HelperStart {
            program: self.program.clone(),
            source,
        }
    }

    /// Writes the host, reads the answer and waits, no longer than allowed. A thread reads, so that
    /// a grandchild that keeps the pipe open cannot keep us.
    fn converse(
        &self,
        child: &mut Child,
        host: &str,
    ) -> Result<(ExitStatus, Vec<u8>), CredentialError> {
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read its input may answer all the same.
            let _ = stdin.write_all(host.as_bytes());
        }
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let mut output = Vec::new();
                let _ = stdout.take(MAX_ANSWER).read_to_end(&mut output);
                let _ = sender.send(output);
            });
        }
        let timeout = || CredentialError::HelperTimeout {
            program: self.program.clone(),
            seconds: self.timeout.as_secs(),
        };
        let deadline = Instant::now() + self.timeout;
        let output = receiver.recv_timeout(self.timeout).map_err(|_| timeout())?;
        loop {
            match child
                .try_wait()
                .map_err(|source| self.start_error(source))?
            {
                Some(status) => return Ok((status, output)),
                None if Instant::now() >= deadline => return Err(timeout()),
                None => thread::sleep(TICK),
            }
        }
    }

    fn parse(&self, output: &[u8]) -> Result<Answer, CredentialError> {
        let Output { username, secret } = serde_json::from_slice(output)
            .map_err(|_| self.failed("its answer is not the JSON that it should be"))?;
        Ok(Answer::Known(match username.as_str() {
            TOKEN_USER => Credential::IdentityToken(secret),
            _ => Credential::Basic {
                username,
                password: secret,
            },
        }))
    }

    /// Helpers say "credentials not found in native keychain" for hosts that they do not know.
    fn failure(&self, output: &[u8]) -> Result<Answer, CredentialError> {
        let message = String::from_utf8_lossy(output);
        let message = message.trim();
        match message.contains("credentials not found") {
            true => Ok(Answer::Unknown),
            false => Err(self.failed(message.lines().next().unwrap_or("it gave no reason"))),
        }
    }

    fn failed(&self, message: &str) -> CredentialError {
        let message = message
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        CredentialError::HelperFailed {
            program: self.program.clone(),
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A helper that is a shell script.
    fn script(body: &str) -> (tempfile::TempDir, Helper) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docker-credential-test");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let timeout = Duration::from_millis(1500);
        (
            dir,
            Helper {
                program: path.display().to_string(),
                timeout,
            },
        )
    }

    fn get(body: &str) -> Result<Answer, CredentialError> {
        let (_dir, helper) = script(body);
        helper.get("quay.io")
    }

    #[test]
    fn the_host_goes_in_and_the_credential_comes_out() {
        let echo = r#"read host; echo "{\"Username\":\"$1\",\"Secret\":\"$host\"}""#;
        let Answer::Known(found) = get(echo).unwrap() else {
            panic!("not known")
        };
        let expected = Credential::Basic {
            username: "get".into(),
            password: "quay.io".into(),
        };
        assert_eq!(found, expected);
        let token = r#"echo '{"Username":"<token>","Secret":"t"}'"#;
        let Answer::Known(found) = get(token).unwrap() else {
            panic!("not known")
        };
        assert_eq!(found, Credential::IdentityToken("t".into()));
    }

    #[test]
    fn a_host_that_is_not_known_is_no_error_and_others_are() {
        let unknown = "echo credentials not found in native keychain; exit 1";
        assert!(matches!(get(unknown).unwrap(), Answer::Unknown));
        let error = get("echo locked; exit 1").unwrap_err().to_string();
        assert!(error.ends_with("failed: locked"), "{error}");
        assert!(
            get("echo '{}'")
                .unwrap_err()
                .to_string()
                .contains("not the JSON")
        );
        assert!(matches!(
            Helper::new("../x"),
            Err(CredentialError::HelperName(_))
        ));
        let missing = Helper::new("no-such-helper-here").unwrap();
        assert!(matches!(
            missing.get("a"),
            Err(CredentialError::HelperStart { .. })
        ));
    }

    #[test]
    fn a_helper_that_hangs_is_ended() {
        let before = Instant::now();
        assert!(matches!(
            get("exec sleep 60"),
            Err(CredentialError::HelperTimeout { .. })
        ));
        assert!(before.elapsed() < Duration::from_secs(20));
    }
}
