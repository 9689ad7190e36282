//! From the chain and configuration that a build made to an image: named, written, described.
//!
//! ```text
//! chain ─► diff IDs ─► configuration complete: the image id ─► the local list
//!                                    └─► layers in the content store ─► each output, a push
//! ```

mod destination;
mod error;
mod metadata;

use std::io::Write;

use iechor_cachedb::{Image as Listed, NewImage, RecordId, UnixMillis};
use iechor_image::{Compression, Descriptor, Image, ImageConfig, ImageRef};
use iechor_snapshotter::{Chain, Digest};

pub use self::error::OutputError;
pub use self::metadata::Metadata;
use crate::hold::Held;
use crate::images;
use crate::layers;
use crate::progress::{ProgressSink, StepId};
use crate::request::{Output, OutputKind};
use crate::sources;
use crate::state::Engine;
use crate::transfer::Teller;

/// What the steps of a build made.
#[derive(Debug, Clone)]
pub struct BuildResult {
    /// The root file system of the target stage.
    pub chain: Chain,
    /// Its configuration; `rootfs.diff_ids` is filled in here.
    pub config: ImageConfig,
    /// The last record of the target stage.
    pub record: Option<RecordId>,
    /// `-t`, as given.
    pub names: Vec<String>,
}

/// An image that is in the local list (or dangling, without a name) and in every output.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Digest of the configuration: the image id.
    pub image_id: Digest,
    /// The manifest of the last output that has one.
    pub manifest: Option<Descriptor>,
    /// The names that it was given, normalised.
    pub names: Vec<String>,
    /// Bytes that outputs wrote.
    pub bytes_written: u64,
}

/// Completes the configuration, names the image in the local list and writes every output;
/// `stdout` takes those that go to [`OutputDest::Stdout`](crate::request::OutputDest::Stdout).
///
/// Durable when it returns, if the records of the steps are. `now` is in seconds since the epoch.
///
/// # Errors
///
/// [`OutputError`]; an output that failed leaves no file.
pub fn finish(
    engine: &Engine,
    result: BuildResult,
    outputs: &[Output],
    stdout: &mut dyn Write,
    now: i64,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<Finished, OutputError> {
    let teller = Teller {
        sink: progress,
        step,
    };
    let names = normalise(&result.names)?;
    let _hold = Held::Content.hold(engine)?;
    let digests = layers::digests(engine, &result.chain)?;
    let mut config = result.config;
    config.rootfs.diff_ids = digests
        .iter()
        .map(|layer| layer.diff_id.to_string())
        .collect();
    let listed = NewImage {
        config: String::from_utf8_lossy(&config.to_bytes()?).into_owned(),
        manifest: None,
        record: result.record,
        chain: result
            .chain
            .layers()
            .iter()
            .map(|layer| layer.id())
            .collect(),
        platform: config.platform().to_string(),
        created: UnixMillis(now.saturating_mul(1000)),
        size: digests.iter().map(|layer| layer.tar_size).sum(),
    };
    let image_id = list(engine, &listed, &names)?;
    let built = Built {
        engine,
        chain: &result.chain,
        config: &config,
        tags: &names,
        teller,
    };
    let mut finished = Finished {
        image_id,
        manifest: None,
        names: texts(&names),
        bytes_written: 0,
    };
    for output in outputs {
        let written = built.write(output, stdout)?;
        finished.manifest = written.manifest.or(finished.manifest);
        finished.bytes_written += written.bytes;
    }
    Ok(finished)
}

/// `iechor push`: sends an image of the local list to a registry, as `dest` or under its own name.
///
/// An image that was pulled goes as it came, with the same digest.
///
/// # Errors
///
/// [`OutputError::Push`] says what the registry did not take.
pub fn push(
    engine: &Engine,
    name: &str,
    dest: Option<&str>,
    progress: &dyn ProgressSink,
    step: StepId,
) -> Result<Descriptor, OutputError> {
    let teller = Teller {
        sink: progress,
        step,
    };
    let dest: ImageRef = dest.unwrap_or(name).parse()?;
    let _hold = Held::Content.hold(engine)?;
    let image = of_list(engine, &images::find(engine, name)?, teller)?;
    let total = image.layers.iter().map(|layer| layer.descriptor.size).sum();
    let transfer = teller.transfer(format!("pushing {dest}"), Some(total));
    sources::registry(engine)
        .push(&image, &dest, &|more| transfer.advance(more))
        .map_err(|error| OutputError::Push {
            name: dest.to_string(),
            source: Box::new(error),
        })?;
    Ok(image.manifest)
}

/// An image that is to be written, and where from.
struct Built<'a> {
    engine: &'a Engine,
    chain: &'a Chain,
    config: &'a ImageConfig,
    tags: &'a [ImageRef],
    teller: Teller<'a>,
}

