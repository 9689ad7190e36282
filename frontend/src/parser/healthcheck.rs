//! `HEALTHCHECK`.

use std::time::Duration;

use super::command::command_line;
use super::line::Line;
use super::report::Report;
use crate::ast::{CommandLine, Healthcheck, HealthcheckTest, parse_duration};
use crate::diagnostic::{Code, Diagnostic};
use crate::fragment::Fragment;

/// A shorter time is no time to anybody (Docker's own limit).
const MIN_DURATION: Duration = Duration::from_millis(1);

pub(super) fn parse(line: &mut Line<'_>, report: &mut Report) -> Option<Healthcheck> {
    let interval = duration(line, "interval", report);
    let timeout = duration(line, "timeout", report);
    let start_period = duration(line, "start-period", report);
    let start_interval = duration(line, "start-interval", report);
    let retries = retries(line, report);
    let (kind, rest) = line.rest.split_word();
    match kind.as_str().to_ascii_uppercase().as_str() {
        "NONE" => none(&rest, report),
        "CMD" => {
            let command = test_command(line, rest, report)?;
            let timing = (interval, timeout, start_period, start_interval);
            let (interval, timeout, start_period, start_interval) = timing;
            Some(Healthcheck::Test(HealthcheckTest {
                command,
                interval,
                timeout,
                start_period,
                start_interval,
                retries,
            }))
        }
        "" => {
            report.missing_argument(line, "NONE, or CMD and a command");
            None
        }
        _ => report_unknown(&kind, report),
    }
}

fn none(rest: &Fragment<'_>, report: &mut Report) -> Option<Healthcheck> {
    if !rest.is_empty() {
        let message = "HEALTHCHECK NONE takes no argument";
        report.error(Code::TOO_MANY_ARGUMENTS, rest.span(), message);
        return None;
    }
    Some(Healthcheck::None)
}

fn report_unknown(kind: &Fragment<'_>, report: &mut Report) -> Option<Healthcheck> {
    let message = format!("unknown kind of HEALTHCHECK: {}", kind.as_str());
    let error = Diagnostic::error(Code::INVALID_ARGUMENT, kind.span(), message)
        .label("must be CMD or NONE")
        .suggest(kind.as_str(), ["CMD", "NONE"]);
    report.add(error);
    None
}

fn test_command<'l>(
    line: &Line<'l>,
    rest: Fragment<'l>,
    report: &mut Report,
) -> Option<CommandLine> {
    let command = command_line(&line.with_rest(rest), report)?;
    if matches!(&command, CommandLine::Exec(argv) if argv.is_empty()) {
        report.missing_argument(line, "a command behind CMD");
        return None;
    }
    Some(command)
}

fn duration(line: &mut Line<'_>, name: &'static str, report: &mut Report) -> Option<Duration> {
    let value = line.flags.text(name, report)?;
    match parse_duration(value.raw()) {
        Ok(duration) if duration.is_zero() || duration >= MIN_DURATION => Some(duration),
        Ok(_) => {
            let message = format!("--{name} can't be less than 1ms");
            report.error(Code::INVALID_FLAG_VALUE, value.span(), message);
            None
        }
        Err(error) => {
            let error =
                Diagnostic::error(Code::INVALID_FLAG_VALUE, value.span(), error.to_string());
            report.add(error.label("must be as in 30s or 1m30s"));
            None
        }
    }
}

fn retries(line: &mut Line<'_>, report: &mut Report) -> Option<u32> {
    let value = line.flags.text("retries", report)?;
    let retries = value
        .raw()
        .parse()
        .ok()
        .filter(|retries| *retries <= i32::MAX.unsigned_abs());
    if retries.is_none() {
        let message = format!("invalid number of retries {:?}", value.raw());
        let error = Diagnostic::error(Code::INVALID_FLAG_VALUE, value.span(), message);
        report.add(error.label("must be a number, 0 or more"));
    }
    retries
}
