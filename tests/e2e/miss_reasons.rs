//! Why a step missed: one test a kind, with the old value and the new; then random pairs of builds,
//! whose explanation must name what really differs.
//!
//! Inputs that come in another order, and devices, are told apart in `cachedb/tests/suite/miss.rs`:
//! no iEchorfile makes them without changing something else too.

use std::collections::BTreeMap;
use std::os::unix::fs::chown;

use serde_json::{Value, json};

use crate::support::dice::Dice;
use crate::support::{TestEnv, tool};

/// The executed steps of a build, by instruction, with all their reasons.
fn explained(env: &TestEnv, args: &[&str]) -> Vec<(String, Vec<Value>)> {
    let output = env.build(&[args, &["--explain=json"]].concat()).success();
    let explained = tool::json(&output.stdout);
    let steps = explained["steps"].as_array().unwrap().iter();
    let executed = steps.filter(|step| step["cached"] == false);
    let told = |step: &Value| {
        let text = step["instruction"].as_str().unwrap().to_owned();
        (text, step["reasons"].as_array().unwrap().clone())
    };
    executed.map(told).collect()
}

/// Why the step that begins with `instruction` was executed: the most telling reason.
#[track_caller]
fn why(env: &TestEnv, args: &[&str], instruction: &str) -> Value {
    let steps = explained(env, args);
    let found = steps.iter().find(|(text, _)| text.starts_with(instruction));
    let (_, reasons) = found.unwrap_or_else(|| panic!("{instruction} not in {steps:#?}"));
    reasons[0].clone()
}

/// The reason must be of this kind and have these fields.
#[track_caller]
fn is(reason: &Value, kind: &str, fields: &Value) {
    assert_eq!(reason["reason"], kind, "{reason:#}");
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(&reason[name], value, "{name} of {reason:#}");
    }
}

/// A context that is copied, built once.
fn copied() -> TestEnv {
    let env = TestEnv::new();
    env.context()
        .write("src/app.c", "int main;")
        .write("src/lib.c", "int lib;")
        .symlink("src/link", "app.c");
    env.build_text("FROM scratch\nCOPY src /src\n", &[])
        .success();
    env
}

fn file(path: &str, change: &str, old: impl Into<Value>, new: impl Into<Value>) -> Value {
    let change = json!({ "change": change, "old": old.into(), "new": new.into() });
    json!({ "path": path, "more": 0, "change": change })
}

#[test]
fn an_instruction_changed() {
    let env = TestEnv::new();
    env.build_text("FROM scratch\nLABEL a=1\n", &[]).success();
    env.iechorfile("FROM scratch\nLABEL a=2\n");
    let fields = json!({ "old": "LABEL a=1", "new": "LABEL a=2" });
    is(&why(&env, &[], "LABEL"), "instruction_changed", &fields);
}

#[test]
fn a_value_changed_came_and_went() {
    let env = TestEnv::new();
    let with_default = "FROM scratch\nARG N=1\nLABEL n=$N\n";
    let without = "FROM scratch\nARG N\nLABEL n=$N\n";
    let n = |old: Value, new: Value| json!({ "name": "ARG N", "old": old, "new": new });
    env.build_text(with_default, &[]).success();
    let changed = why(&env, &["--build-arg", "N=2"], "LABEL");
    is(&changed, "value_changed", &n("1".into(), "2".into()));
    let env = TestEnv::new();
    env.build_text(without, &[]).success();
    let came = why(&env, &["--build-arg", "N=2"], "LABEL");
    is(&came, "value_changed", &n(Value::Null, "2".into()));
    let env = TestEnv::new();
    env.build_text(without, &["--build-arg", "N=2"]).success();
    let went = why(&env, &[], "LABEL");
    is(&went, "value_changed", &n("2".into(), Value::Null));
}

