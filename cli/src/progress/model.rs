//! What is known of a build so far.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use iechor_engine::{Event, StepId, StepInfo, Stream};

use super::text;

/// Lines kept of each step, to be shown when it fails. The log on disk has all.
const TAIL: usize = 50;
/// A line longer than this is taken in parts, so that no output fills the memory.
const LONGEST_LINE: usize = 64 * 1024;

/// The build so far.
#[derive(Debug)]
pub(super) struct Model {
    started: Instant,
    steps: Vec<Step>,
    warnings: Vec<String>,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    /// What it is.
    pub(super) info: StepInfo,
    /// How far it is.
    pub(super) state: State,
    /// Why it is executed.
    pub(super) why: Option<String>,
    /// Its last lines, with the time since its start at which each was written.
    pub(super) tail: VecDeque<LogLine>,
    /// The bytes that it moves, one entry for each thing moved.
    pub(super) transfers: Vec<Transfer>,
    /// Lines that the last event completed.
    fresh: Vec<LogLine>,
    started: Option<Instant>,
    ended: Option<Instant>,
    pending: [Vec<u8>; 2],
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// The cache had it.
    Cached,
    /// Ended well after this time.
    Done(Duration),
    /// Failed, for this reason.
    Failed(String),
    /// Ended by the user.
    Cancelled,
}

/// A complete line of a step's output, safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLine {
    /// Time since the step's start.
    pub(super) at: Duration,
    /// The line.
    pub(super) text: String,
}

/// Bytes under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfer {
    /// What is moved.
    pub(super) what: String,
    /// Bytes so far.
    pub(super) current: u64,
    /// Bytes in all, when known.
    pub(super) total: Option<u64>,
}

impl Transfer {
    /// Whether everything has arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.total == Some(self.current)
    }
}

impl Model {
    /// Nothing known; the clock runs.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            steps: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Time since the build began.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Every known step, in the order of the plan.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The warnings so far.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A step that was planned.
    pub(super) fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0).filter(|step| step.info.id == id)
    }

    /// Takes an event. Events of unknown steps are dropped.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Planned(info) => self.steps.push(Step::new(info.clone())),
            Event::Warning(warning) => self.warnings.push(text::labelled(warning)),
            _ => self.apply_to_step(event),
        }
    }

    fn apply_to_step(&mut self, event: &Event) {
        let step = subject(event).and_then(|id| self.steps.get_mut(id.0));
        if let Some(step) = step {
            step.apply(event);
        }
    }
}

/// The step that an event is about.
pub(super) fn subject(event: &Event) -> Option<StepId> {
    match event {
        Event::Planned(info) => Some(info.id),
        Event::Started(id) | Event::Hit(id) | Event::Cancelled(id) => Some(*id),
        Event::Miss(id, _) | Event::Failed(id, _) => Some(*id),
        Event::Log(id, ..) => Some(*id),
        Event::Finished(id, _) => Some(*id),
        Event::Transfer { step, .. } => Some(*step),
        Event::Warning(_) => None,
    }
}

impl Step {
    fn new(info: StepInfo) -> Self {
        Self {
            info,
            state: State::Waiting,
            why: None,
            tail: VecDeque::new(),
            transfers: Vec::new(),
            fresh: Vec::new(),
            started: None,
            ended: None,
            pending: [Vec::new(), Vec::new()],
        }
    }

    /// `[build 2/4] RUN make`.
    pub(super) fn title(&self) -> String {
        let instruction = text::clean(first_telling_line(&self.info.text).as_bytes());
        format!("{} {instruction}", self.info.label)
    }

