//! Which step wrote a file, and how past builds went.

use serde_json::Value;

use crate::support::{TestEnv, tool};

const STEPS: &str = "FROM base AS build
RUN mkdir -p /d/in && echo 1 > /d/file && echo x > /d/in/x
RUN echo 2 >> /d/file
ENV NOTHING=written
RUN mv /d/in /elsewhere && rm /etc/group
";

fn blame(env: &TestEnv, location: &str) -> Vec<Value> {
    let output = env
        .run(["blame", "--all", location, "--format", "json"])
        .success();
    tool::json(&output.stdout).as_array().unwrap().clone()
}

/// What was done, and on which line the instruction stands.
fn deeds(touches: &[Value]) -> Vec<(&str, Option<&str>)> {
    touches
        .iter()
        .map(|touch| {
            let place = touch["author"]["place"].as_str();
            let line = place.and_then(|place| place.rsplit(':').next());
            (touch["deed"].as_str().unwrap(), line)
        })
        .collect()
}

#[test]
fn blame_names_the_steps_that_touched_a_file() {
    let env = TestEnv::with_base();
    env.build_text(STEPS, &["-t", "app"]).success();
    let file = blame(&env, "app:/d/file");
    assert_eq!(
        deeds(&file),
        [("written", Some("3")), ("written", Some("2"))]
    );
    assert_eq!(file[0]["author"]["text"], "RUN echo 2 >> /d/file");
    let moved = blame(&env, "app:/elsewhere/x");
    assert_eq!(deeds(&moved)[0].1, Some("5"), "{moved:?}");
    let deleted = blame(&env, "app:/etc/group");
    assert_eq!(
        deeds(&deleted),
        [("deleted", Some("5")), ("written", Some("2"))]
    );
    assert_eq!(
        deeds(&blame(&env, "app:/d/in/x")),
        [("deleted", Some("5")), ("written", Some("2"))]
    );
    assert_eq!(deeds(&blame(&env, "build:3:/d/file")).len(), 2);
}

#[test]
fn blame_shows_the_newest_deed_for_people() {
    let env = TestEnv::with_base();
    env.build_text(STEPS, &["-t", "app"]).success();
    let table = env.run(["blame", "app:/d/file"]).success().stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[1].contains("written   RUN echo 2 >> /d/file"),
        "{table}"
    );
    env.run(["blame", "app:/never/there"])
        .code(1)
        .says("no /never/there in image app");
    env.run(["blame", "app"]).code(2).says("REF:PATH");
}

#[test]
fn blame_takes_the_history_of_an_image_from_elsewhere() {
    let env = TestEnv::with_base();
    env.build_text(STEPS, &["-t", "app"]).success();
    let archive = env.path("app.oci").display().to_string();
    env.build(&["-o", &format!("type=oci,dest={archive}")])
        .success();
    let other = TestEnv::new();
    other.iechorfile("FROM app\nLABEL a=b\n");
    let context = format!("app=oci-archive://{archive}");
    other
        .build(&["-t", "mine", "--build-context", &context])
        .success();
    let touches = blame(&other, "mine:/d/file");
    assert_eq!(touches.len(), 2);
    assert_eq!(touches[0]["author"]["by"], "image");
    let text = touches[0]["author"]["text"].as_str().unwrap();
    assert!(text.contains("echo 2 >> /d/file"), "{text}");
}

#[test]
fn history_tells_how_builds_and_their_steps_went() {
    let env = TestEnv::with_base();
    env.build_text(STEPS, &["-t", "app"]).success();
    env.build_text(&STEPS.replace("echo 2", "echo 3"), &["-t", "app"])
        .success();
    env.build_text("FROM base\nRUN exit 7\n", &[]).code(1);
    let builds = env.run(["history", "--format", "json"]).success();
    let builds = tool::json(&builds.stdout);
    let builds = builds.as_array().unwrap();
    assert_eq!(builds.len(), 4, "the base image's, and three");
    let counts = |build: &Value| {
        [&build["hits"], &build["misses"], &build["failed"]].map(|n| n.as_u64().unwrap())
    };
    assert_eq!(
        (&builds[0]["status"], counts(&builds[0])[2]),
        (&"failed".into(), 1)
    );
    assert_eq!(
        (&builds[1]["status"], counts(&builds[1])),
        (&"succeeded".into(), [2, 3, 0])
    );
    assert_eq!(builds[1]["tags"][0], "app");
    let steps = env
        .run(["history", &builds[1]["id"].to_string(), "--format", "json"])
        .success();
    let steps = tool::json(&steps.stdout);
    let steps = steps.as_array().unwrap();
    let outcomes: Vec<&str> = steps
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["hit", "hit", "miss", "miss", "miss"]);
    assert!(
        steps[2]["reason"].as_str().unwrap().contains("echo 3"),
        "{steps:?}"
    );
    assert!(
        steps[2]["bytes"].as_u64().unwrap() > 0 && steps[0]["bytes"] == 0,
        "{steps:?}"
    );
    let newest = env.run(["history", "-n", "1"]).success().stdout;
    assert_eq!(newest.lines().count(), 2, "{newest}");
    let failed = env
        .run(["history", &builds[0]["id"].to_string()])
        .success()
        .stdout;
    assert!(failed.contains("RUN exit 7"), "{failed}");
    let failed = env.run(["history", &builds[0]["id"].to_string(), "--format", "json"]);
    let failed = tool::json(&failed.success().stdout);
    let reason = failed[1]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the command ended with exit code 7 (miss: instruction changed"),
        "{reason}"
    );
}

#[test]
fn history_says_which_build_is_not_there() {
    let env = TestEnv::new();
    assert_eq!(env.run(["history", "-q"]).success().stdout, "");
    env.run(["history", "99"]).code(1).says("no build 99");
    env.run(["history", "app"]).code(2).says("BUILD");
}

/// An index that is lost begins to count anew, beside the logs of the one before.
#[test]
fn logs_of_a_lost_index_are_in_nobodys_way() {
    let env = TestEnv::with_base();
    let newest = env.run(["history", "--format", "json", "--last", "1"]);
    let number = tool::json(&newest.stdout)[0]["id"].as_i64().unwrap() + 1;
    let stale = env.root().join("logs").join(number.to_string());
    std::fs::create_dir_all(&stale).unwrap();
    std::fs::write(stale.join("9.log"), "of another").unwrap();
    env.build_text("FROM base\nRUN echo mine\n", &[]).success();
    assert!(env.run(["logs"]).success().stdout.contains("mine"));
    assert!(!stale.join("9.log").exists());
}
