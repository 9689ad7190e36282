//! Typed messages between the builder and a step's init, over one stream socket.
//!
//! ```text
//! builder                                init
//!   Task ──────────────────────────────►
//!   Order::Go ─────────────────────────►   (the cgroup is made: join it, start the command)
//!   Order::Terminate ──────────────────►   (at any later time)
//!           ◄─────────────────────────── Report::Failed | Report::Ended
//! ```
//!
//! End-of-file is a message too: the other side is dead.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::sandbox::Filters;
use crate::secret::wipe;
use crate::wire::{Wire, wire_enum};
use crate::{StepFault, StepSpec};

/// What init is started for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) step: StepSpec,
    pub(crate) filters: Filters,
    pub(crate) talk: Talk,
}

/// How the command is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// By init's own standard streams.
    Streams,
    /// By a terminal that init makes; its master goes back over standard input, a socket.
    Terminal,
}

/// What the builder wants of a running init.
#[derive(Debug)]
pub(crate) enum Order {
    /// Start the command.
    Go {
        /// Files of control groups to write `0` to first.
        groups: Vec<PathBuf>,
    },
    /// Pass SIGTERM to every process of the step.
    Terminate,
}

/// What init has to say, once in its life.
#[derive(Debug)]
pub(crate) enum Report {
    /// The command could not be started.
    Failed {
        /// Why.
        fault: StepFault,
    },
    /// The command ended.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// How the command's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It left with this code.
    Exited {
        /// The code.
        code: u8,
    },
    /// A signal ended it.
    Signaled {
        /// Its number.
        signal: i32,
    },
}

wire_enum!(Talk {
    0 => Streams {},
    1 => Terminal {},
});
wire_enum!(Order {
    0 => Go { groups },
    1 => Terminate {},
});
wire_enum!(Report {
    0 => Failed { fault },
    1 => Ended { ending },
});
wire_enum!(Ending {
    0 => Exited { code },
    1 => Signaled { signal },
});

/// Makes the two ends of a channel.
pub(crate) fn channel() -> io::Result<(BuilderEnd, OwnedFd)> {
    let (builder, init) = UnixStream::pair()?;
    Ok((BuilderEnd(builder), init.into()))
}

/// The builder's end.
#[derive(Debug)]
pub(crate) struct BuilderEnd(UnixStream);

impl BuilderEnd {
    /// Sends what init needs for its setup.
    pub(crate) fn send_step(
        &mut self,
        step: &StepSpec,
        filters: &Filters,
        talk: Talk,
    ) -> io::Result<()> {
        send(&mut self.0, step)?;
        send(&mut self.0, filters)?;
        send(&mut self.0, &talk)
    }

    /// Sends an order.
    pub(crate) fn send(&mut self, order: &Order) -> io::Result<()> {
        send(&mut self.0, order)
    }

    /// Waits for a report; none when init is gone without one.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Report>> {
        receive(&mut self.0)
    }
}

impl AsFd for BuilderEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Init's end.
#[derive(Debug)]
pub(crate) struct InitEnd(UnixStream);

impl InitEnd {
    /// Takes over the descriptor that the builder handed down.
    pub(crate) fn new(inherited: OwnedFd) -> Self {
        Self(UnixStream::from(inherited))
    }

    /// Waits for what init needs for its setup; none when the builder is dead.
    pub(crate) fn receive_step(&mut self) -> io::Result<Option<Task>> {
        let Some(step) = receive(&mut self.0)? else {
            return Ok(None);
        };
        let Some(filters) = receive(&mut self.0)? else {
            return Ok(None);
        };
        let talk = receive(&mut self.0)?;
        Ok(talk.map(|talk| Task {
            step,
            filters,
            talk,
        }))
    }

    /// Waits for an order; none when the builder is dead.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Order>> {
        receive(&mut self.0)
    }

    /// Sends the report.
    pub(crate) fn report(&mut self, report: &Report) -> io::Result<()> {
        send(&mut self.0, report)
    }
}

impl AsFd for InitEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const LENGTH: usize = size_of::<u64>();

fn send<M: Wire>(stream: &mut UnixStream, message: &M) -> io::Result<()> {
    let mut frame = vec![0; LENGTH];
    message.put(&mut frame);
    let len = (frame.len() - LENGTH) as u64;
    frame[..LENGTH].copy_from_slice(&len.to_le_bytes());
    let sent = stream.write_all(&frame);
    // The message may have held a secret.
    wipe(&mut frame);
    sent
}

fn receive<M: Wire>(stream: &mut UnixStream) -> io::Result<Option<M>> {
    let mut len = [0; LENGTH];
    if stream.read(&mut len[..1])? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut len[1..])?;
    let mut frame = vec![0; u64::from_le_bytes(len) as usize];
    stream.read_exact(&mut frame)?;
    let message = M::take(&mut frame.as_slice());
    wipe(&mut frame);
    Ok(Some(message?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_arrives_and_then_end_of_file() {
        let (mut builder, init) = channel().unwrap();
        let mut init = InitEnd::new(init);
        init.report(&Report::Ended {
            ending: Ending::Exited { code: 3 },
        })
        .unwrap();
        drop(init);
        let report = builder.receive().unwrap();
        assert!(matches!(
            report,
            Some(Report::Ended {
                ending: Ending::Exited { code: 3 }
            })
        ));
        assert!(builder.receive().unwrap().is_none());
    }
}
