//! One build, from request to outcome.

mod clock;
mod dry_run;
pub(crate) mod fetch;
mod forecast;
pub(crate) mod history;
pub(crate) mod history_log;
pub(crate) mod load;
mod numbering;
pub(crate) mod origin;
mod plan;
mod rootfs;
mod schedule;
pub(crate) mod scope;
pub(crate) mod session;
pub(crate) mod stage;
pub(crate) mod step;

use std::io::Write;
use std::time::{Duration, Instant};

use iechor_cachedb::{BuildStatus, MissReason};
use iechor_executor::CancelToken;
use iechor_snapshotter::Digest;

use crate::error::{BuildError, StepError};
use crate::output::{self, BuildResult, Finished, Metadata};
use crate::progress::{Event, ProgressSink};
use crate::request::BuildRequest;
use crate::state::Engine;
use plan::Plan;
use session::Session;

pub use forecast::{Forecast, StepForecast, Verdict};

/// What a build made.
#[derive(Debug, Clone)]
pub struct BuildOutcome {
    /// Number of this build in the history.
    pub build_id: i64,
    /// Digest of the image configuration: the image id.
    pub image_id: Digest,
    /// Digest of the image manifest, when an output made one.
    pub manifest_digest: Option<Digest>,
    /// The names it was given, normalised.
    pub names: Vec<String>,
    /// What `--metadata-file` tells of the image.
    pub metadata: Metadata,
    /// Every step, in plan order.
    pub steps: Vec<StepReport>,
    /// Wall-clock time of the whole build.
    pub duration: Duration,
}

/// How one step went, for `--metadata-file` and the summary.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// `[build 2/4]`.
    pub label: String,
    /// The instruction.
    pub text: String,
    /// Cache key, `sha256:…`.
    pub key: String,
    /// Whether the cache had it.
    pub cached: bool,
    /// Why it was executed, the most telling reason first; empty for a hit.
    pub reasons: Vec<MissReason>,
    /// How long it took.
    pub duration: Duration,
    /// Bytes that its snapshot added to the store.
    pub bytes: u64,
}

impl Engine {
    /// Builds. Blocks until done; `cancel` ends it with [`BuildError::Cancelled`].
    ///
    /// `stdout` takes the output that goes to standard output, if one does. The calling process is
    /// in a mount namespace of its own ([`crate::enter_private_mounts`]).
    ///
    /// # Errors
    ///
    /// The first thing that went wrong. What was built by then is recorded and will be hits.
    pub fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn ProgressSink,
        cancel: &CancelToken,
        stdout: &mut dyn Write,
    ) -> Result<BuildOutcome, BuildError> {
        let begun = Instant::now();
        let file = load::load(request, progress)?;
        let plan = Plan::new(request, &file, progress)?;
        let session = Session::new(self, request, &file, &plan, progress, cancel);
        let built = schedule::build_stages(&session).and_then(|()| finish(&session, stdout));
        let durable = session.history().make_durable().map_err(BuildError::from);
        let finished = close(
            &session,
            built.and_then(|finished| durable.map(|()| finished)),
        )?;
        Ok(outcome(&session, finished, begun.elapsed()))
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
    let begun = Instant::now();
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
    match finished {
        Ok(finished) => {
            session.tell(Event::Finished(step, begun.elapsed()));
            Ok(finished)
        }
        Err(error) => {
            session.tell(Event::Failed(step, error.to_string()));
            Err(error.into())
        }
    }
}

/// Writes the build into the history, whatever became of it.
fn close(
    session: &Session<'_>,
    built: Result<Finished, BuildError>,
) -> Result<(Finished, i64), BuildError> {
    let (status, image) = match &built {
        Ok(finished) => (BuildStatus::Succeeded, Some(&finished.image_id)),
        Err(BuildError::Cancelled) => (BuildStatus::Cancelled, None),
        Err(_) => (BuildStatus::Failed, None),
    };
    let closed = session.history().close(status, image, session.now());
    // What went wrong first is what the user must hear of.
    let finished = built?;
    let id = closed.map_err(StepError::into_build)?;
    Ok((finished, id.0))
}

fn outcome(
    session: &Session<'_>,
    (finished, build_id): (Finished, i64),
    duration: Duration,
) -> BuildOutcome {
    BuildOutcome {
        build_id,
        image_id: finished.image_id,
        manifest_digest: finished.manifest.as_ref().map(|manifest| manifest.digest),
        metadata: finished.metadata(),
        names: finished.names,
        steps: session.history().reports(),
        duration,
    }
}
