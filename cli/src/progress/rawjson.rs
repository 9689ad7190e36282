//! `--progress rawjson`: one JSON object a line, in the form that buildx writes, with our own keys
//! beside it: `iechor.miss` says why a step is executed.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use iechor_engine::{Event, StepId, Stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Renderer;
use super::model::{Model, Step, subject};
use super::summary::{Summary, TimeSpent};

/// Writes objects.
#[derive(Debug)]
pub(super) struct RawJson<W> {
    out: W,
    /// When each step began, by number.
    started: Vec<Option<String>>,
}

impl<W: Write> RawJson<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            started: Vec::new(),
        }
    }

    fn object(&mut self, step: Option<&Step>, event: &Event) -> Option<Value> {
        let now = &now();
        match (event, step) {
            (Event::Warning(warning), _) => Some(json!({ "warnings": [{ "short": warning }] })),
            (_, None) => None,
            (Event::Log(id, stream, bytes), _) => Some(log(*id, *stream, bytes, now)),
            (
                Event::Transfer {
                    step,
                    what,
                    current,
                    total,
                },
                _,
            ) => {
                let vertex = vertex_id(*step);
                Some(json!({ "statuses": [{
                    "id": what, "vertex": vertex, "current": current, "total": total, "timestamp": now,
                }] }))
            }
            (_, Some(step)) => Some(json!({ "vertexes": [self.vertex(step, event, now)] })),
        }
    }

    fn vertex(&mut self, step: &Step, event: &Event, now: &str) -> Value {
        let mut vertex = json!({ "digest": vertex_id(step.info.id), "name": step.title() });
        if matches!(event, Event::Planned(_)) {
            self.started.push(None);
            return vertex;
        }
        if let Some(started) = self.started.get_mut(step.info.id.0) {
            vertex["started"] = json!(started.get_or_insert_with(|| now.to_owned()));
        }
        if step.is_over() {
            vertex["completed"] = json!(now);
        }
        match event {
            Event::Hit(_) => vertex["cached"] = json!(true),
            Event::Miss(..) => vertex["iechor.miss"] = json!(step.why),
            Event::Failed(_, why) => vertex["error"] = json!(why),
            Event::Cancelled(_) => vertex["error"] = json!("canceled"),
            _ => {}
        }
        vertex
    }
}

fn log(id: StepId, stream: Stream, bytes: &[u8], now: &str) -> Value {
    let stream = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    let data = BASE64_STANDARD.encode(bytes);
    json!({ "logs": [{ "vertex": vertex_id(id), "stream": stream, "data": data, "timestamp": now }] })
}

fn vertex_id(id: StepId) -> String {
    format!("step:{}", id.0 + 1)
}

/// The time in the form of RFC 3339.
fn now() -> String {
    Timestamp::now().to_string()
}

impl<W: Write + Send> Renderer for RawJson<W> {
    fn event(&mut self, model: &Model, event: &Event) -> io::Result<()> {
        let step = subject(event).and_then(|id| model.step(id));
        match self.object(step, event) {
            Some(object) => writeln!(self.out, "{object}"),
            None => Ok(()),
        }
    }

    fn finish(&mut self, _: &Model, summary: Option<&Summary>) -> io::Result<()> {
        let Some(summary) = summary else {
            return Ok(());
        };
        let spent = |spent: &TimeSpent| json!({ "name": spent.title, "ms": millis(spent.took) });
        let longest: Vec<Value> = summary.longest.iter().map(spent).collect();
        let object = json!({ "iechor.summary": {
            "steps": summary.steps(),
            "hits": summary.hits,
            "misses": summary.misses,
            "ms": millis(summary.duration),
            "failed": summary.failed,
            "bytes": summary.stored,
            "exported": summary.exported,
            "longest": longest,
        } });
        writeln!(self.out, "{object}")
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use iechor_engine::build::BuildReport;

    use super::super::model::tests::planned;
    use super::*;

    fn objects(events: &[Event]) -> Vec<Value> {
        let mut model = Model::new();
        let mut raw = RawJson::new(Vec::new());
        for event in events {
            model.apply(event);
            raw.event(&model, event).unwrap();
        }
        raw.finish(&model, Some(&Summary::of(&model, &BuildReport::default())))
            .unwrap();
        let text = String::from_utf8(raw.out).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn each_event_is_one_object_of_buildx_form() {
        let id = StepId(0);
        let objects = objects(&[
            planned(0, "[1/1]", "RUN make"),
            Event::Miss(id, "ARG A 1 -> 2".into()),
            Event::Log(id, Stream::Stderr, b"hi\n".to_vec()),
            Event::Finished(id, Duration::from_secs(1)),
        ]);
        assert_eq!(
            objects[0],
            json!({ "vertexes": [{ "digest": "step:1", "name": "[1/1] RUN make" }] })
        );
        assert_eq!(objects[1]["vertexes"][0]["iechor.miss"], "ARG A 1 -> 2");
        assert_eq!(objects[2]["logs"][0]["data"], "aGkK");
        assert_eq!(objects[2]["logs"][0]["stream"], 2);
        let (begun, ended) = (&objects[1]["vertexes"][0], &objects[3]["vertexes"][0]);
        assert_eq!(begun["started"], ended["started"]);
        assert!(begun["completed"].is_null() && ended["completed"].is_string());
        assert_eq!(objects[4]["iechor.summary"]["misses"], 1);
    }
}
