//! From an iEchorfile to an image.

use crate::support::tool::json;
use crate::support::{Output, TestEnv, base};

/// What the image in the local list is configured to do.
fn config(env: &TestEnv, name: &str) -> serde_json::Value {
    let output = env.run(["inspect", name]).success();
    json(&output.stdout)[0]["Config"]["config"].clone()
}

#[test]
fn a_build_of_two_stages_keeps_only_the_last() {
    let env = TestEnv::with_base();
    env.context().write("greeting", "hello\n");
    let out = env.export_text(
        "FROM base AS build\n\
         COPY greeting /greeting\n\
         RUN tr a-z A-Z < /greeting > /loud && echo scrap > /scrap\n\
         FROM base\n\
         COPY --from=build /loud /loud\n",
        &[],
    );
    assert_eq!(out.read("loud"), "HELLO\n");
    assert!(!out.has("scrap") && !out.has("greeting"));
    assert!(out.has("bin/busybox"));
}

#[test]
fn stages_that_are_not_needed_are_not_built() {
    let env = TestEnv::with_base();
    let text =
        "FROM base AS unused\nRUN exit 1\nFROM base AS wanted\nRUN true\nFROM wanted\nRUN exit 2\n";
    let built = env.build_text(text, &["--target", "wanted"]).success();
    built.executes(&["RUN true"]);
    let by_index = env.build(&["--target", "1"]).success();
    by_index.all_hits();
}

#[test]
fn every_instruction_reaches_the_configuration() {
    let env = TestEnv::with_base();
    let text = "FROM base\n\
                ARG WHO=world\n\
                ENV GREETING=\"hello $WHO\" OLD=1\n\
                ENV LEGACY old form\n\
                LABEL one=1 two=\"2 3\"\n\
                EXPOSE 80 53/udp\n\
                VOLUME /data\n\
                WORKDIR /srv\n\
                WORKDIR app\n\
                USER app\n\
                STOPSIGNAL SIGUSR1\n\
                HEALTHCHECK --interval=5s CMD true\n\
                ONBUILD RUN true\n\
                SHELL [\"/bin/ash\", \"-c\"]\n\
                MAINTAINER somebody\n\
                ENTRYPOINT [\"/bin/echo\"]\n\
                CMD [\"a\", \"b\"]\n";
    env.build_text(text, &["-t", "all", "--label", "two=three"])
        .success();
    let config = config(&env, "all");
    let env_list: Vec<&str> = config["Env"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|value| value.as_str())
        .collect();
    assert!(env_list.contains(&"GREETING=hello world"), "{env_list:?}");
    assert!(env_list.contains(&"LEGACY=old form"), "{env_list:?}");
    assert_eq!(
        config["Labels"],
        serde_json::json!({ "one": "1", "two": "three" })
    );
    assert!(config["ExposedPorts"]["80/tcp"].is_object());
    assert!(config["ExposedPorts"]["53/udp"].is_object());
    assert!(config["Volumes"]["/data"].is_object());
    assert_eq!(config["WorkingDir"], "/srv/app");
    assert_eq!(config["User"], "app");
    assert_eq!(config["StopSignal"], "SIGUSR1");
    assert_eq!(config["Healthcheck"]["Interval"], 5_000_000_000_u64);
    assert_eq!(config["OnBuild"][0], "RUN true");
    assert_eq!(config["Shell"], serde_json::json!(["/bin/ash", "-c"]));
    assert_eq!(config["Entrypoint"], serde_json::json!(["/bin/echo"]));
    assert_eq!(config["Cmd"], serde_json::json!(["a", "b"]));
}

#[test]
fn onbuild_runs_where_it_is_built_upon() {
    let env = TestEnv::with_base();
    env.build_text(
        "FROM base\nONBUILD RUN echo triggered > /mark\n",
        &["-t", "trigger"],
    )
    .success();
    let out = env.export_text("FROM trigger\n", &[]);
    assert_eq!(out.read("mark"), "triggered\n");
}

