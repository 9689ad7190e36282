//! What the stages of one build share: the request, the services, and what is noted on the way.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use iechor_cachedb::{
    CacheDb, Lease, MissReason, Record, RecordId, StepOutcome, UnixMillis, Witness,
};
use iechor_executor::{CancelToken, Secret};
use iechor_frontend::Span;
use iechor_frontend::ast::{Escape, Iechorfile, Statement};
use iechor_image::Platform;
use iechor_image::config::Created;
use iechor_snapshotter::{Chain, SnapshotId, SnapshotStore, StoreError, Timestamp};

use super::clock::Clock;
use super::dry_run::DryRun;
use super::history_log::History;
use super::load::LoadedFile;
use super::numbering::Numbering;
use super::plan::Plan;
use super::stage::StageState;
use super::step::{Attempted, Step};
use crate::copy::HostTree;
use crate::copy::facts::{Keep, Stamps};
use crate::error::{BuildError, StepError};
use crate::hold::Held;
use crate::progress::{Event, ProgressSink, StepId, StepInfo};
use crate::request::{BuildRequest, CachePolicy, ContextDigest, ContextSource};
use crate::sources::{self, BaseImage};
use crate::state::Engine;
use crate::workbench::Workbench;

/// One build under way; used by the threads of all its stages.
pub(crate) struct Session<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) request: &'a BuildRequest,
    pub(crate) loaded: &'a LoadedFile,
    pub(crate) plan: &'a Plan,
    progress: &'a dyn ProgressSink,
    clock: Clock,
    numbering: Mutex<Numbering>,
    history: History<'a>,
    results: Mutex<HashMap<usize, StageState>>,
    /// Records made anew although there may have been a cached result.
    forced: Mutex<HashSet<RecordId>>,
    leases: Mutex<HashMap<SnapshotId, Lease>>,
    context: OnceLock<Arc<HostTree>>,
    /// What steps are run with.
    pub(crate) bench: Workbench<'a>,
    dry_run: Option<DryRun>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        request: &'a BuildRequest,
        loaded: &'a LoadedFile,
        plan: &'a Plan,
        progress: &'a dyn ProgressSink,
        cancel: &CancelToken,
    ) -> Self {
        // Fires when the user cancels, and when a stage fails.
        let cancel = cancel.child();
        let clock = Clock::start(request.source_date_epoch);
        let numbering = Numbering::of(&loaded.parsed.file, plan);
        for info in numbering.infos() {
            progress.event(Event::Planned(info.clone()));
        }
        Self {
            engine,
            request,
            loaded,
            plan,
            progress,
            history: History::new(engine, request, loaded, clock.now()),
            clock,
            numbering: Mutex::new(numbering),
            results: Mutex::default(),
            forced: Mutex::default(),
            leases: Mutex::default(),
            context: OnceLock::new(),
            bench: Workbench::new(engine, cancel),
            dry_run: None,
        }
    }

    /// The same build, to be foretold and not done.
    pub(crate) fn foretold(self) -> Self {
        Self {
            dry_run: Some(DryRun::default()),
            ..self
        }
    }

    /// What is foretold; none when the build is done in earnest.
    pub(crate) fn dry_run(&self) -> Option<&DryRun> {
        self.dry_run.as_ref()
    }

    /// The file's stages.
    pub(crate) fn file(&self) -> &'a Iechorfile {
        &self.loaded.parsed.file
    }

    /// The file's escape character.
    pub(crate) fn escape(&self) -> Escape {
        self.file().directives.escape
    }

    pub(crate) fn cache(&self) -> &CacheDb {
        self.engine.cache()
    }

    pub(crate) fn store(&self) -> &SnapshotStore {
        self.engine.store()
    }

    pub(crate) fn progress(&self) -> &dyn ProgressSink {
        self.progress
    }

    pub(crate) fn tell(&self, event: Event) {
        self.progress.event(event);
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.bench.cancel.is_fired()
    }

    pub(crate) fn history(&self) -> &History<'a> {
        &self.history
    }
}