#[test]
fn a_base_image_changed() {
    let env = TestEnv::new();
    let image = |text: &str| env.build_text(text, &["-q", "-t", "tiny"]);
    // `-q` and the plain progress of the test's builds are two words for one thing: ask the list.
    let id = |text: &str| {
        image(text).success();
        let listed = env.run(["images", "-q", "--no-trunc"]).success().stdout;
        listed.lines().next().unwrap().to_owned()
    };
    let old = id("FROM scratch\nLABEL v=1\n");
    env.build_text("FROM tiny\nLABEL on=top\n", &[]).success();
    let new = id("FROM scratch\nLABEL v=2\n");
    env.iechorfile("FROM tiny\nLABEL on=top\n");
    let reason = why(&env, &[], "FROM");
    assert_eq!(reason["reason"], "digest_changed", "{reason:#}");
    assert!(old.contains(reason["old"].as_str().unwrap()), "{reason:#}");
    assert!(new.contains(reason["new"].as_str().unwrap()), "{reason:#}");
    assert!(reason["name"].as_str().unwrap().starts_with("base "));
}

#[test]
fn a_mount_changed_came_and_went() {
    let env = TestEnv::with_base();
    let run = |mount: &str| format!("FROM base\nRUN {mount} true\n");
    let all = |text: &str| {
        env.iechorfile(text);
        let steps = explained(&env, &[]);
        let run = steps.into_iter().find(|(text, _)| text.starts_with("RUN"));
        run.unwrap().1
    };
    env.build_text(&run("--mount=type=cache,target=/c"), &[])
        .success();
    let changed = all(&run("--mount=type=cache,target=/c,sharing=locked"));
    let property = json!({
        "name": "cache mount /c", "property": "sharing", "old": "shared", "new": "locked"
    });
    let found = changed
        .iter()
        .find(|one| one["reason"] == "property_changed");
    is(found.unwrap_or(&Value::Null), "property_changed", &property);
    let moved = all(&run("--mount=type=tmpfs,target=/t"));
    let named = |kind: &str| moved.iter().any(|one| one["reason"] == kind);
    assert!(named("mount_added") && named("mount_removed"), "{moved:#?}");
}

#[test]
fn a_file_changed_in_size() {
    let env = copied();
    env.context().write("src/app.c", "int main2;");
    is(
        &why(&env, &[], "COPY"),
        "file_changed",
        &file("src/app.c", "size", 9, 10),
    );
}

#[test]
fn a_file_changed_in_time() {
    let env = copied();
    env.context().set_mtime("src/app.c", 1_000_000_100);
    let time = |secs: u64| json!({ "secs": secs, "nanos": 0 });
    let fields = file(
        "src/app.c",
        "mtime",
        time(1_000_000_000),
        time(1_000_000_100),
    );
    is(&why(&env, &[], "COPY"), "file_changed", &fields);
}

#[test]
fn a_file_changed_in_mode() {
    let env = copied();
    env.context().set_mode("src/lib.c", 0o600);
    let fields = file("src/lib.c", "mode", 0o644, 0o600);
    is(&why(&env, &[], "COPY"), "file_changed", &fields);
}

#[test]
fn a_file_changed_in_kind_and_a_link_in_target() {
    let env = copied();
    env.context().symlink("src/lib.c", "app.c");
    let fields = file("src/lib.c", "kind", "file", "symbolic link");
    is(&why(&env, &[], "COPY"), "file_changed", &fields);
    let env = copied();
    env.context().symlink("src/link", "lib.c");
    let fields = file("src/link", "target", "app.c", "lib.c");
    is(&why(&env, &[], "COPY"), "file_changed", &fields);
}

#[test]
fn the_owner_of_a_file_is_not_copied_and_no_reason() {
    let env = copied();
    chown(env.context().path("src/lib.c"), Some(7), Some(8)).unwrap();
    env.build(&[]).success().all_hits();
}

#[test]
fn a_file_changed_in_content() {
    let env = copied();
    env.build(&["--context-digest=content"]).success();
    env.context().write("src/app.c", "int niam;");
    env.build(&[]).success().all_hits();
    let reason = why(&env, &["--context-digest=content"], "COPY");
    assert_eq!(reason["path"], "src/app.c", "{reason:#}");
    let change = &reason["change"];
    assert_eq!(change["change"], "content");
    assert!(change["old"].is_string() && change["old"] != change["new"]);
}

