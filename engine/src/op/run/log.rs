//! The output of a step: whole into its log, as events to whoever watches; secrets in neither.

use std::fs::File;
use std::io::Write;

use iechor_executor::{OutputSink, Stream};

use super::redact::Redactor;
use crate::build::session::Session;
use crate::build::step::Step;
use crate::error::StepError;
use crate::path_error::AtPath;
use crate::progress::{Event, ProgressSink, StepId};

/// Writes a step's output to its log and tells it.
pub(super) struct StepLog<'a> {
    file: File,
    path: std::path::PathBuf,
    step: StepId,
    progress: &'a dyn ProgressSink,
    stdout: Redactor,
    stderr: Redactor,
    /// The first failure to write; the step goes on, the build tells it at the end.
    failure: Option<std::io::Error>,
}

impl<'a> StepLog<'a> {
    pub(super) fn create(session: &'a Session<'_>, step: &Step<'_>) -> Result<Self, StepError> {
        let (file, path) = session.history().create_log(step)?;
        let redactor = Redactor::new(session.secrets());
        Ok(Self {
            file,
            path,
            step: step.id,
            progress: session.progress(),
            stdout: redactor.clone(),
            stderr: redactor,
            failure: None,
        })
    }

    /// Writes what was held back.
    ///
    /// # Errors
    ///
    /// When the log could not be written: a build whose logs are lost is not a good one.
    pub(super) fn finish(mut self) -> Result<(), StepError> {
        let (rest_out, rest_err) = (self.stdout.finish(), self.stderr.finish());
        self.write(Stream::Stdout, rest_out);
        self.write(Stream::Stderr, rest_err);
        match self.failure.take() {
            None => Ok(()),
            Some(failure) => Err(Err::<(), _>(failure)
                .at("write", &self.path)
                .map_or_else(StepError::from, |()| StepError::Lost)),
        }
    }

    fn write(&mut self, stream: Stream, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if let Err(failure) = self.file.write_all(&bytes) {
            self.failure.get_or_insert(failure);
        }
        self.progress.event(Event::Log(self.step, stream, bytes));
    }
}

impl OutputSink for StepLog<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        let redactor = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let shown = redactor.pass(bytes);
        self.write(stream, shown);
    }
}
