//! After a build that failed: files taken out of the step's state, and older states let go.

use std::path::Path;

use super::session::Session;
use crate::error::{BuildError, RunFailure};
use crate::files::{self, Files, FilesError, Location};
use crate::progress::{Event, ProgressSink};
use crate::prune;
use crate::request::BuildRequest;
use crate::state::Engine;

/// What messages call the files of the step.
const TITLE: &str = "the failed step";

/// Takes files out of what the failed step left. What cannot be had is a warning: the failure of the
/// build is the news.
pub(super) fn rescue(session: &Session<'_>, error: &BuildError) {
    let rescues = &session.request.rescues;
    let failure = error.run_failure();
    if failure.is_none() && !rescues.is_empty() {
        warn(
            session,
            "nothing is taken out: no command failed".to_owned(),
        );
        return;
    }
    for (path, dest) in rescues {
        let taken = failure.map_or(Ok(()), |failure| take_out(session, failure, path, dest));
        if let Err(error) = taken {
            warn(session, with_sources(&error));
        }
    }
}

fn take_out(
    session: &Session<'_>,
    failure: &RunFailure,
    path: &str,
    dest: &Path,
) -> Result<(), FilesError> {
    let location = Location {
        files: Files::of_snapshot(session.engine, TITLE, failure.left)?,
        path: path.into(),
    };
    files::copy(&location, dest).map(drop)
}

/// Lets the states of earlier failures go, but for as many as the request keeps. The build's own
/// leases are gone.
pub(super) fn let_go(engine: &Engine, request: &BuildRequest, progress: &dyn ProgressSink) {
    if let Err(error) = prune::keep_failed(engine, request.keep_failed) {
        progress.event(Event::Warning(with_sources(&error)));
    }
}

fn warn(session: &Session<'_>, text: String) {
    session.tell(Event::Warning(text));
}

/// An error and what caused it, on one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |line, source| {
        format!("{line}: {source}")
    })
}
