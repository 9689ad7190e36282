//! From logical lines to stages of instructions.
//!
//! A line goes through three steps: [`Line::read`] takes it apart (keyword, flags, arguments,
//! heredocs), [`instruction`] gives it to the file of its group, and [`Parser`] puts what comes out
//! into its stage. Whatever goes wrong is reported, and the next line is read.

mod canonical;
mod command;
mod copy;
mod directives;
mod flags;
mod healthcheck;
mod json;
mod key_value;
mod line;
mod mount;
mod report;
mod run;
mod simple;
mod stage;
pub(crate) mod words;

use std::collections::HashSet;

use crate::Parsed;
use crate::ast::{Escape, Text};
use crate::ast::{Iechorfile, Instruction, InstructionKind, Keyword, Onbuild, Statement};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::lexer::{Lexer, LogicalLine};
use crate::span::Span;
use line::Line;
use report::Report;
use stage::StageNames;

/// The longest file, in bytes.
pub(crate) const MAX_SOURCE: usize = 16 << 20;
/// The most instructions in a file.
const MAX_INSTRUCTIONS: usize = 1_000_000;

/// Parses a file that was read as UTF-8.
pub(crate) fn parse(source: &str) -> Parsed {
    if source.len() > MAX_SOURCE {
        return too_large();
    }
    let mut report = Report::default();
    let mut lexer = Lexer::new(source);
    let directives = directives::read(&mut lexer, &mut report);
    let file = Iechorfile {
        directives,
        ..Iechorfile::default()
    };
    let mut parser = Parser::new(lexer, report, file);
    parser.read_instructions();
    parser.finish()
}

fn too_large() -> Parsed {
    let message = format!("the file is longer than {} MiB", MAX_SOURCE >> 20);
    let error = Diagnostic::error(Code::TOO_LARGE, Span::default(), message);
    Parsed {
        diagnostics: vec![error],
        ..Parsed::default()
    }
}

/// Parses the text of an ONBUILD trigger.
pub(crate) fn parse_trigger(text: &str, escape: Escape) -> Result<Instruction, Vec<Diagnostic>> {
    let mut report = Report::default();
    let mut lexer = Lexer::new(text);
    let trigger = lexer.next_logical(escape).and_then(|logical| {
        let line = Line::read(&logical, &mut lexer, escape, &mut report)?;
        trigger(line, &mut report)
    });
    if let Some(extra) = lexer.next_logical(escape) {
        let span = extra.fragment().span();
        report.error(
            Code::INVALID_TRIGGER,
            span,
            "a trigger is a single instruction",
        );
    }
    let diagnostics = report.into_diagnostics();
    match trigger {
        Some(trigger) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(trigger),
        None if diagnostics.is_empty() => Err(vec![empty_trigger()]),
        _ => Err(diagnostics),
    }
}

fn empty_trigger() -> Diagnostic {
    Diagnostic::error(
        Code::INVALID_TRIGGER,
        Span::default(),
        "the trigger is empty",
    )
}

struct Parser<'s> {
    lexer: Lexer<'s>,
    report: Report,
    file: Iechorfile,
    /// How many instructions were read.
    count: usize,
    names: StageNames,
    /// The instructions that the current stage has.
    seen: HashSet<Keyword>,
}

impl<'s> Parser<'s> {
    fn new(lexer: Lexer<'s>, report: Report, file: Iechorfile) -> Self {
        let (names, seen) = (StageNames::default(), HashSet::new());
        Self {
            lexer,
            report,
            file,
            count: 0,
            names,
            seen,
        }
    }

    fn read_instructions(&mut self) {
        let escape = self.file.directives.escape;
        while let Some(logical) = self.lexer.next_logical(escape) {
            self.count += 1;
            if self.count > MAX_INSTRUCTIONS {
                let message = format!("the file has more than {MAX_INSTRUCTIONS} instructions");
                self.report
                    .error(Code::TOO_LARGE, logical.fragment().span(), message);
                return;
            }
            if self.report.is_full() {
                return;
            }
            self.read_instruction(&logical, escape);
        }
    }

    fn read_instruction(&mut self, logical: &LogicalLine, escape: Escape) {
        warn_of_empty_continuation(logical, &mut self.report);
        let Some(line) = Line::read(logical, &mut self.lexer, escape, &mut self.report) else {
            return;
        };
        if line.keyword == Keyword::From {
            let stage = stage::from(line, &mut self.report);
            self.names.add(&stage, &mut self.report);
            self.seen.clear();
            self.file.stages.push(stage);
        } else if let Some(instruction) = instruction(line, &mut self.report) {
            self.add(instruction);
        }
    }

    /// Puts an instruction where it belongs: into the last stage, or before all of them.
    fn add(&mut self, instruction: Instruction) {
        match (self.file.stages.last_mut(), instruction.kind) {
            (Some(stage), kind) => {
                let keyword = kind.keyword();
                if !self.seen.insert(keyword) {
                    warn_if_overridden(keyword, &instruction.statement, &mut self.report);
                }
                stage.instructions.push(Instruction {
                    kind,
                    ..instruction
                });
            }
            (None, InstructionKind::Arg(arg)) => self.file.global_args.extend(arg.declarations),
            (None, kind) => {
                let message = format!("{} before the first FROM", kind.keyword());
                let span = instruction.statement.keyword.span();
                self.report.add(
                    Diagnostic::error(Code::BEFORE_FROM, span, message)
                        .label("ARG alone may come before FROM"),
                );
            }
        }
    }

