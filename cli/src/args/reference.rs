//! `docs/cli-reference.md` is what the command line says of itself: this test writes the page and
//! compares. `UPDATE_DOCS=1 cargo test -p iechor` puts a new one in place.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::{Cli, EXIT_CODES};
use crate::env;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli-reference.md");
const HEAD: &str = "\
# Command line reference

Written by a test from the program itself; see `cli/src/args/reference.rs`. Exit codes are explained
in [exit-codes.md](exit-codes.md).
";

#[test]
fn the_page_is_in_step() {
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(Path::new(PAGE)).unwrap_or_default();
    assert!(
        written == page,
        "docs/cli-reference.md is out of step: run UPDATE_DOCS=1 cargo test"
    );
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = HEAD.to_owned();
    write!(
        page,
        "\n```text\n{EXIT_CODES}\n```\n\n## Options of every command\n\n"
    )
    .unwrap();
    options(
        &mut page,
        root.get_arguments().filter(|arg| arg.is_global_set()),
    );
    for command in visible(&root) {
        section(&mut page, command, "iechor");
    }
    environment(&mut page);
    page
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn section(page: &mut String, command: &Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name());
    write!(page, "\n## {name}\n\n{}.\n", command.get_about().unwrap()).unwrap();
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        writeln!(page, "\nAlso: `{}`.", aliases.join("`, `")).unwrap();
    }
    if command.has_subcommands() {
        visible(command).for_each(|sub| section(page, sub, &name));
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    write!(page, "\n```text\n{usage}\n```\n\n").unwrap();
    options(
        page,
        command
            .get_arguments()
            .filter(|arg| !arg.is_global_set() && !is_help(arg)),
    );
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

fn options<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    for arg in args.filter(|arg| !arg.is_hide_set()) {
        let help = arg.get_help().unwrap().to_string();
        writeln!(
            page,
            "* `{}`: {}.{}",
            arg_form(arg),
            help.trim_end_matches('.'),
            values(arg)
        )
        .unwrap();
    }
}

fn arg_form(arg: &Arg) -> String {
    let names: Vec<String> = [
        arg.get_short().map(|c| format!("-{c}")),
        arg.get_long().map(|l| format!("--{l}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let takes_value = arg.get_num_args().is_some_and(|count| count.takes_values());
    let value = arg
        .get_value_names()
        .filter(|_| takes_value)
        .map(|names| names.join(" "));
    [
        Some(names.join(", ")).filter(|names| !names.is_empty()),
        value,
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

fn values(arg: &Arg) -> String {
    let takes_value = arg.get_num_args().is_some_and(|count| count.takes_values());
    let values = arg.get_possible_values();
    if !takes_value || values.is_empty() {
        return String::new();
    }
    let value = |value: &clap::builder::PossibleValue| match value.get_help() {
        Some(help) => format!("\n  * `{}`: {help}", value.get_name()),
        None => format!("\n  * `{}`", value.get_name()),
    };
    values.iter().map(value).collect()
}

fn environment(page: &mut String) {
    page.push_str("\n## Environment\n\n");
    for env::Variable { name, meaning } in env::all() {
        writeln!(page, "* `{name}`: {meaning}").unwrap();
    }
}
