//! Image archives, looked at with tools that are not ours.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::tool;

/// The configuration of an image, as skopeo reads it (`oci-archive:PATH`, `docker://…`).
pub(crate) fn config(image: &str) -> Value {
    let output = tool::skopeo(&["inspect", "--config", "--tls-verify=false", image]).success();
    tool::json(&output.stdout)
}

/// The manifest of an image, as skopeo reads it.
pub(crate) fn manifest(image: &str) -> Value {
    let output = tool::skopeo(&["inspect", "--raw", "--tls-verify=false", image]).success();
    tool::json(&output.stdout)
}

/// The digests of the layers of an image.
pub(crate) fn layers(image: &str) -> Vec<String> {
    let manifest = manifest(image);
    let layers = manifest["layers"].as_array().unwrap();
    layers
        .iter()
        .map(|layer| layer["digest"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether any file below a directory holds these bytes, and which.
pub(crate) fn holds(dir: &Path, needle: &[u8]) -> Option<String> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    entries
        .filter_map(|entry| holds_at(&entry.path(), needle))
        .next()
}

fn holds_at(path: &Path, needle: &[u8]) -> Option<String> {
    let stat = fs::symlink_metadata(path).ok()?;
    if stat.is_dir() {
        return holds(path, needle);
    }
    let bytes = if stat.is_file() {
        fs::read(path).ok()?
    } else {
        return None;
    };
    let found = bytes.windows(needle.len()).any(|window| window == needle);
    found.then(|| path.display().to_string())
}
