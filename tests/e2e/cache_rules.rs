//! The cache rules, C1 to C20, each proved by the test that bears its number.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::git::{self, GitServer};
use crate::support::web::Web;
use crate::support::{Files, Output, TestEnv};

/// A context with a directory of sources, and a file that copies it and uses it.
fn project() -> TestEnv {
    let env = TestEnv::with_base();
    env.context()
        .write("src/main.c", "int main;")
        .write("src/lib.c", "int lib;")
        .write("notes", "");
    env.iechorfile("FROM base\nRUN echo first\nCOPY src /src\nRUN echo last\n");
    env
}

/// What follows from a change of the sources.
const FROM_COPY: [&str; 2] = ["COPY src /src", "RUN echo last"];

/// Builds once, changes something, builds again.
fn after(env: &TestEnv, change: impl FnOnce(&Files)) -> Output {
    env.build(&[]).success();
    change(&env.context());
    env.build(&[]).success()
}

#[test]
fn c01_instructions_run_in_order_and_are_looked_up_first() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo a >> /order\nRUN echo b >> /order\nRUN echo c >> /order\n");
    let first = env.build(&[]).success();
    first.executes(&["RUN echo a", "RUN echo b", "RUN echo c"]);
    env.build(&[]).success().all_hits();
    assert_eq!(env.export(&[]).read("order"), "a\nb\nc\n");
}

#[test]
fn c02_all_children_of_a_parent_are_compared() {
    let env = TestEnv::with_base();
    let version = |word: &str| format!("FROM base\nRUN echo {word}\nRUN echo after\n");
    env.build_text(&version("one"), &[])
        .success()
        .executes(&["RUN echo one", "RUN echo after"]);
    env.build_text(&version("two"), &[])
        .success()
        .executes(&["RUN echo two", "RUN echo after"]);
    env.build_text(&version("one"), &[]).success().all_hits();
    env.build_text(&version("two"), &[]).success().all_hits();
}

#[test]
fn c03_a_run_is_compared_by_its_text_alone() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN cat /proc/sys/kernel/random/uuid > /id\nRUN cat /id\n");
    let first = env.export(&[]).read("id");
    env.build(&[]).success().all_hits();
    assert_eq!(env.export(&[]).read("id"), first, "nothing was run again");
}

#[test]
fn c04_size_and_time_of_every_file_involved_count() {
    let env = project();
    after(&env, |files| {
        files.write("src/main.c", "int main2;");
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.set_mtime("src/lib.c", 1_100_000_000);
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.set_mode("src/lib.c", 0o755);
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.write("src/new.c", "");
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.remove("src/new.c");
    })
    .all_hits();
    after(&env, |files| {
        files.symlink("src/link", "main.c");
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.symlink("src/link", "lib.c");
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        files.remove("src/lib.c");
    })
    .executes(&FROM_COPY);
    after(&env, |files| {
        fs::rename(files.path("src/main.c"), files.path("src/renamed.c")).unwrap();
    })
    .executes(&FROM_COPY);
}

#[test]
fn c04_add_and_the_owner_as_copied_count_too() {
    let env = TestEnv::with_base();
    env.context().write("a", "a");
    env.build_text("FROM base\nADD a /a\n", &[])
        .success()
        .executes(&["ADD a"]);
    env.context().set_mtime("a", 1_100_000_000);
    env.build(&[]).success().executes(&["ADD a"]);
    env.build_text("FROM base\nADD --chown=5 a /a\n", &[])
        .success()
        .executes(&["ADD --chown=5"]);
    env.build_text("FROM base\nADD --chown=6 a /a\n", &[])
        .success()
        .executes(&["ADD --chown=6"]);
}

