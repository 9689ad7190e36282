//! WORKDIR: the directory exists from here on.

use std::path::Path;

use iechor_snapshotter::Chain;

use crate::build::session::Session;
use crate::copy::place::Placer;
use crate::error::StepError;

pub(super) fn execute(
    session: &Session<'_>,
    below: &Chain,
    path: &Path,
) -> Result<Chain, StepError> {
    let mut writer = session.store().new_layer(below)?;
    let at = writer.resolve(path)?;
    let owner = Some((0, 0));
    Placer::new(
        &mut writer,
        session.store().blobs(),
        owner,
        None,
        session.made_at(),
    )
    .make_directory(&at)?;
    session.keep(|| writer.commit())
}