/// What one output has become.
struct Written {
    manifest: Option<Descriptor>,
    bytes: u64,
}

impl Built<'_> {
    fn write(&self, output: &Output, stdout: &mut dyn Write) -> Result<Written, OutputError> {
        match output.kind {
            OutputKind::Oci | OutputKind::Docker => self.write_image(output, stdout),
            OutputKind::Tar => destination::rootfs(self, &output.dest, stdout),
            OutputKind::Local => destination::directory(self, &output.dest),
        }
    }

    fn write_image(&self, output: &Output, stdout: &mut dyn Write) -> Result<Written, OutputError> {
        let compression = output.compression.into();
        let image = assemble(
            self.engine,
            self.chain,
            self.config,
            compression,
            self.teller,
        )?;
        let bytes = destination::image(self, &image, output, stdout)?;
        Ok(Written {
            manifest: Some(image.manifest),
            bytes,
        })
    }
}

/// Whether an image can be given these names.
pub(crate) fn check_names(names: &[String]) -> Result<(), OutputError> {
    normalise(names).map(drop)
}

/// The names as references that can be given to a new image.
fn normalise(names: &[String]) -> Result<Vec<ImageRef>, OutputError> {
    names.iter().map(|name| new_name(name)).collect()
}

/// A name for an image: a reference with a tag and no digest.
fn new_name(name: &str) -> Result<ImageRef, OutputError> {
    let reference: ImageRef = name.parse()?;
    match reference.digest() {
        Some(_) => Err(OutputError::NameWithDigest(name.to_owned())),
        None => Ok(reference),
    }
}

fn texts(names: &[ImageRef]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Puts the image into the local list, unless it is there with all these names: a build of hits
/// alone writes nothing and waits for no disk.
fn list(engine: &Engine, image: &NewImage, names: &[ImageRef]) -> Result<Digest, OutputError> {
    let id = Digest::of(image.config.as_bytes());
    let names = texts(names);
    let has_all = |listed: Listed| names.iter().all(|name| listed.names.contains(name));
    match images::by_id(engine, &id)?.is_some_and(has_all) {
        true => Ok(id),
        false => {
            engine.store().sync()?;
            Ok(engine.cache().put_image(image, &names)?)
        }
    }
}

/// An image of the local list with all its bytes in the content store.
fn of_list(engine: &Engine, listed: &Listed, teller: Teller<'_>) -> Result<Image, OutputError> {
    if let Some(image) = as_pulled(engine, listed) {
        return Ok(image);
    }
    let chain = images::chain_of(engine, listed)?;
    let config = ImageConfig::parse(listed.config.as_bytes())?;
    assemble(engine, &chain, &config, Compression::default(), teller)
}

/// The image as it was pulled; none if it was built here, or some of its bytes are gone.
fn as_pulled(engine: &Engine, listed: &Listed) -> Option<Image> {
    let manifest = images::manifest_of(listed)?;
    let image = Image::load(&manifest, engine.content()).ok()?;
    let is_here = |layer: &iechor_image::ImageLayer| engine.content().contains(&layer.descriptor);
    image.layers.iter().all(is_here).then_some(image)
}

fn assemble(
    engine: &Engine,
    chain: &Chain,
    config: &ImageConfig,
    compression: Compression,
    teller: Teller<'_>,
) -> Result<Image, OutputError> {
    let layers = layers::stored(engine, chain, compression, teller)?;
    Image::assemble(config.clone(), layers).map_err(|error| OutputError::Export {
        dest: None,
        source: Box::new(error),
    })
}
