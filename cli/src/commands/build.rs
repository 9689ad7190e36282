//! `iechor build`.

pub(crate) mod explain;
mod fields;
mod forecast;
mod gc;
mod output;
pub(super) mod pairs;
mod report;
mod request;
pub(super) mod secret;
mod trace;

use std::io;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use iechor_engine::BuildError;
use iechor_engine::build::{BuildOutcome, BuildReport};
use iechor_engine::error::FailureKind;
use iechor_engine::request::Output;

use self::explain::Explain;
use self::pairs::{ArgValue, ExtraHost, Pair, Rescue};
use crate::env;
use crate::error::{CliError, Failure};
use crate::progress::{self, Mode, Progress, Work};
use crate::session::Session;
use crate::signals::SignalWatch;
use crate::ui::Ui;

/// Build an image from an iEchorfile
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Directory that COPY and ADD read from; `-` reads the iEchorfile from standard input and has
    /// no such directory
    #[arg(value_name = "PATH|-")]
    context: PathBuf,
    /// The iEchorfile; `-` is standard input [default: iEchorfile, Dockerfile or Containerfile in
    /// PATH]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Ignore file to use instead of those beside the iEchorfile and in PATH
    #[arg(long, value_name = "FILE")]
    ignorefile: Option<PathBuf>,
    /// Name the image in the local image list; may be repeated
    #[arg(short, long = "tag", value_name = "NAME[:TAG]", value_parser = pairs::image_name)]
    tags: Vec<String>,
    /// Stage to build, by name or index [default: the last]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// Value for an ARG of the file; without `=VALUE` it is taken from the environment
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    build_args: Vec<ArgValue>,
    /// Secret for RUN --mount=type=secret: `id=ID,src=FILE`, `id=ID,env=NAME`, or `id=ID` for the
    /// environment variable or else the file of that name
    #[arg(long = "secret", value_name = "id=ID[,src=FILE|,env=NAME]")]
    secrets: Vec<String>,
    /// Named context for FROM and --from: a directory, `docker-image://REF`, `oci-layout://PATH`,
    /// `oci-archive://PATH` or `docker-archive://PATH`
    #[arg(long = "build-context", value_name = "NAME=VALUE")]
    build_contexts: Vec<Pair>,
    /// Platform to build for [default: $DOCKER_DEFAULT_PLATFORM, else the host's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<iechor_engine::Platform>,
    /// Network of RUN steps that do not say it themselves
    #[arg(long, value_enum, default_value_t = NetworkArg::Default)]
    network: NetworkArg,
    /// Line for the steps' /etc/hosts; what is cached stays so
    #[arg(long = "add-host", value_name = "NAME:IP")]
    extra_hosts: Vec<ExtraHost>,
    /// Look nothing up in the cache; results are still recorded
    #[arg(long)]
    no_cache: bool,
    /// Stages (names or indexes) to look up no more
    #[arg(long, value_name = "STAGE[,STAGE]", value_delimiter = ',')]
    no_cache_filter: Vec<String>,
    /// What of a copied file is compared: its size and time, or its contents
    #[arg(long, value_enum, default_value_t = DigestArg::Metadata)]
    context_digest: DigestArg,
    /// Ask the registry for base images even when they are in the local image list
    #[arg(long)]
    pull: bool,
    /// Label of the image
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Pair>,
    /// Where the result goes besides the image list: `type=oci|docker|tar|local[,dest=PATH]
    /// [,compression=gzip|zstd|uncompressed]`; a bare path is `type=local`, `-` a tar archive on
    /// standard output
    #[arg(short, long = "output", value_name = "OUTPUT", value_parser = output::parse)]
    outputs: Vec<Output>,
    /// Write the image id to a file
    #[arg(long, value_name = "FILE")]
    iidfile: Option<PathBuf>,
    /// Write digests, names and how each step went to a file, as JSON
    #[arg(long, value_name = "FILE")]
    metadata_file: Option<PathBuf>,
    /// Write when each step began and how long it took to a file, as Chrome trace events for Perfetto
    /// or chrome://tracing; also when the build fails
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// How progress is shown [default: $IECHOR_PROGRESS, $BUILDKIT_PROGRESS, else auto]
    #[arg(long, value_enum)]
    progress: Option<Mode>,
    /// Show no progress; print the image id
    #[arg(short, long)]
    quiet: bool,
    /// Say which steps the cache has, which would be executed, and why; execute and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Say all that changed for each executed step: as text on standard error after the build, or
    /// as JSON on standard output
    #[arg(long, value_enum, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    explain: Option<Explain>,
    /// Prune nothing after the build, whatever the configuration file says
    #[arg(long)]
    no_gc: bool,
    /// When a RUN step fails, copy a file or directory of its root to the host; may be repeated
    #[arg(long, value_name = "PATH=DEST")]
    output_on_failure: Vec<Rescue>,
    /// How many states of failed steps to keep for `shell --failed` and `mount --failed`
    #[arg(long, value_name = "N", default_value_t = 3)]
    keep_failed: usize,
    /// When a RUN step fails, exit with its exit code instead of 1
    #[arg(long)]
    propagate_exit_code: bool,
    /// Flags of `docker build` that ask for what iechor does anyway.
    #[command(flatten)]
    docker: DockerArgs,
}

/// Accepted for scripts that were written for `docker build`, and said to be without effect.
#[derive(Debug, Args)]
struct DockerArgs {
    #[arg(long, hide = true, action = ArgAction::SetTrue)]
    load: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    rm: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force_rm: Option<bool>,
    #[arg(long, hide = true, action = ArgAction::SetTrue)]
    compress: bool,
}