#[test]
fn c05_what_is_not_involved_counts_for_nothing() {
    let env = project();
    env.context().write(".iechorignore", "**/*.o\n");
    let touched = SystemTime::now() - Duration::from_secs(5);
    after(&env, |files| {
        files.write("notes", "other notes");
    })
    .all_hits();
    after(&env, |files| {
        files.write("src/main.o", "ignored");
    })
    .all_hits();
    after(&env, |files| {
        let times = fs::FileTimes::new().set_accessed(touched);
        fs::File::open(files.path("src/main.c"))
            .unwrap()
            .set_times(times)
            .unwrap();
    })
    .all_hits();
    after(&env, |files| {
        files
            .set_mode("src/main.c", 0o600)
            .set_mode("src/main.c", 0o644);
    })
    .all_hits();
    after(&env, |files| replace_by_copy(&files.path("src/main.c"))).all_hits();
    fs::rename(env.path("context"), env.path("moved")).unwrap();
    let moved = env.path("moved").display().to_string();
    env.run(["build", "--progress", "plain", &moved])
        .success()
        .all_hits();
}

/// Another inode with the same contents, mode and modification time.
fn replace_by_copy(path: &Path) {
    let old = fs::metadata(path).unwrap();
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).unwrap();
    let times = fs::FileTimes::new().set_modified(old.modified().unwrap());
    fs::File::open(&copy).unwrap().set_times(times).unwrap();
    fs::rename(copy, path).unwrap();
}

#[test]
fn c06_other_bytes_under_the_same_time_hit_with_a_warning() {
    let env = project();
    let second = after(&env, |files| {
        files.write("src/main.c", "int MAIN;");
    });
    second
        .all_hits()
        .says("src/main.c")
        .says("--context-digest=content");
}

#[test]
fn c06_content_mode_compares_bytes_and_not_times() {
    let env = project();
    let content = ["--context-digest=content"];
    env.build(&[]).success();
    env.build(&content).success().executes(&FROM_COPY);
    env.build(&content).success().all_hits();
    env.context().set_mtime("src/main.c", 1_200_000_000);
    env.build(&content).success().all_hits();
    env.context().write("src/main.c", "int MAIN;");
    env.build(&content).success().executes(&FROM_COPY);
}

#[test]
fn c06_content_mode_sees_through_a_rebuilt_stage() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base AS made\nARG N\nRUN echo $N > /dev/null; echo same > /out\n\
         FROM base\nCOPY --from=made /out /out\nRUN echo after\n",
    );
    let build = |n: &str, mode: &str| {
        let (n, mode) = (format!("N={n}"), format!("--context-digest={mode}"));
        env.build(&["--build-arg", &n, &mode]).success()
    };
    build("1", "content").says("built");
    build("2", "content").executes(&["RUN echo $N"]);
    build("1", "metadata").says("built");
    build("3", "metadata").executes(&["RUN echo $N", "COPY --from=made", "RUN echo after"]);
}

#[test]
fn c07_copy_from_follows_its_source() {
    let env = TestEnv::with_base();
    let text = |word: &str, path: &str| {
        format!(
            "FROM base AS made\nRUN echo {word} > /one && echo > /two\n\
             FROM base\nRUN echo independent\nCOPY --from=made {path} /x\n"
        )
    };
    env.build_text(&text("a", "/one"), &[]).success();
    env.build_text(&text("b", "/one"), &[])
        .success()
        .executes(&["RUN echo b", "COPY --from=made"]);
    env.build_text(&text("b", "/two"), &[])
        .success()
        .executes(&["COPY --from=made /two"]);
    env.build_text(&text("a", "/one"), &[]).success().all_hits();
}

#[test]
fn c07_copy_from_a_named_context_follows_its_files() {
    let env = TestEnv::with_base();
    let other = Files::new(env.path("other"));
    other.write("x", "x").write("y", "y");
    let named = format!("other={}", env.path("other").display());
    let args = ["--build-context", &named];
    env.build_text("FROM base\nCOPY --from=other x /x\n", &args)
        .success()
        .executes(&["COPY"]);
    other.set_mtime("y", 5);
    env.build(&args).success().all_hits();
    other.set_mtime("x", 5);
    env.build(&args)
        .success()
        .executes(&["COPY --from=other x"]);
}