/// Time, as the build sees it.
impl Session<'_> {
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// What `created` fields say.
    pub(crate) fn created(&self) -> Created {
        self.clock.created()
    }

    /// The modification time of directories and files that the build itself makes.
    pub(crate) fn made_at(&self) -> Timestamp {
        self.clock.file_time()
    }

    /// Whether files are keyed by content (rule C6).
    pub(crate) fn by_content(&self) -> bool {
        self.request.context_digest == ContextDigest::Content
    }

    /// How files are stamped for keys.
    pub(crate) fn stamps(&self) -> Stamps<'_> {
        match self.request.context_digest {
            ContextDigest::Metadata => Stamps::Mtime,
            ContextDigest::Content => Stamps::Content {
                memo: self.cache(),
                blobs: self.store().blobs(),
                keep: match self.dry_run {
                    None => Keep::Contents,
                    Some(_) => Keep::Nothing,
                },
                now: self.now().0 / 1000,
            },
        }
    }
}

/// The numbers and names of steps.
impl Session<'_> {
    /// The step at `position` of a stage, FROM being 0.
    pub(crate) fn planned_step(&self, stage: usize, position: u32) -> StepId {
        lock(&self.numbering).planned(stage, position)
    }

    /// A step that the file does not have: an ONBUILD trigger of the base image.
    pub(crate) fn extra_step(
        &self,
        stage: usize,
        statement: &Statement,
        from: &Statement,
    ) -> StepId {
        let info = lock(&self.numbering).extra(stage, statement, from);
        let id = info.id;
        self.tell(Event::Planned(info));
        id
    }

    /// A step of the build itself: `[export]`.
    pub(crate) fn internal_step(&self, label: &str, text: &str) -> StepId {
        let info = lock(&self.numbering).internal(label, text);
        let id = info.id;
        self.tell(Event::Planned(info));
        id
    }

    pub(crate) fn label(&self, id: StepId) -> String {
        self.info(id).label
    }

    pub(crate) fn info(&self, id: StepId) -> StepInfo {
        lock(&self.numbering).info(id)
    }

    /// What other steps' reasons call it: `build 2/4`.
    pub(crate) fn step_name(&self, step: &Step<'_>) -> String {
        step.label.trim_matches(['[', ']']).to_owned()
    }
}

/// Decisions that hold for the whole build.
impl Session<'_> {
    /// Rules C10 and C11: why nothing of a stage may be looked up.
    pub(crate) fn lookup_forbidden(&self, stage: u32) -> Option<MissReason> {
        if self.request.cache == CachePolicy::Ignore {
            return Some(MissReason::NoCache);
        }
        let stage = usize::try_from(stage).ok()?;
        let named = self.plan.uncached.get(&stage)?;
        Some(MissReason::NoCacheFilter {
            stage: named.clone(),
        })
    }

    /// The value of a secret, if one was given.
    pub(crate) fn secret(&self, id: &str) -> Option<Secret> {
        let found = self.request.secrets.iter().rfind(|secret| secret.id == id);
        found.map(|secret| secret.value.clone())
    }

    /// All secrets, for the redaction of logs.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.request.secrets.iter().map(|secret| &secret.value)
    }

    /// Warns of files that may have changed under the same size and time (rule C6).
    pub(crate) fn warn_of_moved_ctimes(
        &self,
        step: &Step<'_>,
        record: RecordId,
        now: &Witness,
    ) -> Result<(), StepError> {
        let Some(then) = self.cache().witness(record)? else {
            return Ok(());
        };
        let moved = then.moved(now);
        let Some(first) = moved.first() else {
            return Ok(());
        };
        let more = match moved.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        self.tell(Event::Warning(format!(
            "{}:{}: {}{more} may have other contents under the same size and time; \
             build with --context-digest=content to be sure",
            self.loaded.name,
            step.place.line,
            String::from_utf8_lossy(first),
        )));
        Ok(())
    }
}

