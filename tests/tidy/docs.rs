//! Pages that name what there is.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::{files, read, top};

/// The commands that `--help` lists.
fn commands(prefix: &[&str]) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_iechor"))
        .args(prefix)
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn the_reference_names_every_command() {
    let page = read(&top().join("docs/cli-reference.md"));
    for name in commands(&[]) {
        assert!(
            page.contains(&format!("\n## iechor {name}\n")),
            "{name} is missing"
        );
    }
    for name in commands(&["builder"]) {
        assert!(
            page.contains(&format!("\n## iechor builder {name}\n")),
            "builder {name} is missing"
        );
    }
}

#[test]
fn the_page_of_exit_codes_names_every_code() {
    let page = read(&top().join("docs/exit-codes.md"));
    for code in [0, 1, 2, 3, 4, 5, 125, 129, 130, 141, 143] {
        assert!(page.contains(&format!("| {code} |")), "{code} is missing");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in files("md") {
        let text = read(&page);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap();
            let is_local = !file.is_empty() && !file.contains("://") && !file.contains(' ');
            let dir = page.parent().unwrap();
            assert!(
                !is_local || dir.join(file).exists(),
                "{} links to {file}",
                page.display()
            );
        }
    }
}

#[test]
fn the_usual_pages_are_there() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
    ] {
        assert!(Path::new(&top().join(name)).exists(), "{name} is missing");
    }
}

#[test]
fn make_help_lists_every_target() {
    let makefile = read(&top().join("Makefile"));
    let phony = makefile
        .lines()
        .find_map(|line| line.strip_prefix(".PHONY:"))
        .unwrap();
    for target in phony.split_whitespace() {
        let documented = makefile
            .lines()
            .any(|line| line.starts_with(&format!("{target}:")) && line.contains("## "));
        assert!(documented, "{target} has no text for `make help`");
    }
}
