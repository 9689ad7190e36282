//! Archives for `docker load`: what docker 25 and later write, which older readers take as well.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use crate::export::layout::{index_entries, put_index};
use crate::export::sink::{ArchiveSink, blob_name, put_blobs, put_bytes};
use crate::export::{ExportError, Image};
use crate::progress::Progress;
use crate::reference::ImageRef;

/// One image in `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The file `repositories`: name, tag, topmost layer.
type Repositories = BTreeMap<String, BTreeMap<String, String>>;

/// Writes an image as `docker save` does.
pub(super) fn write(
    image: &Image,
    out: &mut dyn Write,
    tags: &[ImageRef],
    progress: Progress<'_>,
) -> Result<(), ExportError> {
    let mut sink = ArchiveSink::new(out)?;
    put_blobs(image, &mut sink, progress)?;
    put_index(&mut sink, index_entries(image, tags))?;
    put_bytes(
        &mut sink,
        "manifest.json",
        &json(&[saved_image(image, tags)])?,
    )?;
    let repositories = repositories(image, tags);
    if !repositories.is_empty() {
        put_bytes(&mut sink, "repositories", &json(&repositories)?)?;
    }
    sink.finish()
}

fn saved_image(image: &Image, tags: &[ImageRef]) -> SavedImage {
    let tags = tags
        .iter()
        .filter_map(|name| Some(format!("{}:{}", repository(name), name.tag()?)));
    let tags: Vec<String> = tags.collect();
    SavedImage {
        config: blob_name(&image.config),
        repo_tags: (!tags.is_empty()).then_some(tags),
        layers: image
            .layers
            .iter()
            .map(|layer| blob_name(&layer.descriptor))
            .collect(),
    }
}

fn repositories(image: &Image, tags: &[ImageRef]) -> Repositories {
    let mut repositories = Repositories::new();
    let Some(top) = image.layers.last() else {
        return repositories;
    };
    for name in tags {
        if let Some(tag) = name.tag() {
            let tags = repositories.entry(repository(name)).or_default();
            tags.insert(tag.to_owned(), top.descriptor.digest.hex());
        }
    }
    repositories
}

/// The name without the tag, as people write it.
fn repository(name: &ImageRef) -> String {
    let familiar = name.familiar();
    let without_digest = familiar.split('@').next().unwrap_or(&familiar);
    let tag = name.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    without_digest
        .strip_suffix(&tag)
        .unwrap_or(without_digest)
        .to_owned()
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, ExportError> {
    serde_json::to_vec(value).map_err(ExportError::Json)
}
