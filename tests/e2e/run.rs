//! RUN: the sandbox, its mounts, how it ends.

use crate::support::{Files, IECHOR, Output, TestEnv};

/// What a RUN step writes to its log, prefix removed.
fn said(env: &TestEnv, text: &str, args: &[&str]) -> Vec<String> {
    let built = env.build_text(text, args).success();
    let log = |line: &str| {
        let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
        let (time, text) = rest.split_once(' ')?;
        let is_log = number.parse::<usize>().is_ok() && time.parse::<f64>().is_ok();
        is_log.then(|| text.to_owned())
    };
    built.stderr.lines().filter_map(log).collect()
}

#[test]
fn shell_exec_and_heredoc_form() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN echo shell $0\nRUN [\"/bin/echo\", \"exec\", \"$HOME\"]\nRUN <<EOF\necho heredoc\nEOF\n\
                SHELL [\"/bin/busybox\", \"echo\"]\nRUN other shell\n";
    assert_eq!(
        said(&env, text, &[]),
        ["shell /bin/sh", "exec $HOME", "heredoc", "other shell"]
    );
}

#[test]
fn users_by_name_and_number() {
    let env = TestEnv::with_base();
    let text = "FROM base\nUSER app\nRUN id -u; id -g; id -G; echo $HOME\nUSER 7:8\nRUN id -u; id -g\n\
                USER app:extra\nRUN id -g\n";
    assert_eq!(
        said(&env, text, &[]),
        ["1000", "1000", "1000 2000", "/home/app", "7", "8", "2000"]
    );
}

#[test]
fn an_unknown_user_is_named() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nUSER nosuchuser\nRUN true\n", &[])
        .code(1)
        .says("nosuchuser");
}

