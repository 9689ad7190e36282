//! `iechor inspect`.

use clap::Args;
use iechor_engine::images::{self, ImageDetails};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::session::Session;
use crate::table;

/// Show everything about images, as JSON
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Names or ids
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

/// Prints an array with one object an image.
pub(crate) fn run(args: &InspectArgs, session: &Session) -> Result<(), CliError> {
    let engine = session.engine()?;
    let details: Vec<Value> = args
        .images
        .iter()
        .map(|image| Ok(described(&images::inspect(&engine, image)?)))
        .collect::<Result<_, CliError>>()?;
    session.ui.data(table::json(&details)?)
}

fn described(image: &ImageDetails) -> Value {
    let snapshots: Vec<String> = image
        .chain
        .layers()
        .iter()
        .map(|layer| layer.id().to_string())
        .collect();
    json!({
        "Id": image.id.to_string(),
        "RepoTags": image.names,
        "Manifest": image.manifest.as_ref().map(ToString::to_string),
        "Snapshots": snapshots,
        "Config": image.config,
    })
}
