//! What the sources may and may not hold.

use std::path::Path;

use crate::{files, read, top};

/// Crates with no `unsafe` at all, which say so.
const SAFE: [&str; 5] = ["cachedb", "cli", "engine", "frontend", "image"];

fn relative(path: &Path) -> String {
    path.strip_prefix(top()).unwrap().display().to_string()
}

/// Source files of the crates, not of their tests.
fn sources() -> Vec<(String, String)> {
    let all = files("rs")
        .into_iter()
        .map(|path| (relative(&path), read(&path)));
    all.filter(|(name, _)| name.contains("/src/") && !name.contains("tests"))
        .collect()
}

#[test]
fn unsafe_code_stands_in_sys_alone() {
    for (name, text) in sources() {
        let is_sys = ["snapshotter/src/sys", "executor/src/sys"]
            .iter()
            .any(|sys| name.starts_with(sys));
        let has_unsafe = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or(line);
            code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl")
        });
        assert!(is_sys || !has_unsafe, "unsafe code in {name}");
    }
}

#[test]
fn safe_crates_forbid_unsafe_code() {
    for name in SAFE {
        let file = if name == "cli" { "main.rs" } else { "lib.rs" };
        let text = read(&top().join(name).join("src").join(file));
        assert!(
            text.contains("#![forbid(unsafe_code)]"),
            "{name}/src/{file} does not forbid it"
        );
    }
}

#[test]
fn libraries_read_no_environment_and_print_nothing() {
    let forbidden = ["std::env::var", "env::var_os(", "println!", "process::exit"];
    for (name, text) in sources() {
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        if name.starts_with("cli/") {
            continue;
        }
        for word in forbidden {
            assert!(!own.contains(word), "{word} in {name}");
        }
    }
}

#[test]
fn environment_variables_are_declared_in_one_place() {
    for (name, text) in sources()
        .into_iter()
        .filter(|(name, _)| name.starts_with("cli/"))
    {
        let is_home = name == "cli/src/env.rs" || name == "cli/src/args/reference.rs";
        assert!(
            is_home || !text.contains("env::var"),
            "an environment variable is read in {name}"
        );
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file is not found.
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
    ];
    let ignored = ["#[ig", "nore"].concat();
    for path in files("rs") {
        let text = read(&path);
        for mark in marks.iter().chain([&ignored]) {
            assert!(
                !text.contains(mark.as_str()),
                "{mark} in {}",
                relative(&path)
            );
        }
    }
}

#[test]
fn nothing_names_a_machine() {
    let clone = format!("{}/", top().display());
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| ["/ro", "ot/.cargo"].concat());
    for extension in ["rs", "md", "toml", "sh"] {
        for path in files(extension) {
            let text = read(&path);
            let named = text.contains(&clone) || text.contains(&cargo);
            assert!(!named, "a path of this machine in {}", relative(&path));
        }
    }
}

#[test]
fn every_module_of_the_tests_is_compiled() {
    for (main, dir) in [
        ("tests/e2e/main.rs", "tests/e2e"),
        ("tests/tidy/main.rs", "tests/tidy"),
        ("tests/support/support.rs", "tests/support"),
    ] {
        let text = read(&top().join(main));
        for entry in std::fs::read_dir(top().join(dir)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let declared = text.contains(&format!("mod {name};"));
            assert!(
                declared || main.ends_with(&format!("/{name}.rs")),
                "{} is forgotten",
                relative(&path)
            );
        }
    }
}

#[test]
fn every_file_of_source_opens_with_what_it_is() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not say what it is");
    }
}