#[test]
fn files_came_and_went() {
    let env = copied();
    env.context()
        .write("src/web/a.js", "a")
        .write("src/web/b.js", "b");
    let added = why(&env, &[], "COPY");
    let fields =
        json!({ "count": 2, "under": "src/web", "examples": ["src/web/a.js", "src/web/b.js"] });
    is(&added, "files_added", &fields);
    let env = copied();
    env.context().remove("src/lib.c");
    let fields = json!({ "count": 1, "under": "src", "examples": ["src/lib.c"] });
    is(&why(&env, &[], "COPY"), "files_removed", &fields);
}

#[test]
fn the_way_files_are_compared_changed() {
    let env = copied();
    let fields = json!({ "old": "metadata", "new": "content" });
    let reason = why(&env, &["--context-digest=content"], "COPY");
    is(&reason, "context_digest_changed", &fields);
}

#[test]
fn what_is_new_or_follows_or_is_forbidden() {
    let env = TestEnv::new();
    env.iechorfile("FROM scratch AS one\nLABEL a=1\nLABEL b=1\n");
    let none = json!({});
    is(&why(&env, &[], "LABEL a"), "first_on_parent", &none);
    env.iechorfile("FROM scratch AS one\nLABEL a=2\nLABEL b=1\n");
    is(
        &why(&env, &[], "LABEL b"),
        "follows_step",
        &json!({ "step": "one 2/3" }),
    );
    is(&why(&env, &["--no-cache"], "LABEL a"), "no_cache", &none);
    let filtered = why(&env, &["--no-cache-filter", "one"], "LABEL a");
    is(&filtered, "no_cache_filter", &json!({ "stage": "one" }));
}

#[test]
fn what_was_pruned_is_told_so() {
    let env = copied();
    env.run(["builder", "prune", "--all", "-f"]).success();
    let reason = why(&env, &[], "COPY");
    assert_eq!(reason["reason"], "pruned", "{reason:#}");
    assert!(reason["ago_ms"].as_u64().unwrap() < 600_000);
}

/// A generated project: what its file says, and what its context has.
#[derive(Debug, Clone, PartialEq)]
struct Project {
    args: BTreeMap<&'static str, String>,
    label: String,
    files: BTreeMap<String, Facts>,
}

/// What is generated of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    size: usize,
    mtime: u64,
    mode: u32,
}

const NAMES: [&str; 6] = ["src/a", "src/b", "src/deep/c", "src/deep/d", "one", "two"];

/// Stages that do not depend on each other, so that each can miss for a reason of its own.
fn text(project: &Project) -> String {
    format!(
        "FROM scratch AS files\nCOPY src /src\nFROM scratch AS args\nARG A\nARG B=0\n\
         COPY fixed /$B\nLABEL a=$A b=$B\nFROM scratch AS labels\nCOPY fixed /\nLABEL {}\n\
         FROM scratch\nCOPY --from=files /src /src\nCOPY --from=args / /\nCOPY --from=labels / /\n\
         COPY one* two* /last/\n",
        project.label
    )
}

impl Project {
    fn first(dice: &mut Dice) -> Self {
        let mut project = Self {
            args: BTreeMap::from([("A", "1".to_owned())]),
            label: "l=0".to_owned(),
            files: BTreeMap::from([("one".into(), Facts::of(dice))]),
        };
        project.files.insert("src/a".into(), Facts::of(dice));
        (0..4).for_each(|_| project.change(dice));
        project
    }

    /// Changes one thing, perhaps into what it is already.
    fn change(&mut self, dice: &mut Dice) {
        let name = dice.one_of(&NAMES).to_owned();
        match dice.below(6) {
            0 => drop(self.args.insert("A", dice.below(3).to_string())),
            1 => drop(self.args.insert("B", dice.below(3).to_string())),
            2 => self.label = format!("l={}", dice.below(4)),
            // `COPY src` needs one file, and so does `COPY one* two*`.
            3 if name != "one" && name != "src/a" => drop(self.files.remove(&name)),
            _ => drop(self.files.insert(name, Facts::of(dice))),
        }
    }