impl DockerArgs {
    /// A note for each flag that was given.
    fn notes(&self) -> impl Iterator<Item = &'static str> {
        [
            self.load
                .then_some("--load has no effect: -t puts the image into the local list"),
            self.rm
                .is_some()
                .then_some("--rm has no effect: steps leave no containers"),
            self.force_rm
                .is_some()
                .then_some("--force-rm has no effect: steps leave no containers"),
            self.compress
                .then_some("--compress has no effect: the context is not sent anywhere"),
        ]
        .into_iter()
        .flatten()
    }
}

/// `--network`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum NetworkArg {
    /// What the host offers (at present the host's own network)
    Default,
    /// The loopback interface only
    None,
    /// The host's own network
    Host,
}

/// `--context-digest`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DigestArg {
    /// Size and modification time; contents are not read
    Metadata,
    /// The contents, for fresh clones where times mean nothing
    Content,
}

/// Builds, or says what a build would do.
pub(crate) fn run(args: BuildArgs, session: &Session) -> Result<(), CliError> {
    match args.dry_run {
        true => foretell(args, session),
        false => build(args, session),
    }
}

fn foretell(args: BuildArgs, session: &Session) -> Result<(), CliError> {
    let explain = args.explain;
    let request = request::from_args(args)?;
    let signals = SignalWatch::start()?;
    let state = session.state_for_dry_run()?;
    let engine = session.engine_in(state.path())?;
    let warnings = forecast::Warnings(session.ui);
    let forecast = engine.dry_run(&request, &warnings, signals.cancel_token())?;
    forecast::show(&forecast, explain, &session.ui)
}

fn build(args: BuildArgs, session: &Session) -> Result<(), CliError> {
    let ui = &session.ui;
    let reports = report::Reports::of(&args);
    reports.remove_stale()?;
    let display = Display::of(&args)?;
    let gc = gc::Gc::of(&args, ui)?;
    args.docker.notes().for_each(|note| ui.note(note));
    let request = request::from_args(args)?;
    ui.debug(format_args!("progress {:?}", display.mode));

    session.clear_dead_mounts();
    // The mounts of a build are private to it. This must come before the first thread.
    iechor_engine::enter_private_mounts()
        .map_err(|error| Failure::new(error, FailureKind::Internal))?;
    let signals = SignalWatch::start()?;
    let engine = session.engine_in_private_mounts()?;
    let progress = Progress::start(Work::Build, display.mode, ui.color())?;
    let built = engine.build(
        &request,
        &progress,
        signals.cancel_token(),
        &mut io::stdout(),
    );
    let report = match &built {
        Ok(outcome) => &outcome.report,
        Err(failed) => &failed.report,
    };
    progress.finish_build(report);
    let told = display.explain(report, ui);
    let told = told.and_then(|()| reports.write_trace(report));

    // That the build failed is what the user must hear of first.
    let outcome = built.map_err(|failed| display.failure(failed.error, &signals))?;
    told?;
    reports.write(&outcome)?;
    display.result(&outcome, session)?;
    gc.run(&engine, session);
    Ok(())
}

/// What is shown of the build, and how.
struct Display {
    mode: Mode,
    explain: Option<Explain>,
    propagate_exit_code: bool,
}

impl Display {
    fn of(args: &BuildArgs) -> Result<Self, CliError> {
        let asked = if args.quiet {
            Some(Mode::Quiet)
        } else {
            args.progress
        };
        let mode = progress::choose(asked)?;
        let to_stdout = args.outputs.iter().any(output::is_stdout);
        if args.explain == Some(Explain::Json) && (to_stdout || mode == Mode::Quiet) {
            return Err(CliError::usage_with_hint(
                "both --explain=json and something else would go to standard output",
                "write the id with --iidfile FILE, or the output with dest=FILE",
            ));
        }
        if mode == Mode::Quiet && to_stdout {
            return Err(CliError::usage_with_hint(
                "both the image id (--quiet) and an output would go to standard output",
                "write the id with --iidfile FILE, or the output with dest=FILE",
            ));
        }
        Ok(Self {
            mode,
            explain: args.explain,
            propagate_exit_code: args.propagate_exit_code,
        })
    }

    /// The error to end with: the signal, the step's own code, or what the engine says.
    fn failure(&self, error: BuildError, signals: &SignalWatch) -> CliError {
        match (error.kind(), signals.interruption(), error.step_exit_code()) {
            (FailureKind::Cancelled, Some(signal), _) => CliError::Interrupted(signal),
            (_, _, Some(code)) if self.propagate_exit_code => {
                Failure::from(error).with_code(code).into()
            }
            _ => error.into(),
        }
    }

    /// Says why its steps were executed, if that was asked for.
    fn explain(&self, report: &BuildReport, ui: &Ui) -> Result<(), CliError> {
        let explain = self.explain;
        explain.map_or(Ok(()), |explain| explain::show(report, explain, ui))
    }

    /// Says what was built: the id to standard output when only that is wanted.
    fn result(&self, outcome: &BuildOutcome, session: &Session) -> Result<(), CliError> {
        match self.mode {
            Mode::Quiet => session.ui.data(outcome.image_id),
            Mode::Rawjson => Ok(()),
            _ => {
                session.ui.status(report::built(outcome));
                Ok(())
            }
        }
    }
}

/// The platform that the environment asks for.
pub(super) fn default_platform() -> Result<Option<iechor_engine::Platform>, CliError> {
    let variable = env::DOCKER_DEFAULT_PLATFORM;
    let parse = |text: String| {
        text.parse()
            .map_err(|error| CliError::usage(format!("{}: {error}", variable.name)))
    };
    variable.text().map(parse).transpose()
}
