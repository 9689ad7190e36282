//! Snapshots as OCI layers: their diff IDs and sizes, and their bytes as they are stored.
//!
//! What is computed once is remembered in the database: the digests of a snapshot's layer, and
//! under which digest its bytes lie in the content store, either as pulled or as made here.

use iechor_cachedb::{CacheError, CompressedLayer, LayerDigests};
use iechor_image::content::ContentError;
use iechor_image::export::ExportError;
use iechor_image::layer::{Compression, WriteError, diff_id_of};
use iechor_image::media_type::{
    DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD,
};
use iechor_image::{Descriptor, ImageLayer};
use iechor_snapshotter::{Chain, DiffId, SnapshotId};

use crate::parallel;
use crate::state::Engine;
use crate::transfer::Teller;

/// Why a snapshot could not be told as a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayersError {
    /// The archive could not be written.
    #[error("cannot write the layer of snapshot {snapshot}")]
    Write {
        /// The snapshot.
        snapshot: SnapshotId,
        /// What went wrong.
        source: WriteError,
    },
    /// The compressed archive could not be made.
    #[error("cannot export the layer of snapshot {snapshot}")]
    Export {
        /// The snapshot.
        snapshot: SnapshotId,
        /// What went wrong.
        source: Box<ExportError>,
    },
    /// A layer of a pulled image is no longer here as it came, and made anew it is another.
    #[error("the stored bytes of layer {0} are lost: pull the image again")]
    Lost(DiffId),
    /// The content store could not be used.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The database could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Media types that a layer's stored bytes can have.
pub(crate) const STORED_AS: [&str; 3] = [OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_LAYER];

/// How the database calls the stored bytes of a layer as they were pulled.
pub(crate) fn pulled_label(media_type: &str) -> String {
    format!("{};pulled", oci_layer(media_type))
}

/// How the database calls the stored bytes of a layer that we compressed.
pub(crate) fn made_label(media_type: &str) -> String {
    format!("{media_type};made")
}

/// Docker's layers are those of OCI under other names.
fn oci_layer(media_type: &str) -> &str {
    match media_type {
        DOCKER_LAYER => OCI_LAYER,
        DOCKER_LAYER_GZIP => OCI_LAYER_GZIP,
        DOCKER_LAYER_ZSTD => OCI_LAYER_ZSTD,
        other => other,
    }
}

/// Every chain that a chain is built on, the shortest first and itself last; not the empty one.
pub(crate) fn prefixes(chain: &Chain) -> Vec<Chain> {
    (0..chain.layers().len())
        .rev()
        .map(|above| chain.below(above))
        .collect()
}

/// Diff ID and size of each layer, base first; those never asked for before are computed now.
pub(crate) fn digests(engine: &Engine, chain: &Chain) -> Result<Vec<LayerDigests>, LayersError> {
    parallel::map(&prefixes(chain), |prefix| digests_of_top(engine, prefix))
}

/// Bytes of all layers as uncompressed archives.
pub(crate) fn unpacked_size(engine: &Engine, chain: &Chain) -> Result<u64, LayersError> {
    Ok(digests(engine, chain)?
        .iter()
        .map(|layer| layer.tar_size)
        .sum())
}

fn digests_of_top(engine: &Engine, chain: &Chain) -> Result<LayerDigests, LayersError> {
    let Some(snapshot) = chain.tip() else {
        return Ok(nothing());
    };
    if let Some(known) = engine.cache().layer(&snapshot)? {
        return Ok(known);
    }
    let (diff_id, tar_size) = diff_id_of(chain, engine.store().blobs())
        .map_err(|source| LayersError::Write { snapshot, source })?;
    let layer = LayerDigests { diff_id, tar_size };
    engine.cache().put_layer(&snapshot, layer)?;
    Ok(layer)
}

/// The layer of the empty chain: no archive at all.
fn nothing() -> LayerDigests {
    LayerDigests {
        diff_id: DiffId::new(iechor_snapshotter::Digest::of(b"")),
        tar_size: 0,
    }
}

/// The layers of a chain with their bytes in the content store, compressed where they must be.
///
/// A layer of a pulled image is given as it came, whatever its compression, so that a registry
/// that has it is not sent another.
pub(crate) fn stored(
    engine: &Engine,
    chain: &Chain,
    compression: Compression,
    teller: Teller<'_>,
) -> Result<Vec<ImageLayer>, LayersError> {
    let digests = digests(engine, chain)?;
    let tops: Vec<_> = prefixes(chain).into_iter().zip(digests).collect();
    let total = tops.iter().map(|(_, layer)| layer.tar_size).sum();
    let transfer = teller.transfer("exporting layers".to_owned(), Some(total));
    parallel::map(&tops, |(prefix, layer)| {
        match present(engine, layer, compression)? {
            Some(stored) => {
                transfer.advance(layer.tar_size);
                Ok(stored)
            }
            None => make(engine, prefix, layer, compression, &|more| {
                transfer.advance(more);
            }),
        }
    })
}

/// A layer whose bytes are in the content store already.
fn present(
    engine: &Engine,
    layer: &LayerDigests,
    compression: Compression,
) -> Result<Option<ImageLayer>, LayersError> {
    let pulled = STORED_AS.map(|media_type| (media_type, pulled_label(media_type)));
    let made = (
        compression.media_type(),
        made_label(compression.media_type()),
    );
    for (media_type, label) in pulled.into_iter().chain([made]) {
        let Some(known) = engine.cache().compressed_layer(&layer.diff_id, &label)? else {
            continue;
        };
        let descriptor = Descriptor::new(media_type, known.digest, known.size);
        if engine.content().contains(&descriptor) {
            return Ok(Some(ImageLayer::stored(
                &descriptor,
                layer.diff_id,
                engine.content(),
            )));
        }
    }
    Ok(None)
}

fn make(
    engine: &Engine,
    chain: &Chain,
    layer: &LayerDigests,
    compression: Compression,
    progress: iechor_image::Progress<'_>,
) -> Result<ImageLayer, LayersError> {
    let Some(snapshot) = chain.tip() else {
        return Err(LayersError::Lost(layer.diff_id));
    };
    let (blobs, content) = (engine.store().blobs(), engine.content());
    let made =
        ImageLayer::generate(chain, blobs, compression, content, progress).map_err(|error| {
            LayersError::Export {
                snapshot,
                source: Box::new(error),
            }
        })?;
    if made.diff_id != layer.diff_id {
        return Err(LayersError::Lost(layer.diff_id));
    }
    let Descriptor { digest, size, .. } = made.descriptor;
    let label = made_label(compression.media_type());
    engine.cache().put_compressed_layer(
        &layer.diff_id,
        &label,
        CompressedLayer { digest, size },
    )?;
    Ok(made)
}