#[test]
fn c08_a_url_is_revalidated_at_each_build() {
    let env = TestEnv::with_base();
    let web = Web::start("one", "v1");
    env.iechorfile(&format!(
        "FROM base\nADD {} /file\nRUN cat /file\n",
        web.url("file")
    ));
    env.build(&[]).success().executes(&["ADD", "RUN cat"]);
    env.build(&[]).success().all_hits();
    assert_eq!(web.bodies(), 1, "the file is not fetched again");
    web.set("two", "v2");
    env.build(&[]).success().executes(&["ADD", "RUN cat"]);
    assert_eq!(env.export(&[]).read("file"), "two");
}

#[test]
fn c08_a_checksum_stands_for_the_contents() {
    let env = TestEnv::with_base();
    let web = Web::start("payload", "v1");
    let sum = "sha256:239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5";
    env.iechorfile(&format!(
        "FROM base\nADD --checksum={sum} {} /file\n",
        web.url("file")
    ));
    env.build(&[]).success().executes(&["ADD"]);
    web.set("payload", "v2");
    env.build(&[]).success().all_hits();
}

#[test]
fn c09_after_a_miss_everything_that_depends_on_it_is_executed() {
    let env = TestEnv::with_base();
    let text = |word: &str| {
        format!(
            "FROM base AS apart\nRUN echo apart > /apart\n\
             FROM base AS changed\nRUN echo before\nRUN echo {word} > /w\nRUN echo after\n\
             FROM changed AS dependent\nRUN echo dependent\n\
             FROM dependent\nCOPY --from=apart /apart /apart\n"
        )
    };
    env.build_text(&text("one"), &[]).success();
    let second = env.build_text(&text("two"), &[]).success();
    second.executes(&[
        "RUN echo two",
        "RUN echo after",
        "RUN echo dependent",
        "COPY --from=apart",
    ]);
    let mut cached = second.cached();
    cached.sort();
    assert_eq!(cached, ["RUN echo apart > /apart", "RUN echo before"]);
}

#[test]
fn c10_no_cache_looks_nothing_up_and_records_all() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN cat /proc/sys/kernel/random/uuid > /id\nRUN echo after\n");
    let old = env.export(&[]).read("id");
    env.build(&["--no-cache"])
        .success()
        .executes(&["RUN cat", "RUN echo after"]);
    env.build(&[]).success().all_hits();
    assert_ne!(
        env.export(&[]).read("id"),
        old,
        "the new results are the ones that are found"
    );
}

#[test]
fn c11_the_named_stages_are_looked_up_no_more() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base AS install\nRUN echo install > /i\nFROM base AS other\nRUN echo other > /o\n\
         FROM base\nCOPY --from=other /o /o\nCOPY --from=install /i /i\n",
    );
    env.build(&[]).success();
    let filtered = ["RUN echo install", "COPY --from=install"];
    env.build(&["--no-cache-filter", "install"])
        .success()
        .executes(&filtered);
    env.build(&["--no-cache-filter", "0"])
        .success()
        .executes(&filtered);
    let both = env.build(&["--no-cache-filter", "install,other"]).success();
    assert_eq!(both.executed().len(), 4, "{}", both.transcript());
    env.build(&[]).success().all_hits();
    let wrong = env.build(&["--no-cache-filter", "instal"]).code(2);
    wrong.says("instal").says("install").says("other");
}

#[test]
fn c12_an_argument_counts_from_its_declaration_on() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo before\nARG CACHEBUST=0\nRUN echo after\n");
    let build = |value: &str| {
        env.build(&["--build-arg", &format!("CACHEBUST={value}")])
            .success()
    };
    build("1").executes(&["RUN echo before", "RUN echo after"]);
    build("1").all_hits();
    build("2").executes(&["RUN echo after"]);
    build("1").all_hits();
    env.build(&["--build-arg", "UNDECLARED=9", "--build-arg", "CACHEBUST=2"])
        .success()
        .all_hits()
        .says("UNDECLARED");
}

