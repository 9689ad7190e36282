//! What a step costs that does nothing: `cargo bench -p iechor-executor`.
//!
//! Needs root and a static `/bin/busybox`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that reports a figure"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use iechor_executor::{
    CancelToken, Network, OutputSink, Sandbox, StepOutcome, StepSpec, Stream, User,
};

const STEPS: usize = 100;

/// As between the steps of a build: back to back, the kernel skips waits that a first step has.
const PAUSE: Duration = Duration::from_millis(20);

/// Throws output away.
struct Nowhere;

impl OutputSink for Nowhere {
    fn output(&mut self, _: Stream, _: &[u8]) {}
}

fn main() {
    iechor_executor::init_if_child();
    iechor_executor::enter_private_mounts().unwrap();
    let rootfs = tempfile::tempdir().unwrap();
    for directory in ["bin", "dev", "proc", "sys"] {
        fs::create_dir(rootfs.path().join(directory)).unwrap();
    }
    fs::copy("/bin/busybox", rootfs.path().join("bin/true")).unwrap();

    let start = Instant::now();
    let sandbox = Sandbox::new().unwrap();
    println!("Sandbox::new: {:?}", start.elapsed());
    for network in [Network::Host, Network::None] {
        let step = step(rootfs.path(), network);
        let mut times: Vec<Duration> = (0..STEPS).map(|_| time(&sandbox, &step)).collect();
        times.sort();
        let (median, slow) = (times[STEPS / 2], times[STEPS * 95 / 100]);
        println!("step, network {network:?}: median {median:?}, 95% under {slow:?}");
    }
}

fn time(sandbox: &Sandbox, step: &StepSpec) -> Duration {
    std::thread::sleep(PAUSE);
    let start = Instant::now();
    let outcome = sandbox
        .run(step, &mut Nowhere, &CancelToken::default())
        .unwrap();
    assert_eq!(outcome, StepOutcome::Exited(0));
    start.elapsed()
}

fn step(rootfs: &Path, network: Network) -> StepSpec {
    StepSpec {
        rootfs: rootfs.into(),
        argv: vec!["/bin/true".into()],
        env: vec![],
        cwd: "/".into(),
        user: User {
            uid: 0,
            gid: 0,
            groups: vec![],
        },
        hostname: "iechor".into(),
        network,
        mounts: vec![],
    }
}
