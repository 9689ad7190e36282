//! What a run of the program said, and how its steps went.

use std::process::{Command, ExitStatus};

/// Standard output, standard error and exit code.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Standard output as bytes.
    pub(crate) bytes: Vec<u8>,
    /// Standard output as text.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    status: ExitStatus,
}

/// How one step went, read from plain progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    number: usize,
    /// `[build 2/4]`.
    pub(crate) label: String,
    /// The instruction.
    pub(crate) text: String,
    /// Hit or miss.
    pub(crate) verdict: Option<Verdict>,
}

/// Hit or miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// `CACHED`.
    Hit,
    /// `miss:` and the reason.
    Miss(String),
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
            status: output.status,
        }
    }
}

impl Output {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        command
            .output()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
            .into()
    }

    /// The exit code must be 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    /// The exit code must be this one.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "unexpected exit code\n{}",
            self.transcript()
        );
        self
    }

    /// Standard error must have this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "{text:?} is not said\n{}",
            self.transcript()
        );
        self
    }

    /// Neither stream may have this text.
    #[track_caller]
    pub(crate) fn keeps_quiet_about(&self, text: &str) -> &Self {
        let said = self.stderr.contains(text) || self.stdout.contains(text);
        assert!(!said, "{text:?} is said\n{}", self.transcript());
        self
    }

    /// Every step that was told, by number.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (number, rest) in self.stderr.lines().filter_map(numbered) {
            match steps.iter_mut().find(|step| step.number == number) {
                Some(step) => step.take(rest),
                None => steps.extend(Step::begin(number, rest)),
            }
        }
        steps.sort_by_key(|step| step.number);
        steps
    }

    /// The COPY, ADD and RUN instructions that were executed, in order.
    pub(crate) fn executed(&self) -> Vec<String> {
        self.with_files(|verdict| matches!(verdict, Verdict::Miss(_)))
    }

    /// The COPY, ADD and RUN instructions that the cache had, in order.
    pub(crate) fn cached(&self) -> Vec<String> {
        self.with_files(|verdict| *verdict == Verdict::Hit)
    }

    /// There must be steps, and every one a hit.
    #[track_caller]
    pub(crate) fn all_hits(&self) -> &Self {
        let executed = self.executed();
        assert!(
            executed.is_empty(),
            "executed: {executed:?}\n{}",
            self.transcript()
        );
        assert!(
            !self.cached().is_empty(),
            "no step at all\n{}",
            self.transcript()
        );
        self
    }

    /// Exactly these COPY, ADD and RUN instructions must have been executed. Each is named by how
    /// it begins.
    #[track_caller]
    pub(crate) fn executes(&self, beginnings: &[&str]) -> &Self {
        let executed = self.executed();
        let matches = executed.len() == beginnings.len()
            && executed
                .iter()
                .zip(beginnings)
                .all(|(text, begin)| text.starts_with(begin));
        let transcript = self.transcript();
        assert!(
            matches,
            "executed {executed:?}, expected {beginnings:?}\n{transcript}"
        );
        self
    }

    /// Why the instruction that begins so was executed.
    #[track_caller]
    pub(crate) fn reason(&self, beginning: &str) -> String {
        let steps = self.steps();
        let step = steps.iter().find(|step| step.text.starts_with(beginning));
        match step.and_then(|step| step.verdict.as_ref()) {
            Some(Verdict::Miss(why)) => why.clone(),
            other => panic!(
                "{beginning:?} was no miss but {other:?}\n{}",
                self.transcript()
            ),
        }
    }

    /// Everything, for a failed assertion.
    pub(crate) fn transcript(&self) -> String {
        let Self {
            stdout,
            stderr,
            status,
            ..
        } = self;
        format!("{stdout}------- stderr -------\n{stderr}------- {status} -------")
    }

    fn with_files(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<String> {
        let files = |step: &Step| {
            ["COPY ", "ADD ", "RUN "]
                .iter()
                .any(|keyword| step.text.starts_with(keyword))
        };
        let steps = self.steps().into_iter();
        steps
            .filter(|step| files(step) && step.verdict.as_ref().is_some_and(&wanted))
            .map(|step| step.text)
            .collect()
    }
}

/// `#7 rest`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

impl Step {
    /// From the line that names it: `[build 2/4] RUN make`.
    fn begin(number: usize, rest: &str) -> Option<Self> {
        let (label, text) = rest.strip_prefix('[')?.split_once("] ")?;
        Some(Self {
            number,
            label: label.to_owned(),
            text: text.to_owned(),
            verdict: None,
        })
    }

    fn take(&mut self, rest: &str) {
        if rest == "CACHED" {
            self.verdict = Some(Verdict::Hit);
        } else if let Some(why) = rest.strip_prefix("miss: ") {
            self.verdict = Some(Verdict::Miss(why.to_owned()));
        }
    }
}