#[test]
fn a_step_is_alone_in_its_namespaces() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN echo $$; ls /proc | grep -c '^[0-9]*$'; hostname; cat /sys/class/net/*/operstate | wc -l; \
                ls /proc/self/fd | wc -l\n";
    let said = said(&env, text, &["--network", "none"]);
    let processes: usize = said[1].parse().unwrap();
    assert!(processes <= 6, "the step sees {processes} processes");
    assert_eq!(said[3], "1", "only the loopback interface");
    assert_eq!(said[4], "4", "stdin, stdout, stderr and the listing's own");
}

#[test]
fn the_profile_is_tight() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN grep -E '^(CapEff|CapBnd|CapInh|CapAmb|Seccomp):' /proc/self/status | tr -d '\\t'\n\
                RUN mount -t tmpfs none /mnt 2>&1 || echo no mount\nRUN test ! -e /dev/fuse && echo no fuse\n\
                RUN echo x > /proc/sys/kernel/hostname 2>/dev/null || echo no sysctl\nRUN ulimit -c\n";
    let said = said(&env, text, &[]);
    let expected = [
        "CapInh:0000000000000000",
        "CapEff:00000000a80425fb",
        "CapBnd:00000000a80425fb",
        "CapAmb:0000000000000000",
        "Seccomp:2",
    ];
    assert_eq!(said[..5], expected);
    assert!(said.contains(&"no mount".to_owned()), "{said:?}");
    assert!(said.contains(&"no fuse".to_owned()), "{said:?}");
    assert!(said.contains(&"no sysctl".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "0", "core files are off");
}

#[test]
fn what_is_provided_is_no_part_of_the_image() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN test -s /etc/hosts && test -e /etc/resolv.conf && test -e /dev/null && echo there\n";
    assert_eq!(said(&env, text, &["--add-host", "db:10.1.2.3"]), ["there"]);
    let out = env.export(&["--add-host", "db:10.1.2.3"]);
    assert!(!out.has("etc/hosts") && !out.has("etc/resolv.conf"));
    assert!(out.list("dev").is_empty() && out.list("proc").is_empty());
    let text = "FROM base\nRUN grep db /etc/hosts\n";
    let hosts = said(&env, text, &["--add-host", "db:10.1.2.3"]);
    assert!(
        hosts[0].starts_with("10.1.2.3") && hosts[0].ends_with("db"),
        "{hosts:?}"
    );
}

#[test]
fn bind_mounts_show_and_leave_nothing() {
    let env = TestEnv::with_base();
    env.context().write("src/a", "from the context");
    let text = "FROM base AS made\nRUN echo from the stage > /x\nFROM base\n\
                RUN --mount=type=bind,source=src,target=/in --mount=type=bind,from=made,source=/x,target=/y \
                cat /in/a; echo; cat /y; touch /in/new 2>/dev/null || echo read-only\n\
                RUN --mount=type=bind,source=src,target=/in,rw touch /in/new && ls /in\n";
    let said = said(&env, text, &[]);
    assert_eq!(
        said,
        [
            "from the context",
            "from the stage",
            "read-only",
            "a",
            "new"
        ]
    );
    let out = env.export(&[]);
    assert!(
        !out.has("in") && !out.has("y"),
        "mount points are no part of the image"
    );
    assert!(
        !env.context().has("src/new"),
        "writes do not reach the context"
    );
}

#[test]
fn a_cache_mount_lives_on_between_builds() {
    let env = TestEnv::with_base();
    let text = "FROM base\nARG N\nRUN --mount=type=cache,target=/cache,mode=0750,uid=5 \
                echo $N >> /cache/log; cat /cache/log; stat -c '%a %u' /cache\n";
    assert_eq!(said(&env, text, &["--build-arg", "N=1"]), ["1", "750 5"]);
    assert_eq!(
        said(&env, text, &["--build-arg", "N=2"]),
        ["1", "2", "750 5"]
    );
    assert!(!env.export(&["--build-arg", "N=2"]).has("cache"));
}

#[test]
fn a_tmpfs_is_empty_and_gone() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN --mount=type=tmpfs,target=/scratch,size=1m \
                ls /scratch | wc -l; grep -c ' /scratch tmpfs' /proc/mounts; \
                dd if=/dev/zero of=/scratch/x bs=1M count=2 2>/dev/null || echo full\n";
    assert_eq!(said(&env, text, &[]), ["0", "1", "full"]);
    assert!(!env.export(&[]).has("scratch"));
}

#[test]
fn a_failure_names_code_or_signal() {
    let env = TestEnv::with_base();
    env.build_text("FROM base\nRUN exit 7\n", &[])
        .code(1)
        .says("exit code 7")
        .says("iEchorfile:2");
    env.build(&["--propagate-exit-code"])
        .code(7)
        .says("exit code 7");
    env.build_text("FROM base\nRUN kill -SEGV $$\n", &[])
        .code(1)
        .says("SIGSEGV");
    let missing = env.build_text("FROM base\nRUN [\"/no/such/program\"]\n", &[]);
    missing.code(1).says("/no/such/program");
}

#[test]
fn a_failure_shows_the_last_lines_and_the_way_on() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN for n in $(seq 100); do echo line $n; done; exit 1\n";
    let failed = env.build_text(text, &["-q"]).code(1);
    failed
        .says("line 100")
        .says("line 51")
        .says(" mount --failed` ")
        .says(" logs` ");
    failed.keeps_quiet_about("line 50\n");
    assert_eq!(failed.stdout, "");
}

#[test]
fn the_way_on_is_on_the_same_state() {
    let env = TestEnv::with_base();
    let failed = env.build_text("FROM base\nRUN exit 1\n", &[]).code(1);
    let root = env.root().display().to_string();
    for command in ["shell --failed", "mount --failed", "logs"] {
        failed.says(&format!("hint: `iechor --root {root} {command}` "));
    }
    let mut command = std::process::Command::new(IECHOR);
    command.args(env.build_args(&[]));
    env.prepare(&mut command);
    command.env("IECHOR_ROOT", &root);
    Output::of(&mut command)
        .code(1)
        .says("hint: `iechor shell --failed` ");
}

#[test]
fn the_changes_of_a_step_are_exact() {
    let env = TestEnv::with_base();
    let text = "FROM base\n\
                RUN mkdir -p /d/sub && echo 1 > /d/keep && echo 2 > /d/gone && echo 3 > /d/sub/x && ln -s keep /d/link\n\
                RUN rm /d/gone && mv /d/sub /d/moved && echo more >> /d/keep && chmod 600 /d/keep\n\
                RUN rm -r /d/moved && mkdir /d/moved && touch /d/moved/new\n";
    let out = env.export_text(text, &[]);
    assert_eq!(out.list("d"), ["keep", "link", "moved"]);
    assert_eq!(out.list("d/moved"), ["new"]);
    assert_eq!(
        (out.read("d/keep").as_str(), out.mode("d/keep")),
        ("1\nmore\n", 0o600)
    );
}

#[test]
fn background_processes_end_with_the_step() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN (sleep 1000; echo late) & (setsid sleep 1000 &) ; echo started\n";
    assert_eq!(said(&env, text, &[]), ["started"]);
}

#[test]
fn logs_cannot_drive_the_terminal() {
    let env = TestEnv::with_base();
    let text = "FROM base\nRUN printf '\\033]0;owned\\007\\033[31mred\\033[0m\\n'\n";
    let built = env.build_text(text, &[]).success();
    built.says(" red\n");
    assert!(!built.stderr.contains('\u{1b}'), "{}", built.transcript());
    assert!(
        env.run(["logs"]).success().stdout.contains("\u{1b}[31mred"),
        "the log has the bytes"
    );
}

#[test]
fn proxies_reach_run_undeclared() {
    let env = TestEnv::with_base();
    env.iechorfile("FROM base\nRUN echo \"proxy [$HTTP_PROXY] [$no_proxy]\" > /proxy\n");
    let out = env.path("out").display().to_string();
    let mut command = env.command(env.build_args(&["-t", "p", "-o", &out]));
    command
        .env("HTTP_PROXY", "http://proxy.invalid:1")
        .env("no_proxy", "localhost");
    crate::support::Output::of(&mut command)
        .success()
        .keeps_quiet_about("undeclared");
    let files = Files::new(env.path("out"));
    assert_eq!(
        files.read("proxy"),
        "proxy [http://proxy.invalid:1] [localhost]\n"
    );
    env.build(&[]).success().all_hits();
    env.run(["inspect", "p"])
        .success()
        .keeps_quiet_about("proxy.invalid");
}

#[test]
fn a_failed_stage_ends_the_steps_of_the_others() {
    let env = TestEnv::with_base();
    let text = "FROM base AS slow\nRUN sleep 300\nFROM base AS broken\nRUN sleep 1; exit 9\n\
                FROM base\nCOPY --from=slow /etc /a\nCOPY --from=broken /etc /b\n";
    let begun = std::time::Instant::now();
    env.build_text(text, &[]).code(1).says("exit code 9");
    assert!(
        begun.elapsed().as_secs() < 60,
        "the slow stage was waited for"
    );
}
