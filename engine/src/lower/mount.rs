//! `RUN --mount`: properties into the key (rules C15, C16), the rest into the step.

use std::collections::BTreeMap;
use std::sync::Arc;

use iechor_cachedb::Input;
use iechor_executor::Access;
use iechor_frontend::ast::{
    BindMount, CacheMount, Mount, MountAccess, MountFlag, Requirement, SecretMount, Sharing, Text,
    TmpfsMount,
};
use iechor_frontend::ignore::IgnoreSet;
use iechor_image::ImageConfig;

use super::Context;
use super::paths::absolute;
use super::words::Words;
use crate::copy::select::{Files, Layout, Rules};
use crate::error::StepError;
use crate::op::run::{RunMount, SecretUse};

/// What the mounts of one RUN come to.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    pub(crate) inputs: Vec<Input>,
    pub(crate) mounts: Vec<RunMount>,
    pub(crate) anew: Option<String>,
}

/// Lowers one `--mount` into `mounts`.
pub(crate) fn lower(
    context: &Context<'_>,
    words: &mut Words<'_>,
    config: &ImageConfig,
    flag: &MountFlag,
    mounts: &mut Mounts,
) -> Result<(), StepError> {
    let workdir = config.config.working_dir.as_str();
    match words.mount(flag)? {
        Mount::Bind(bind) => mounts.bind(context, workdir, flag.from(), bind),
        Mount::Cache(cache) => mounts.cache(context, workdir, flag.from(), cache),
        Mount::Tmpfs(tmpfs) => mounts.tmpfs(workdir, &tmpfs),
        Mount::Secret(secret) => mounts.secret(context, workdir, secret),
        Mount::Ssh(_) => Err(StepError::NoSsh),
    }
}

impl Mounts {
    fn bind(
        &mut self,
        context: &Context<'_>,
        workdir: &str,
        from: Option<&Text>,
        bind: BindMount,
    ) -> Result<(), StepError> {
        let target = absolute(workdir, &bind.target);
        let access = match bind.access {
            MountAccess::ReadOnly => Access::ReadOnly,
            MountAccess::ReadWrite => Access::Discard,
        };
        let properties = [
            ("source", bind.source.clone()),
            ("from", bind.from.unwrap_or_default()),
            ("access", format!("{access:?}")),
        ];
        self.inputs
            .push(Input::mount("bind", &target, strings(properties)));
        let files = self.files(context, from, &bind.source)?;
        self.mounts.push(RunMount::Bind {
            target: target.into(),
            files,
            access,
        });
        Ok(())
    }

    /// The files of a mount's source; they enter the key as those of COPY do.
    fn files(
        &mut self,
        context: &Context<'_>,
        from: Option<&Text>,
        source: &str,
    ) -> Result<Files, StepError> {
        let rules = Rules {
            excludes: IgnoreSet::default(),
            layout: Layout::Flat,
        };
        let mut files = Files::new(
            context.session.origin(context, from)?,
            source,
            &Arc::new(rules),
        );
        self.inputs.extend(files.inputs(context)?);
        self.anew = self
            .anew
            .take()
            .or_else(|| context.session.followed(&files.origin));
        Ok(files)
    }

    fn cache(
        &mut self,
        context: &Context<'_>,
        workdir: &str,
        from: Option<&Text>,
        cache: CacheMount,
    ) -> Result<(), StepError> {
        let target = absolute(workdir, &cache.target);
        self.inputs
            .push(Input::mount("cache", &target, cache_properties(&cache)));
        let seed = match from {
            Some(_) => Some(self.files(context, from, &cache.source)?),
            None => None,
        };
        self.mounts.push(RunMount::Cache {
            target: target.into(),
            cache,
            seed,
        });
        Ok(())
    }

    fn tmpfs(&mut self, workdir: &str, tmpfs: &TmpfsMount) -> Result<(), StepError> {
        let target = absolute(workdir, &tmpfs.target);
        let size = tmpfs.size.map(|size| size.to_string()).unwrap_or_default();
        self.inputs
            .push(Input::mount("tmpfs", &target, strings([("size", size)])));
        self.mounts.push(RunMount::Tmpfs {
            target: target.into(),
            size: tmpfs.size,
        });
        Ok(())
    }

    /// Rules C14 and C15: properties enter the key, the value goes to the step alone.
    fn secret(
        &mut self,
        context: &Context<'_>,
        workdir: &str,
        secret: SecretMount,
    ) -> Result<(), StepError> {
        self.inputs
            .push(Input::secret(&secret.id, secret_properties(&secret)));
        let is_given = context.session.secret(&secret.id).is_some();
        if !is_given && secret.requirement == Requirement::Required {
            return Err(StepError::MissingSecret { id: secret.id });
        }
        let target = secret_target(&secret);
        self.mounts.push(RunMount::Secret(SecretUse {
            target: target.map(|target| absolute(workdir, &target).into()),
            id: secret.id,
            env: secret.env,
            mode: secret.mode,
            uid: secret.uid,
            gid: secret.gid,
        }));
        Ok(())
    }
}

/// A secret is a file unless it is a variable and no target was given.
fn secret_target(secret: &SecretMount) -> Option<String> {
    match (&secret.target, &secret.env) {
        (Some(target), _) => Some(target.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(format!("/run/secrets/{}", secret.id)),
    }
}

fn cache_properties(cache: &CacheMount) -> BTreeMap<String, String> {
    let sharing = match cache.sharing {
        Sharing::Shared => "shared",
        Sharing::Private => "private",
        Sharing::Locked => "locked",
    };
    strings([
        ("id", cache.id.clone()),
        ("access", format!("{:?}", cache.access)),
        ("sharing", sharing.to_owned()),
        ("mode", format!("{:o}", cache.mode)),
        ("uid", cache.uid.to_string()),
        ("gid", cache.gid.to_string()),
        ("source", cache.source.clone()),
        ("from", cache.from.clone().unwrap_or_default()),
    ])
}

fn secret_properties(secret: &SecretMount) -> BTreeMap<String, String> {
    strings([
        ("target", secret_target(secret).unwrap_or_default()),
        ("env", secret.env.clone().unwrap_or_default()),
        (
            "required",
            (secret.requirement == Requirement::Required).to_string(),
        ),
        ("mode", format!("{:o}", secret.mode)),
        ("uid", secret.uid.to_string()),
        ("gid", secret.gid.to_string()),
    ])
}

fn strings<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
