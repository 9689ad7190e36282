//! Watching a running step: its output, its report, its end, and whether to end it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::process::InitProcess;
use super::stdio::Pipes;
use super::verdict::Evidence;
use crate::cancel::CancelListener;
use crate::channel::{Order, Report};
use crate::{CancelToken, ExecError, OutputSink, Stream};

/// How long a cancelled step may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// As much as a pipe holds by default.
const CHUNK: usize = 64 * 1024;

/// A step that is being watched.
pub(crate) struct Watch<'a> {
    init: &'a mut InitProcess,
    pipes: Pipes,
    output: &'a mut dyn OutputSink,
    cancel: &'a CancelToken,
    listener: &'a CancelListener,
    /// What may still bring news. One that hung up is taken out, or it would wake every wait.
    sources: Vec<Source>,
    report: Option<Report>,
    /// Requests to end that were acted upon.
    heeded: u8,
    /// When a step that was asked to end is killed.
    deadline: Option<Instant>,
    buffer: Vec<u8>,
}

/// What a step is watched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Output(Stream),
    Report,
    Cancel,
    End,
}

/// Whether a source may bring more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    Open,
    Closed,
}

impl<'a> Watch<'a> {
    /// Starts watching.
    pub(crate) fn new(
        init: &'a mut InitProcess,
        pipes: Pipes,
        output: &'a mut dyn OutputSink,
        cancel: &'a CancelToken,
        listener: &'a CancelListener,
    ) -> Self {
        let outputs = [
            Source::Output(Stream::Stdout),
            Source::Output(Stream::Stderr),
        ];
        let sources = [
            outputs.as_slice(),
            &[Source::Report, Source::Cancel, Source::End],
        ]
        .concat();
        let buffer = vec![0; CHUNK];
        let (report, heeded, deadline) = (None, 0, None);
        Self {
            init,
            pipes,
            output,
            cancel,
            listener,
            sources,
            report,
            heeded,
            deadline,
            buffer,
        }
    }

    /// Watches until init, and with it every process of the step, is gone.
    pub(crate) fn until_the_end(mut self) -> Result<Evidence, ExecError> {
        while self.sources.contains(&Source::End) {
            self.heed_cancel();
            for source in self.wait().map_err(ExecError::Watch)? {
                if self.serve(source)? == Served::Closed {
                    self.sources.retain(|open| *open != source);
                }
            }
        }
        self.finish()
    }

    /// Waits until something happens, at most until the deadline.
    fn wait(&self) -> io::Result<Vec<Source>> {
        let poll_fd = |source: &Source| PollFd::from_borrowed_fd(self.fd(*source), PollFlags::IN);
        let mut fds: Vec<PollFd<'_>> = self.sources.iter().map(poll_fd).collect();
        match poll(&mut fds, self.timeout().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ready = self
            .sources
            .iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(source, _)| *source).collect())
    }

    fn fd(&self, source: Source) -> BorrowedFd<'_> {
        match source {
            Source::Output(stream) => self.pipe(stream),
            Source::Report => self.init.channel_fd(),
            Source::Cancel => self.listener.as_fd(),
            Source::End => self.init.as_fd(),
        }
    }

    fn pipe(&self, stream: Stream) -> BorrowedFd<'_> {
        match stream {
            Stream::Stdout => self.pipes.stdout.as_fd(),
            Stream::Stderr => self.pipes.stderr.as_fd(),
        }
    }

    fn timeout(&self) -> Option<Timespec> {
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Timespec::try_from(left).ok()
    }

    fn serve(&mut self, source: Source) -> Result<Served, ExecError> {
        match source {
            Source::Output(stream) => self.forward(stream),
            Source::Report => Ok(self.take_report()),
            Source::Cancel => {
                self.listener.acknowledge();
                Ok(Served::Open)
            }
            Source::End => Ok(Served::Closed),
        }
    }

    /// First request: SIGTERM, and SIGKILL after the grace time. Second: SIGKILL.
    fn heed_cancel(&mut self) {
        let requests = self.cancel.requests();
        let too_late = self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        if requests >= 2 || too_late {
            self.init.kill();
            self.deadline = None;
        } else if requests > self.heeded {
            // If init is gone, its end is about to be seen.
            let _ = self.init.channel().send(&Order::Terminate);
            self.deadline = Some(Instant::now() + GRACE);
        }
        self.heeded = requests;
    }

    /// Passes on what a stream holds.
    fn forward(&mut self, stream: Stream) -> Result<Served, ExecError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = rustix::io::retry_on_intr(|| rustix::io::read(self.pipe(stream), &mut *buffer));
        let served = match read {
            Ok(0) => Ok(Served::Closed),
            Ok(len) => {
                self.output.output(stream, &buffer[..len]);
                Ok(Served::Open)
            }
            Err(Errno::AGAIN) => Ok(Served::Open),
            Err(errno) => Err(ExecError::Watch(errno.into())),
        };
        self.buffer = buffer;
        served
    }

    /// The first report is the one that counts; a broken one is as good as none.
    fn take_report(&mut self) -> Served {
        match self.init.channel().receive() {
            Ok(Some(report)) => {
                self.report = self.report.take().or(Some(report));
                Served::Open
            }
            Ok(None) | Err(_) => Served::Closed,
        }
    }

    /// Nobody of the step is left who could write, so what the descriptors hold is all.
    fn finish(mut self) -> Result<Evidence, ExecError> {
        let init = self.init.wait().map_err(ExecError::Watch)?;
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.drain(stream)?;
        }
        while self.sources.contains(&Source::Report) && self.take_report() == Served::Open {}
        Ok(Evidence {
            report: self.report,
            init,
            cancelled: self.heeded > 0,
        })
    }

    /// Reads until nothing is there. A process outside the step may hold a write end that was sent
    /// to it over a socket, so end-of-file is not waited for.
    fn drain(&mut self, stream: Stream) -> Result<(), ExecError> {
        while rustix::io::ioctl_fionread(self.pipe(stream)).is_ok_and(|left| left > 0) {
            self.forward(stream)?;
        }
        Ok(())
    }
}