#[test]
fn c12_the_first_instruction_that_expands_it_misses() {
    let env = TestEnv::with_base();
    env.context().write("one", "1").write("two", "2");
    env.iechorfile("FROM base\nARG WHICH\nCOPY one /always/\nCOPY $WHICH /which\nRUN echo after\n");
    env.build(&["--build-arg", "WHICH=one"]).success();
    let second = env.build(&["--build-arg", "WHICH=two"]).success();
    assert_eq!(second.executed().len(), 2, "{}", second.transcript());
    assert_eq!(second.cached().len(), 1, "{}", second.transcript());
}

#[test]
fn c12_proxies_enter_no_key_unless_declared() {
    let env = TestEnv::with_base();
    let build = |text: &str, proxy: &str| {
        env.iechorfile(text);
        Output::of(env.command(env.build_args(&[])).env("HTTPS_PROXY", proxy)).success()
    };
    let undeclared = "FROM base\nRUN echo \"$HTTPS_PROXY\"\n";
    build(undeclared, "http://one.invalid").says("http://one.invalid");
    build(undeclared, "http://two.invalid").all_hits();
    let declared = "FROM base\nARG HTTPS_PROXY\nRUN echo \"$HTTPS_PROXY\" declared\n";
    build(declared, "http://one.invalid").executes(&["RUN"]);
    build(declared, "http://two.invalid").executes(&["RUN"]);
}

#[test]
fn c13_what_is_in_force_counts_for_what_it_influences() {
    let env = TestEnv::with_base();
    let variants = [
        "FROM base\nENV A=1\nRUN echo x\n",
        "FROM base\nENV A=2\nRUN echo x\n",
        "FROM base\nWORKDIR /one\nRUN echo x\n",
        "FROM base\nWORKDIR /two\nRUN echo x\n",
        "FROM base\nUSER app\nRUN echo x\n",
        "FROM base\nUSER 7\nRUN echo x\n",
        "FROM base\nSHELL [\"/bin/ash\", \"-c\"]\nRUN echo x\n",
        "FROM base\nSHELL [\"/bin/sh\", \"-xc\"]\nRUN echo x\n",
    ];
    for text in variants {
        env.build_text(text, &[])
            .success()
            .executes(&["RUN echo x"]);
    }
    for text in variants {
        env.build_text(text, &[]).success().all_hits();
    }
}

#[test]
fn c14_the_value_of_a_secret_counts_for_nothing() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN --mount=type=secret,id=token cat /run/secrets/token | wc -c\n");
    let build = |value: &str| {
        let args = env.build_args(&["--secret", "id=token,env=TOKEN"]);
        Output::of(env.command(args).env("TOKEN", value)).success()
    };
    build("first value").executes(&["RUN"]);
    build("another value").all_hits();
}

#[test]
fn c15_the_properties_of_a_secret_count() {
    let env = TestEnv::with_base();
    let args = [
        "--secret",
        "id=a,src=/etc/hostname",
        "--secret",
        "id=b,src=/etc/hostname",
    ];
    let variants = [
        "id=a",
        "id=b",
        "id=a,target=/t",
        "id=a,mode=0444",
        "id=a,uid=5",
        "id=a,gid=5",
        "id=a,required=true",
        "id=a,env=A",
        "id=a,env=B",
    ];
    let text = |mount: &str| format!("FROM base\nRUN --mount=type=secret,{mount} true\n");
    for mount in variants {
        env.build_text(&text(mount), &args)
            .success()
            .executes(&["RUN"]);
    }
    for mount in variants {
        env.build_text(&text(mount), &args).success().all_hits();
    }
}