#[test]
fn arguments_are_global_or_of_a_stage() {
    let env = TestEnv::with_base();
    let text = "ARG BASE=nowhere\nARG NAME=global\n\
                FROM ${BASE}\n\
                RUN echo \"[$NAME]\" > /before\n\
                ARG NAME\n\
                RUN echo \"[$NAME]\" > /after\n";
    let out = env.export_text(text, &["--build-arg", "BASE=base"]);
    assert_eq!(out.read("before"), "[]\n");
    assert_eq!(out.read("after"), "[global]\n");
}

#[test]
fn a_heredoc_is_a_script_or_a_file() {
    let env = TestEnv::with_base();
    let text = "FROM base\n\
                RUN <<EOF\necho one > /one\necho two > /two\nEOF\n\
                ARG WHO=you\n\
                COPY <<a.txt <<'b.txt' /files/\nhello $WHO\na.txt\nhello $WHO\nb.txt\n\
                RUN <<-TABS\n\t#!/bin/sh\n\techo \"script $0\" | cut -c1-6 > /script\n\tTABS\n";
    let out = env.export_text(text, &[]);
    assert_eq!(
        (out.read("one").as_str(), out.read("two").as_str()),
        ("one\n", "two\n")
    );
    assert_eq!(out.read("files/a.txt"), "hello you\n");
    assert_eq!(out.read("files/b.txt"), "hello $WHO\n");
    assert_eq!(out.read("script"), "script\n");
}

#[test]
fn the_file_may_have_other_names() {
    let env = TestEnv::with_base();
    env.context()
        .write("Dockerfile", "FROM base\nRUN echo dockerfile > /which\n");
    let built = env.build(&[]).success();
    built.says("Dockerfile");
    env.context()
        .write("iEchorfile", "FROM base\nRUN echo iechorfile > /which\n");
    assert_eq!(env.export(&[]).read("which"), "iechorfile\n");
    env.context()
        .write("other/file", "FROM base\nRUN echo other > /which\n");
    let other = env.context().path("other/file").display().to_string();
    assert_eq!(env.export(&["-f", &other]).read("which"), "other\n");
}

