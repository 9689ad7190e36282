//! Steps in the fewest words.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use iechor_executor::{
    Access, CancelToken, ExecError, MountSource, Network, OutputSink, Sandbox, StepMount,
    StepOutcome, StepSpec, Stream, User,
};

use crate::rootfs::Rootfs;

/// The sandbox of all tests.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new().unwrap())
}

/// A shell script as a step of root.
pub(crate) fn shell(rootfs: &Rootfs, script: &str) -> StepSpec {
    shell_at(rootfs.root(), script)
}

/// The same, when all that is known of the rootfs is its directory.
pub(crate) fn shell_at(rootfs: &Path, script: &str) -> StepSpec {
    command_at(rootfs, &["/bin/sh", "-c", script])
}

/// A command as a step of root.
pub(crate) fn command(rootfs: &Rootfs, argv: &[&str]) -> StepSpec {
    command_at(rootfs.root(), argv)
}

fn command_at(rootfs: &Path, argv: &[&str]) -> StepSpec {
    StepSpec {
        rootfs: rootfs.into(),
        argv: argv.iter().map(Into::into).collect(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        user: User {
            uid: 0,
            gid: 0,
            groups: vec![],
        },
        hostname: "iechor".into(),
        network: Network::Host,
        mounts: vec![],
    }
}

/// A mount.
pub(crate) fn mount(target: &str, source: MountSource) -> StepMount {
    StepMount {
        target: target.into(),
        source,
    }
}

/// A bind mount's source.
pub(crate) fn bind(source: impl Into<PathBuf>, access: Access) -> MountSource {
    MountSource::Bind {
        source: source.into(),
        access,
    }
}

/// What a step wrote.
#[derive(Default, Debug)]
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without the last line end.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }
}

impl OutputSink for Output {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
    }
}

/// Runs a step that can be started.
pub(crate) fn run(step: &StepSpec) -> (StepOutcome, Output) {
    let mut output = Output::default();
    let outcome = sandbox().run(step, &mut output, &CancelToken::default());
    (outcome.unwrap_or_else(|error| panic!("{error:?}")), output)
}

/// Runs a step that must succeed, for its standard output.
#[track_caller]
pub(crate) fn text(step: &StepSpec) -> String {
    let (outcome, output) = run(step);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(outcome, StepOutcome::Exited(0), "stderr: {errors}");
    output.text()
}

/// Runs a step that cannot be started.
pub(crate) fn error(step: &StepSpec) -> ExecError {
    let mut output = Output::default();
    sandbox()
        .run(step, &mut output, &CancelToken::default())
        .unwrap_err()
}

/// The control groups that a builder's steps have now.
pub(crate) fn groups_of(builder: u32) -> Vec<PathBuf> {
    let output = Command::new("find")
        .args([
            "/sys/fs/cgroup",
            "-maxdepth",
            "5",
            "-name",
            &format!("iechor-{builder}-*"),
        ])
        .output()
        .unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    list.lines().map(PathBuf::from).collect()
}
