//! `--explain`: every reason of every executed step, not only the most telling one.

use clap::ValueEnum;
use iechor_engine::MissReason;
use iechor_engine::build::{BuildReport, StepOutcome, StepReport};
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

/// Says why each step was executed, after the build, whatever became of it.
pub(super) fn show(report: &BuildReport, explain: Explain, ui: &Ui) -> Result<(), CliError> {
    match explain {
        Explain::Json => ui.data(table::json(&as_json(report))?),
        Explain::Text => {
            as_text(report).iter().for_each(|line| ui.status(line));
            Ok(())
        }
    }
}

fn as_text(report: &BuildReport) -> Vec<String> {
    let steps = report.steps.iter();
    let executed: Vec<&StepReport> = steps.filter(|step| !step.is_cached()).collect();
    if executed.is_empty() && !report.steps.is_empty() {
        return vec!["no step was executed: the cache had them all".to_owned()];
    }
    executed.into_iter().flat_map(paragraph).collect()
}

fn paragraph(step: &StepReport) -> Vec<String> {
    let title = format!("why {} {}{}", step.label, step.text, ending(step.outcome));
    let reasons = step.reasons.iter().map(|reason| format!("  {reason}"));
    let uncalled = step.reasons.is_empty();
    let uncalled = uncalled.then(|| "  the cache was not asked".to_owned());
    std::iter::once(title)
        .chain(reasons)
        .chain(uncalled)
        .collect()
}

/// How a step ended that made no result.
fn ending(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Failed => " (it failed)",
        StepOutcome::Cancelled => " (it was cancelled)",
        _ => "",
    }
}

fn as_json(report: &BuildReport) -> Value {
    let step = |step: &StepReport| {
        json!({
            "step": step.label,
            "instruction": step.text,
            "key": step.key,
            "cached": step.is_cached(),
            "outcome": step.outcome.word(),
            "reasons": reasons(&step.reasons),
        })
    };
    let steps: Vec<Value> = report.steps.iter().map(step).collect();
    json!({ "build": report.build_id, "steps": steps })
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
