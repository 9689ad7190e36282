//! How a command runs, what it writes, and how its end is told.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use iechor_executor::{CancelToken, OutputSink, StepOutcome, Stream};

use crate::rootfs::Rootfs;
use crate::step::{command, groups_of, run, sandbox, shell, text};

crate::tests![
    exit_codes_are_told,
    signals_are_told,
    the_environment_is_exactly_the_given_one,
    both_streams_arrive_complete,
    output_arrives_while_the_command_runs,
    standard_input_is_empty,
    the_program_is_looked_up_in_the_steps_path,
    the_command_runs_in_its_directory,
    closing_standard_output_does_not_end_the_step,
    orphans_are_reaped,
    a_late_writer_is_killed,
    nothing_is_left_behind,
    steps_run_side_by_side,
];

fn exit_codes_are_told() {
    let rootfs = Rootfs::new();
    for code in [0, 1, 42, 255] {
        assert_eq!(
            run(&shell(&rootfs, &format!("exit {code}"))).0,
            StepOutcome::Exited(code)
        );
    }
}

fn signals_are_told() {
    let rootfs = Rootfs::new();
    for signal in [6, 9, 11, 15] {
        let (outcome, _) = run(&shell(&rootfs, &format!("kill -{signal} $$")));
        assert_eq!(
            outcome,
            StepOutcome::Signaled {
                signal,
                out_of_memory: false
            }
        );
    }
    assert!(!rootfs.path("core").exists());
}

fn the_environment_is_exactly_the_given_one() {
    let rootfs = Rootfs::new();
    let mut step = command(&rootfs, &["env"]);
    step.env.push(("GREETING".into(), "good\nmorning".into()));
    assert_eq!(text(&step), "PATH=/usr/bin:/bin\nGREETING=good\nmorning");
}

fn both_streams_arrive_complete() {
    const LINES: usize = 400_000;
    let rootfs = Rootfs::new();
    let script = format!("seq 1 {LINES} & seq 1 {LINES} >&2; wait");
    let (outcome, output) = run(&shell(&rootfs, &script));
    assert_eq!(outcome, StepOutcome::Exited(0));
    let expect: String = (1..=LINES).map(|line| format!("{line}\n")).collect();
    assert!(
        output.stdout == expect.as_bytes(),
        "{} bytes",
        output.stdout.len()
    );
    assert!(
        output.stderr == expect.as_bytes(),
        "{} bytes",
        output.stderr.len()
    );
    let large = text(&shell(&rootfs, "head -c 10485760 /dev/zero | tr '\\0' x"));
    assert_eq!(large.len(), 10 << 20);
}

struct FirstOutput(Option<Instant>);

impl OutputSink for FirstOutput {
    fn output(&mut self, _: Stream, _: &[u8]) {
        self.0.get_or_insert_with(Instant::now);
    }
}

fn output_arrives_while_the_command_runs() {
    let rootfs = Rootfs::new();
    let mut first = FirstOutput(None);
    let step = shell(&rootfs, "echo early; sleep 0.5");
    sandbox()
        .run(&step, &mut first, &CancelToken::default())
        .unwrap();
    assert!(first.0.unwrap().elapsed() >= Duration::from_millis(400));
}

fn standard_input_is_empty() {
    let rootfs = Rootfs::new();
    assert_eq!(
        text(&shell(&rootfs, "cat; readlink /proc/self/fd/0")),
        "/dev/null"
    );
}

fn the_program_is_looked_up_in_the_steps_path() {
    let rootfs = Rootfs::new();
    rootfs.script("usr/bin/greet", "#!/bin/sh\necho \"hello $1 from $0\"\n");
    assert_eq!(
        text(&command(&rootfs, &["greet", "you"])),
        "hello you from /usr/bin/greet"
    );
}

fn the_command_runs_in_its_directory() {
    let rootfs = Rootfs::new();
    let mut step = command(&rootfs, &["pwd"]);
    step.cwd = "/home/user".into();
    assert_eq!(text(&step), "/home/user");
}

fn closing_standard_output_does_not_end_the_step() {
    let rootfs = Rootfs::new();
    let (outcome, output) = run(&shell(
        &rootfs,
        "exec >&-; sleep 0.3; echo late >&2; exit 7",
    ));
    assert_eq!(outcome, StepOutcome::Exited(7));
    assert_eq!(output.stderr, b"late\n");
}

fn orphans_are_reaped() {
    let rootfs = Rootfs::new();
    let flood = "for i in $(seq 500); do (true &) ; done; sleep 1; \
                 grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
    assert_eq!(text(&shell(&rootfs, flood)), "0");
}

fn a_late_writer_is_killed() {
    let rootfs = Rootfs::new();
    for start in [
        "(sleep 2; echo x >/late) &",
        "setsid nohup sh -c 'sleep 2; echo x >/late' &",
    ] {
        let begin = Instant::now();
        assert_eq!(run(&shell(&rootfs, start)).0, StepOutcome::Exited(0));
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "waited for the late writer"
        );
    }
    std::thread::sleep(Duration::from_millis(2200));
    assert!(!rootfs.path("late").exists());
}

fn nothing_is_left_behind() {
    let rootfs = Rootfs::new();
    run(&shell(&rootfs, "true"));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    for _ in 0..20 {
        run(&shell(&rootfs, "sleep 100 & exit 3"));
    }
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    assert_eq!(descriptors(), before);
    let own = format!("/proc/self/task/{}/children", std::process::id());
    assert_eq!(fs::read_to_string(own).unwrap(), "");
    assert_eq!(groups_of(std::process::id()), Vec::<PathBuf>::new());
}

fn steps_run_side_by_side() {
    let rootfs = Rootfs::new();
    std::thread::scope(|scope| {
        for code in 0..8u8 {
            let step = shell(&rootfs, &format!("sleep 0.1; exit {code}"));
            scope.spawn(move || assert_eq!(run(&step).0, StepOutcome::Exited(code)));
        }
    });
}