/// Services that are started when the first step needs them.
impl Session<'_> {
    /// The build context.
    pub(crate) fn shared_context(&self) -> Result<Arc<HostTree>, StepError> {
        if let Some(context) = self.context.get() {
            return Ok(Arc::clone(context));
        }
        let ContextSource::Directory(dir) = &self.request.context else {
            return Err(StepError::NoContext);
        };
        let ignore = super::load::ignore_rules(self.request, self.loaded).map_err(Box::new)?;
        let opened = HostTree::open(dir, "the build context", ignore)?;
        Ok(Arc::clone(self.context.get_or_init(|| Arc::new(opened))))
    }

    /// An image as a base or as a source of files.
    pub(crate) fn base_image(
        &self,
        spec: &str,
        platform: &Platform,
        step: StepId,
    ) -> Result<BaseImage, StepError> {
        let spec = self.named_context(spec).unwrap_or(spec);
        if self.dry_run.is_some() {
            return self.image_here(spec, platform);
        }
        Ok(sources::resolve(
            self.engine,
            spec,
            platform,
            self.request.pull,
            self.progress,
            step,
        )?)
    }

    /// An image whose layers are here already: a dry run brings nothing.
    fn image_here(&self, spec: &str, platform: &Platform) -> Result<BaseImage, StepError> {
        let here = sources::find_here(self.engine, spec, platform, self.request.pull)?;
        here.ok_or_else(|| StepError::Unforeseeable {
            until: format!("{spec} is pulled"),
        })
    }

    /// What `--build-context` gives a name.
    pub(crate) fn named_context(&self, name: &str) -> Option<&str> {
        let found = self
            .request
            .build_contexts
            .iter()
            .rfind(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn lock_dir(&self) -> PathBuf {
        self.engine.root().join("locks")
    }
}

/// What is noted on the way.
impl Session<'_> {
    /// Keeps a snapshot from being pruned until the build ends; a dry run keeps nothing.
    pub(crate) fn lease(&self, snapshot: SnapshotId) -> Result<(), StepError> {
        if self.dry_run.is_some() {
            return Ok(());
        }
        let mut leases = lock(&self.leases);
        if let Entry::Vacant(free) = leases.entry(snapshot) {
            free.insert(self.engine.leases().take(snapshot)?);
        }
        Ok(())
    }

    /// Leases a chain by its tip: what lies below a leased snapshot stays, too.
    pub(crate) fn lease_chain(&self, chain: &Chain) -> Result<(), StepError> {
        chain.tip().map_or(Ok(()), |tip| self.lease(tip))
    }

    /// Commits a layer and leases it, so that no prune comes between the two.
    pub(crate) fn keep(
        &self,
        commit: impl FnOnce() -> Result<Chain, StoreError>,
    ) -> Result<Chain, StepError> {
        let _hold = Held::Snapshots.hold(self.engine)?;
        let chain = commit()?;
        self.lease_chain(&chain)?;
        Ok(chain)
    }

    /// What a finished stage made.
    pub(crate) fn stage_result(&self, index: usize) -> Option<StageState> {
        lock(&self.results).get(&index).cloned()
    }

    pub(crate) fn finish_stage(&self, index: usize, state: StageState) {
        lock(&self.results).insert(index, state);
    }

    /// A record was made without looking for a cached one.
    pub(crate) fn force(&self, record: RecordId) {
        lock(&self.forced).insert(record);
    }

    /// Whether this build made the record without looking for a cached one.
    pub(crate) fn was_forced(&self, record: RecordId) -> bool {
        lock(&self.forced).contains(&record)
    }

    /// A record was made.
    pub(crate) fn made(&self, record: RecordId) {
        self.history.made(record);
    }

    /// A step ended well.
    pub(crate) fn note(
        &self,
        step: &Step<'_>,
        record: &Record,
        parent: Option<RecordId>,
        outcome: StepOutcome,
        reasons: &[MissReason],
        took: Duration,
    ) {
        self.history
            .note(step, record, parent, outcome, reasons, took);
    }

    /// A step did not; `attempted` says how it was, if it came to be executed.
    pub(crate) fn note_failure(
        &self,
        step: &Step<'_>,
        parent: Option<RecordId>,
        attempted: Option<Attempted<'_>>,
        error: &StepError,
    ) {
        self.history.note_failure(step, parent, attempted, error);
    }

    /// A stage went on where another one ended.
    pub(crate) fn note_continuation(&self, step: &Step<'_>, state: &StageState) {
        self.history.note_continuation(step, state);
    }

    /// A failed step as the error of the build; the excerpt shows `span` of the file.
    pub(crate) fn fail(&self, step: &Step<'_>, span: Span, error: StepError) -> BuildError {
        self.fail_in(step, span, error, &self.loaded.text)
    }

    /// As [`Session::fail`], for an instruction of another text (an ONBUILD trigger).
    pub(crate) fn fail_in(
        &self,
        step: &Step<'_>,
        span: Span,
        error: StepError,
        text: &str,
    ) -> BuildError {
        self.tell(if error.is_cancelled() {
            Event::Cancelled(step.id)
        } else {
            Event::Failed(step.id, error.one_line())
        });
        // What failed before it was executed has not been noted yet.
        self.note_failure(step, None, None, &error);
        error.in_file(&self.loaded.name, text, span, step.label.clone())
    }
}

/// A panic of another thread has been told already; what it held is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
