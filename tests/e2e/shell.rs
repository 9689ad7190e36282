//! `iechor shell`: a command where a step stood.

use std::fs;
use std::process::Stdio;

use crate::support::pty::Pty;
use crate::support::{Output, TestEnv, leftovers, tool};

/// A step that tells all that it sees of itself, and fails.
const FAILING: &str = "\
FROM base AS build
ARG VERSION=7
ENV MODE=test
WORKDIR /work
COPY given /given
USER app
RUN --network=none --mount=type=cache,id=c,target=/cache,uid=1000 --mount=type=tmpfs,target=/scratch \\
    --mount=type=bind,source=bound,target=/bound --mount=type=secret,id=key,uid=1000 \\
    --mount=type=secret,id=token,env=TOKEN \\
    { id; pwd; env | grep -v -e SHLVL -e PWD | sort; ls /sys/class/net; cat /bound; ls -d /cache /scratch; \\
      cat /run/secrets/key; } > /cache/told; touch /cache/left; touch /tmp/state; exit 3
";

/// A script that asks again what the step told.
const ASK: &str = "{ id; pwd; env | grep -v -e SHLVL -e PWD | sort; ls /sys/class/net; cat /bound; \
    ls -d /cache /scratch; cat /run/secrets/key; } > /tmp/asked; cmp /cache/told /tmp/asked && echo the same";

/// A state directory in which the step has failed.
fn failed() -> TestEnv {
    let env = TestEnv::with_base();
    env.context().write("given", ASK).write("bound", "b\n");
    fs::write(env.path("key"), "the-key-value\n").unwrap();
    env.build_text(FAILING, &secrets(&env)).code(1);
    env
}

fn secrets(env: &TestEnv) -> Vec<&'static str> {
    let key = format!("id=key,src={}", env.path("key").display());
    let token = format!("id=token,src={}", env.path("key").display());
    // As long as the test's process, which is not long.
    let leak = |text: String| -> &'static str { text.leak() };
    vec!["--secret", leak(key), "--secret", leak(token)]
}

/// Runs a command in a shell without a terminal.
fn shell(env: &TestEnv, args: &[&str]) -> Output {
    env.run([&["shell"], args].concat())
}

#[test]
fn the_message_of_a_failed_step_ends_with_the_commands_to_go_on_with() {
    let env = TestEnv::with_base();
    let failed = env.build_text("FROM base\nRUN exit 3\n", &[]).code(1);
    let lines: Vec<&str> = failed.stderr.trim_end().lines().collect();
    let last: String = lines[lines.len() - 2..].join("\n");
    assert!(last.contains(" shell --failed` "), "{last}");
    assert!(last.contains(" mount --failed` "), "{last}");
}

#[test]
fn a_failed_step_is_entered_as_it_was() {
    let env = failed();
    let given = secrets(&env);
    let args = [&["--failed"], given.as_slice(), &["--", "sh", "/given"]].concat();
    let asked = shell(&env, &args);
    assert_eq!(asked.stdout, "the same\n", "{}", asked.transcript());
    let left = shell(&env, &["--failed", "--", "ls", "/tmp/state", "/given"]).success();
    left.says("secret key is not there")
        .says("secret token is not there");
    let before = shell(&env, &["--failed", "--before", "--", "ls", "/tmp/state"]);
    before.code(1).says("No such file");
}

#[test]
fn a_step_is_entered_as_it_left_and_as_it_found_things() {
    let env = TestEnv::with_base();
    let text = "FROM base AS build\nENV A=1\nUSER app\nWORKDIR /home/app\nRUN B=2; echo done > /tmp/made\nUSER root\n";
    env.build_text(text, &["-t", "app"]).success();
    let whole = "id -un; pwd; echo $A; cat /tmp/made";
    let after = shell(&env, &["build:5", "--", "sh", "-c", whole]).success();
    assert_eq!(after.stdout, "app\n/home/app\n1\ndone\n");
    shell(&env, &["--before", "build:5", "--", "cat", "/tmp/made"]).code(1);
    for name in ["build", "app"] {
        let end = shell(&env, &[name, "--", "sh", "-c", whole]).success();
        assert_eq!(end.stdout, "root\n/home/app\n1\ndone\n");
    }
}