    /// Number shown to people, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.info.id.0 + 1
    }

    /// How long it ran, or runs.
    pub(super) fn elapsed(&self) -> Duration {
        match self.state {
            State::Done(duration) => duration,
            _ => {
                let until = self.ended.unwrap_or_else(Instant::now);
                self.started
                    .map_or(Duration::ZERO, |started| until.duration_since(started))
            }
        }
    }

    /// Whether nothing more will happen to it.
    pub(super) fn is_over(&self) -> bool {
        !matches!(self.state, State::Waiting | State::Running)
    }

    /// The lines that it has begun and not ended: what a progress bar shows now, a question.
    pub(super) fn unfinished_lines(&self) -> impl Iterator<Item = String> {
        let texts = self.pending.iter().map(|bytes| text::clean(bytes));
        texts.filter(|text| !text.is_empty())
    }

    /// Lines that the event completed that was applied last.
    pub(super) fn fresh_lines(&self) -> &[LogLine] {
        &self.fresh
    }

    fn apply(&mut self, event: &Event) {
        self.fresh.clear();
        match event {
            Event::Started(_) => self.start(),
            Event::Hit(_) => self.end(State::Cached),
            Event::Miss(_, why) => self.miss(why),
            Event::Log(_, stream, bytes) => self.log(*stream, bytes),
            Event::Transfer {
                what,
                current,
                total,
                ..
            } => self.moved(what, *current, *total),
            Event::Finished(_, duration) => self.end(State::Done(*duration)),
            Event::Failed(_, why) => self.end(State::Failed(why.clone())),
            Event::Cancelled(_) => self.end(State::Cancelled),
            Event::Planned(_) | Event::Warning(_) => {}
        }
    }

    fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
        self.state = State::Running;
    }

    fn miss(&mut self, why: &str) {
        self.start();
        self.why = Some(text::clean(why.as_bytes()));
    }

    fn end(&mut self, state: State) {
        for stream in [0, 1] {
            if !self.pending[stream].is_empty() {
                self.complete_line(stream);
            }
        }
        self.ended.get_or_insert_with(Instant::now);
        // A hit stays a hit, though the engine may say as well that it is finished.
        if self.state != State::Cached {
            self.state = state;
        }
    }

    fn log(&mut self, stream: Stream, bytes: &[u8]) {
        let stream = match stream {
            Stream::Stdout => 0,
            Stream::Stderr => 1,
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.pending[stream].extend_from_slice(part);
            if part.ends_with(b"\n") || self.pending[stream].len() > LONGEST_LINE {
                self.complete_line(stream);
            }
        }
    }

    fn complete_line(&mut self, stream: usize) {
        let bytes = std::mem::take(&mut self.pending[stream]);
        let line = LogLine {
            at: self.elapsed(),
            text: text::clean(&bytes),
        };
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        self.fresh.push(line);
    }

    fn moved(&mut self, what: &str, current: u64, total: Option<u64>) {
        let what = text::clean(what.as_bytes());
        let transfer = Transfer {
            what,
            current,
            total,
        };
        match self
            .transfers
            .iter_mut()
            .find(|known| known.what == transfer.what)
        {
            Some(known) => *known = transfer,
            None => self.transfers.push(transfer),
        }
    }
}

/// Of an instruction over several lines, its first line that says something.
fn first_telling_line(text: &str) -> &str {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or(text)
        .trim()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Step number `index` with a label and an instruction.
    pub(in crate::progress) fn planned(index: usize, label: &str, text: &str) -> Event {
        let info = StepInfo {
            id: StepId(index),
            label: label.into(),
            text: text.into(),
            line: None,
        };
        Event::Planned(info)
    }

    /// A model to which `events` have happened.
    pub(in crate::progress) fn model_of(events: &[Event]) -> Model {
        let mut model = Model::new();
        events.iter().for_each(|event| model.apply(event));
        model
    }

    fn log(text: &str) -> Event {
        Event::Log(StepId(0), Stream::Stdout, text.as_bytes().to_vec())
    }

    fn tail(events: &[Event]) -> Vec<String> {
        let mut all = vec![planned(0, "[1/1]", "RUN x"), Event::Started(StepId(0))];
        all.extend_from_slice(events);
        model_of(&all).steps[0]
            .tail
            .iter()
            .map(|line| line.text.clone())
            .collect()
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(tail(&[log("a"), log("b\nc\nd")]), ["ab", "c"]);
    }

    #[test]
    fn a_line_that_has_not_ended_is_known_as_it_stands() {
        let unfinished = |texts: &[&str]| {
            let mut events = vec![planned(0, "[1/1]", "RUN x"), Event::Started(StepId(0))];
            events.extend(texts.iter().map(|text| log(text)));
            let lines = model_of(&events).steps[0].unfinished_lines().collect();
            let lines: Vec<String> = lines;
            lines
        };
        assert_eq!(unfinished(&["5 %\r"]), ["5 %"]);
        assert_eq!(unfinished(&["5 %\r", "60 %\r"]), ["60 %"]);
        assert_eq!(unfinished(&["done\nWhich one? "]), ["Which one? "]);
        assert!(unfinished(&["5 %\r", "all\n"]).is_empty());
    }

    #[test]
    fn an_open_line_is_kept_when_the_step_ends() {
        let end = Event::Finished(StepId(0), Duration::ZERO);
        assert_eq!(tail(&[log("a\nb"), end]), ["a", "b"]);
    }

    #[test]
    fn the_two_streams_do_not_mix_within_a_line() {
        let stderr = Event::Log(StepId(0), Stream::Stderr, b"err\n".to_vec());
        assert_eq!(tail(&[log("ou"), stderr, log("t\n")]), ["err", "out"]);
    }

    #[test]
    fn the_last_lines_are_kept() {
        let many: Vec<Event> = (0..60).map(|n| log(&format!("{n}\n"))).collect();
        let tail = tail(&many);
        assert_eq!(
            (tail.len(), tail[0].as_str(), tail[49].as_str()),
            (50, "10", "59")
        );
    }

    #[test]
    fn a_hit_stays_a_hit() {
        let end = Event::Finished(StepId(0), Duration::ZERO);
        let model = model_of(&[planned(0, "[1/1]", "RUN x"), Event::Hit(StepId(0)), end]);
        assert_eq!(model.steps[0].state, State::Cached);
    }

    #[test]
    fn events_of_unknown_steps_are_dropped() {
        let model = model_of(&[Event::Hit(StepId(3)), log("x\n")]);
        assert!(model.steps.is_empty());
    }
}