    fn write(&self, env: &TestEnv) {
        let context = env.context();
        for name in NAMES {
            match self.files.get(name) {
                Some(facts) => {
                    context
                        .write(name, "x".repeat(facts.size))
                        .set_mtime(name, facts.mtime)
                        .set_mode(name, facts.mode);
                }
                None if context.has(name) => drop(context.remove(name)),
                None => {}
            }
        }
        let deep = context.path("src/deep");
        // Removed when it is empty: a directory is an input, too.
        let _not_empty = std::fs::remove_dir(deep);
        context.write("fixed", "fixed");
        env.iechorfile(&text(self));
    }

    fn build_args(&self) -> Vec<String> {
        let args = self.args.iter();
        args.flat_map(|(name, value)| ["--build-arg".to_owned(), format!("{name}={value}")])
            .collect()
    }

    fn arg(&self, name: &str) -> Value {
        let default = if name == "B" { json!("0") } else { Value::Null };
        self.args.get(name).map_or(default, |value| json!(value))
    }
}

impl Facts {
    fn of(dice: &mut Dice) -> Self {
        Self {
            size: dice.below(3),
            mtime: 1_000_000_000 + dice.below(2) as u64,
            mode: [0o644, 0o755][dice.below(2)],
        }
    }
}

/// Whether what a reason says is so: old values of the one build, new ones of the other.
fn is_true(reason: &Value, before: &Project, after: &Project) -> bool {
    let (old, new) = (&reason["old"], &reason["new"]);
    match reason["reason"].as_str().unwrap() {
        "value_changed" => {
            let name = reason["name"].as_str().unwrap().trim_start_matches("ARG ");
            old != new && *old == before.arg(name) && *new == after.arg(name)
        }
        "instruction_changed" => {
            let label = |project: &Project| json!(format!("LABEL {}", project.label));
            before.label != after.label && *old == label(before) && *new == label(after)
        }
        "file_changed" => is_true_of_file(reason, before, after),
        "files_added" => came(reason, before, after),
        "files_removed" => came(reason, after, before),
        _ => false,
    }
}

fn is_true_of_file(reason: &Value, before: &Project, after: &Project) -> bool {
    let path = reason["path"].as_str().unwrap();
    let (Some(old), Some(new)) = (before.files.get(path), after.files.get(path)) else {
        return false;
    };
    let change = &reason["change"];
    let told = |of: fn(&Facts) -> Value| {
        of(old) != of(new) && change["old"] == of(old) && change["new"] == of(new)
    };
    match change["change"].as_str().unwrap() {
        "size" => told(|facts| json!(facts.size)),
        "mtime" => told(|facts| json!({ "secs": facts.mtime, "nanos": 0 })),
        "mode" => told(|facts| json!(facts.mode)),
        _ => false,
    }
}

/// Whether the files that came are those that only the second has, below the directory told.
fn came(reason: &Value, without: &Project, with: &Project) -> bool {
    let examples = reason["examples"].as_array().unwrap();
    let is_new = |name: &Value| {
        let name = name.as_str().unwrap();
        with.files.contains_key(name) && !without.files.contains_key(name)
    };
    examples.len() as u64 == reason["count"].as_u64().unwrap() && examples.iter().all(is_new)
}

#[test]
fn of_random_pairs_of_builds_the_explanation_names_what_differs() {
    let env = TestEnv::new();
    let mut dice = Dice(20_261);
    let mut told = 0;
    for round in 0..30 {
        let before = Project::first(&mut dice);
        let mut after = before.clone();
        (0..1 + dice.below(3)).for_each(|_| after.change(&mut dice));
        let build = |project: &Project| {
            project.write(&env);
            let args = project.build_args();
            explained(&env, &args.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let _all = build(&before);
        let executed = build(&after);
        assert_eq!(
            executed.is_empty(),
            before == after,
            "round {round}: {executed:#?}"
        );
        for (step, reasons) in &executed {
            assert!(
                !reasons.is_empty(),
                "round {round}: nothing is said of {step}"
            );
            let of_itself = reasons.iter().filter(|one| one["reason"] != "follows_step");
            for reason in of_itself {
                told += 1;
                assert!(
                    is_true(reason, &before, &after),
                    "round {round}: {step} says {reason:#}\nbefore {before:#?}\nafter {after:#?}"
                );
            }
        }
        std::fs::remove_dir_all(env.root()).unwrap();
    }
    assert!(told >= 30, "{told} reasons are too few to be of use");
}