/// ARGs that are declared one after the other, one of which an ENV wins over.
const ARGS: &str = "\
FROM base AS build
WORKDIR /work
ARG VERSION=7
ARG MODE=arg
ENV MODE=env
ARG LATER
WORKDIR /work/deeper
FROM build AS next
RUN true
";

#[test]
fn a_shell_where_no_run_was_has_the_args_of_that_place() {
    let env = TestEnv::with_base();
    let args = ["--build-arg", "LATER=given", "--build-arg", "VERSION=8"];
    env.build_text(ARGS, &[&args[..], &["-t", "app"]].concat())
        .success();
    let told = |name: &str| {
        let asked = shell(
            &env,
            &[name, "--", "sh", "-c", "echo $VERSION-$MODE-$LATER"],
        );
        asked.success().stdout.trim_end().to_owned()
    };
    for (name, expected) in [
        ("build:1", "--"),
        ("build:2", "--"),
        ("build:3", "8--"),
        ("build:4", "8-arg-"),
        ("build:5", "8-env-"),
        ("build:6", "8-env-given"),
        ("build:7", "8-env-given"),
        ("build", "8-env-given"),
        ("next:1", "-env-"),
        ("next:2", "-env-"),
        ("next", "-env-"),
        ("app", "-env-"),
    ] {
        assert_eq!(told(name), expected, "{name}");
    }
    env.build(&["--build-arg", "VERSION=9"]).success();
    assert_eq!(told("build:7"), "9-env-", "the values of the newest build");
    let why = env.run(["builder", "why", "build:4", "--format", "json"]);
    let why: serde_json::Value = serde_json::from_str(&why.success().stdout).unwrap();
    let key = why["step"]["key"].as_str().unwrap();
    assert_eq!(told(key), "9-arg-", "the newest build that used it");
}

#[test]
fn a_shell_where_no_run_was_has_the_network_and_hosts_of_the_build() {
    let env = TestEnv::with_base();
    let options = ["--network", "none", "--add-host", "db:10.0.0.1"];
    let text =
        "FROM base AS build\nENV A=1\nRUN ls /sys/class/net /etc/hosts && grep db /etc/hosts\n";
    env.build_text(text, &[&options[..], &["-t", "app"]].concat())
        .success();
    let look = "ls /sys/class/net; grep -w db /etc/hosts";
    for name in ["build:2", "build"] {
        let asked = shell(&env, &[name, "--", "sh", "-c", look]).success();
        assert_eq!(asked.stdout, "lo\n10.0.0.1\tdb\n", "{name}");
    }
    let image = shell(&env, &["app", "--", "sh", "-c", "grep -w db /etc/hosts"]);
    assert_eq!(image.code(1).stdout, "");
}

#[test]
fn what_is_written_is_gone_and_cache_mounts_stay() {
    let env = failed();
    let write = "touch /tmp/mine && rm /tmp/state && echo x > /cache/mine && echo written";
    let written = shell(&env, &["--failed", "--", "sh", "-c", write]).success();
    assert_eq!(written.stdout, "written\n");
    let look = "ls /tmp /cache";
    let seen = shell(&env, &["--failed", "--", "sh", "-c", look]).success();
    assert_eq!(seen.stdout, "/cache:\nleft\nmine\ntold\n\n/tmp:\nstate\n");
}

#[test]
fn standard_input_and_the_exit_code_go_through() {
    let env = TestEnv::with_base();
    let copied = env.run_with_stdin(&["shell", "base", "--", "cat"], b"two\nlines\n");
    assert_eq!(copied.success().stdout, "two\nlines\n");
    let script = env.run_with_stdin(&["shell", "base"], b"echo from the script; exit 9\n");
    assert_eq!(script.code(9).stdout, "from the script\n");
    let killed = shell(&env, &["base", "--", "sh", "-c", "kill -9 $$"]);
    killed.code(137);
    let lost = shell(&env, &["base", "--", "nosuchprogram"]).code(127);
    lost.says("nosuchprogram");
}

#[test]
fn a_closed_pipe_ends_the_command() {
    let env = TestEnv::with_base();
    let mut command = env.command(["shell", "base", "--", "yes"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 13));
}

