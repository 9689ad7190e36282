//! The terminal of a person who works in a step, and its relay to the terminal of the step.
//!
//! ```text
//! person's terminal, raw ──► relay ──► master ─┊─ slave: the command's controlling terminal
//!                        ◄──       ◄──         ┊  (of the step's own devpts)
//! ```
//!
//! The step's side interprets what is typed, so that Ctrl-C is a signal to the command alone. The
//! person's terminal is as it was when the relay ends, however it ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::CancelToken;
use crate::cancel::CancelListener;

/// As much as is moved at a time.
const CHUNK: usize = 16 * 1024;

/// A person's terminal.
#[derive(Debug)]
pub struct Terminal {
    input: OwnedFd,
    output: OwnedFd,
    resized: SignalFd,
}

impl Terminal {
    /// Takes the two sides of a terminal. SIGWINCH is blocked in the calling thread from here on, so
    /// it must come before the first thread, which would take the signal away.
    ///
    /// # Errors
    ///
    /// When the descriptors are no terminal, or one that hung up.
    pub fn new(input: OwnedFd, output: OwnedFd) -> io::Result<Self> {
        tcgetattr(&input)?;
        tcgetattr(&output)?;
        let signals = SigSet::from(Signal::SIGWINCH);
        signals.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self {
            input,
            output,
            resized: SignalFd::with_flags(&signals, flags)?,
        })
    }

    /// Relays until the step's side is closed, the person's side hangs up, `cancel` fires or `over`
    /// is closed at its other end. The master comes over `console`; when none does, there is nothing
    /// to relay.
    pub(crate) fn relay(
        &self,
        console: &UnixStream,
        over: BorrowedFd<'_>,
        cancel: &CancelToken,
    ) -> io::Result<()> {
        let listener = cancel.listen()?;
        let Some(master) = receive_master(console)? else {
            return Ok(());
        };
        rustix::io::ioctl_fionbio(&master, true)?;
        let _raw = RawMode::enter(self.input.as_fd())?;
        let mut relay = Relay {
            terminal: self,
            master,
            typed: Vec::new(),
            buffer: vec![0; CHUNK],
        };
        relay.resize();
        while !cancel.is_fired() && relay.turn(over, &listener)? == Line::Open {}
        Ok(())
    }
}

/// The step's side of the terminal; none when its init is gone before it made one.
fn receive_master(console: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    let receive = || recvmsg(console, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    rustix::io::retry_on_intr(receive)?;
    let fds = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok(fds.flatten().next())
}

/// Whether both sides are still there.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Open,
    Closed,
}

struct Relay<'a> {
    terminal: &'a Terminal,
    master: OwnedFd,
    /// What was typed and the step has not taken yet.
    typed: Vec<u8>,
    buffer: Vec<u8>,
}

impl Relay<'_> {
    /// Waits for something to happen, and passes it on.
    fn turn(&mut self, over: BorrowedFd<'_>, cancelled: &CancelListener) -> io::Result<Line> {
        // Nothing more is taken from the person until the step has taken what there is.
        let (input, to_master) = match self.typed.is_empty() {
            true => (PollFlags::IN, PollFlags::IN),
            false => (PollFlags::empty(), PollFlags::IN | PollFlags::OUT),
        };
        let mut fds = [
            PollFd::new(&self.terminal.input, input),
            PollFd::new(&self.master, to_master),
            PollFd::new(&self.terminal.resized, PollFlags::IN),
            PollFd::from_borrowed_fd(over, PollFlags::IN),
            PollFd::from_borrowed_fd(cancelled.as_fd(), PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        let [input, master, resized, over, _] = fds.map(|fd| fd.revents());
        if !resized.is_empty() {
            self.resize();
        }
        self.type_into_step()?;
        // What the step wrote last is shown before its end is noticed.
        if !(master - PollFlags::OUT).is_empty() && self.show()? == Line::Closed {
            return Ok(Line::Closed);
        }
        if !over.is_empty() {
            while self.show()? == Line::Open && self.has_output() {}
            return Ok(Line::Closed);
        }
        match input.is_empty() {
            true => Ok(Line::Open),
            false => self.read_typed(),
        }
    }

    /// Takes what was typed. A terminal that hung up gives nothing or an error.
    fn read_typed(&mut self) -> io::Result<Line> {
        match rustix::io::read(&self.terminal.input, &mut *self.buffer) {
            Ok(0) | Err(Errno::IO) => Ok(Line::Closed),
            Ok(len) => {
                self.typed.extend_from_slice(&self.buffer[..len]);
                self.type_into_step().map(|()| Line::Open)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Line::Open),
            Err(errno) => Err(errno.into()),
        }
    }

    fn type_into_step(&mut self) -> io::Result<()> {
        while !self.typed.is_empty() {
            match rustix::io::write(&self.master, &self.typed) {
                Ok(len) => drop(self.typed.drain(..len)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                // Nobody reads any more; the end is seen where the output ends.
                Err(Errno::IO) => self.typed.clear(),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Shows what the step wrote.
    fn show(&mut self) -> io::Result<Line> {
        match rustix::io::read(&self.master, &mut *self.buffer) {
            // EIO: the last process that had the slave is gone.
            Ok(0) | Err(Errno::IO) => Ok(Line::Closed),
            Ok(len) => write_all(&self.terminal.output, &self.buffer[..len]),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Line::Open),
            Err(errno) => Err(errno.into()),
        }
    }

    fn has_output(&self) -> bool {
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        let now = rustix::event::Timespec::default();
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::IN)
    }

    /// Gives the step's terminal the size of the person's; one without a size keeps the default.
    fn resize(&self) {
        while matches!(self.terminal.resized.read_signal(), Ok(Some(_))) {}
        if let Ok(size) = tcgetwinsize(&self.terminal.input) {
            let _ = tcsetwinsize(&self.master, size);
        }
    }
}

/// A terminal that hung up takes nothing: that is the end, and no error.
fn write_all(to: impl AsFd, mut bytes: &[u8]) -> io::Result<Line> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::new(&to, PollFlags::OUT)];
                rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
            }
            Err(Errno::IO) => return Ok(Line::Closed),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(Line::Open)
}

/// A terminal that passes every key on, until this is dropped.
struct RawMode<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> RawMode<'a> {
    fn enter(terminal: BorrowedFd<'a>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
