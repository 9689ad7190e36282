//! Files for a bind mount, as those of a snapshot.

use std::path::{Path, PathBuf};

use iechor_cachedb::{Durability, Input, NewRecord, Place, Recipe, Rule};
use iechor_snapshotter::{Chain, SnapshotId};

use crate::build::origin::Identity;
use crate::build::session::Session;
use crate::copy::facts::{self, Ownership};
use crate::copy::place::{Destination, Links, Placer};
use crate::copy::select::Files;
use crate::copy::source::follow;
use crate::error::StepError;

/// Kind of the records that hold host files for bind mounts.
const KIND: &str = "CONTEXT";

/// The snapshot that has `files`, none for an empty tree, and where in it they are.
///
/// Host files go into a snapshot first, so that the step sees what was keyed: nothing that is
/// ignored, and nothing that changes meanwhile.
pub(super) fn locate(
    session: &Session<'_>,
    mut files: Files,
) -> Result<(Option<SnapshotId>, PathBuf), StepError> {
    match files.origin.identity.snapshot() {
        Some(tip) => Ok((tip, real_path(&files)?)),
        None => {
            let tip = ingested(session, &mut files)?.tip();
            Ok((tip, file_name(&files)?))
        }
    }
}

/// Where a snapshot has the source, links followed.
fn real_path(files: &Files) -> Result<PathBuf, StepError> {
    let found = follow(files.origin.tree.as_ref(), Path::new(&files.source))?;
    let missing = || crate::copy::CopyError::NotFound {
        source_path: files.source.clone(),
        tree: files.origin.tree.name().to_owned(),
    };
    Ok(found.ok_or_else(missing)?.path)
}

/// An ingested file lies in the root under its own name; an ingested directory is the root.
fn file_name(files: &Files) -> Result<PathBuf, StepError> {
    let found = follow(files.origin.tree.as_ref(), Path::new(&files.source))?;
    let file = found.filter(|file| !file.is_directory());
    Ok(file
        .and_then(|_| Path::new(&files.source).file_name().map(PathBuf::from))
        .unwrap_or_default())
}

/// Writes `files` into the empty host directory `into`: the first contents of a cache mount.
pub(super) fn write_out(
    session: &Session<'_>,
    mut files: Files,
    into: &Path,
) -> Result<(), StepError> {
    let chain = ingested(session, &mut files)?;
    Ok(iechor_image::layer::write_local(
        &chain,
        session.store().blobs(),
        into,
    )?)
}

/// A snapshot of just these files; recorded, so that the same files are taken in once.
fn ingested(session: &Session<'_>, files: &mut Files) -> Result<Chain, StepError> {
    let recipe = recipe(session, files)?;
    if let Some(chain) = known(session, &recipe)? {
        return Ok(chain);
    }
    let chain = take_in(session, files)?;
    remember(session, &recipe, &chain)?;
    Ok(chain)
}

fn recipe(session: &Session<'_>, files: &mut Files) -> Result<Recipe, StepError> {
    let source = files.source.clone();
    let input = match files.origin.identity.snapshot() {
        Some(tip) => Input::text(
            Rule::C16,
            "snapshot",
            tip.map(|id| id.to_string()).unwrap_or_default(),
        ),
        None => {
            let tree = files.origin.tree.clone();
            Input::files(
                &source,
                facts::file_set(
                    tree.as_ref(),
                    files.selection()?,
                    Ownership::Root,
                    session.stamps(),
                )?,
            )
        }
    };
    let instruction = format!("{KIND} {source}");
    Ok(Recipe {
        parent: None,
        kind: KIND.to_owned(),
        instruction,
        shown: None,
        inputs: vec![input],
    })
}

fn known(session: &Session<'_>, recipe: &Recipe) -> Result<Option<Chain>, StepError> {
    let Some(record) = session.cache().lookup(None, &recipe.key())? else {
        return Ok(None);
    };
    let Some(snapshot) = record.snapshot else {
        return Ok(None);
    };
    session.lease(snapshot)?;
    let stands = session.cache().record(record.id)?.is_some() && session.store().contains(snapshot);
    Ok(if stands {
        Some(session.store().chain(snapshot)?)
    } else {
        None
    })
}

fn take_in(session: &Session<'_>, files: &mut Files) -> Result<Chain, StepError> {
    let tree = files.origin.tree.clone();
    let mut writer = session.store().new_layer(&Chain::empty())?;
    let destination = Destination {
        written: "/".to_owned(),
        path: "/".into(),
        links: Links::Absent,
    };
    let blobs = session.store().blobs();
    let owner = if matches!(files.origin.identity, Identity::Host(_)) {
        Some((0, 0))
    } else {
        None
    };
    let mut placer = Placer::new(&mut writer, blobs, owner, None, session.made_at());
    placer.selection(tree.as_ref(), files.selection()?, &destination, false)?;
    session.keep(|| writer.commit_even_if_empty())
}

fn remember(session: &Session<'_>, recipe: &Recipe, chain: &Chain) -> Result<(), StepError> {
    let Some(snapshot) = chain.tip() else {
        return Ok(());
    };
    session.lease(snapshot)?;
    let new = NewRecord {
        parent: None,
        place: Place {
            file: session.loaded.identity.clone(),
            line: 0,
            stage_index: 0,
            stage_name: None,
            position: 0,
        },
        snapshot: Some(snapshot),
        config: "{}".to_owned(),
        created: session.now(),
        duration_ms: 0,
        own_bytes: session.store().usage(snapshot)?.own,
        durability: Durability::Sealed,
    };
    let record = session.cache().insert(&new, recipe)?;
    session.made(record.id);
    Ok(())
}
