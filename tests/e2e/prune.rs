//! What takes space, and giving it back.

use std::path::Path;

use crate::support::TestEnv;
use crate::support::tool::{self, json};

/// Bytes that the disk has given to a directory.
fn allocated(dir: &Path) -> u64 {
    let output = tool::run("du", ["-s", "-B1", dir.to_str().unwrap()])
        .success()
        .stdout;
    output.split_whitespace().next().unwrap().parse().unwrap()
}

const OLD: &str = "FROM base\nRUN head -c 5000000 /dev/urandom > /big\n\
                   RUN head -c 1000000 /dev/urandom > /small\n";

/// Steps that neither an image nor the newest build of the file uses any more.
fn busy(env: &TestEnv) {
    env.run(["prune", "-f"]).success();
    env.build_text(OLD, &["-t", "busy"]).success();
    env.build_text("FROM base\nRUN echo newer\n", &["-t", "busy"])
        .success();
    env.iechorfile(OLD);
}

#[test]
fn usage_lists_every_step_and_adds_up() {
    let env = TestEnv::with_base();
    busy(&env);
    let listed = env.run(["builder", "du", "--format", "json"]).success();
    let records = json(&listed.stdout);
    let big = records.as_array().unwrap().iter().find(|record| {
        record["text"]
            .as_str()
            .is_some_and(|text| text.contains("5000000"))
    });
    let own = big.unwrap()["own"].as_u64().unwrap();
    assert!((5_000_000..5_300_000).contains(&own), "{own}");
    let table = env.run(["du"]).success().stdout;
    assert!(
        table.starts_with("ID") && table.contains("Total:"),
        "{table}"
    );
    assert!(
        table.contains(" more take no space: see `builder ls`, or --tree\n"),
        "{table}"
    );
    assert!(!table.contains("FROM base"), "{table}");
}

#[test]
fn steps_are_listed_by_what_they_stand_on() {
    let env = TestEnv::with_base();
    busy(&env);
    let listed = env.run(["builder", "ls", "--format", "json"]).success();
    let rows = json(&listed.stdout);
    let find = |part: &str| {
        let rows = rows.as_array().unwrap();
        rows.iter()
            .find(|row| row["text"].as_str().unwrap().contains(part))
            .unwrap()
            .clone()
    };
    assert_eq!(find("1000000 ")["parent"], find("5000000")["key"]);
    assert!(
        find("5000000")["place"]
            .as_str()
            .unwrap()
            .ends_with("iEchorfile:2")
    );
}

#[test]
fn a_dry_run_shows_and_removes_nothing() {
    let env = TestEnv::with_base();
    busy(&env);
    let before = allocated(&env.root().join("blobs"));
    let shown = env.run(["builder", "prune", "--dry-run"]).success().stdout;
    assert!(
        shown.contains("5000000") && shown.contains("Total:"),
        "{shown}"
    );
    assert_eq!(allocated(&env.root().join("blobs")), before);
    env.build(&["-t", "busy"]).success().all_hits();
}

#[test]
fn the_bytes_reported_are_those_that_the_disk_gets_back() {
    let env = TestEnv::with_base();
    busy(&env);
    let before = allocated(&env.root());
    let pruned = env
        .run(["builder", "prune", "-f", "--bytes"])
        .success()
        .stdout;
    let total = pruned
        .lines()
        .find_map(|line| line.strip_prefix("Total:"))
        .unwrap();
    let reported: u64 = total.trim().parse().unwrap();
    let freed = before - allocated(&env.root());
    // The database may grow or shrink by some pages while rows go.
    assert!(
        freed.abs_diff(reported) < 300_000,
        "reported {reported}, freed {freed}"
    );
    assert!(reported > 6_000_000, "{pruned}");
}

#[test]
fn without_a_terminal_it_wants_force() {
    let env = TestEnv::with_base();
    busy(&env);
    env.run(["builder", "prune"])
        .code(2)
        .says("--force")
        .says("record");
    env.build(&["-t", "busy"]).success().all_hits();
}

#[test]
fn filters_and_caps() {
    let env = TestEnv::with_base();
    busy(&env);
    let unused = env
        .run(["prune", "-f", "--filter", "until=24h"])
        .success()
        .stdout;
    assert!(unused.contains("Total:  0B"), "{unused}");
    let capped = env
        .run(["prune", "-f", "--keep-storage", "100GB"])
        .success()
        .stdout;
    assert!(capped.contains("Total:  0B"), "{capped}");
    env.build(&["-t", "busy"]).success().all_hits();
    env.run(["prune", "-f", "--filter", "colour=red"])
        .code(2)
        .says("colour")
        .says("until")
        .says("type");
    env.run(["prune", "-f", "--filter", "type=foo"])
        .code(2)
        .says("give step, meta,");
    env.run(["prune", "-f", "--keep-storage", "much"])
        .code(2)
        .says("much");
}

