//! `--trace`: a build as Chrome trace events, for Perfetto and chrome://tracing.
//!
//! The form is that of the "Trace Event Format": complete events (`X`) with times in microseconds, a
//! thread for each stage, and one for the build itself.

use std::path::Path;
use std::time::Duration;

use iechor_engine::build::{BuildReport, Span, StepReport};
use serde_json::{Value, json};

use super::explain;
use crate::error::CliError;
use crate::out_file;

/// The build as a process.
const PROCESS: u32 = 1;
/// The thread of the build itself.
const BUILD: usize = 0;

/// Writes how a build went, whatever became of it.
pub(super) fn write(path: &Path, report: &BuildReport) -> Result<(), CliError> {
    out_file::write(path, format!("{:#}\n", document(report)).as_bytes())
}

fn document(report: &BuildReport) -> Value {
    let stages = stages(report);
    let mut events = vec![named("process_name", BUILD, "iechor build")];
    events.push(named("thread_name", BUILD, "build"));
    for (at, stage) in stages.iter().enumerate() {
        events.push(named("thread_name", thread(at), &format!("stage {stage}")));
    }
    events.push(whole(report));
    events.extend(report.export.map(|span| export(span, report.exported)));
    events.extend(report.steps.iter().map(|step| event(step, &stages)));
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

/// The stages in the order in which their steps are numbered.
fn stages(report: &BuildReport) -> Vec<&str> {
    let mut stages: Vec<&str> = Vec::new();
    for step in &report.steps {
        if !stages.contains(&step.stage.as_str()) {
            stages.push(&step.stage);
        }
    }
    stages
}

fn thread(stage: usize) -> usize {
    BUILD + 1 + stage
}

fn named(what: &str, thread: usize, name: &str) -> Value {
    json!({ "ph": "M", "pid": PROCESS, "tid": thread, "name": what, "args": { "name": name } })
}

fn whole(report: &BuildReport) -> Value {
    let span = Span {
        begun: Duration::ZERO,
        took: report.duration,
    };
    let hits = report.steps.iter().filter(|step| step.is_cached()).count();
    let args = json!({
        "build": report.build_id,
        "hits": hits,
        "misses": report.steps.len() - hits,
        "bytes": report.stored(),
    });
    complete("build", "build", BUILD, span, args)
}

fn export(span: Span, bytes: u64) -> Value {
    let args = json!({ "bytes": bytes });
    complete("exporting the image", "export", BUILD, span, args)
}

fn event(step: &StepReport, stages: &[&str]) -> Value {
    let stage = stages.iter().position(|stage| *stage == step.stage);
    let args = json!({
        "step": step.number,
        "outcome": step.outcome.word(),
        "key": step.key,
        "bytes": step.bytes,
        "reasons": explain::reasons(&step.reasons),
    });
    let name = format!("{} {}", step.label, step.text);
    let thread = thread(stage.unwrap_or_default());
    complete(&name, step.outcome.word(), thread, step.span, args)
}

fn complete(name: &str, category: &str, thread: usize, span: Span, args: Value) -> Value {
    json!({
        "ph": "X",
        "pid": PROCESS,
        "tid": thread,
        "name": name,
        "cat": category,
        "ts": micros(span.begun),
        "dur": micros(span.took),
        "args": args,
    })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
