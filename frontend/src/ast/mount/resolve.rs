//! From the options of a mount to the mount.

use super::options::{ENV, Options, canonical_name, unknown_key};
use super::{
    BindMount, CacheMount, Mount, MountAccess, MountFlag, MountType, SecretMount, Sharing,
    SshMount, TmpfsMount,
};
use crate::diagnostic::Diagnostic;
use crate::expand::Expander;

impl MountFlag {
    /// The mount, its options expanded, checked and completed with their defaults.
    ///
    /// The error is about the first thing that is wrong.
    pub fn resolve(&self, expander: &mut Expander<'_>) -> Result<Mount, Box<Diagnostic>> {
        self.resolve_all(expander)
            .map_err(|errors| Box::new(errors.first))
    }

    /// As [`resolve`](Self::resolve), with everything that is wrong.
    pub(crate) fn resolve_all(&self, expander: &mut Expander<'_>) -> Result<Mount, Box<Errors>> {
        let mut options = Options::expand(self, expander);
        let mount = options.mount();
        options.refuse_the_rest();
        let mut errors = options.errors.into_iter();
        match errors.next() {
            None => Ok(mount),
            Some(first) => Err(Box::new(Errors {
                first,
                others: errors.collect(),
            })),
        }
    }

    /// An error for each option that no mount has.
    pub(crate) fn unknown_keys(&self) -> impl Iterator<Item = Diagnostic> {
        self.options
            .iter()
            .filter(|option| canonical_name(option).is_none())
            .map(unknown_key)
    }
}

/// What is wrong with a mount.
#[derive(Debug)]
pub(crate) struct Errors {
    pub(crate) first: Diagnostic,
    pub(crate) others: Vec<Diagnostic>,
}

impl Options {
    fn mount(&mut self) -> Mount {
        match self.kind {
            MountType::Bind => Mount::Bind(self.bind()),
            MountType::Cache => Mount::Cache(self.cache()),
            MountType::Tmpfs => Mount::Tmpfs(self.tmpfs()),
            MountType::Secret => Mount::Secret(self.secret()),
            MountType::Ssh => Mount::Ssh(self.ssh()),
        }
    }

    fn bind(&mut self) -> BindMount {
        BindMount {
            target: self.needed_target(),
            from: self.text("from"),
            source: self.text("source").unwrap_or_else(|| "/".to_owned()),
            access: self.access(MountAccess::ReadOnly),
        }
    }

    fn cache(&mut self) -> CacheMount {
        let target = self.needed_target();
        CacheMount {
            id: self.text("id").unwrap_or_else(|| target.clone()),
            from: self.text("from"),
            source: self.text("source").unwrap_or_else(|| "/".to_owned()),
            access: self.access(MountAccess::ReadWrite),
            sharing: self.word("sharing", &Sharing::WORDS).unwrap_or_default(),
            mode: self.mode().unwrap_or(0o755),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
            target,
        }
    }

    fn tmpfs(&mut self) -> TmpfsMount {
        TmpfsMount {
            target: self.needed_target(),
            size: self.size(),
        }
    }

    fn secret(&mut self) -> SecretMount {
        let source = self.text("source");
        let target = self.text("target");
        let id = self
            .text("id")
            .or(source)
            .or_else(|| target.as_deref().map(last_component));
        if id.as_ref().is_none_or(String::is_empty) {
            self.missing("id", "as in --mount=type=secret,id=NAME");
        }
        SecretMount {
            id: id.unwrap_or_default(),
            target,
            env: self.text(ENV),
            requirement: self.requirement(),
            mode: self.mode().unwrap_or(0o400),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
        }
    }

    fn ssh(&mut self) -> SshMount {
        SshMount {
            id: self.text("id").unwrap_or_else(|| "default".to_owned()),
            target: self.text("target"),
            requirement: self.requirement(),
            mode: self.mode().unwrap_or(0o600),
            uid: self.owner("uid"),
            gid: self.owner("gid"),
        }
    }
}

fn last_component(path: &str) -> String {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}
