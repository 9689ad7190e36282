//! Whose layer a snapshot is: a step's of ours, or an image's that came from elsewhere.

use std::collections::HashMap;

use iechor_cachedb::{CacheError, Image, Record, RecordFilter, RecordId};
use iechor_image::ImageConfig;
use iechor_image::config::History;
use iechor_snapshotter::SnapshotId;

use crate::state::Engine;

/// Whose layer it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Author {
    /// A step that was executed here.
    Step {
        /// The instruction.
        text: String,
        /// `iEchorfile:12`, when it was executed.
        place: String,
        /// Cache key of its record, `sha256:…`.
        record: String,
        /// When it was executed, seconds since the epoch.
        created: i64,
    },
    /// A step of whoever built an image that came from elsewhere.
    Image {
        /// The image here that has the layer.
        image: String,
        /// The entry of its history; empty when it has none for the layer.
        text: String,
        /// When the entry says that it was made, RFC 3339.
        created: Option<String>,
    },
    /// Neither a record nor an image has it any more.
    Unknown,
}

/// Everything that may have made a layer.
pub(crate) struct Authors {
    steps: HashMap<SnapshotId, Record>,
    images: Vec<Image>,
}

impl Authors {
    pub(crate) fn load(engine: &Engine) -> Result<Self, CacheError> {
        let records = engine.cache().records(&RecordFilter::default())?;
        let mut images = engine.cache().images()?;
        // The base before what was built on it: a layer is told as that of the smallest image.
        images.sort_by_key(|image| image.chain.len());
        Ok(Self {
            steps: makers(records),
            images,
        })
    }

    pub(crate) fn of(&self, snapshot: &SnapshotId) -> Author {
        let image = || {
            self.images
                .iter()
                .find_map(|image| of_image(image, snapshot))
        };
        match self.steps.get(snapshot) {
            Some(record) => of_step(record),
            None => image().unwrap_or(Author::Unknown),
        }
    }
}

/// The first record that made each layer. One that only handed on its parent's made none; FROM
/// takes over those of its image.
fn makers(records: Vec<Record>) -> HashMap<SnapshotId, Record> {
    let after: HashMap<RecordId, Option<SnapshotId>> = records
        .iter()
        .map(|record| (record.id, record.snapshot))
        .collect();
    let mut makers: HashMap<SnapshotId, Record> = HashMap::new();
    for record in records {
        let below = record.parent.and_then(|parent| after.get(&parent).copied());
        let (Some(below), Some(made)) = (below, record.snapshot) else {
            continue;
        };
        let is_first = makers
            .get(&made)
            .is_none_or(|known| record.created < known.created);
        if below != Some(made) && is_first {
            makers.insert(made, record);
        }
    }
    makers
}

fn of_step(record: &Record) -> Author {
    Author::Step {
        text: record.text.clone(),
        place: format!("{}:{}", record.place.file, record.place.line),
        record: record.key.to_string(),
        created: record.created.0.div_euclid(1000),
    }
}

fn of_image(image: &Image, snapshot: &SnapshotId) -> Option<Author> {
    let layer = image.chain.iter().position(|id| id == snapshot)?;
    let entry = history_of(image, layer).unwrap_or_default();
    let name = image.names.first().cloned();
    Some(Author::Image {
        image: name.unwrap_or_else(|| image.id.to_string()),
        text: entry.created_by,
        created: entry.created,
    })
}

/// The entry of the history that made a layer, counted from the base.
fn history_of(image: &Image, layer: usize) -> Option<History> {
    let config = ImageConfig::parse(image.config.as_bytes()).ok()?;
    let mut entries = config.history.into_iter();
    entries
        .by_ref()
        .filter(|entry| !entry.empty_layer)
        .nth(layer)
}
