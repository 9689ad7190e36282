//! `iechor builder why`.

use clap::{Args, ValueEnum};
use iechor_engine::explain::{self, Difference, Execution, InputRow, StepInputs};
use serde_json::{Value, json};

use crate::commands::build::explain::reasons;
use crate::error::CliError;
use crate::session::Session;
use crate::table::{self, Line, Row, Style};

/// Show why a cached step was executed, what is behind its key, and what it differs in from the one
/// before
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// A step of the last build by number (`7`) or label (`build:2`), the end of a stage (`build`),
    /// or a prefix of a cache key
    #[arg(value_name = "STEP|KEY")]
    step: String,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Columns and lines
    Table,
    /// One JSON object
    Json,
}

impl Row for InputRow {
    const COLUMNS: &'static [&'static str] = &["RULE", "NAME", "VALUE"];

    fn id(&self, line: &mut Line<'_>) {
        line.word(&self.name);
    }

    fn cells(&self, line: &mut Line<'_>) {
        let value = self.value.replace('\n', "\\n");
        line.word(&self.rule).word(&self.name).word(value);
    }
}

/// Shows it.
pub(crate) fn run(args: &WhyArgs, session: &Session) -> Result<(), CliError> {
    let found = explain::why(&session.engine()?, &args.step)?;
    match args.format {
        Form::Json => session.ui.data(table::json(&as_json(&found))?),
        Form::Table => session
            .ui
            .text(&as_text(&found, &Style::whole(session.now()))),
    }
}

fn as_text(found: &StepInputs, style: &Style) -> String {
    let step = &found.step;
    let executed = found
        .executed
        .as_ref()
        .map(|Execution { build, reason }| format!("executed in build {build}: {reason}\n"));
    let head = format!("{}\n{}\n{}\n\n", step.text, step.place, step.key);
    let compared = found.older.as_ref().map_or_else(
        || "the first of its kind: nothing of another key to compare with\n".to_owned(),
        |older| difference(older, style),
    );
    executed.unwrap_or_default() + &head + &table::table(&found.inputs, style) + "\n" + &compared
}

fn difference(older: &Difference, style: &Style) -> String {
    let from = &older.from;
    let when = style.ago(from.created);
    let mut text = format!("compared with {} ({}, {when}):\n", from.text, from.key);
    match older.differences.as_slice() {
        [] => text.push_str("  nothing differs but what it was made on\n"),
        reasons => reasons
            .iter()
            .for_each(|reason| text.push_str(&format!("  {reason}\n"))),
    }
    text
}

fn as_json(found: &StepInputs) -> Value {
    let older = found
        .older
        .as_ref()
        .map(|older| json!({ "step": older.from, "differences": reasons(&older.differences) }));
    json!({ "step": found.step, "executed": found.executed, "inputs": found.inputs, "older": older })
}
