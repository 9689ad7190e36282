//! From the value of FROM, `--from` or `--build-context` to an image that steps can build on.
//!
//! ```text
//! scratch                     the empty chain
//! oci-layout://DIR[:TAG]      an OCI image layout directory
//! oci-archive://FILE[:TAG]    the same as a tar archive
//! docker-archive://FILE[:TAG] what `docker save` writes
//! docker-image://NAME, NAME   the local image list first, then the registry
//! ```
//!
//! What is not here yet is imported (module `import`): its layers are fetched into the content
//! store, and each is unpacked into a snapshot on its parent, once.

mod error;
mod here;
pub(crate) mod import;

use std::sync::Arc;

use iechor_cachedb::{Image, Lease};
use iechor_image::registry::RegistryOptions;
use iechor_image::source::SourceLocation;
use iechor_image::{ImageConfig, ImageRef, Platform, Registry};
use iechor_snapshotter::{Chain, Digest, SnapshotId};

pub use self::error::SourcesError;
pub(crate) use self::here::find_here;
use crate::progress::{ProgressSink, StepId};
use crate::request::PullPolicy;
use crate::state::{Engine, Settings};
use crate::transfer::Teller;

/// An image that steps can build on.
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// What it was asked for as; references normalised.
    pub name: String,
    /// What enters the cache key (rule C18): the digest of the manifest for one platform, or of
    /// the configuration when the image was built here and came with no manifest. That of no
    /// bytes for `scratch`.
    pub digest: Digest,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its root file system; as many layers as `config.rootfs.diff_ids`.
    pub chain: Chain,
    /// Keeps the chain from being pruned; none for `scratch`.
    pub lease: Option<Arc<Lease>>,
}

/// What FROM, `--from` and `--build-context` can name.
enum Spec {
    Scratch,
    Location(SourceLocation),
    Reference(ImageRef),
}

/// Finds an image and imports what is not here yet.
///
/// # Errors
///
/// [`SourcesError`], which names the image; nothing half imported is ever found by a later build.
pub fn resolve(
    engine: &Engine,
    spec: &str,
    platform: &Platform,
    pull: PullPolicy,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<BaseImage, SourcesError> {
    let teller = Teller {
        sink: progress,
        step,
    };
    match spec.parse()? {
        Spec::Scratch => Ok(scratch(platform)),
        Spec::Location(location) => from_location(engine, &location, platform, teller),
        Spec::Reference(reference) => match pull {
            PullPolicy::Always => from_registry(engine, &reference, platform, teller),
            PullPolicy::IfMissing => match from_list(engine, &reference, platform)? {
                Some(image) => Ok(image),
                None => from_registry(engine, &reference, platform, teller),
            },
        },
    }
}

/// `iechor pull`: fetches an image from its registry, whatever the local list has, and names it.
///
/// # Errors
///
/// As [`resolve`].
pub fn pull(
    engine: &Engine,
    name: &str,
    platform: &Platform,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<BaseImage, SourcesError> {
    let reference: ImageRef = name.parse()?;
    from_registry(
        engine,
        &reference,
        platform,
        Teller {
            sink: progress,
            step,
        },
    )
}

/// A client of registries, as the state directory was opened for.
pub(crate) fn registry(engine: &Engine) -> Registry {
    let Settings {
        credentials,
        insecure_registries,
        http,
    } = engine.settings();
    Registry::new(RegistryOptions {
        credentials: Arc::clone(credentials),
        insecure: insecure_registries.clone(),
        http: http.clone(),
        ..RegistryOptions::default()
    })
}

impl std::str::FromStr for Spec {
    type Err = SourcesError;

    fn from_str(text: &str) -> Result<Self, SourcesError> {
        if text == "scratch" {
            return Ok(Self::Scratch);
        }
        if SourceLocation::is_location(text) {
            return Ok(Self::Location(text.parse()?));
        }
        let reference = text.strip_prefix("docker-image://").unwrap_or(text);
        Ok(Self::Reference(reference.parse()?))
    }
}

fn scratch(platform: &Platform) -> BaseImage {
    BaseImage {
        name: "scratch".to_owned(),
        digest: Digest::of(b""),
        config: ImageConfig::scratch(platform),
        chain: Chain::empty(),
        lease: None,
    }
}

fn from_location(
    engine: &Engine,
    location: &SourceLocation,
    platform: &Platform,
    teller: Teller<'_>,
) -> Result<BaseImage, SourcesError> {
    let name = location.to_string();
    let source = location.open().map_err(import::source_of(&name))?;
    let imported = import::import(engine, &name, &*source, platform, teller)?;
    Ok(imported.into_base(name))
}

fn from_registry(
    engine: &Engine,
    reference: &ImageRef,
    platform: &Platform,
    teller: Teller<'_>,
) -> Result<BaseImage, SourcesError> {
    let name = reference.to_string();
    let source = registry(engine).image(reference);
    let imported = import::import(engine, &name, &source, platform, teller)?;
    imported.list(engine, &name)?;
    Ok(imported.into_base(name))
}

/// An image of the local list, when it is there for the platform and whole.
fn from_list(
    engine: &Engine,
    reference: &ImageRef,
    platform: &Platform,
) -> Result<Option<BaseImage>, SourcesError> {
    let name = reference.to_string();
    let Some(image) = engine.cache().image_by_name(&name)? else {
        return Ok(None);
    };
    let Some((chain, lease)) = leased_chain(engine, &image)? else {
        return Ok(None);
    };
    let config =
        ImageConfig::parse(image.config.as_bytes()).map_err(|source| SourcesError::Config {
            name: name.clone(),
            source,
        })?;
    let fits = platform.distance(&config.platform()).is_some();
    let digest = import::digest_of(&image);
    Ok(fits.then_some(BaseImage {
        name,
        digest,
        config,
        chain,
        lease,
    }))
}

/// A chain and what keeps it from being pruned; no lease for the empty chain.
type LeasedChain = (Chain, Option<Arc<Lease>>);

/// None when a part of the chain is missing: pruned with `-a`, or lost.
fn leased_chain(engine: &Engine, image: &Image) -> Result<Option<LeasedChain>, SourcesError> {
    let Some(tip) = image.chain.last() else {
        return Ok(Some((Chain::empty(), None)));
    };
    let lease = engine.leases().take(*tip)?;
    let is_whole = |chain: &[SnapshotId]| chain.iter().all(|id| engine.store().contains(*id));
    match is_whole(&image.chain) {
        true => Ok(Some((engine.store().chain(*tip)?, Some(Arc::new(lease))))),
        false => Ok(None),
    }
}
