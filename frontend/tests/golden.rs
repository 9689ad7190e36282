//! The corpus in `tests/data`: what each file parses to, and what is said about it.
//!
//! `ok/NAME/iEchorfile` has no error and parses to `ast` (its diagnostics, all of them warnings,
//! come before it); `err/NAME/iEchorfile` has at least one error and gets `diagnostics`. To write
//! the expected files anew, run the tests with `UPDATE_GOLDEN=1` and review the difference.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::fs;
use std::path::{Path, PathBuf};

use iechor_frontend::{Parsed, parse};

#[test]
fn good_files_parse_to_their_trees() {
    for case in cases("ok") {
        let (source, parsed) = read(&case);
        assert!(
            !parsed.has_errors(),
            "{}: {:#?}",
            case.display(),
            parsed.diagnostics
        );
        let tree = format!("{}{:#?}\n", rendered(&parsed, &source), parsed.file);
        compare(&case.join("ast"), &tree);
    }
}

#[test]
fn bad_files_get_their_diagnostics() {
    for case in cases("err") {
        let (source, parsed) = read(&case);
        assert!(parsed.has_errors(), "{} has no error", case.display());
        compare(&case.join("diagnostics"), &rendered(&parsed, &source));
    }
}

/// Two statements with the same canonical text say the same, so that text must parse to itself.
#[test]
fn canonical_text_is_its_own_canonical_text() {
    for case in cases("ok") {
        let (_, parsed) = read(&case);
        let escape = parsed.file.directives.escape;
        let instructions = parsed
            .file
            .stages
            .iter()
            .flat_map(|stage| &stage.instructions);
        for instruction in instructions {
            let canonical = &instruction.statement.canonical;
            let Ok(again) = iechor_frontend::parse_trigger(canonical, escape) else {
                let keyword = instruction.keyword().name();
                assert!(["ONBUILD", "MAINTAINER"].contains(&keyword), "{canonical}");
                continue;
            };
            assert_eq!(&again.statement.canonical, canonical);
        }
    }
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(kind);
    let mut cases: Vec<PathBuf> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(
        cases.len() >= 20,
        "{} has {} cases",
        dir.display(),
        cases.len()
    );
    cases
}

fn read(case: &Path) -> (String, Parsed) {
    let bytes = fs::read(case.join("iEchorfile")).unwrap();
    (String::from_utf8_lossy(&bytes).into_owned(), parse(&bytes))
}

fn rendered(parsed: &Parsed, source: &str) -> String {
    let render = |diagnostic: &iechor_frontend::Diagnostic| diagnostic.render("iEchorfile", source);
    parsed
        .diagnostics
        .iter()
        .map(render)
        .collect::<Vec<_>>()
        .join("\n")
}

fn compare(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} should be:\n{actual}",
        path.display()
    );
}
