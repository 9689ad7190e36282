//! What is behind a cache key: `build --explain`, `builder why`, `builder diff-key`.

use serde_json::Value;

use crate::support::TestEnv;

/// A RUN that two of whose inputs can change at once.
fn project() -> TestEnv {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nARG A=1\nARG B=1\nRUN echo $A $B\nRUN echo last\n");
    env
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn key_of(env: &TestEnv, step: &str) -> String {
    let said = env.run(["builder", "why", step, "--format", "json"]);
    let key = json(&said.success().stdout)["step"]["key"].clone();
    key.as_str().unwrap().to_owned()
}

#[test]
fn explain_tells_all_that_changed() {
    let env = project();
    env.build(&[]).success();
    let both = ["--build-arg", "A=2", "--build-arg", "B=2"];
    let text = env.build(&[&both[..], &["--explain"]].concat()).success();
    text.says("why [4/5] RUN echo $A $B\n  ARG A 1 -> 2\n  ARG B 1 -> 2\n");
    text.says("why [5/5] RUN echo last\n  follows step 4/5\n");
    let again = env.build(&[&both[..], &["--explain"]].concat()).success();
    again.says("no step was executed");
}

#[test]
fn explain_tells_what_it_knows_when_the_build_fails() {
    let env = project();
    env.build(&[]).success();
    env.iechorfile("FROM base\nARG A=1\nARG B=1\nRUN echo $A $B\nRUN exit 3\n");
    let failed = env.build(&["--build-arg", "A=2", "--explain"]).code(1);
    failed
        .says("why [4/5] RUN echo $A $B\n  ARG A 1 -> 2\n")
        .says("why [5/5] RUN exit 3 (it failed)\n  follows step 4/5\n");
    failed.says("exit code 3");
    let said = env.build(&["--build-arg", "A=2", "--explain=json"]).code(1);
    let said = json(&said.stdout);
    assert_eq!(said["steps"][3]["outcome"], "hit");
    assert_eq!(said["steps"][4]["outcome"], "failed");
    assert_eq!(
        said["steps"][4]["reasons"][0]["text"],
        "instruction changed: \"RUN echo last\" -> \"RUN exit 3\""
    );
    let missing = "FROM base\nCOPY missing /x\n";
    env.build_text(missing, &["--explain"])
        .code(1)
        .says("COPY missing /x (it failed)\n  the cache was not asked\n");
    let parse = env.build_text("NONSENSE\n", &["--explain=json"]).code(3);
    assert_eq!(json(&parse.stdout)["steps"], serde_json::json!([]));
}

#[test]
fn explain_as_json_goes_to_standard_output() {
    let env = project();
    env.build(&[]).success();
    let said = env.build(&["--build-arg", "A=2", "--explain=json"]);
    let said = json(&said.success().stdout);
    let step = &said["steps"][3];
    assert_eq!(step["step"], "[4/5]");
    assert_eq!(step["cached"], false);
    let reason = &step["reasons"][0];
    assert_eq!(reason["reason"], "value_changed");
    assert_eq!(reason["name"], "ARG A");
    assert_eq!((&reason["old"], &reason["new"]), (&"1".into(), &"2".into()));
    assert_eq!(reason["text"], "ARG A 1 -> 2");
    assert_eq!(said["steps"][0]["cached"], true);
}

#[test]
fn standard_output_is_not_shared() {
    let env = project();
    for other in [&["-q"][..], &["-o", "-"]] {
        env.build(&[&["--explain=json"], other].concat())
            .code(2)
            .says("would go to standard output");
    }
    env.build(&["--explain=yaml"]).code(2);
}

#[test]
fn why_shows_the_inputs_and_what_changed() {
    let env = project();
    env.build(&[]).success();
    env.build(&["--build-arg", "A=2"]).success();
    let said = env.run(["builder", "why", "4"]).success().stdout;
    assert_eq!(env.run(["why", "4"]).success().stdout, said);
    for text in [
        "RUN echo $A $B\n",
        "RULE",
        "C12",
        "ARG A",
        "compared with",
        "ARG A 1 -> 2",
    ] {
        assert!(said.contains(text), "{text:?} is missing:\n{said}");
    }
    let by_key = env.run(["builder", "why", &key_of(&env, "4")]).success();
    assert_eq!(without_ages(&by_key.stdout), without_ages(&said));
}

/// A second may pass between two answers.
fn without_ages(said: &str) -> String {
    let lines = said.lines().map(|line| match line.rsplit_once(", ") {
        Some((before, age)) if age.ends_with("):") => before,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn why_says_when_there_is_nothing_to_compare_with() {
    let env = project();
    env.build(&[]).success();
    let said = env.run(["builder", "why", "4"]).success().stdout;
    assert!(said.contains("the first of its kind"), "{said}");
    env.build(&["--no-cache"]).success();
    let said = env.run(["builder", "why", "2"]).success().stdout;
    assert!(said.contains("the first of its kind"), "{said}");
}

#[test]
fn why_begins_with_the_reason_that_the_build_gave() {
    let env = project();
    env.build(&[]).success();
    env.build(&["--build-arg", "A=2"]).success();
    let said = |step: &str| env.run(["builder", "why", step]).success().stdout;
    let first = said("4");
    assert!(
        first.starts_with("executed in build 3: ARG A 1 -> 2\n"),
        "{first}"
    );
    env.build(&["--no-cache"]).success();
    let after = said("4");
    assert!(
        after.starts_with("executed in build 4: --no-cache\n"),
        "{after}"
    );
    assert!(after.contains("  ARG A 2 -> 1\n"), "{after}");
    env.build(&[]).success().all_hits();
    assert_eq!(without_ages(&said("4")), without_ages(&after));
    let told = env.run(["builder", "why", "4", "--format", "json"]);
    let told = json(&told.success().stdout);
    assert_eq!(told["executed"]["reason"], "--no-cache");
}

#[test]
fn diff_key_compares_any_two_steps() {
    let env = project();
    env.build(&[]).success();
    let old = key_of(&env, "4");
    env.build(&["--build-arg", "B=7"]).success();
    let said = env.run(["builder", "diff-key", &old, "4"]).success();
    assert_eq!(said.stdout, "ARG B 1 -> 7\n");
    let same = env.run(["builder", "diff-key", &old, &old]).success();
    same.says("nothing differs");
    let said = env.run(["builder", "diff-key", "4", "5", "--format", "json"]);
    let said = json(&said.success().stdout);
    assert_eq!(said["differences"][0]["reason"], "instruction_changed");
}

#[test]
fn what_is_no_step_is_refused() {
    let env = project();
    env.build(&["-t", "app"]).success();
    env.run(["builder", "why", "absent"])
        .code(1)
        .says("\"absent\" is no image");
    env.run(["builder", "why", "app"])
        .code(1)
        .says("is no step");
    env.run(["builder", "why", ""]).code(1);
    env.run(["builder", "diff-key", "4"]).code(2);
}
