//! The prune after a build, if the configuration file wants one.

use iechor_engine::Engine;
use iechor_engine::prune::{self, PruneError, PruneReport, PruneRequest};

use super::BuildArgs;
use crate::config::Config;
use crate::error::CliError;
use crate::session::Session;
use crate::ui::Ui;
use crate::units::Size;

/// What is to be pruned after the build.
pub(super) struct Gc(Option<PruneRequest>);

impl Gc {
    /// As the configuration file says, unless the command line says otherwise. A file with errors
    /// is told before anything is built.
    pub(super) fn of(args: &BuildArgs, ui: &Ui) -> Result<Self, CliError> {
        let wanted = Config::load(ui)?.gc();
        Ok(Self(wanted.filter(|_| !args.no_gc)))
    }

    /// Prunes. That it fails is no failure of the build.
    pub(super) fn run(&self, engine: &Engine, session: &Session) {
        let Some(request) = &self.0 else {
            return;
        };
        match prune(engine, request, session.now()) {
            Ok(report) if report.items.is_empty() => {}
            Ok(report) => session.ui.note(told(&report)),
            Err(error) => session
                .ui
                .warning(format_args!("nothing was pruned after the build: {error}")),
        }
    }
}

fn prune(engine: &Engine, request: &PruneRequest, now: i64) -> Result<PruneReport, PruneError> {
    let plan = prune::plan(engine, request, now)?;
    if plan.count() == 0 {
        return Ok(PruneReport::default());
    }
    prune::apply(engine, plan)
}

fn told(report: &PruneReport) -> String {
    let count = report.items.len();
    let plural = if count == 1 { "" } else { "s" };
    format!(
        "pruned {count} record{plural}, {} freed",
        Size(report.bytes)
    )
}
