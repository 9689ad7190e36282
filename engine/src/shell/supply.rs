//! What a shell is given besides the setup that was kept.

use std::path::Path;

use iechor_executor::Secret;

use crate::error::StepError;
use crate::op::run::Supply;
use crate::request::SecretSource;

/// Secrets and proxies of whoever asks for the shell.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) secrets: Vec<SecretSource>,
    pub(super) proxies: Vec<(String, String)>,
}

impl Supply for Given {
    fn secret(&self, id: &str) -> Option<Secret> {
        let found = self.secrets.iter().rfind(|secret| secret.id == id);
        found.map(|secret| secret.value.clone())
    }

    fn proxies(&self) -> &[(String, String)] {
        &self.proxies
    }

    /// The step has filled the cache; one that was removed since starts empty.
    fn seed(&mut self, _id: &str, _into: &Path) -> Result<(), StepError> {
        Ok(())
    }
}
