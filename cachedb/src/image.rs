//! The local image list: names, and what they stand for.

use iechor_snapshotter::{Digest, SnapshotId};

use crate::db::CacheDb;
use crate::error::CacheError;
use crate::record::RecordId;
use crate::time::UnixMillis;

/// An image that was built or pulled here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Image id: digest of the config.
    pub id: Digest,
    /// Its names, normalised (`docker.io/library/app:latest`), sorted.
    pub names: Vec<String>,
    /// The config, byte for byte as its digest was taken.
    pub config: String,
    /// The manifest it came with or was last written with.
    pub manifest: Option<String>,
    /// The last record of the stage that made it, while that record is there.
    pub record: Option<RecordId>,
    /// The layers as snapshots, base first.
    pub chain: Vec<SnapshotId>,
    /// `linux/amd64`.
    pub platform: String,
    /// When it came here.
    pub created: UnixMillis,
    /// Bytes of its uncompressed layers.
    pub size: u64,
}

/// An image to be listed.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// The config, byte for byte; its digest is the image id.
    pub config: String,
    /// The manifest, if it is known already.
    pub manifest: Option<String>,
    /// The last record of the stage that made it.
    pub record: Option<RecordId>,
    /// The layers as snapshots, base first.
    pub chain: Vec<SnapshotId>,
    /// `linux/amd64`.
    pub platform: String,
    /// Now.
    pub created: UnixMillis,
    /// Bytes of its uncompressed layers.
    pub size: u64,
}

impl CacheDb {
    /// Lists an image and gives it these names, which leave the images that had them.
    ///
    /// Durable when it returns: the records below must be ([`CacheDb::mark_durable`]). An image
    /// that is there already keeps its other names.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn put_image(&self, image: &NewImage, names: &[String]) -> Result<Digest, CacheError> {
        let _ = (image, names);
        todo!()
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] when there is no such image.
    pub fn tag(&self, id: &Digest, name: &str) -> Result<(), CacheError> {
        let _ = (id, name);
        todo!()
    }

    /// Takes a name away; the image stays, nameless if that was its last. `false`: no such name.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn untag(&self, name: &str) -> Result<bool, CacheError> {
        let _ = name;
        todo!()
    }

    /// Takes an image off the list with all its names. `false`: no such image.
    ///
    /// Its snapshots stay until a prune finds them unused.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn remove_image(&self, id: &Digest) -> Result<bool, CacheError> {
        let _ = id;
        todo!()
    }

    /// The image of this name.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn image_by_name(&self, name: &str) -> Result<Option<Image>, CacheError> {
        let _ = name;
        todo!()
    }

    /// The image whose id begins with these hexadecimal digits; `sha256:` in front is allowed.
    ///
    /// # Errors
    ///
    /// [`CacheError::NotFound`] and [`CacheError::Ambiguous`].
    pub fn image_by_prefix(&self, prefix: &str) -> Result<Image, CacheError> {
        let _ = prefix;
        todo!()
    }

    /// All images, newest first.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn images(&self) -> Result<Vec<Image>, CacheError> {
        todo!()
    }
}
