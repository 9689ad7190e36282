//! `iechor build --dry-run` says what the build that follows does, and does nothing itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::dice::Dice;
use crate::support::output::Verdict;
use crate::support::{Output, TestEnv, tool};

const PROJECT: &str = "\
FROM base AS made
ARG N=1
RUN echo $N > /made
FROM base
COPY src /src
RUN --mount=type=bind,source=src,target=/mnt cat /mnt/main.c > /copied
COPY --from=made /made /made
WORKDIR /work
LABEL version=1
RUN echo last
";

fn project() -> TestEnv {
    let env = TestEnv::with_base();
    env.context()
        .write("src/main.c", "int main;")
        .write("src/lib.c", "int lib;");
    env.iechorfile(PROJECT);
    env
}

/// What a dry run says of each step, by label: the verdict and the most telling reason.
fn foretold(env: &TestEnv, args: &[&str]) -> BTreeMap<String, (String, String)> {
    let args = [&["--dry-run", "--explain=json"], args].concat();
    let output = env.build(&args).success();
    let forecast: Value = serde_json::from_str(&output.stdout).unwrap();
    let steps = forecast["steps"].as_array().unwrap();
    let said = |step: &Value| {
        let label = step["step"].as_str().unwrap().trim_matches(['[', ']']);
        let why = step["reasons"][0]["text"].as_str().unwrap_or_default();
        let verdict = step["verdict"].as_str().unwrap();
        (label.to_owned(), (verdict.to_owned(), why.to_owned()))
    };
    steps.iter().map(said).collect()
}

/// What the build did, in the same form.
fn done(output: &Output) -> BTreeMap<String, (String, String)> {
    let steps = output.steps().into_iter();
    let said = |verdict| match verdict {
        Verdict::Hit => ("hit".to_owned(), String::new()),
        Verdict::Miss(why) => ("run".to_owned(), why),
    };
    steps
        .filter_map(|step| Some((step.label, said(step.verdict?))))
        .collect()
}

/// Foretells, builds, and compares step by step.
#[track_caller]
fn agrees(env: &TestEnv, args: &[&str]) {
    let foretold = foretold(env, args);
    let built = env.build(args).success();
    assert_eq!(foretold, done(&built), "{args:?}\n{}", built.transcript());
}

/// Every file below a directory with its size and time. Whoever opens the index makes its shared
/// memory and an empty log; what is written shows in a log that is not empty.
fn state(dir: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let (path, stat) = (entry.path(), entry.metadata().unwrap());
        if stat.is_dir() {
            found.extend(state(&path));
        } else if !is_of_a_reader(&path, stat.len()) {
            let facts = (stat.len(), stat.mtime(), stat.mtime_nsec());
            found.insert(path.display().to_string(), facts);
        }
    }
    found
}

fn is_of_a_reader(path: &Path, size: u64) -> bool {
    let name = path.to_string_lossy();
    name.ends_with("-shm") || (name.ends_with("-wal") && size == 0)
}

#[test]
fn it_agrees_with_the_build_on_a_first_a_second_and_a_changed_build() {
    let env = project();
    agrees(&env, &[]);
    agrees(&env, &[]);
    agrees(&env, &["--build-arg", "N=2"]);
    env.context().write("src/main.c", "int main2;");
    agrees(&env, &["--build-arg", "N=2"]);
    agrees(&env, &["--no-cache"]);
    agrees(&env, &["--no-cache-filter", "made"]);
    agrees(&env, &["--target", "made"]);
}

#[test]
fn it_writes_nothing() {
    let env = project();
    env.build(&["-t", "first"]).success();
    let before = state(&env.root());
    env.context().write("src/main.c", "int main2;");
    for mode in ["metadata", "content"] {
        let digest = format!("--context-digest={mode}");
        let iidfile = env.path("iid").display().to_string();
        let args = ["--dry-run", "-t", "later", "--iidfile", &iidfile, &digest];
        env.build(&args).success();
        let after = state(&env.root());
        let differs = after
            .iter()
            .filter(|entry| before.get(entry.0) != Some(entry.1));
        assert_eq!(differs.collect::<Vec<_>>(), [], "in mode {mode}");
        assert_eq!(after.len(), before.len(), "in mode {mode}");
        assert!(!env.path("iid").exists());
    }
    assert!(!env.run(["images"]).success().stdout.contains("later"));
}

#[test]
fn where_there_is_no_state_it_makes_none() {
    let env = TestEnv::new();
    env.iechorfile("FROM scratch\nCOPY a /a\n");
    env.context().write("a", "a");
    let said = env.build(&["--dry-run"]).success().stdout;
    assert!(said.contains("would run     [2/2] COPY a /a\n"), "{said}");
    assert!(!env.root().exists());
}

#[test]
fn people_read_one_line_a_step_and_the_reason() {
    let env = project();
    env.build(&[]).success();
    env.context().write("src/main.c", "int main2;");
    let said = env.build(&["--dry-run"]).success().stdout;
    for line in [
        "cached        [made 1/3] FROM base AS made\n",
        "would run     [stage-1 2/7] COPY src /src\n                src/main.c size 9 -> 10\n",
        "follows step stage-1 2/7\n",
        "dry run: 4 cached, 6 would run; nothing was done\n",
    ] {
        assert!(said.contains(line), "{line:?} is missing:\n{said}");
    }
}

