//! Importing an image: its layers into the content store, and each into a snapshot.
//!
//! Layers are fetched side by side and unpacked in order while others still come. A layer that
//! was unpacked on the same parent before is taken as it is: which snapshots a diff ID became is
//! in the database. Any number of builds may import the same image at once; a crash leaves
//! snapshots and contents that the next import finds or the next prune sweeps.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use iechor_cachedb::{CompressedLayer, Image, LayerDigests, Lease, NewImage, UnixMillis};
use iechor_image::layer::unpack::Unpacked;
use iechor_image::layer::{Limits, unpack};
use iechor_image::source::{ResolvedImage, SourceError};
use iechor_image::{Descriptor, ImageSource, Platform, Progress};
use iechor_snapshotter::{Chain, DiffId, Digest, LayerWriter};

use super::{BaseImage, SourcesError};
use crate::hold::Held;
use crate::layers;
use crate::path_error::AtPath;
use crate::state::Engine;
use crate::transfer::Teller;

/// Layers fetched at the same time.
const FETCHERS: usize = 4;

/// An image whose layers are snapshots now.
pub(crate) struct Imported {
    image: ResolvedImage,
    leased: Leased,
}

/// The layers unpacked so far, and what keeps them from being pruned.
#[derive(Default)]
struct Leased {
    chain: Chain,
    lease: Option<Lease>,
}

/// One layer to be imported.
struct Layer<'a> {
    descriptor: &'a Descriptor,
    diff_id: DiffId,
}

/// What is needed all the way through one import.
struct Import<'a> {
    engine: &'a Engine,
    name: &'a str,
    source: &'a dyn ImageSource,
    teller: Teller<'a>,
}

/// A fetched layer: its place among the others, and its file.
type Fetched = (usize, Result<PathBuf, SourcesError>);

/// Imports the image of a source for one platform.
pub(crate) fn import(
    engine: &Engine,
    name: &str,
    source: &dyn ImageSource,
    platform: &Platform,
    teller: Teller<'_>,
) -> Result<Imported, SourcesError> {
    let image = source.resolve(platform).map_err(source_of(name))?;
    let _hold = Held::Content.hold(engine)?;
    let leased = Import {
        engine,
        name,
        source,
        teller,
    }
    .layers(&image)?;
    iechor_image::Image::pulled(&image, engine.content())
        .and_then(|pulled| pulled.store(engine.content()))
        .map_err(|error| SourcesError::Documents {
            name: name.to_owned(),
            source: error.into(),
        })?;
    Ok(Imported { image, leased })
}

/// Says which image a source could not give.
pub(super) fn source_of(name: &str) -> impl FnOnce(SourceError) -> SourcesError + '_ {
    |source| SourcesError::Source {
        name: name.to_owned(),
        source: Box::new(source),
    }
}

/// What a listed image enters cache keys by.
pub(super) fn digest_of(image: &Image) -> Digest {
    image
        .manifest
        .as_ref()
        .map_or(image.id, |manifest| Digest::of(manifest.as_bytes()))
}

impl Imported {
    /// Puts the image into the local list under this name.
    pub(super) fn list(&self, engine: &Engine, name: &str) -> Result<(), SourcesError> {
        engine.store().sync()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let image = NewImage {
            config: text(&self.image.config_bytes),
            manifest: Some(text(&self.image.manifest_bytes)),
            record: None,
            chain: self
                .leased
                .chain
                .layers()
                .iter()
                .map(|layer| layer.id())
                .collect(),
            platform: self.image.config.platform().to_string(),
            created: now(),
            size: layers::unpacked_size(engine, &self.leased.chain)?,
        };
        engine.cache().put_image(&image, &[name.to_owned()])?;
        Ok(())
    }

    pub(super) fn into_base(self, name: String) -> BaseImage {
        let Self { image, leased } = self;
        let lease = leased.lease.map(Arc::new);
        BaseImage {
            name,
            digest: image.manifest.digest,
            config: image.config,
            chain: leased.chain,
            lease,
        }
    }
}