#[test]
fn a_cap_a_floor_and_free_space_are_kept_to() {
    let env = TestEnv::with_base();
    busy(&env);
    let total = |args: &[&str]| {
        let all: Vec<&str> = ["prune", "--dry-run", "--bytes"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let shown = env.run(&all).success().stdout;
        let total = shown.lines().find_map(|line| line.strip_prefix("Total:"));
        total.unwrap().trim().parse::<u64>().unwrap()
    };
    let used = json(&env.run(["du", "--format", "json"]).success().stdout);
    let used: u64 = used
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["own"].as_u64().unwrap())
        .sum();
    assert!(total(&[]) > 6_000_000);
    let cap = (used - 1_000_000).to_string();
    assert!(
        (1_000_000..2_000_000).contains(&total(&["--max-used-space", &cap])),
        "the last used stays"
    );
    assert_eq!(
        total(&["--max-used-space", "0", "--reserved-space", "1TB"]),
        0
    );
    assert_eq!(total(&["--min-free-space", "0"]), 0);
    assert!(total(&["--min-free-space", "1000000TB"]) > 6_000_000);
    assert!(total(&["--filter", "type=run", "--filter", "file~=*iEchorfile"]) > 6_000_000);
    assert!(total(&["--filter", "file=context/iEchorfile"]) > 6_000_000);
    assert_eq!(total(&["--filter", "type=run", "--filter", "type=copy"]), 0);
}

#[test]
fn usage_is_told_as_a_tree() {
    let env = TestEnv::with_base();
    busy(&env);
    let shown = env.run(["du", "--tree", "--no-trunc"]).success().stdout;
    let at = |text: &str| shown.lines().position(|line| line.contains(text)).unwrap();
    assert!(at("5000000") < at("1000000 "), "{shown}");
    let flat = env.run(["du"]).success().stdout;
    let sums = |text: &str| {
        text.lines()
            .rev()
            .take(4)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&shown), sums(&flat));
    let rows = json(
        &env.run(["du", "--tree", "--format", "json"])
            .success()
            .stdout,
    );
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["depth"].is_u64())
    );
}

#[test]
fn images_keep_their_steps_unless_all_is_asked() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo kept\n", &["-t", "app"])
        .success();
    env.run(["prune", "-f"]).success();
    env.build(&["-t", "app"]).success().all_hits();
    env.run(["prune", "-a", "-f"]).success();
    assert!(
        env.export_text("FROM app\n", &[]).has("bin/busybox"),
        "the image itself stays"
    );
}

#[test]
fn what_was_pruned_is_told_to_be() {
    let env = TestEnv::with_base();
    env.build_text("FROM base AS build\nRUN echo one\n", &[])
        .success();
    let why = env.run(["builder", "why", "build:2", "--format", "json"]);
    let key = json(&why.success().stdout)["step"]["key"].clone();
    let key = key.as_str().unwrap().to_owned();
    env.run(["prune", "-a", "-f"]).success();
    for name in ["2", "build:2"] {
        env.run(["ls", name])
            .code(1)
            .says("step RUN echo one was pruned just now: build again")
            .keeps_quiet_about("--failed");
    }
    env.run(["builder", "why", "build"])
        .code(1)
        .says("stage build was pruned just now: build again");
    for name in [&key[..], &key["sha256:".len()..][..12]] {
        env.run(["ls", name])
            .code(1)
            .says(&format!("the cached result {name} was pruned "))
            .says("build again");
    }
    env.build(&[]).success();
    env.run(["ls", &key]).success();
}

#[test]
fn a_step_that_failed_is_not_told_to_be_pruned() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN exit 3\n", &[]).code(1);
    env.run(["ls", "2"])
        .code(1)
        .says("step RUN exit 3 failed and has no result: --failed");
    env.run(["prune", "-a", "-f"]).success();
    env.run(["ls", "2"])
        .code(1)
        .says("what it left is not kept: build again");
}

#[test]
fn each_reason_is_true_and_all_that_goes_is_reclaimable() {
    let env = TestEnv::with_base();
    env.build_text(
        "FROM base\nRUN head -c 3000000 /dev/urandom > /big\n",
        &["-t", "slow"],
    )
    .success();
    let shown = env.run(["prune", "-a", "--dry-run", "--format", "json"]);
    let shown = json(&shown.success().stdout);
    let items = shown.as_array().unwrap();
    assert!(items.iter().all(|item| item["reclaimable"] == true));
    let step = items.iter().find(|item| item["kind"] == "step").unwrap();
    assert_eq!(step["reason"], "asked for by -a");
    env.run(["prune", "-a", "-f"]).success();
    env.run(["rmi", "slow"]).success();
    let freed = env.run(["prune", "-f", "--format", "json"]).success();
    let freed = json(&freed.stdout);
    let reasons = freed.as_array().unwrap().iter();
    let reasons: Vec<_> = reasons.map(|item| item["reason"].clone()).collect();
    assert!(
        reasons.contains(&"no image and no step names it".into()),
        "{freed}"
    );
    assert!(!freed.to_string().contains("crash"), "{freed}");
}
