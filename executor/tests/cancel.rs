//! Ending a step from outside, gently and not.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use iechor_executor::{CancelToken, OutputSink, Sandbox, StepOutcome, StepSpec, Stream};

use crate::rootfs::Rootfs;
use crate::step::{Output, groups_of, sandbox, shell, shell_at};

crate::tests![
    one_request_terminates,
    one_request_reaches_every_process,
    a_step_may_clean_up_in_its_grace_time,
    two_requests_kill_at_once,
    a_stubborn_step_is_killed_after_the_grace_time,
    a_fired_token_starts_nothing,
    a_killed_builder_leaves_no_process,
];

/// Fires a token each time a step says "now".
struct FireOnNow {
    cancel: CancelToken,
    fires: u8,
    seen: Output,
}

impl OutputSink for FireOnNow {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        self.seen.output(stream, bytes);
        if bytes.starts_with(b"now") {
            let (cancel, fires) = (self.cancel.clone(), self.fires);
            thread::spawn(move || (0..fires).for_each(|_| cancel.fire()));
        }
    }
}

/// Runs a step and fires when it says "now"; tells what it wrote and how long it took from then.
fn cancelled(step: &StepSpec, fires: u8) -> (String, Duration) {
    let cancel = CancelToken::default();
    let mut sink = FireOnNow {
        cancel: cancel.clone(),
        fires,
        seen: Output::default(),
    };
    let start = Instant::now();
    let outcome = sandbox().run(step, &mut sink, &cancel).unwrap();
    assert_eq!(outcome, StepOutcome::Cancelled);
    (sink.seen.text(), start.elapsed())
}

fn one_request_terminates() {
    let rootfs = Rootfs::new();
    let (_, took) = cancelled(&shell(&rootfs, "echo now; exec sleep 60"), 1);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn one_request_reaches_every_process() {
    let rootfs = Rootfs::new();
    let script = "trap 'echo parent; exit' TERM; \
                  setsid sh -c 'trap \"echo child >/child; exit\" TERM; sleep 60 & wait' & \
                  sleep 0.3; echo now; wait; sleep 0.3";
    let script = script.replace("echo parent; exit", "echo parent; sleep 0.3; exit");
    let (seen, took) = cancelled(&shell(&rootfs, &script), 1);
    assert_eq!(seen, "now\nparent");
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert_eq!(fs::read_to_string(rootfs.path("child")).unwrap(), "child\n");
}

fn a_step_may_clean_up_in_its_grace_time() {
    let rootfs = Rootfs::new();
    let script = "trap 'sleep 0.5; echo cleaned; exit' TERM; echo now; while :; do sleep 0.1; done";
    assert_eq!(cancelled(&shell(&rootfs, script), 1).0, "now\ncleaned");
}

fn two_requests_kill_at_once() {
    let rootfs = Rootfs::new();
    let script = "trap '' TERM; echo now; while :; do sleep 0.1; done";
    let (_, took) = cancelled(&shell(&rootfs, script), 2);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn a_stubborn_step_is_killed_after_the_grace_time() {
    let rootfs = Rootfs::new();
    let script = "trap '' TERM; echo now; while :; do sleep 0.1; done";
    let (_, took) = cancelled(&shell(&rootfs, script), 1);
    assert!((9..20).contains(&took.as_secs()), "{took:?}");
}

fn a_fired_token_starts_nothing() {
    let rootfs = Rootfs::new();
    let cancel = CancelToken::default();
    cancel.fire();
    let step = shell(&rootfs, "touch /started");
    let outcome = sandbox()
        .run(&step, &mut Output::default(), &cancel)
        .unwrap();
    assert_eq!(outcome, StepOutcome::Cancelled);
    assert!(!rootfs.path("started").exists());
}

/// Processes whose root is the directory, which for a step's are all of its own.
fn processes_in(rootfs: &Rootfs) -> usize {
    let inode = fs::metadata(rootfs.root()).unwrap().ino();
    let device = fs::metadata(rootfs.root()).unwrap().dev();
    let processes = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    processes
        .filter_map(|process| fs::metadata(process.join("root")).ok())
        .filter(|root| root.ino() == inode && root.dev() == device)
        .count()
}

fn a_killed_builder_leaves_no_process() {
    let rootfs = Rootfs::new();
    for _ in 0..5 {
        let mut builder = Builder::start(&rootfs);
        assert!(processes_in(&rootfs) >= 4);
        builder.kill();
        let deadline = Instant::now() + Duration::from_secs(5);
        while processes_in(&rootfs) > 0 {
            assert!(
                Instant::now() < deadline,
                "{} processes left",
                processes_in(&rootfs)
            );
            thread::sleep(Duration::from_millis(10));
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(rootfs.root().to_str().unwrap()));
        // The next builder removes the control groups of a killed one.
        Sandbox::new().unwrap();
        assert_eq!(groups_of(builder.0.id()), Vec::<PathBuf>::new());
    }
}

/// A builder in a process of its own, killed when dropped.
struct Builder(Child);

impl Builder {
    /// Starts one, and waits until its step runs.
    fn start(rootfs: &Rootfs) -> Self {
        let mut builder = Command::new(env::current_exe().unwrap())
            .arg("--builder")
            .arg(rootfs.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(builder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "now\n");
        Self(builder)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The other side of [`Builder`].
pub(crate) fn be_a_builder(rootfs: &str) -> ExitCode {
    struct Print;
    impl OutputSink for Print {
        fn output(&mut self, _: Stream, bytes: &[u8]) {
            print!("{}", String::from_utf8_lossy(bytes));
        }
    }
    iechor_executor::enter_private_mounts().unwrap();
    // Ignores what can be ignored, and has children in sessions of their own.
    let script = "trap '' TERM HUP; (setsid sleep 4242 &); setsid sh -c 'trap \"\" TERM; sleep 4242' & \
                  sleep 0.2; echo now; while :; do sleep 0.1; done";
    let step = shell_at(Path::new(rootfs), script);
    sandbox()
        .run(&step, &mut Print, &CancelToken::default())
        .unwrap();
    ExitCode::FAILURE
}
