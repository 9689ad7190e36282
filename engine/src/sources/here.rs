//! Finding an image and bringing nothing: for a dry run.

use iechor_image::source::ResolvedImage;
use iechor_image::{ImageSource, Platform};
use iechor_snapshotter::{Chain, DiffId};

use super::import::source_of;
use super::{BaseImage, SourcesError, Spec, from_list, registry, scratch};
use crate::request::PullPolicy;
use crate::state::Engine;

/// An image whose layers are here already; none when something would have to be fetched or
/// unpacked. The registry is asked, for a manifest, only when the policy says that it is.
///
/// # Errors
///
/// As [`super::resolve`].
pub(crate) fn find_here(
    engine: &Engine,
    spec: &str,
    platform: &Platform,
    pull: PullPolicy,
) -> Result<Option<BaseImage>, SourcesError> {
    match spec.parse()? {
        Spec::Scratch => Ok(Some(scratch(platform))),
        Spec::Location(location) => {
            let name = location.to_string();
            let source = location.open().map_err(source_of(&name))?;
            unpacked(engine, name, &*source, platform)
        }
        Spec::Reference(reference) => match pull {
            PullPolicy::IfMissing => from_list(engine, &reference, platform),
            PullPolicy::Always => {
                let source = registry(engine).image(&reference);
                unpacked(engine, reference.to_string(), &source, platform)
            }
        },
    }
}

fn unpacked(
    engine: &Engine,
    name: String,
    source: &dyn ImageSource,
    platform: &Platform,
) -> Result<Option<BaseImage>, SourcesError> {
    let image = source.resolve(platform).map_err(source_of(&name))?;
    let chain = chain_of(engine, &name, &image)?;
    Ok(chain.map(|chain| BaseImage {
        name,
        digest: image.manifest.digest,
        config: image.config,
        chain,
        lease: None,
    }))
}

fn chain_of(
    engine: &Engine,
    name: &str,
    image: &ResolvedImage,
) -> Result<Option<Chain>, SourcesError> {
    let diff_ids = image
        .config
        .diff_ids()
        .map_err(|source| SourcesError::Config {
            name: name.to_owned(),
            source,
        })?;
    let mut chain = Chain::empty();
    for diff_id in diff_ids {
        match on(engine, &chain, &diff_id)? {
            Some(next) => chain = next,
            None => return Ok(None),
        }
    }
    Ok(Some(chain))
}

/// What a layer became on this parent.
fn on(engine: &Engine, parent: &Chain, layer: &DiffId) -> Result<Option<Chain>, SourcesError> {
    let snapshots = engine.cache().snapshots_of_layer(layer)?.into_iter();
    let mut chains = snapshots.filter_map(|snapshot| engine.store().chain(snapshot).ok());
    Ok(chains.find(|chain| chain.below(1).tip() == parent.tip()))
}
