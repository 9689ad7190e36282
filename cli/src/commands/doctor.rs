//! `iechor doctor`.

use clap::{Args, ValueEnum};
use iechor_engine::doctor::{self, Finding, Health};

use crate::error::CliError;
use crate::session::Session;
use crate::table::{self, Line, Row, Style};

/// Check what iechor needs of this machine, and say what to do about what is missing
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns
    Table,
    /// One JSON array
    Json,
}

impl Row for Finding {
    const COLUMNS: &'static [&'static str] = &["CHECK", "HEALTH", "WHY"];

    fn id(&self, line: &mut Line<'_>) {
        line.word(self.name);
    }

    fn cells(&self, line: &mut Line<'_>) {
        let fix = self.fix.map(|fix| format!("; fix: {fix}"));
        let why = self.why.clone() + &fix.unwrap_or_default();
        line.word(self.name).word(word(self.health)).word(why);
    }
}

/// Shows what was found; fails when builds cannot work.
pub(crate) fn run(args: &DoctorArgs, session: &Session) -> Result<(), CliError> {
    // The trial mount is private to this process. This must come before the first thread.
    let private = iechor_engine::enter_private_mounts().map_err(|error| error.to_string());
    let findings = doctor::examine(session.root(), private);
    match args.format {
        Form::Json => session.ui.data(table::json(&findings)?)?,
        Form::Table => {
            let style = Style::whole(session.now());
            session.ui.text(&table::table(&findings, &style))?;
        }
    }
    let is_missing = |finding: &&Finding| finding.health == Health::Missing;
    let missing: Vec<&str> = findings.iter().filter(is_missing).map(|f| f.name).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(CliError::Unfit(missing.join(", "))),
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Degraded => "degraded",
        Health::Missing => "missing",
    }
}
