//! PID 1 of a step: sets up, starts the command, reaps, passes SIGTERM on, reports how it ended.
//!
//! Returning from [`run`] ends the process, and the kernel then kills what is left of the step.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::{console, exec, setup};
use crate::StepFault;
use crate::channel::{Ending, InitEnd, Order, Report, Talk, Task};
use crate::fault::Doing;
use crate::sys::{self, Forked};

/// Lives the life of a step's init.
pub(super) fn run(mut channel: InitEnd) {
    let Ok(Some(task)) = channel.receive_step() else {
        return;
    };
    match set_up_and_watch(&task, &mut channel) {
        Ok(Some(ending)) => report(&mut channel, &Report::Ended { ending }),
        Ok(None) => {}
        Err(fault) => report(&mut channel, &Report::Failed { fault }),
    }
}

/// A report that nobody reads any more is no loss.
fn report(channel: &mut InitEnd, report: &Report) {
    let _ = channel.report(report);
}

/// How the command ended; none when the builder is dead.
fn set_up_and_watch(task: &Task, channel: &mut InitEnd) -> Result<Option<Ending>, StepFault> {
    let world = setup::prepare(&task.step)?;
    let Ok(Some(Order::Go { groups })) = channel.receive() else {
        return Ok(None);
    };
    world.enter(&groups)?;
    let terminal = match task.talk {
        Talk::Streams => None,
        Talk::Terminal => Some(console::open(&task.step.user)?),
    };
    let children = watch_children()?;
    match sys::fork().doing("fork the command")? {
        Forked::Child => become_command(task, terminal, channel),
        Forked::Parent(command) => {
            drop(terminal);
            close_streams().doing("close the command's streams")?;
            watch(command, &children, channel).doing("watch the command")
        }
    }
}

/// The command's side of the fork: its fault goes straight to the builder.
fn become_command(task: &Task, terminal: Option<OwnedFd>, channel: &mut InitEnd) -> ! {
    let fault = exec::command(&task.step, &task.filters, terminal);
    report(channel, &Report::Failed { fault });
    sys::exit(127)
}

/// Init started with all signals blocked, so none is lost before this.
fn watch_children() -> Result<SignalFd, StepFault> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .doing("watch for ended processes")
}

/// Puts `/dev/null` in place of all three, so that the end of the command's output is seen, and who
/// writes to its input sees when it reads no more.
fn close_streams() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(rustix::stdio::dup2_stderr(&null)?)
}

fn watch(command: Pid, children: &SignalFd, channel: &mut InitEnd) -> io::Result<Option<Ending>> {
    loop {
        if let Some(ending) = reap(command)? {
            return Ok(Some(ending));
        }
        let mut fds = [
            PollFd::new(children, PollFlags::IN),
            PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::IN),
        ];
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        let ordered = !fds[1].revents().is_empty();
        while children.read_signal()?.is_some() {}
        if ordered && obey(channel)? == Life::Over {
            return Ok(None);
        }
    }
}

/// Reaps whatever has ended, orphans included, until the command itself has.
fn reap(command: Pid) -> io::Result<Option<Ending>> {
    while let Some((pid, status)) = wait(WaitOptions::NOHANG)? {
        if pid == command {
            return Ok(Some(ending(status)));
        }
    }
    Ok(None)
}

fn ending(status: WaitStatus) -> Ending {
    match status.terminating_signal() {
        Some(signal) => Ending::Signaled { signal },
        None => Ending::Exited {
            code: status.exit_status().unwrap_or(0) as u8,
        },
    }
}

/// Whether the builder still lives.
#[derive(PartialEq, Eq)]
enum Life {
    GoesOn,
    Over,
}

fn obey(channel: &mut InitEnd) -> io::Result<Life> {
    match channel.receive()? {
        Some(Order::Terminate) => {
            terminate_all();
            Ok(Life::GoesOn)
        }
        Some(Order::Go { .. }) => Ok(Life::GoesOn),
        None => Ok(Life::Over),
    }
}

/// From PID 1, -1 means every other process of the namespace.
fn terminate_all() {
    let everyone = nix::unistd::Pid::from_raw(-1);
    // Fails only when nobody is left.
    let _ = nix::sys::signal::kill(everyone, Signal::SIGTERM);
}
