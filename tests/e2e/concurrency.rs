//! Two builds at once on one state directory give the results of one after the other.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::tool::json;
use crate::support::{Files, Output, TestEnv};

fn spawn(env: &TestEnv, args: &[&str]) -> Child {
    let mut command = env.command(env.build_args(args));
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end_of(child: Child) -> Output {
    Output::from(child.wait_with_output().unwrap())
}

#[test]
fn the_same_step_runs_once() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base\nRUN sleep 1; cat /proc/sys/kernel/random/uuid > /id\nRUN echo after\n",
    );
    let outputs = [env.path("a"), env.path("b")];
    let builds: Vec<Child> = outputs
        .iter()
        .map(|dir| spawn(&env, &["-o", dir.to_str().unwrap()]))
        .collect();
    let executed: usize = builds
        .into_iter()
        .map(|build| end_of(build).success().executed().len())
        .sum();
    assert_eq!(executed, 2, "each of the two steps once");
    let ids = outputs.map(|dir| Files::new(dir).read("id"));
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn different_builds_do_not_disturb_each_other() {
    let env = TestEnv::with_base();
    env.context().write("a", "a");
    env.iechorfile("FROM base\nARG N\nCOPY a /a\nRUN echo $N > /n && cp /a /b\nRUN cat /n\n");
    let names: Vec<String> = (0..4).map(|n| n.to_string()).collect();
    let builds: Vec<Child> = names
        .iter()
        .map(|n| {
            let dir = env.path(n).display().to_string();
            spawn(
                &env,
                &[
                    "--build-arg",
                    &format!("N={n}"),
                    "-o",
                    &dir,
                    "-t",
                    &format!("image{n}"),
                ],
            )
        })
        .collect();
    for build in builds {
        end_of(build).success();
    }
    for n in &names {
        assert_eq!(Files::new(env.path(n)).read("n"), format!("{n}\n"));
    }
    env.build(&["--build-arg", "N=2"]).success().all_hits();
}

#[test]
fn a_prune_spares_what_a_build_uses() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo one > /one\nRUN sleep 2; cat /one\nRUN cat /one > /two\n");
    let mut build = spawn(&env, &["-t", "app"]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    while build.try_wait().unwrap().is_none() {
        env.run(["prune", "-a", "-f"]).success();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    end_of(build).success();
    let out = env.export_text("FROM app\n", &[]);
    assert_eq!(out.read("two"), "one\n");
}

/// How long builds and prunes go on side by side: `IECHOR_PRUNE_SECONDS`, normally three seconds.
fn soak() -> Duration {
    let wanted = std::env::var("IECHOR_PRUNE_SECONDS").ok();
    Duration::from_secs(wanted.map_or(3, |seconds| seconds.parse().unwrap()))
}

/// Builds again and again until the time is over; what the builds have in common changes with each.
fn build_until(env: &TestEnv, builder: usize, end: Instant) -> usize {
    let file = format!("file-{builder}");
    let text = "FROM base\nARG N\nRUN echo common $N > /common\nCOPY a /a\n";
    env.context().write(
        &file,
        format!("{text}RUN echo {builder} > /own && cat /common /a\n"),
    );
    let path = env.path("context").join(&file).display().to_string();
    let tag = format!("image-{builder}");
    let mut rounds = 0;
    while Instant::now() < end {
        let argument = format!("N={}", rounds % 3);
        env.build(&["-f", &path, "--build-arg", &argument, "-t", &tag])
            .success();
        rounds += 1;
    }
    rounds
}

fn prune_until(env: &TestEnv, end: Instant) -> usize {
    let mut rounds = 0;
    while Instant::now() < end {
        env.run(["prune", "-a", "-f"]).success();
        rounds += 1;
        thread::sleep(Duration::from_millis(100));
    }
    rounds
}

/// Every snapshot that a record names is there, and nothing is there that no record names.
fn assert_nothing_dangles(env: &TestEnv) {
    let rows = json(
        &env.run(["builder", "ls", "--format", "json"])
            .success()
            .stdout,
    );
    for snapshot in rows
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["snapshot"].as_str())
    {
        let hex = snapshot.strip_prefix("sha256:").unwrap();
        let index = env.root().join("layers").join(&hex[..2]).join(hex);
        assert!(index.exists(), "a record names {snapshot}, which is gone");
    }
    let used = json(&env.run(["du", "--format", "json"]).success().stdout);
    let lost = used
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["kind"] == "leftover");
    assert_eq!(lost.count(), 0, "{used:#}");
}

#[test]
fn a_prune_every_100_ms_disturbs_no_build() {
    const BUILDERS: usize = 8;
    let env = TestEnv::with_base();
    env.context().write("a", "a");
    let end = Instant::now() + soak();
    let (built, pruned) = thread::scope(|scope| {
        let builders: Vec<_> = (0..BUILDERS)
            .map(|builder| {
                scope.spawn({
                    let env = &env;
                    move || build_until(env, builder, end)
                })
            })
            .collect();
        let pruned = prune_until(&env, end);
        let built: usize = builders
            .into_iter()
            .map(|builder| builder.join().unwrap())
            .sum();
        (built, pruned)
    });
    println!("{built} builds, {pruned} prunes");
    assert!(
        built >= BUILDERS && pruned > 0,
        "{built} builds, {pruned} prunes"
    );
    assert_nothing_dangles(&env);
    for builder in 0..BUILDERS {
        let out = env.export_text(&format!("FROM image-{builder}\n"), &[]);
        assert_eq!(out.read("own"), format!("{builder}\n"));
    }
}