#[test]
fn a_person_at_a_terminal_has_a_terminal_in_the_step() {
    let env = failed();
    let given = secrets(&env);
    let mut pty = Pty::start(&env.command([&["shell", "--failed"], given.as_slice()].concat()));
    pty.wait_for("$ ");
    pty.type_in("PS1='ready> '; unset TERM\n");
    pty.wait_for("\r\nready> ");
    let mut ask = |line: &str| {
        pty.type_in(&format!("{line}\n"));
        pty.wait_for("\r\n");
        pty.wait_for("ready> ").trim_end().replace('\r', "")
    };
    assert_eq!(ask("sh /given"), "the same");
    assert_eq!(
        ask("tty; test -t 0 && test -t 1 && test -t 2 && echo all"),
        "/dev/pts/0\nall"
    );
    assert_eq!(ask("echo hello > /dev/tty"), "hello");
    assert_eq!(ask("stty size"), "24 80");
    assert_eq!(ask("touch /tmp/mine; ls -1 /tmp"), "asked\nmine\nstate");
    pty.resize(40, 100);
    loop {
        pty.type_in("stty size\n");
        pty.wait_for("\r\n");
        if pty.wait_for("ready> ").contains("40 100") {
            break;
        }
    }
    // Ctrl-C ends what runs in the shell, and neither the shell nor the program around it.
    // What tells of itself is in the foreground already; a shell that has yet to start it may miss it.
    pty.type_in("sh -c 'echo begun; exec sleep 1000'\n");
    pty.wait_for("\nbegun\r\n");
    pty.type_in("\u{3}");
    pty.wait_for("ready> ");
    pty.type_in("exit 5\n");
    pty.wait_for("exit 5");
    let restored = |pty: &Pty| pty.is_as_it_was();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !restored(&pty) {
        assert!(
            std::time::Instant::now() < deadline,
            "the terminal stays raw"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let (code, _) = pty.end();
    assert_eq!(code, Some(5));
    let seen = shell(&env, &["--failed", "--", "ls", "/tmp"]).success();
    assert_eq!(seen.stdout, "state\n");
}

#[test]
fn a_terminal_that_hangs_up_ends_the_shell_and_leaves_nothing() {
    let env = TestEnv::with_base();
    let mut pty = Pty::start(&env.command(["shell", "base"]));
    pty.wait_for("# ");
    let mut child = pty.hang_up();
    assert!(!child.wait().unwrap().success());
    assert_eq!(scratch(&env), Vec::<String>::new());
}

#[test]
fn a_killed_shell_leaves_nothing_that_the_next_command_does_not_clear() {
    let env = TestEnv::with_base();
    let mut pty = Pty::start(&env.command(["shell", "base"]));
    pty.wait_for("# ");
    pty.type_in("sleep 1001 &\n");
    pty.wait_for("# ");
    tool::run("kill", ["-9", &pty.pid().to_string()]).success();
    let (code, _) = pty.end();
    assert_eq!(code, None);
    let gone = leftovers::of(&env.path(""), &env.path("tmp"));
    assert!(gone.is_empty(), "{gone:?}");
    env.run(["images"]).success();
    assert_eq!(scratch(&env), Vec::<String>::new());
}

/// What lies in the scratch directory of the state.
fn scratch(env: &TestEnv) -> Vec<String> {
    let entries = fs::read_dir(env.root().join("scratch")).unwrap();
    entries
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect()
}

#[test]
fn no_secret_is_kept_with_what_a_step_was_run_with() {
    let env = failed();
    let holds = |dir: std::path::PathBuf| {
        let found = tool::run("grep", ["-rl", "the-key-value", dir.to_str().unwrap()]);
        found.stdout
    };
    // The step itself has written what it saw into the cache mount, which is the user's own doing.
    let found = holds(env.root());
    let elsewhere = found.lines().filter(|path| !path.contains("cache-mounts"));
    assert_eq!(elsewhere.count(), 0, "{found}");
}

#[test]
fn what_is_no_place_for_a_shell_is_told() {
    let env = TestEnv::with_base();
    shell(&env, &["nosuchthing"]).code(1).says("nosuchthing");
    shell(&env, &["--failed"])
        .code(1)
        .says("no failed step is kept");
    shell(&env, &[]).code(2).says("REF");
    shell(&env, &["base", "--failed"]).code(2).says("--failed");
    shell(&env, &["--before", "base", "--", "true"])
        .code(2)
        .says("--before needs a step");
    shell(&env, &["--secret", "nonsense", "base"])
        .code(2)
        .says("--secret");
    env.context().write("f", "x");
    env.build_text("FROM scratch\nCOPY f /f\n", &["-t", "bare"])
        .success();
    shell(&env, &["bare"]).code(1).says("has no shell");
}

#[test]
fn a_pruned_state_and_pruned_files_are_told() {
    let env = TestEnv::with_base();
    env.context().write("bound", "b\n");
    let text = "FROM base\nRUN --mount=type=bind,source=bound,target=/bound cat /bound && exit 1\n";
    env.build_text(text, &[]).code(1);
    env.run(["builder", "prune", "-f", "--filter", "type=context"])
        .success();
    let without = shell(&env, &["--failed", "--", "ls", "/bound"]);
    without.says("the files of the bind mount were pruned");
    env.run(["builder", "prune", "-a", "-f"]).success();
    shell(&env, &["--failed"])
        .code(1)
        .says("no failed step is kept");
}

/// How many states of failed steps are kept.
fn kept(env: &TestEnv) -> usize {
    let du = env.run(["builder", "du", "--format", "json"]).success();
    let listed = tool::json(&du.stdout).to_string();
    listed.matches("\"failed\"").count()
}

#[test]
fn files_of_a_failed_step_are_taken_out() {
    let env = TestEnv::with_base();
    let text =
        "FROM base\nRUN mkdir /reports && echo bad > /reports/unit && echo log > /log && exit 4\n";
    let (reports, log) = (env.path("reports"), env.path("log"));
    let rescue = |from: &str, to: &std::path::Path| format!("{from}={}", to.display());
    let built = env.build_text(
        text,
        &[
            "--propagate-exit-code",
            "--output-on-failure",
            &rescue("/reports", &reports),
            "--output-on-failure",
            &rescue("/nosuchfile", &env.path("other")),
            "--output-on-failure",
            &rescue("log", &log),
        ],
    );
    let built = built.code(4);
    built.says("/nosuchfile").says("the failed step");
    assert_eq!(fs::read_to_string(reports.join("unit")).unwrap(), "bad\n");
    assert_eq!(fs::read_to_string(&log).unwrap(), "log\n");
    assert!(!env.path("other").exists());
    // Nothing is overwritten, and a good build takes nothing out.
    let again = env.build_text(text, &["--output-on-failure", &rescue("/log", &log)]);
    again.code(1).says("exists");
    let good = env.path("good");
    env.build_text(
        "FROM base\nRUN true\n",
        &["--output-on-failure", &rescue("/etc", &good)],
    )
    .success();
    assert!(!good.exists());
    env.build_text(
        "FROM base\nCOPY nosuch /\n",
        &["--output-on-failure", &rescue("/etc", &good)],
    )
    .code(1)
    .says("no command failed");
    env.build_text("FROM base\n", &["--output-on-failure", "nonsense"])
        .code(2)
        .says("PATH=DEST");
}

#[test]
fn the_newest_failed_states_are_kept_and_the_others_given_back() {
    let env = TestEnv::with_base();
    let fail = |number: u32, args: &[&str]| {
        let text = format!("FROM base\nRUN head -c 200000 /dev/urandom > /f; exit {number}\n");
        env.build_text(&text, args).code(1)
    };
    (1..=4).for_each(|number| drop(fail(number, &[])));
    assert_eq!(kept(&env), 3);
    let code = "sed -n 's/x/x/p' /f > /dev/null; exit 0";
    shell(&env, &["--failed", "--", "sh", "-c", code]).success();
    drop(fail(5, &["--keep-failed", "1"]));
    assert_eq!(kept(&env), 1);
    let du = env
        .run(["builder", "du", "--format", "json"])
        .success()
        .stdout;
    assert!(
        !du.contains("without a record") && !du.contains("no layer names"),
        "{du}"
    );
    let none = fail(6, &["--keep-failed", "0"]);
    none.keeps_quiet_about("shell --failed`");
    assert_eq!(kept(&env), 0);
    shell(&env, &["--failed"])
        .code(1)
        .says("no failed step is kept");
}
