//! Which of several images in a layout is meant.

use crate::manifest::{Index, IndexEntry};
use crate::reference::ImageRef;
use crate::source::SourceError;

/// Annotation with the tag of an image in a layout (OCI image-spec annotations.md).
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation with the full name of an image in a layout (containerd, docker).
pub(crate) const IMAGE_NAME: &str = "io.containerd.image.name";

/// The entries of a layout's index that a selector (tag, name or digest) means: one image,
/// perhaps for several platforms.
pub(super) fn choose(
    location: &str,
    index: &Index,
    selector: Option<&str>,
) -> Result<Index, SourceError> {
    let entries = index.manifests.iter();
    let mut chosen: Vec<IndexEntry> = entries
        .filter(|entry| selector.is_none_or(|text| is_named(entry, text)))
        .cloned()
        .collect();
    // One image may have several names.
    chosen.dedup_by_key(|entry| entry.digest);
    let location = location.to_owned();
    let present = names(index);
    match (&chosen[..], selector) {
        ([], _) => {
            let wanted = selector.unwrap_or_default().to_owned();
            Err(SourceError::NoSuchImage {
                location,
                wanted,
                present,
            })
        }
        ([_], _) => Ok(Index::new(chosen)),
        (several, _) if several.iter().all(|entry| entry.platform.is_some()) && same(several) => {
            Ok(Index::new(chosen))
        }
        _ => Err(SourceError::SeveralImages { location, present }),
    }
}

fn is_named(entry: &IndexEntry, selector: &str) -> bool {
    let full = |text: &str| text.parse::<ImageRef>().ok();
    let name = name_of(entry);
    let is_same_image = || full(selector).is_some_and(|wanted| name.and_then(full) == Some(wanted));
    entry.digest.to_string() == selector
        || entry
            .annotations
            .get(REF_NAME)
            .is_some_and(|tag| tag == selector)
        || is_same_image()
}

fn name_of(entry: &IndexEntry) -> Option<&str> {
    let names = &entry.annotations;
    names
        .get(IMAGE_NAME)
        .or_else(|| names.get(REF_NAME))
        .map(String::as_str)
}

/// Whether entries are the same image for different platforms, as far as their names tell.
fn same(entries: &[IndexEntry]) -> bool {
    entries
        .windows(2)
        .all(|pair| name_of(&pair[0]) == name_of(&pair[1]))
}

/// The names in a layout, for messages.
fn names(index: &Index) -> String {
    let name = |entry: &IndexEntry| match name_of(entry) {
        Some(name) => name.to_owned(),
        None => entry.digest.to_string(),
    };
    match &index.manifests[..] {
        [] => "none".to_owned(),
        entries => entries.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}
