//! Two builds at once on one state directory give the results of one after the other.

use std::process::{Child, Stdio};

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
