//! `--explain`: every reason of every executed step, not only the most telling one.

use clap::ValueEnum;
use iechor_engine::MissReason;
use iechor_engine::build::{BuildOutcome, StepReport};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::table;
use crate::ui::Ui;

/// `--explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Explain {
    /// Lines on standard error
    Text,
    /// One JSON object on standard output
    Json,
}

/// Says why each step was executed, after the build.
pub(super) fn show(outcome: &BuildOutcome, explain: Explain, ui: &Ui) -> Result<(), CliError> {
    match explain {
        Explain::Json => ui.data(table::json(&as_json(outcome))?),
        Explain::Text => {
            as_text(outcome).iter().for_each(|line| ui.status(line));
            Ok(())
        }
    }
}

fn as_text(outcome: &BuildOutcome) -> Vec<String> {
    let executed: Vec<&StepReport> = outcome.steps.iter().filter(|step| !step.cached).collect();
    if executed.is_empty() {
        return vec!["no step was executed: the cache had them all".to_owned()];
    }
    executed.into_iter().flat_map(paragraph).collect()
}

fn paragraph(step: &StepReport) -> Vec<String> {
    let title = format!("why {} {}", step.label, step.text);
    let reasons = step.reasons.iter().map(|reason| format!("  {reason}"));
    std::iter::once(title).chain(reasons).collect()
}

fn as_json(outcome: &BuildOutcome) -> Value {
    let step = |step: &StepReport| {
        json!({
            "step": step.label,
            "instruction": step.text,
            "key": step.key,
            "cached": step.cached,
            "reasons": reasons(&step.reasons),
        })
    };
    let steps: Vec<Value> = outcome.steps.iter().map(step).collect();
    json!({ "build": outcome.build_id, "steps": steps })
}

/// Reasons as data, each with the line that people read.
pub(crate) fn reasons(reasons: &[MissReason]) -> Vec<Value> {
    let reason = |reason: &MissReason| {
        let mut value = json!(reason);
        value["text"] = json!(reason.to_string());
        value
    };
    reasons.iter().map(reason).collect()
}