#[test]
fn c16_mounts_count_by_their_properties() {
    let env = TestEnv::with_base();
    let variants = [
        "type=cache,target=/c",
        "type=cache,target=/d",
        "type=cache,target=/c,id=other",
        "type=cache,target=/c,mode=0700",
        "type=tmpfs,target=/c",
        "type=tmpfs,target=/c,size=1m",
    ];
    let text =
        |mount: &str| format!("FROM base\nRUN --mount={mount} date >> /c/log 2>/dev/null; true\n");
    for mount in variants {
        env.build_text(&text(mount), &[])
            .success()
            .executes(&["RUN"]);
    }
    for mount in variants {
        env.build_text(&text(mount), &[]).success().all_hits();
    }
}

#[test]
fn c16_a_bind_mount_counts_by_its_source() {
    let env = TestEnv::with_base();
    env.context().write("src/a", "a").write("other", "o");
    env.iechorfile("FROM base\nRUN --mount=type=bind,source=src,target=/in cat /in/a\n");
    after(&env, |files| {
        files.set_mtime("other", 5);
    })
    .all_hits();
    after(&env, |files| {
        files.set_mtime("src/a", 5);
    })
    .executes(&["RUN --mount"]);
    let text = |word: &str| {
        format!(
            "FROM base AS made\nRUN echo {word} > /x\n\
             FROM base\nRUN --mount=type=bind,from=made,target=/in cat /in/x\n"
        )
    };
    env.build_text(&text("one"), &[]).success();
    env.build_text(&text("two"), &[])
        .success()
        .executes(&["RUN echo two", "RUN --mount"]);
}

#[test]
fn c3_hosts_are_no_part_of_an_instruction() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN cat /etc/hosts\n");
    let first = env.build(&["--add-host", "db:10.0.0.7"]).success();
    first.says("10.0.0.7");
    for hosts in [
        &["--add-host", "db:10.0.0.8"][..],
        &["--add-host", "x:1.2.3.4"],
        &[],
    ] {
        env.build(hosts).success().all_hits();
    }
}

#[test]
fn c17_what_is_pruned_misses() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo one\nRUN echo two\n");
    env.build(&[]).success();
    env.run(["builder", "prune", "-a", "-f"]).success();
    env.build(&[])
        .success()
        .executes(&["RUN echo one", "RUN echo two"]);
}

#[test]
fn c17_a_filter_removes_what_it_names() {
    let env = TestEnv::with_base();
    env.iechorfile(
        "FROM base AS a\nRUN echo one > /one\nFROM base\nRUN echo two\nCOPY --from=a /one /one\n",
    );
    env.build(&[]).success();
    let steps = env
        .run(["builder", "du", "--format", "json"])
        .success()
        .stdout;
    let steps = crate::support::tool::json(&steps);
    let record = steps.as_array().unwrap().iter().find(|step| {
        step["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("COPY --from=a"))
    });
    let id = record.unwrap()["id"].as_str().unwrap();
    let filter = format!("id={id}");
    env.run(["builder", "prune", "-a", "-f", "--filter", &filter])
        .success();
    env.build(&[]).success().executes(&["COPY --from=a"]);
}

#[test]
fn c17_what_a_mount_uses_is_never_removed() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo kept > /kept\n", &["-t", "app"])
        .success();
    let dir = env.run(["mount", "app"]).success().stdout;
    env.run(["rmi", "app"]).success();
    env.run(["builder", "prune", "-a", "-f"]).success();
    let kept = fs::read_to_string(Path::new(dir.trim()).join("kept")).unwrap();
    assert_eq!(kept, "kept\n");
}

#[test]
fn c18_the_base_counts_by_digest() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nLABEL v=1\n", &["-q", "-t", "moving"])
        .success();
    env.run(["tag", "moving", "same"]).success().says("same");
    env.build_text("FROM moving\nRUN echo x\n", &[])
        .success()
        .executes(&["RUN echo x"]);
    env.build_text("FROM same\nRUN echo x\n", &[])
        .success()
        .all_hits();
    env.build_text("FROM base\nLABEL v=2\n", &["-q", "-t", "moving"])
        .success();
    env.build_text("FROM moving\nRUN echo x\n", &[])
        .success()
        .executes(&["RUN echo x"]);
    env.build_text("FROM same\nRUN echo x\n", &[])
        .success()
        .all_hits();
}

