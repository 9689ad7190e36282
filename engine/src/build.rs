//! One build, from request to outcome.

mod aftermath;
pub(crate) mod clock;
mod dry_run;
pub(crate) mod fetch;
mod forecast;
pub(crate) mod history;
pub(crate) mod history_log;
pub(crate) mod load;
mod numbering;
pub(crate) mod origin;
mod plan;
mod report;
pub(crate) mod rootfs;
mod schedule;
pub(crate) mod scope;
pub(crate) mod session;
pub(crate) mod stage;
pub(crate) mod step;

use std::io::Write;

use iechor_cachedb::BuildStatus;
use iechor_executor::CancelToken;
use iechor_snapshotter::Digest;

use crate::error::BuildError;
use crate::output::{self, BuildResult, Finished, Metadata};
use crate::progress::{Event, ProgressSink};
use crate::request::BuildRequest;
use crate::state::Engine;
use plan::Plan;
use session::Session;

pub use forecast::{Forecast, StepForecast, Verdict};
pub use iechor_cachedb::StepOutcome;
pub use report::{BuildReport, FailedBuild, Span, StepReport};

/// What a build made.
#[derive(Debug, Clone)]
pub struct BuildOutcome {
    /// Digest of the image configuration: the image id.
    pub image_id: Digest,
    /// Digest of the image manifest, when an output made one.
    pub manifest_digest: Option<Digest>,
    /// The names it was given, normalised.
    pub names: Vec<String>,
    /// What `--metadata-file` tells of the image.
    pub metadata: Metadata,
    /// How it went.
    pub report: BuildReport,
}

impl Engine {
    /// Builds. Blocks until done; `cancel` ends it with [`BuildError::Cancelled`].
    ///
    /// `stdout` takes the output that goes to standard output, if one does. The calling process is
    /// in a mount namespace of its own ([`crate::enter_private_mounts`]).
    ///
    /// # Errors
    ///
    /// The first thing that went wrong, and how it went until then. What was built is recorded and
    /// will be hits.
    pub fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn ProgressSink,
        cancel: &CancelToken,
        stdout: &mut dyn Write,
    ) -> Result<BuildOutcome, Box<FailedBuild>> {
        let file = load::load(request, progress)?;
        let plan = Plan::new(request, &file, progress)?;
        let session = Session::new(self, request, &file, &plan, progress, cancel);
        let built = schedule::build_stages(&session).and_then(|()| finish(&session, stdout));
        if let Err(error) = &built {
            aftermath::rescue(&session, error);
        }
        let durable = session.history().make_durable().map_err(BuildError::from);
        let (build_id, built) = close(
            &session,
            built.and_then(|finished| durable.map(|()| finished)),
        );
        let report = BuildReport {
            build_id,
            ..session.history().report()
        };
        match built {
            Ok(finished) => Ok(outcome(finished, report)),
            Err(error) => {
                drop(session);
                aftermath::let_go(self, request, progress);
                Err(Box::new(FailedBuild { error, report }))
            }
        }
    }

    /// Says what a build of `request` would take from the cache and what it would execute. Nothing
    /// is executed, pulled or written.
    ///
    /// # Errors
    ///
    /// What the build would fail with before it executes anything.
    pub fn dry_run(
        &self,
        request: &BuildRequest,
        progress: &dyn ProgressSink,
        cancel: &CancelToken,
    ) -> Result<Forecast, BuildError> {
        let file = load::load(request, progress)?;
        let plan = Plan::new(request, &file, progress)?;
        let session = Session::new(self, request, &file, &plan, progress, cancel).foretold();
        schedule::build_stages(&session)?;
        Ok(session.forecast())
    }
}

/// The target stage as an image, named and written.
fn finish(session: &Session<'_>, stdout: &mut dyn Write) -> Result<Finished, BuildError> {
    let mut state = session
        .stage_result(session.plan.target)
        .ok_or(BuildError::Cancelled)?;
    let mut config = state.config.clone();
    config
        .config
        .labels
        .extend(session.request.labels.iter().cloned());
    // A name must not outlive the layers that it stands for: they are durable first.
    session.history().make_durable()?;
    let step = session.internal_step("[export]", "exporting the image");
    session.tell(Event::Started(step));
    let export = session.history().clock();
    let result = BuildResult {
        chain: state.open(session.store())?.clone(),
        record: state.record,
        config,
        names: session.request.tags.clone(),
    };
    let now = session.now().0.div_euclid(1000);
    let finished = output::finish(
        session.engine,
        result,
        &session.request.outputs,
        stdout,
        now,
        session.progress(),
        step,
    );
    let span = export.stop();
    match finished {
        Ok(finished) => {
            session.history().exported(span, finished.bytes_written);
            session.tell(Event::Finished(step, span.took));
            Ok(finished)
        }
        Err(error) => {
            session.history().exported(span, 0);
            session.tell(Event::Failed(step, error.to_string()));
            Err(error.into())
        }
    }
}

/// Writes the build into the history, whatever became of it; gives its number there.
fn close(
    session: &Session<'_>,
    built: Result<Finished, BuildError>,
) -> (Option<i64>, Result<Finished, BuildError>) {
    let (status, image) = match &built {
        Ok(finished) => (BuildStatus::Succeeded, Some(&finished.image_id)),
        Err(BuildError::Cancelled) => (BuildStatus::Cancelled, None),
        Err(_) => (BuildStatus::Failed, None),
    };
    match session.history().close(status, image, session.now()) {
        Ok(id) => (Some(id.0), built),
        // What went wrong first is what the user must hear of.
        Err(error) => (None, built.and(Err(error.into_build()))),
    }
}

fn outcome(finished: Finished, report: BuildReport) -> BuildOutcome {
    BuildOutcome {
        image_id: finished.image_id,
        manifest_digest: finished.manifest.as_ref().map(|manifest| manifest.digest),
        metadata: finished.metadata(),
        names: finished.names,
        report,
    }
}
