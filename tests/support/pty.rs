//! A person at a terminal: a program on a pseudo-terminal that is its controlling terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program and its terminal.
pub(crate) struct Pty {
    master: File,
    child: Child,
    screen: String,
}

impl Pty {
    /// Starts a program on a terminal of 80 columns.
    pub(crate) fn start(command: &Command) -> Self {
        // Closed on exec: whoever else is started must not keep the terminal from hanging up.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname_r(&master).unwrap();
        let slave = || {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            Stdio::from(rustix::fs::open(&path, flags, Mode::empty()).unwrap())
        };
        // It leads a session, whose terminal is the slave.
        let mut session = Command::new("setsid");
        session
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session
            .env("TERM", "xterm")
            .stdin(slave())
            .stdout(slave())
            .stderr(slave());
        let child = session.spawn().unwrap();
        let pty = Self {
            master: File::from(OwnedFd::from(master)),
            child,
            screen: String::new(),
        };
        pty.resize(24, 80);
        pty
    }

    /// Types.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the text is on the screen, and gives what was before it. What follows stays.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.screen.find(text) {
                let before = self.screen[..at].to_owned();
                self.screen = self.screen[at + text.len()..].to_owned();
                return before;
            }
            assert!(
                self.read(deadline),
                "{text:?} does not come\n{}",
                self.screen
            );
        }
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let size = rustix::termios::Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&self.master, size).unwrap();
    }

    /// Whether keys are interpreted by the terminal, as they are when nobody has changed that.
    pub(crate) fn is_as_it_was(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.master)
            .unwrap()
            .local_modes;
        let cooked = rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO;
        modes.contains(cooked)
    }

    /// The program's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Hangs up.
    pub(crate) fn hang_up(self) -> Child {
        self.child
    }

    /// Waits for the end; gives the exit code and what was still written.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Instant::now()) {}
                return (status.code(), self.screen);
            }
            assert!(
                Instant::now() < deadline,
                "it does not end\n{}",
                self.screen
            );
            self.read(Instant::now() + Duration::from_millis(50));
        }
    }

    /// Reads what comes before the deadline; `false`: nothing came.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).unwrap();
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut fds, Some(&left)).unwrap_or(0) == 0 {
            return false;
        }
        let mut bytes = [0; 4096];
        match self.master.read(&mut bytes) {
            Ok(0) | Err(_) => false,
            Ok(len) => {
                self.screen
                    .push_str(&String::from_utf8_lossy(&bytes[..len]));
                true
            }
        }
    }
}