#[test]
fn c19_what_fails_records_nothing() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN echo before\n\
                RUN --mount=type=cache,target=/c test -e /c/second || { touch /c/second; exit 1; }\nRUN echo after\n";
    env.build_text(text, &[])
        .code(1)
        .says("RUN --mount=type=cache");
    let second = env.build(&[]).success();
    second.executes(&["RUN --mount=type=cache", "RUN echo after"]);
    assert_eq!(second.cached(), ["RUN echo before"]);
}

#[test]
fn c20_every_miss_says_why() {
    let env = project();
    env.iechorfile("FROM base\nARG CACHEBUST\nRUN echo first\nCOPY src /src\nRUN echo last\n");
    let build = |value: &str| {
        env.build(&["--build-arg", &format!("CACHEBUST={value}")])
            .success()
    };
    let first = build("1");
    assert!(!first.reason("RUN echo first").is_empty());
    let why = build("2").reason("RUN echo first");
    assert!(
        why.contains("CACHEBUST") && why.contains('1') && why.contains('2'),
        "{why}"
    );
    env.context().set_mtime("src/main.c", 1_100_000_000);
    let touched = build("2");
    let why = touched.reason("COPY src");
    assert!(why.contains("main.c") && why.contains("time"), "{why}");
    env.context().write("src/new.c", "");
    let why = build("2").reason("COPY src");
    assert!(why.contains("new.c"), "{why}");
    env.context().write("src/lib.c", "longer than before");
    let why = build("2").reason("COPY src");
    assert!(why.contains("lib.c") && why.contains("size"), "{why}");
    let filtered = env
        .build(&["--build-arg", "CACHEBUST=2", "--no-cache-filter", "0"])
        .success();
    assert!(
        filtered
            .reason("RUN echo first")
            .contains("--no-cache-filter")
    );
    let uncached = env
        .build(&["--build-arg", "CACHEBUST=2", "--no-cache"])
        .success();
    assert!(uncached.reason("RUN echo first").contains("--no-cache"));
}

#[test]
fn c20_a_follower_names_what_it_follows_and_an_edit_shows_both_texts() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN echo one\nRUN echo after\n", &[])
        .success();
    let second = env
        .build_text("FROM base\nRUN echo two\nRUN echo after\n", &[])
        .success();
    let why = second.reason("RUN echo two");
    assert!(why.contains("echo one"), "{why}");
    let why = second.reason("RUN echo after");
    assert!(why.contains("follows"), "{why}");
}

#[test]
fn c08_a_repository_is_keyed_by_the_commit_that_its_reference_names() {
    let env = TestEnv::with_base();
    let served = env.path("served");
    let work = served.join("lib.git");
    std::fs::create_dir_all(&work).unwrap();
    std::fs::write(work.join("file"), "one").unwrap();
    for line in [
        "init --quiet -b main",
        "add file",
        "commit --quiet -m one",
        "tag v1",
    ] {
        git::run(&work, line);
    }
    let server = GitServer::start(&served);
    let url = format!("git://127.0.0.1:{}/lib.git", server.port);
    env.iechorfile(&format!(
        "FROM base\nADD {url}#v1 /pinned\nADD {url}#main /moving\n"
    ));
    env.build(&[]).success();
    env.build(&[]).success().all_hits();
    std::fs::write(work.join("file"), "two").unwrap();
    git::run(&work, "commit --quiet -a -m two");
    let again = env.build(&["-t", "repo"]).success();
    again.says("miss: commit of");
    assert_eq!(again.executed(), [format!("ADD {url}#main /moving")]);
    env.build_text(&format!("FROM base\nADD {url}#nosuch /x\n"), &[])
        .code(4)
        .says("nosuch");
}