#[test]
fn a_base_image_that_is_not_here_is_told_and_not_pulled() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM localhost:1/absent AS far\nRUN echo a\nFROM base\nRUN echo b\n\
         COPY --from=far /x /x\nRUN echo c\n",
    );
    let said = foretold(&env, &[]);
    let verdict = |label: &str| said[label].0.as_str();
    assert_eq!(verdict("far 1/2"), "pull");
    assert_eq!(verdict("far 2/2"), "open");
    assert_eq!(verdict("stage-1 2/4"), "run");
    assert_eq!(said["stage-1 3/4"].1, "follows step stage-1 2/4");
    let no_cache = foretold(&env, &["--no-cache"]);
    assert_eq!(no_cache["far 2/2"], ("run".into(), "--no-cache".into()));
    let text = env.build(&["--dry-run"]).success().stdout;
    assert!(
        text.contains("not before localhost:1/absent is pulled"),
        "{text}"
    );
}

#[test]
fn by_content_a_copy_of_what_is_not_made_yet_is_left_open() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base AS made\nARG N\nRUN echo $N > /dev/null; echo same > /out\n\
         FROM base\nCOPY --from=made /out /out\nRUN echo after\n",
    );
    let content = ["--context-digest=content", "--build-arg", "N=1"];
    env.build(&content).success();
    agrees(&env, &content);
    let other = ["--context-digest=content", "--build-arg", "N=2"];
    let said = foretold(&env, &other);
    assert_eq!(said["made 3/3"].0, "run");
    assert_eq!(said["stage-1 2/3"].0, "open");
    assert_eq!(said["stage-1 3/3"].0, "open");
}

#[test]
fn what_the_build_would_refuse_it_refuses_too() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nCOPY missing /x\n", &["--dry-run"])
        .code(1)
        .says("missing");
    env.build_text("FROM base\nRUNN x\n", &["--dry-run"])
        .code(3);
    env.build_text("FROM base\n", &["--dry-run", "--target", "x"])
        .code(2)
        .says("no such stage");
}

/// Mostly what costs no command: the decisions are the same for all.
const LINES: [&str; 22] = [
    "RUN echo a",
    "RUN echo b > /b",
    "COPY src /src",
    "COPY src/lib.c /lib.c",
    "COPY --chmod=700 src/*.c /c/",
    "COPY src/main.c src/lib.c /$E/",
    "COPY --chown=5:6 src/lib.c $N/",
    "ADD src/main.c /main.c",
    "ENV E=1",
    "ENV E=2",
    "WORKDIR /w",
    "LABEL l=$E",
    "ARG N",
    "ARG N=3",
    "ARG M=$N",
    "ENV E=$N",
    "ENV F=${E:-none} G=1",
    "WORKDIR $E/in",
    "LABEL m=$M",
    "EXPOSE 80",
    "RUN --mount=type=bind,source=src,target=/mnt true",
    "USER 5",
];

/// A file of one stage, so that no two stages race for one result.
fn variation(dice: &mut Dice) -> String {
    let count = 1 + dice.below(4);
    let lines: Vec<&str> = (0..count).map(|_| dice.one_of(&LINES)).collect();
    format!("FROM base\n{}\n", lines.join("\n"))
}

#[test]
fn it_agrees_with_the_build_on_two_hundred_generated_variations() {
    let env = project();
    let mut dice = Dice(7);
    for round in 0..200 {
        match dice.below(4) {
            0 => {
                let time = 1_000_000_000 + u64::from(dice.0 % 3);
                env.context().set_mtime("src/main.c", time);
            }
            1 => {
                env.context().write("src/lib.c", "x".repeat(dice.below(3)));
            }
            _ => env.iechorfile(&variation(&mut dice)),
        }
        let n = format!("N={}", dice.below(2));
        let args = ["--build-arg", n.as_str()];
        let no_cache = ["--build-arg", n.as_str(), "--no-cache"];
        agrees(&env, if round % 10 == 9 { &no_cache } else { &args });
    }
}

#[test]
fn it_agrees_on_every_example() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let examples: Vec<_> = fs::read_dir(examples).unwrap().flatten().collect();
    let with_file = examples
        .iter()
        .filter(|one| one.path().join("iEchorfile").exists());
    let agreed = with_file.map(|example| agrees_on(&example.path()));
    assert!(agreed.count() > 0, "there is no example");
}

/// On a first and a second build of an example, and on one after a file of its context changed.
fn agrees_on(example: &Path) {
    let env = TestEnv::with_base();
    let source = format!("{}/.", example.display());
    let context = env.path("context").display().to_string();
    tool::run("cp", ["-a", &source, &context]).success();
    for image in bases(&env.context().read("iEchorfile")) {
        env.run(["tag", "base", &image]).success();
    }
    fs::write(env.path("key"), "not-a-real-key").unwrap();
    let secret = format!("id=key,src={}", env.path("key").display());
    let args = ["--secret", secret.as_str()];
    agrees(&env, &args);
    agrees(&env, &args);
    let changed = env.context().path("src/greet.sh.in");
    if changed.exists() {
        fs::write(changed, "#!/bin/sh\necho other\n").unwrap();
        agrees(&env, &args);
    }
}

/// The images that a file's stages begin with: not `scratch`, not an earlier stage.
fn bases(text: &str) -> Vec<String> {
    let mut stages = vec!["scratch".to_owned()];
    let mut images = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("FROM ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words[1].to_owned();
        if !stages.contains(&name) && !images.contains(&name) {
            images.push(name);
        }
        stages.extend(words.get(3).map(ToString::to_string));
    }
    images
}