    fn finish(mut self) -> Parsed {
        if self.file.stages.is_empty() && !self.report.has_errors() {
            let message = "the file has no FROM instruction";
            self.report.add(
                Diagnostic::error(Code::NO_STAGE, self.lexer.here(), message)
                    .help("begin with a base image, as in FROM debian:stable or FROM scratch"),
            );
        }
        let check = self.file.directives.check.as_ref();
        Parsed {
            diagnostics: self.report.checked(check),
            file: self.file,
        }
    }
}

fn warn_of_empty_continuation(logical: &LogicalLine, report: &mut Report) {
    if let Some(span) = logical.empty_continuation {
        let message = "blank line inside an instruction";
        report.add(
            Diagnostic::warning(Code::EMPTY_CONTINUATION, span, message)
                .label("the instruction goes on after it"),
        );
    }
}

/// CMD, ENTRYPOINT and HEALTHCHECK are properties of an image, which has one of each.
fn warn_if_overridden(keyword: Keyword, statement: &Statement, report: &mut Report) {
    let once = [Keyword::Cmd, Keyword::Entrypoint, Keyword::Healthcheck];
    if once.contains(&keyword) {
        let message = format!("several {keyword} instructions in one stage");
        report.add(
            Diagnostic::warning(
                Code::MULTIPLE_INSTRUCTIONS,
                statement.keyword.span(),
                message,
            )
            .label("only the last one counts"),
        );
    }
}

/// Gives a line to the parser of its instruction.
fn instruction(mut line: Line<'_>, report: &mut Report) -> Option<Instruction> {
    let kind = kind(&mut line, report);
    line.flags.report_unknown(line.keyword, report);
    Some(Instruction {
        statement: line.into_statement(),
        kind: kind?,
    })
}

fn kind(line: &mut Line<'_>, report: &mut Report) -> Option<InstructionKind> {
    Some(match line.keyword {
        Keyword::Add => InstructionKind::Add(copy::add(line, report)?),
        Keyword::Arg => InstructionKind::Arg(key_value::arg(line, report)?),
        Keyword::Cmd => InstructionKind::Cmd(command::cmd_or_entrypoint(line, report)?),
        Keyword::Copy => InstructionKind::Copy(copy::copy(line, report)?),
        Keyword::Entrypoint => {
            InstructionKind::Entrypoint(command::cmd_or_entrypoint(line, report)?)
        }
        Keyword::Env => InstructionKind::Env(key_value::env(line, report)?),
        Keyword::Expose => InstructionKind::Expose(simple::expose(line, report)?),
        Keyword::From => return None,
        Keyword::Healthcheck => InstructionKind::Healthcheck(healthcheck::parse(line, report)?),
        Keyword::Label => InstructionKind::Label(key_value::label(line, report)?),
        Keyword::Maintainer => InstructionKind::Maintainer(simple::maintainer(line, report)?),
        Keyword::Onbuild => InstructionKind::Onbuild(onbuild(line, report)?),
        Keyword::Run => InstructionKind::Run(run::run(line, report)?),
        Keyword::Shell => InstructionKind::Shell(command::shell(line, report)?),
        Keyword::Stopsignal => InstructionKind::Stopsignal(simple::stopsignal(line, report)?),
        Keyword::User => InstructionKind::User(simple::one_argument(line, report)?),
        Keyword::Volume => InstructionKind::Volume(simple::volume(line, report)?),
        Keyword::Workdir => InstructionKind::Workdir(simple::one_argument(line, report)?),
    })
}

fn onbuild(line: &Line<'_>, report: &mut Report) -> Option<Onbuild> {
    if line.rest.is_empty() {
        report.missing_argument(line, "an instruction");
        return None;
    }
    let Some(trigger_line) = line.as_trigger() else {
        let (word, _) = line.rest.split_word();
        unknown_instruction(&word.text(), report);
        return None;
    };
    Some(Onbuild {
        trigger: Box::new(trigger(trigger_line, report)?),
    })
}

/// An instruction that another image's build is to run.
fn trigger(line: Line<'_>, report: &mut Report) -> Option<Instruction> {
    let never = [Keyword::From, Keyword::Onbuild, Keyword::Maintainer];
    if never.contains(&line.keyword) {
        let message = format!("ONBUILD can't trigger {}", line.keyword);
        report.error(Code::INVALID_TRIGGER, line.word.span(), message);
        return None;
    }
    instruction(line, report)
}

/// Reports a word that is no instruction, and gives the one that is probably meant.
fn unknown_instruction(word: &Text, report: &mut Report) -> Option<Keyword> {
    let message = format!("unknown instruction: {}", word.raw());
    let names = Keyword::ALL.map(Keyword::name);
    let error = Diagnostic::error(Code::UNKNOWN_INSTRUCTION, word.span(), message);
    report.add(error.suggest(word.raw(), names));
    closest(word.raw(), names).and_then(Keyword::parse)
}