impl Import<'_> {
    fn layers(&self, image: &ResolvedImage) -> Result<Leased, SourcesError> {
        let diff_ids = image
            .config
            .diff_ids()
            .map_err(|source| SourcesError::Config {
                name: self.name.to_owned(),
                source,
            })?;
        let pairs = image.layers.iter().zip(diff_ids);
        let layers: Vec<_> = pairs
            .map(|(descriptor, diff_id)| Layer {
                descriptor,
                diff_id,
            })
            .collect();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let (sender, fetched) = mpsc::channel();
            for _ in 0..FETCHERS.min(layers.len()) {
                let sender = sender.clone();
                let (layers, next) = (&layers, &next);
                scope.spawn(move || self.fetch_all(layers, next, &sender));
            }
            drop(sender);
            let leased = self.unpack_all(&layers, &fetched);
            // After an error nothing more is begun.
            next.store(layers.len(), Ordering::Relaxed);
            leased
        })
    }

    /// One fetcher: takes the next layer until there is none.
    fn fetch_all(&self, layers: &[Layer<'_>], next: &AtomicUsize, done: &mpsc::Sender<Fetched>) {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(layer) = layers.get(index) else {
                return;
            };
            if done.send((index, self.fetch(layer))).is_err() {
                return;
            }
        }
    }

    fn fetch(&self, layer: &Layer<'_>) -> Result<PathBuf, SourcesError> {
        let Descriptor { digest, size, .. } = layer.descriptor;
        let what = format!("sha256:{} layer", digest.short());
        let transfer = self.teller.transfer(what, Some(*size));
        self.engine
            .content()
            .fetch_layer(self.source, layer.descriptor, &|more| {
                transfer.advance(more);
            })
            .map_err(|error| SourcesError::Fetch {
                name: self.name.to_owned(),
                layer: *digest,
                source: Box::new(error),
            })
    }

    /// Unpacks in order, each as soon as it has come.
    fn unpack_all(
        &self,
        layers: &[Layer<'_>],
        fetched: &mpsc::Receiver<Fetched>,
    ) -> Result<Leased, SourcesError> {
        let mut early: Vec<Option<PathBuf>> = vec![None; layers.len()];
        let mut leased = Leased::default();
        let mut ready = 0;
        for (index, path) in fetched {
            early[index] = Some(path?);
            while let Some(path) = early.get_mut(ready).and_then(Option::take) {
                leased = self.snapshot(&leased.chain, &layers[ready], &path)?;
                ready += 1;
            }
        }
        Ok(leased)
    }

    /// The snapshot that a layer makes of its parent, unpacked if it never was.
    fn snapshot(
        &self,
        parent: &Chain,
        layer: &Layer<'_>,
        path: &Path,
    ) -> Result<Leased, SourcesError> {
        let Descriptor { digest, size, .. } = *layer.descriptor;
        let stored = CompressedLayer { digest, size };
        let label = layers::pulled_label(&layer.descriptor.media_type);
        self.engine
            .cache()
            .put_compressed_layer(&layer.diff_id, &label, stored)?;
        match self.unpacked_before(parent, &layer.diff_id)? {
            Some(leased) => Ok(leased),
            None => self.unpack(parent, layer, path),
        }
    }

    fn unpacked_before(
        &self,
        parent: &Chain,
        diff_id: &DiffId,
    ) -> Result<Option<Leased>, SourcesError> {
        let _hold = Held::Snapshots.hold(self.engine)?;
        for snapshot in self.engine.cache().snapshots_of_layer(diff_id)? {
            // One that a crash damaged is unpacked again, in its place.
            let Ok(chain) = self.engine.store().chain(snapshot) else {
                continue;
            };
            if chain.below(1).tip() == parent.tip() {
                return Ok(Some(self.leased(chain)?));
            }
        }
        Ok(None)
    }

    fn unpack(
        &self,
        parent: &Chain,
        layer: &Layer<'_>,
        path: &Path,
    ) -> Result<Leased, SourcesError> {
        let mut writer = self.engine.store().new_layer(parent)?;
        let unpacked = self.unpack_into(&mut writer, layer, path)?;
        let _hold = Held::Snapshots.hold(self.engine)?;
        let leased = self.leased(writer.commit_even_if_empty()?)?;
        let digests = LayerDigests {
            diff_id: unpacked.diff_id,
            tar_size: unpacked.size,
        };
        if let Some(tip) = leased.chain.tip() {
            self.engine.cache().put_layer(&tip, digests)?;
        }
        Ok(leased)
    }

    fn unpack_into(
        &self,
        writer: &mut LayerWriter,
        layer: &Layer<'_>,
        path: &Path,
    ) -> Result<Unpacked, SourcesError> {
        let Layer {
            descriptor,
            diff_id,
        } = *layer;
        let file = File::open(path).at("open", path)?;
        let what = format!("unpacking sha256:{}", diff_id.short());
        let transfer = self.teller.transfer(what, Some(descriptor.size));
        let progress: Progress<'_> = &|more| transfer.advance(more);
        let (blobs, limits) = (self.engine.store().blobs(), Limits::default());
        unpack(file, descriptor, diff_id, writer, blobs, &limits, progress).map_err(|error| {
            let (name, source) = (self.name.to_owned(), Box::new(error));
            SourcesError::Unpack {
                name,
                layer: diff_id,
                source,
            }
        })
    }

    fn leased(&self, chain: Chain) -> Result<Leased, SourcesError> {
        let lease = chain
            .tip()
            .map(|tip| self.engine.leases().take(tip))
            .transpose()?;
        Ok(Leased { chain, lease })
    }
}

/// Now; for the list of images, which nothing depends on.
fn now() -> UnixMillis {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