#[test]
fn the_file_may_come_from_standard_input() {
    let env = TestEnv::with_base();
    let text = b"FROM base\nRUN echo stdin\n";
    env.run_with_stdin(&["build", "--progress", "plain", "-"], text)
        .success()
        .says("stdin");
    env.context().write("a", "a");
    let args = env.build_args(&["-f", "-"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    env.run_with_stdin(&args, b"FROM base\nCOPY a /a\n")
        .success()
        .executes(&["COPY a /a"]);
}

#[test]
fn quiet_prints_the_image_id_alone() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo noise\n");
    let iidfile = env.path("iid").display().to_string();
    let built = env.build(&["-q", "--iidfile", &iidfile]).success();
    let id = built.stdout.trim();
    assert!(
        id.starts_with("sha256:") && id.len() == 71,
        "{}",
        built.transcript()
    );
    assert_eq!(built.stderr, "");
    assert_eq!(std::fs::read_to_string(&iidfile).unwrap(), id);
    assert_eq!(env.build(&[]).success().stdout, "");
}

#[test]
fn a_failed_build_leaves_no_id_of_an_earlier_one() {
    let env = TestEnv::with_base();
    let iidfile = env.path("iid").display().to_string();
    env.build_text("FROM base\n", &["--iidfile", &iidfile])
        .success();
    env.build_text("FROM base\nRUN false\n", &["--iidfile", &iidfile])
        .code(1)
        .says("RUN false");
    assert!(!env.path("iid").exists());
}

#[test]
fn the_metadata_file_has_what_scripts_read() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN true\n");
    let file = env.path("metadata").display().to_string();
    let built = env
        .build(&["-t", "app", "--metadata-file", &file])
        .success();
    let metadata = json(&std::fs::read_to_string(&file).unwrap());
    let id = metadata["containerimage.config.digest"].as_str().unwrap();
    assert!(built.stderr.contains(id), "{}", built.transcript());
    assert_eq!(metadata["image.name"], "docker.io/library/app:latest");
    let steps = metadata["iechor.steps"].as_array().unwrap();
    let run = steps
        .iter()
        .find(|step| step["instruction"] == "RUN true")
        .unwrap();
    assert_eq!(run["cached"], false);
    assert!(run["key"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn the_same_input_gives_the_same_image_everywhere() {
    let text = "FROM scratch\nADD rootfs.tar /\nENV PATH=/bin\nCOPY a /a\n\
                RUN chmod 600 /a && touch -d @5 /a /\n";
    let build = || {
        let env = TestEnv::new();
        let archive = std::fs::read(base::archive()).unwrap();
        env.context()
            .write("rootfs.tar", archive)
            .write("a", "same");
        env.iechorfile(text);
        let mut command = env.command(env.build_args(&["-q"]));
        Output::of(command.env("SOURCE_DATE_EPOCH", "1700000000"))
            .success()
            .stdout
    };
    assert_eq!(build(), build());
}

#[test]
fn flags_of_docker_that_ask_for_nothing_are_noted() {
    let env = TestEnv::with_base();
    let built = env
        .build_text("FROM base\n", &["--load", "--rm=true", "--force-rm"])
        .success();
    built.says("--load").says("--rm").says("--force-rm");
    env.run(["bud", "-q", &env.context().path("").display().to_string()])
        .success();
}

#[test]
fn an_undeclared_build_argument_is_warned_of() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN true\n", &[])
        .success()
        .executes(&["RUN true"]);
    let built = env.build(&["--build-arg", "NOBODY=1"]).success();
    built.says("NOBODY").all_hits();
}

#[test]
fn the_image_list_names_and_forgets() {
    let env = TestEnv::with_base();
    let id = env
        .build_text(
            "FROM base\nLABEL a=b\n",
            &["-q", "-t", "one", "-t", "two:v2"],
        )
        .success()
        .stdout;
    env.run(["tag", "one", "three"]).success().says("three");
    let listed = env.run(["images", "--format", "json"]).success();
    let listed = json(&listed.stdout);
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|image| image["id"] == id.trim())
        .filter_map(|image| image["name"].as_str())
        .collect();
    let expected = [
        "docker.io/library/one:latest",
        "docker.io/library/three:latest",
        "docker.io/library/two:v2",
    ];
    assert_eq!(names, expected);
    let table = env.run(["images"]).success().stdout;
    assert!(table.starts_with("REPOSITORY"), "{table}");
    let removed = env.run(["rmi", "one", "two:v2", "three"]).success().stdout;
    assert!(
        removed.contains(&format!("Deleted: {}", id.trim())),
        "{removed}"
    );
    env.run(["inspect", "one"]).code(1).says("one");
}

#[test]
fn logs_are_found_by_number_and_by_label() {
    let env = TestEnv::with_base();
    env.build_text("FROM base AS build\nRUN echo second\nRUN echo third\n", &[])
        .success();
    let newest = env.run(["history", "-q", "-n", "1"]).success().stdout;
    let build = newest.trim();
    for asked in [&[build, "3"][..], &[build, "build:3"], &["0:3"]] {
        let said = env.run(["logs"].iter().chain(asked)).success();
        assert_eq!(said.stdout, "third\n", "{asked:?}");
    }
    let logs = env.root().join("logs").join(build);
    assert_eq!(std::fs::read(logs.join("3.log")).unwrap(), b"third\n");
    env.run(["logs", build, "99"])
        .code(1)
        .says("build 2 has no step 99: its last is 3");
    env.run(["logs", "build:9"]).code(1).says("no step build:9");
    env.run(["logs", build, "1"])
        .code(1)
        .says("step 1 of build 2 has no log");
    env.run(["logs", "app"]).code(2).says(" history` lists");
}

#[test]
fn logs_keep_everything_that_a_step_wrote() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN echo before\nRUN for n in $(seq 1 20000); do echo line $n; done; echo err >&2\n";
    env.build_text(text, &["-q"])
        .success()
        .keeps_quiet_about("line");
    let all = env.run(["logs"]).success().stdout;
    assert!(
        all.contains("before\n") && all.contains("line 1\n") && all.contains("line 20000\nerr\n")
    );
}

#[test]
fn source_date_epoch_dates_the_image() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nLABEL a=b\n");
    let mut command = env.command(env.build_args(&["-t", "dated"]));
    Output::of(command.env("SOURCE_DATE_EPOCH", "86400")).success();
    let inspected = env.run(["inspect", "dated"]).success();
    assert_eq!(
        json(&inspected.stdout)[0]["Config"]["created"],
        "1970-01-02T00:00:00Z"
    );
}
