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

pub(crate) mod import;

use std::sync::Arc;

use iechor_cachedb::{CacheError, Image, Lease, lease::LockError};
use iechor_image::config::ConfigError;
use iechor_image::content::ContentError;
use iechor_image::export::ExportError;
use iechor_image::layer::UnpackError;
use iechor_image::reference::ReferenceError;
use iechor_image::registry::RegistryOptions;
use iechor_image::source::{LocationError, SourceError, SourceLocation};
use iechor_image::{ImageConfig, ImageRef, Platform, Registry};
use iechor_snapshotter::{Chain, DiffId, Digest, SnapshotId, StoreError};

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

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// It is neither a reference nor a location.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It begins as a location and is none.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// The registry, layout or archive did not give it.
    #[error("cannot get image {name}")]
    Source {
        /// The image.
        name: String,
        /// What went wrong.
        source: Box<SourceError>,
    },
    /// A layer could not be fetched.
    #[error("cannot fetch layer {layer} of {name}")]
    Fetch {
        /// The image.
        name: String,
        /// Digest of the layer as stored.
        layer: Digest,
        /// What went wrong.
        source: Box<ContentError>,
    },
    /// A layer could not be unpacked.
    #[error("cannot unpack layer {layer} of {name}")]
    Unpack {
        /// The image.
        name: String,
        /// Diff ID of the layer.
        layer: DiffId,
        /// What went wrong.
        source: Box<UnpackError>,
    },
    /// The image's documents could not be kept.
    #[error("cannot keep the documents of {name}")]
    Documents {
        /// The image.
        name: String,
        /// What went wrong.
        source: Box<ExportError>,
    },
    /// The configuration of an image in the local list is damaged.
    #[error(
        "the configuration of {name} in the local image list is damaged; pull or build it again"
    )]
    Config {
        /// The image.
        name: String,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// The layers' digests could not be had.
    #[error(transparent)]
    Layers(#[from] crate::layers::LayersError),
    /// The content store could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The store of snapshots could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A lease could not be taken.
    #[error(transparent)]
    Lease(#[from] LockError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] crate::path_error::PathError),
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
    } = engine.settings();
    Registry::new(RegistryOptions {
        credentials: Arc::clone(credentials),
        insecure: insecure_registries.clone(),
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
