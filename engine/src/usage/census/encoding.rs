//! The file that a census is kept in.
//!
//! ```text
//! "iechor census 2\n" ‖ number of layers, names, blobs ‖ times of both shelves
//!   ‖ layers ‖ names ‖ blobs ‖ SHA-256 of all that
//! ```
//!
//! All numbers are little-endian. A file that is not so, or of another version, counts as none: a
//! census can always be taken anew.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use iechor_snapshotter::{Digest, SnapshotId};

use super::shelf::{SHARDS, Shard, Shelf};
use super::{Census, CountedBlob, CountedLayer, NONE};

const MAGIC: &[u8] = b"iechor census 2\n";

/// Reads the last census; none when there is none that is whole.
pub(super) fn read(path: &Path) -> Option<Census> {
    let bytes = fs::read(path).ok()?;
    let (body, digest) = bytes.split_last_chunk::<32>()?;
    let body_is_whole = Digest::of(body).as_bytes() == digest;
    let contents = body.strip_prefix(MAGIC).filter(|_| body_is_whole)?;
    Reader(contents).census()
}

/// Replaces the last census in one step.
pub(super) fn write(path: &Path, census: &Census) -> io::Result<()> {
    let mut bytes = encode(census);
    let digest = Digest::of(&bytes);
    bytes.extend(digest.as_bytes());
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&bytes)?;
    file.persist(path)?;
    Ok(())
}

fn encode(census: &Census) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for count in [census.layers.len(), census.names.len(), census.blobs.len()] {
        bytes.extend((count as u64).to_le_bytes());
    }
    for shard in census.layer_shelf.0.iter().chain(&census.blob_shelf.0) {
        bytes.extend(time_of(*shard).to_le_bytes());
    }
    for layer in &census.layers {
        bytes.extend(layer.id.digest().as_bytes());
        bytes.extend(layer.index.to_le_bytes());
        bytes.extend(layer.own.to_le_bytes());
        bytes.extend(layer.shared.to_le_bytes());
        bytes.extend(layer.parent.to_le_bytes());
        bytes.extend(layer.names_end.to_le_bytes());
    }
    for name in &census.names {
        bytes.extend(name.to_le_bytes());
    }
    for blob in &census.blobs {
        bytes.extend(blob.digest.as_bytes());
        bytes.extend(blob.bytes.to_le_bytes());
    }
    bytes
}

/// No directory is of the time 0, and none of before the epoch.
fn time_of(shard: Shard) -> i64 {
    match shard {
        Shard::Absent => 0,
        Shard::Unsettled => -1,
        Shard::AsOf(time) => time,
    }
}

fn shard_of(time: i64) -> Shard {
    match time {
        0 => Shard::Absent,
        1.. => Shard::AsOf(time),
        _ => Shard::Unsettled,
    }
}

/// What of the file is not read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn census(mut self) -> Option<Census> {
        let [layers, names, blobs] = [self.count()?, self.count()?, self.count()?];
        let layer_shelf = self.shelf()?;
        let blob_shelf = self.shelf()?;
        // Each takes more than a byte: a count beyond what is there is refused before it is made
        // room for.
        let room = |count: usize| (count <= self.0.len()).then_some(count);
        let (layers, names, blobs) = (room(layers)?, room(names)?, room(blobs)?);
        let census = Census {
            layers: self.layers(layers)?,
            names: (0..names)
                .map(|_| self.name(blobs))
                .collect::<Option<_>>()?,
            blobs: (0..blobs).map(|_| self.blob()).collect::<Option<_>>()?,
            layer_shelf,
            blob_shelf,
        };
        (self.0.is_empty() && is_linked(&census)).then_some(census)
    }

    fn layers(&mut self, count: usize) -> Option<Vec<CountedLayer>> {
        let layer = |_| {
            Some(CountedLayer {
                id: SnapshotId::new(self.digest()?),
                index: self.u64()?,
                own: self.u64()?,
                shared: self.u64()?,
                parent: self.u32()?,
                names_end: self.u32()?,
            })
        };
        (0..count).map(layer).collect()
    }

    fn name(&mut self, blobs: usize) -> Option<u32> {
        self.u32().filter(|name| (*name as usize) < blobs)
    }

    fn blob(&mut self) -> Option<CountedBlob> {
        Some(CountedBlob {
            digest: self.digest()?,
            bytes: self.u64()?,
        })
    }

    fn shelf(&mut self) -> Option<Shelf> {
        let shards = (0..SHARDS).map(|_| self.u64().map(|time| shard_of(time.cast_signed())));
        shards.collect::<Option<_>>().map(Shelf)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn digest(&mut self) -> Option<Digest> {
        self.take().map(Digest::from_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

/// Whether every position that a layer names is one.
fn is_linked(census: &Census) -> bool {
    let Census { layers, names, .. } = census;
    let is_layer = |parent: u32| parent == NONE || (parent as usize) < layers.len();
    let in_order =
        |pair: &[CountedLayer]| pair[0].id < pair[1].id && pair[0].names_end <= pair[1].names_end;
    layers.last().map_or(0, |layer| layer.names_end as usize) == names.len()
        && layers.iter().all(|layer| is_layer(layer.parent))
        && layers.windows(2).all(in_order)
}
