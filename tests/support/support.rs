//! What the end-to-end tests stand on: a state directory of their own, the program, a base image,
//! a registry, and a check that nothing is left behind.

pub(crate) mod archive;
pub(crate) mod base;
pub(crate) mod browser;
pub(crate) mod dice;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod leftovers;
pub(crate) mod listing;
pub(crate) mod output;
pub(crate) mod pty;
pub(crate) mod registry;
pub(crate) mod tls;
pub(crate) mod tool;
pub(crate) mod web;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) use self::files::Files;
pub(crate) use self::output::Output;

/// The program under test.
pub(crate) const IECHOR: &str = env!("CARGO_BIN_EXE_iechor");

/// Variables of the caller that would change what a build does.
const NEUTRAL: [&str; 25] = [
    "IECHOR_ROOT",
    "IECHOR_CONFIG",
    "IECHOR_PROGRESS",
    "BUILDKIT_PROGRESS",
    "CI",
    "GITHUB_ACTIONS",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "DOCKER_CONFIG",
    "DOCKER_DEFAULT_PLATFORM",
    "REGISTRY_AUTH_FILE",
    "SOURCE_DATE_EPOCH",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
];

/// One test's world: everything is below one temporary directory, and gone with it.
///
/// When it is dropped it looks for what a build must not leave: mounts, processes, temporary files.
pub(crate) struct TestEnv {
    dir: TempDir,
}

impl TestEnv {
    /// An empty state directory and an empty build context.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("iechor-e2e-")
            .tempdir()
            .unwrap();
        for name in ["context", "home", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    /// The same with the image `base` in the local list: busybox, and users to run as.
    pub(crate) fn with_base() -> Self {
        let env = Self::new();
        base::build(&env, "base");
        env
    }

    /// A path in the test's directory.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The state directory.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("state")
    }

    /// The build context, as a place to write files in.
    pub(crate) fn context(&self) -> Files {
        Files::new(self.path("context"))
    }

    /// Writes the iEchorfile of the context.
    pub(crate) fn iechorfile(&self, text: &str) {
        self.context().write("iEchorfile", text);
    }

    /// The program with arguments, on the test's own state.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(IECHOR);
        command.arg("--root").arg(self.root()).args(args);
        self.prepare(&mut command);
        command
    }

    /// Gives a command an environment of the test's own.
    pub(crate) fn prepare(&self, command: &mut Command) {
        NEUTRAL.iter().for_each(|name| {
            command.env_remove(name);
        });
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
    }

    /// Runs the program.
    #[must_use = "assert the exit code"]
    pub(crate) fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Output {
        Output::of(&mut self.command(args))
    }

    /// Runs the program with text on its standard input.
    #[must_use = "assert the exit code"]
    pub(crate) fn run_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Output {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// The arguments of a build of the test's context, with plain progress.
    pub(crate) fn build_args(&self, args: &[&str]) -> Vec<String> {
        let context = self.path("context").display().to_string();
        let fixed = ["build", "--progress", "plain"];
        fixed
            .iter()
            .chain(args)
            .map(ToString::to_string)
            .chain([context])
            .collect()
    }

    /// Builds the test's context.
    #[must_use = "assert the exit code"]
    pub(crate) fn build(&self, args: &[&str]) -> Output {
        self.run(self.build_args(args))
    }

    /// Builds `text` in the test's context.
    #[must_use = "assert the exit code"]
    pub(crate) fn build_text(&self, text: &str, args: &[&str]) -> Output {
        self.iechorfile(text);
        self.build(args)
    }

    /// Builds, and gives the image's files in a directory.
    pub(crate) fn export(&self, args: &[&str]) -> Files {
        let dest = tempfile::Builder::new()
            .prefix("out-")
            .tempdir_in(self.dir.path())
            .unwrap();
        let dest = dest.keep();
        let output = dest.display().to_string();
        let all: Vec<&str> = args.iter().copied().chain(["-o", &output]).collect();
        self.build(&all).success();
        Files::new(dest)
    }

    /// Builds `text`, and gives the image's files in a directory.
    pub(crate) fn export_text(&self, text: &str, args: &[&str]) -> Files {
        self.iechorfile(text);
        self.export(args)
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        if self.root().exists() {
            let _ended = self.command(["umount", "--all"]).output();
        }
        let found = leftovers::of(self.dir.path(), &self.path("tmp"));
        leftovers::clear(self.dir.path());
        if !std::thread::panicking() {
            assert!(found.is_empty(), "left behind:\n{}", found.join("\n"));
        }
    }
}
