//! What a build shows: plain lines, JSON, groups; and never an escape sequence into a pipe.

use crate::support::tool::json;
use crate::support::{Output, TestEnv};

fn build_with(env: &TestEnv, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let context = env.path("context").display().to_string();
    let all: Vec<&str> = ["build"]
        .iter()
        .chain(args)
        .copied()
        .chain([context.as_str()])
        .collect();
    let mut command = env.command(all);
    command.envs(variables.iter().copied());
    Output::of(&mut command).success()
}

fn hello() -> TestEnv {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo hello there\n");
    env
}

#[test]
fn plain_is_what_a_pipe_gets() {
    let env = hello();
    let built = build_with(&env, &[], &[]);
    assert_eq!(built.stdout, "");
    assert!(!built.stderr.contains('\u{1b}'), "{}", built.transcript());
    let step = built
        .steps()
        .into_iter()
        .find(|step| step.text == "RUN echo hello there")
        .unwrap();
    assert!(step.label.ends_with("2/2"), "{step:?}");
    built.says(" hello there\n").says(" DONE ").says(" miss");
    build_with(&env, &[], &["--progress", "tty"])
        .says(" CACHED\n")
        .says("0 misses");
}

#[test]
fn the_environment_chooses_when_the_flag_does_not() {
    let env = hello();
    assert!(
        build_with(&env, &[("IECHOR_PROGRESS", "quiet")], &[])
            .stdout
            .starts_with("sha256:")
    );
    assert!(
        build_with(&env, &[("BUILDKIT_PROGRESS", "quiet")], &[])
            .stdout
            .starts_with("sha256:")
    );
    let both = [("IECHOR_PROGRESS", "plain"), ("BUILDKIT_PROGRESS", "quiet")];
    build_with(&env, &both, &[]).says(" CACHED\n");
    build_with(
        &env,
        &[("IECHOR_PROGRESS", "quiet")],
        &["--progress", "plain"],
    )
    .says(" CACHED\n");
    let context = env.path("context");
    let mut command = env.command([std::ffi::OsStr::new("build"), context.as_os_str()]);
    command.env("IECHOR_PROGRESS", "loud");
    Output::of(&mut command)
        .code(2)
        .says("IECHOR_PROGRESS")
        .says("loud");
}

#[test]
fn raw_json_is_one_object_a_line() {
    let env = hello();
    let built = build_with(&env, &[], &["--progress", "rawjson"]);
    let objects: Vec<_> = built.stderr.lines().map(json).collect();
    let vertexes = objects.iter().map(|object| &object["vertexes"][0]);
    let missed: Vec<&str> = vertexes
        .filter(|vertex| vertex["iechor.miss"].is_string())
        .filter_map(|vertex| vertex["name"].as_str())
        .collect();
    assert!(missed.contains(&"[2/2] RUN echo hello there"), "{missed:?}");
    assert!(
        objects
            .iter()
            .any(|object| object["logs"][0]["data"] == "aGVsbG8gdGhlcmUK")
    );
    assert_eq!(
        objects.last().unwrap()["iechor.summary"]["misses"],
        missed.len()
    );
}

#[test]
fn the_summary_says_what_was_written_and_where_the_time_went() {
    let env = hello();
    env.iechorfile("FROM base\nRUN sleep 0.3; echo x > /x\nRUN sleep 0.2; exit 3\n");
    let archive = env.path("out.oci").display().to_string();
    let export = format!("type=oci,dest={archive}");
    let args = ["--progress", "plain", "-o", &export];
    let failed = env.build(&args[2..]).code(1);
    failed.says("3 steps: 0 hits, 2 misses, 1 failed in ");
    failed.says(" %  [2/3] RUN sleep 0.3; echo x > /x\n");
    failed.says(" %  [3/3] RUN sleep 0.2; exit 3\n");
    env.iechorfile("FROM base\nRUN sleep 0.3; echo x > /x\n");
    let built = build_with(&env, &[], &args);
    let (_, summary) = built.stderr.split_once("2 steps: 2 hits").unwrap();
    let line = summary.lines().next().unwrap();
    assert!(
        line.ends_with(" exported") && !line.contains("written"),
        "{line}"
    );
    let json_of = |args: &[&str]| {
        let said = build_with(&env, &[], &[&["--progress", "rawjson"], args].concat());
        json(said.stderr.lines().last().unwrap())["iechor.summary"].clone()
    };
    let summary = json_of(&["--no-cache", "-o", &export]);
    assert!(summary["bytes"].as_u64().unwrap() > 0, "{summary}");
    let size = std::fs::metadata(&archive).unwrap().len();
    let exported = summary["exported"].as_u64().unwrap();
    assert!(exported > 0 && exported <= size, "{exported} of {size}");
    let longest = summary["longest"][0]["name"].as_str().unwrap();
    assert!(longest.contains("RUN sleep 0.3"), "{summary}");
    assert_eq!(build_with(&env, &[], &["-q"]).stderr, "");
}

#[test]
fn github_gets_groups() {
    let env = hello();
    let built = build_with(&env, &[("GITHUB_ACTIONS", "true")], &[]);
    let opened = built.stderr.matches("::group::").count();
    assert!(opened > 0 && opened == built.stderr.matches("::endgroup::").count());
}

#[test]
fn a_terminal_gets_the_live_view() {
    let env = hello();
    let command = format!(
        "{} --root {} build {}",
        crate::support::IECHOR,
        env.root().display(),
        env.path("context").display()
    );
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &command, "/dev/null"]);
    env.prepare(&mut script);
    script.env("TERM", "xterm");
    let shown = Output::of(&mut script).success().stdout;
    assert!(
        shown.contains("[+] Building") && shown.contains("FINISHED"),
        "{shown}"
    );
    assert!(
        shown.contains(" => ") && shown.contains("RUN echo hello there"),
        "{shown}"
    );
    assert!(!shown.contains("#1 "), "{shown}");
}
