//! The prune after a build, as the configuration file wants it.

use crate::support::{Output, TestEnv};

const OLD: &str = "FROM base\nRUN echo old > /old\n";
const NEW: &str = "FROM base\nRUN echo new > /new\n";

/// Builds `text` with this configuration.
fn build(env: &TestEnv, text: &str, config: &str, args: &[&str]) -> Output {
    let file = env.path("config.json");
    std::fs::write(&file, config).unwrap();
    env.iechorfile(text);
    let mut command = env.command(env.build_args(args));
    Output::of(command.env("IECHOR_CONFIG", file))
}

/// Whether a step of the cache has this text.
fn has(env: &TestEnv, text: &str) -> bool {
    let listed = env.run(["builder", "ls", "--no-trunc"]).success().stdout;
    listed.contains(text)
}

#[test]
fn what_the_newest_build_does_not_use_goes_if_the_file_says_so() {
    let env = TestEnv::with_base();
    build(&env, OLD, "{}", &["-t", "app"]).success();
    let policy = r#"{"gc": {"filters": ["type=run"]}}"#;
    let kept = build(&env, NEW, policy, &["-t", "app", "--no-gc"]).success();
    kept.keeps_quiet_about("pruned");
    assert!(has(&env, "echo old"));
    let pruned = build(&env, NEW, policy, &["-t", "app"]).success();
    pruned.all_hits().says("pruned 2 records");
    assert!(!has(&env, "echo old") && has(&env, "echo new"));
    let again = build(&env, NEW, policy, &["-t", "app"]).success();
    again.all_hits().keeps_quiet_about("pruned");
}

#[test]
fn a_cap_that_is_not_reached_takes_nothing() {
    let env = TestEnv::with_base();
    build(&env, OLD, "{}", &["-t", "app"]).success();
    let policy = r#"{"gc": {"max-used-space": "1TB", "all": true}}"#;
    build(&env, NEW, policy, &["-t", "app"]).success();
    assert!(has(&env, "echo old"));
    let policy = r#"{"gc": {"max-used-space": "0", "reserved-space": "1TB", "all": true}}"#;
    build(&env, NEW, policy, &["-t", "app"]).success();
    assert!(has(&env, "echo old"));
}

#[test]
fn a_file_with_errors_is_told_by_line_before_anything_is_built() {
    let env = TestEnv::with_base();
    let told = build(&env, NEW, "{\n  \"gc\": { \"max-used\": 1 }\n}", &[]).code(2);
    told.says("config.json:2:")
        .says("unknown field `max-used`")
        .says("max-used-space");
    build(&env, NEW, "{\"gc\": {}}", &[])
        .code(2)
        .says("config.json:1:1: gc needs");
    assert!(!has(&env, "echo new"));
    env.iechorfile(NEW);
    let mut command = env.command(env.build_args(&[]));
    let missing = Output::of(command.env("IECHOR_CONFIG", env.path("nowhere.json")));
    missing
        .code(1)
        .says("nowhere.json")
        .says("No such file or directory");
}

#[test]
fn the_users_own_file_is_found() {
    let env = TestEnv::with_base();
    let dir = env.path("home/.config/iechor");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("config.json"), "{\"gs\": 1}").unwrap();
    let told = env.build_text(NEW, &[]).code(2);
    told.says(".config/iechor/config.json:1:")
        .says("unknown field `gs`");
}
