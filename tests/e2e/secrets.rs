//! A secret's value is nowhere: not after a good build, not after a failed one, not after a killed
//! one (rules C14, C15).

use std::process::Stdio;

use crate::support::{Output, TestEnv, archive};

/// Long and odd enough to be found by a search, and to be nowhere by chance.
const VALUE: &str = "kWq7-this-is-the-secret-value-Zp3x";

const READ: &str = "FROM base\n\
    RUN --mount=type=secret,id=token,required=true wc -c < /run/secrets/token > /length\n";

fn with_token(env: &TestEnv, args: &[&str]) -> std::process::Command {
    let all: Vec<&str> = ["--secret", "id=token,env=TOKEN"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let mut command = env.command(env.build_args(&all));
    command.env("TOKEN", VALUE);
    command
}

#[track_caller]
fn assert_nowhere(env: &TestEnv) {
    let found = archive::holds(&env.path(""), VALUE.as_bytes());
    assert_eq!(found, None, "the secret is on disk");
}

#[test]
fn a_good_build_leaves_no_trace_of_the_value() {
    let env = TestEnv::with_base();
    env.iechorfile(READ);
    let image = env.path("image.tar").display().to_string();
    let output = format!("type=oci,compression=uncompressed,dest={image}");
    let metadata = env.path("metadata.json").display().to_string();
    let args = ["-t", "app", "-o", &output, "--metadata-file", &metadata];
    let built = Output::of(&mut with_token(&env, &args)).success();
    built.keeps_quiet_about(VALUE);
    env.run(["inspect", "app"])
        .success()
        .keeps_quiet_about(VALUE);
    assert_nowhere(&env);
}

#[test]
fn a_failed_build_leaves_no_trace_of_the_value() {
    let env = TestEnv::with_base();
    env.iechorfile(&READ.replace("> /length", "> /length; exit 3"));
    Output::of(&mut with_token(&env, &[]))
        .code(1)
        .keeps_quiet_about(VALUE);
    assert_nowhere(&env);
}

#[test]
fn a_killed_build_leaves_no_trace_of_the_value() {
    let env = TestEnv::with_base();
    env.iechorfile(&READ.replace("> /length", "> /length; echo reached; sleep 1000"));
    let mut child = with_token(&env, &[])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    crate::signals::wait_for(&mut child, "reached");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nowhere(&env);
    env.build_text("FROM base\nRUN echo next\n", &[]).success();
    assert_nowhere(&env);
}

#[test]
fn the_value_of_an_environment_secret_is_nowhere_either() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base\nRUN --mount=type=secret,id=token,env=TOKEN echo ${#TOKEN} > /length\n",
    );
    let out = env.path("out").display().to_string();
    Output::of(&mut with_token(&env, &["-t", "app", "-o", &out]))
        .success()
        .keeps_quiet_about(VALUE);
    let length = std::fs::read_to_string(env.path("out/length")).unwrap();
    assert_eq!(length.trim(), VALUE.len().to_string());
    env.run(["inspect", "app"])
        .success()
        .keeps_quiet_about(VALUE);
    assert_nowhere(&env);
}

#[test]
fn the_file_has_the_properties_asked_for_and_is_gone_after_the_step() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base\nRUN --mount=type=secret,id=token,target=/k,mode=0440,uid=5,gid=6 \
         stat -c '%a %u %g' /k > /properties && grep -q ' /k tmpfs' /proc/mounts\n\
         RUN test ! -e /k && test ! -e /run/secrets\n",
    );
    let out = env.path("out").display().to_string();
    Output::of(&mut with_token(&env, &["-o", &out]))
        .success()
        .keeps_quiet_about(VALUE);
    assert_eq!(
        std::fs::read_to_string(env.path("out/properties")).unwrap(),
        "440 5 6\n"
    );
    assert!(!env.path("out/k").exists() && !env.path("out/run/secrets").exists());
}

#[test]
fn a_required_secret_that_is_missing_is_named() {
    let env = TestEnv::with_base();
    env.build_text(READ, &[])
        .code(1)
        .says("token")
        .says("--secret id=token");
    let optional = "FROM base\nRUN --mount=type=secret,id=token test ! -e /run/secrets/token\n";
    env.build_text(optional, &[]).success();
}

#[test]
fn a_secret_argument_that_is_wrong_is_not_repeated() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\n");
    env.build(&["--secret", VALUE])
        .code(2)
        .keeps_quiet_about(VALUE);
    env.build(&["--secret", "id=x,env=SURELY_UNSET"])
        .code(2)
        .says("SURELY_UNSET");
    env.build(&["--secret", "id=x,src=/no/such/file"])
        .code(1)
        .says("/no/such/file");
}
