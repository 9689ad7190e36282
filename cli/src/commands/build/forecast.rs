//! `--dry-run`: what a build would do.

use std::fmt::Write as _;

use iechor_engine::build::{Forecast, StepForecast, Verdict};
use iechor_engine::{Event, MissReason, ProgressSink};
use serde_json::{Value, json};

use super::explain::{self, Explain};
use crate::error::CliError;
use crate::table;
use crate::ui::Ui;

/// Width of the column of verdicts.
const VERDICT: usize = 13;

/// A dry run has no progress to draw: warnings are all there is to tell.
pub(super) struct Warnings(pub(super) Ui);

impl ProgressSink for Warnings {
    fn event(&self, event: Event) {
        if let Event::Warning(text) = event {
            self.0.warning(text.trim_start_matches("warning: "));
        }
    }
}

/// Prints it to standard output.
pub(super) fn show(forecast: &Forecast, explain: Option<Explain>, ui: &Ui) -> Result<(), CliError> {
    match explain {
        Some(Explain::Json) => ui.data(table::json(&as_json(forecast))?),
        Some(Explain::Text) => ui.text(&as_text(forecast, usize::MAX)),
        None => ui.text(&as_text(forecast, 1)),
    }
}

fn as_text(forecast: &Forecast, reasons: usize) -> String {
    let mut text = String::new();
    for step in &forecast.steps {
        push_step(&mut text, step, reasons);
    }
    text + &totals(forecast) + "\n"
}

fn push_step(text: &mut String, step: &StepForecast, reasons: usize) {
    let verdict = word(&step.verdict);
    // Writing to a string does not fail.
    let _written = writeln!(text, "{verdict:VERDICT$} {} {}", step.label, step.text);
    for line in because(&step.verdict).into_iter().take(reasons) {
        let _written = writeln!(text, "{:VERDICT$}   {line}", "");
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Hit => "cached",
        Verdict::Run { .. } => "would run",
        Verdict::Pull => "would pull",
        Verdict::Open { .. } => "not known yet",
    }
}

fn because(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Hit => Vec::new(),
        Verdict::Pull => vec!["the image is not here".to_owned()],
        Verdict::Run { reasons } => reasons.iter().map(MissReason::to_string).collect(),
        Verdict::Open { until } => vec![format!("not before {until}")],
    }
}

fn totals(forecast: &Forecast) -> String {
    let counted = |name: &str| {
        (
            forecast.count(|verdict| word(verdict) == name),
            name.to_owned(),
        )
    };
    let parts: Vec<String> = ["cached", "would run", "would pull", "not known yet"]
        .into_iter()
        .map(counted)
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    format!("dry run: {}; nothing was done", parts.join(", "))
}

fn as_json(forecast: &Forecast) -> Value {
    let steps: Vec<Value> = forecast.steps.iter().map(step_json).collect();
    json!({ "dry_run": true, "steps": steps })
}

fn step_json(step: &StepForecast) -> Value {
    let reasons = match &step.verdict {
        Verdict::Run { reasons } => explain::reasons(reasons),
        _ => Vec::new(),
    };
    let until = match &step.verdict {
        Verdict::Open { until } => Some(until),
        _ => None,
    };
    json!({
        "step": step.label,
        "instruction": step.text,
        "line": step.line,
        "key": step.key,
        "verdict": verdict_name(&step.verdict),
        "reasons": reasons,
        "until": until,
    })
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Hit => "hit",
        Verdict::Run { .. } => "run",
        Verdict::Pull => "pull",
        Verdict::Open { .. } => "open",
    }
}
