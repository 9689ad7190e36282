//! `iechor build --trace FILE`: Chrome trace events of what the build did.

use std::fs;

use serde_json::Value;

use crate::support::{TestEnv, tool};

const TWO_STAGES: &str = "FROM base AS made\nARG N=1\nRUN echo $N > /made\n\
                          FROM base AS last\nCOPY --from=made /made /made\nRUN echo last\n";

/// Builds with a trace and reads it; the build ends with `code`.
fn trace(env: &TestEnv, args: &[&str], code: i32) -> Vec<Value> {
    let path = env.path("trace.json");
    let file = path.display().to_string();
    let _output = env.build(&[&["--trace", &file], args].concat()).code(code);
    let document = tool::json(&fs::read_to_string(path).unwrap());
    document["traceEvents"].as_array().unwrap().clone()
}

fn complete(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["ph"] == "X").collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> &'a Value {
    let found = events
        .iter()
        .find(|event| event["ph"] == "X" && event["name"].as_str().unwrap().contains(name));
    found.unwrap_or_else(|| panic!("no event {name:?} in {events:#?}"))
}

fn end(event: &Value) -> u64 {
    event["ts"].as_u64().unwrap() + event["dur"].as_u64().unwrap()
}

#[test]
fn a_stage_is_a_thread_and_a_step_an_event() {
    let env = TestEnv::with_base();
    env.iechorfile(TWO_STAGES);
    let events = trace(&env, &[], 0);
    let threads: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(threads, ["build", "stage made", "stage last"]);
    assert_eq!(complete(&events).len(), 8, "build, export and six steps");
    let made = named(&events, "RUN echo $N");
    let copied = named(&events, "COPY --from=made");
    assert_ne!(made["tid"], copied["tid"]);
    assert!(copied["ts"].as_u64().unwrap() >= end(made), "{events:#?}");
    assert_eq!(made["args"]["outcome"], "miss");
    assert!(made["args"]["bytes"].as_u64().unwrap() > 0);
    let key = made["args"]["key"].as_str().unwrap();
    assert!(key.starts_with("sha256:"), "{key}");
    let whole = named(&events, "build");
    assert!(
        complete(&events)
            .iter()
            .all(|event| end(event) <= end(whole))
    );
}

#[test]
fn hits_and_reasons_are_told() {
    let env = TestEnv::with_base();
    env.build_text(TWO_STAGES, &[]).success();
    let events = trace(&env, &["--build-arg", "N=2"], 0);
    let made = named(&events, "RUN echo $N");
    assert_eq!(made["args"]["reasons"][0]["text"], "ARG N 1 -> 2");
    assert_eq!(named(&events, "ARG N")["args"]["outcome"], "hit");
}

#[test]
fn a_build_that_fails_leaves_its_trace() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN exit 3\nRUN never\n");
    let events = trace(&env, &[], 1);
    assert_eq!(named(&events, "RUN exit 3")["args"]["outcome"], "failed");
    assert_eq!(complete(&events).len(), 3, "{events:#?}");
    env.iechorfile("FROM base\nNONSENSE\n");
    assert_eq!(complete(&trace(&env, &[], 3)).len(), 1, "the build alone");
}

#[test]
fn a_trace_that_cannot_be_written_is_told_after_what_is_worse() {
    let env = TestEnv::with_base();
    let args = ["--trace", "/nonexistent/t.json"];
    env.build_text("FROM base\n", &args)
        .code(1)
        .says("/nonexistent/t.json");
    env.build_text("FROM base\nRUN exit 3\n", &args)
        .code(1)
        .says("exit code 3");
}
