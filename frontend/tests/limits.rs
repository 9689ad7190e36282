//! No input panics, and none takes more than its share of time.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::time::{Duration, Instant};

use iechor_frontend::ast::Escape;
use iechor_frontend::expand::Expander;
use iechor_frontend::ignore::IgnoreSet;
use iechor_frontend::pattern::Pattern;
use iechor_frontend::{Code, Parsed, parse, parse_trigger};
use proptest::prelude::*;

/// Text that gets past the first checks more often than any text does.
fn likely_file() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("FROM ".to_owned()),
        Just("\nRUN ".to_owned()),
        Just("\nCOPY ".to_owned()),
        Just("\nENV ".to_owned()),
        Just("\nONBUILD ".to_owned()),
        Just("\nHEALTHCHECK CMD ".to_owned()),
        Just(" --mount=type=cache,".to_owned()),
        Just("target=".to_owned()),
        Just(" --chmod=".to_owned()),
        Just(" <<EOF".to_owned()),
        Just(" <<-'E'".to_owned()),
        Just("\nEOF\n".to_owned()),
        Just(" \\\n".to_owned()),
        Just("\r\n# ".to_owned()),
        Just("[\"a\",".to_owned()),
        Just("\"]".to_owned()),
        Just("${x:-".to_owned()),
        Just("}".to_owned()),
        Just("漢\u{301}\t".to_owned()),
        "[ -~]{0,8}",
        ".{0,3}",
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// Everything in the result can be shown, and every span lies in the text.
fn check_result(text: &str, parsed: &Parsed) {
    for diagnostic in &parsed.diagnostics {
        assert!(!diagnostic.render("iEchorfile", text).is_empty());
        assert!(diagnostic.span.end() <= text.len(), "{diagnostic:?}");
        assert!(
            text.is_char_boundary(diagnostic.span.offset),
            "{diagnostic:?}"
        );
    }
    for stage in &parsed.file.stages {
        let span = stage.base.span();
        assert!(text.get(span.offset..span.end()).is_some(), "{span:?}");
        for instruction in &stage.instructions {
            let span = instruction.statement.span;
            assert!(text.get(span.offset..span.end()).is_some(), "{span:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_result(&String::from_utf8_lossy(&bytes), &parse(&bytes));
    }

    #[test]
    fn files_never_panic(text in likely_file()) {
        check_result(&text, &parse(&text));
        let _ = parse_trigger(&text, Escape::Backtick);
    }

    #[test]
    fn what_is_shown_never_panics(text in likely_file(), other in likely_file()) {
        parse(&text).diagnostics.iter().for_each(|found| drop(found.render("f", &other)));
    }

    #[test]
    fn words_never_panic(text in "[a\"'\\\\${}:/#%*?+-]{0,30}|.{0,20}") {
        let lookup = |name: &str| (name == "a").then(|| "a/b*c".to_owned());
        let mut expander = Expander::new(Escape::Backslash, &lookup);
        let word = expander.word(&text);
        let words = expander.words(&text);
        prop_assert_eq!(word.is_ok(), words.is_ok());
    }

    #[test]
    fn literal_words_stay_as_they_are(text in "[^$\"'\\\\]{0,30}") {
        prop_assert_eq!(Expander::new(Escape::Backslash, &|_| None).word(&text), Ok(text));
    }

    #[test]
    fn patterns_never_panic(pattern in "[ab*?\\[\\]^/!\\\\.-]{0,16}|.{0,10}", path in "[ab/.]{0,16}|.{0,10}") {
        if let Ok(pattern) = Pattern::new(&pattern) {
            pattern.matches(&path);
        }
        if let Ok(set) = IgnoreSet::parse(&pattern) {
            set.matches(&path);
            set.may_include_below(&path);
        }
    }

    /// A directory may be skipped when nothing below it can be put back: then everything below
    /// it must be left out.
    #[test]
    fn pruning_loses_nothing(
        patterns in prop::collection::vec("!?(a|b|\\*|\\*\\*|a\\*|/)(/(a|b|\\*|\\*\\*|b\\*\\*)){0,3}", 1..6),
        dir in "[ab](/[ab]){0,2}",
        below in "[ab](/[ab]){0,2}",
    ) {
        let set = IgnoreSet::new(patterns.iter().map(String::as_str)).unwrap();
        if set.matches(&dir) && !set.may_include_below(&dir) {
            let path = format!("{dir}/{below}");
            prop_assert!(set.matches(&path), "{:?} skip {dir} but keep {path}", patterns);
        }
    }
}

#[track_caller]
fn check_quick(what: &str, text: &str) -> Parsed {
    let start = Instant::now();
    let parsed = parse(text);
    parsed
        .diagnostics
        .iter()
        .take(3)
        .for_each(|found| drop(found.render("f", text)));
    // Without optimisations and on a busy machine; the promise is 1 s for an optimised build.
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{what}: {:?}",
        start.elapsed()
    );
    parsed
}

#[test]
fn parser_bombs_end_soon() {
    const MIB: usize = 1 << 20;
    let codes = |parsed: Parsed| {
        parsed
            .diagnostics
            .iter()
            .map(|d| d.code)
            .collect::<Vec<_>>()
    };
    check_quick(
        "one long line",
        &format!("FROM a\nRUN {}", "x ".repeat(4 * MIB)),
    );
    check_quick(
        "many words",
        &format!("FROM a\nCOPY {} d/", "é ".repeat(MIB / 2)),
    );
    check_quick(
        "many continuations",
        &format!("FROM a\nRUN {}", "a \\\n".repeat(MIB)),
    );
    check_quick(
        "many heredocs",
        &format!("FROM a\nRUN {}", "<<a ".repeat(MIB / 8)),
    );
    check_quick(
        "nested JSON",
        &format!("FROM a\nCMD {}", "[".repeat(4 * MIB)),
    );
    check_quick(
        "a long flag",
        &format!("FROM a\nRUN --{} x", "m".repeat(4 * MIB)),
    );
    check_quick(
        "many mounts",
        &format!("FROM a\nRUN {} x", "--mount=type=cash ".repeat(MIB / 32)),
    );
    check_quick("many stages", &"FROM a AS b\n".repeat(20_000));
    let numbered = |line: &str| {
        (0..100_000)
            .map(|n| line.replace('#', &n.to_string()))
            .collect()
    };
    let stages: String = numbered("FROM a AS b#\n");
    check_quick("many names", &stages);
    let commands: String = numbered("CMD #\nRUN #\n");
    assert!(!check_quick("many commands", &format!("FROM a\n{commands}")).has_errors());
    let words = "<<a ".repeat(50_000) + &"b ".repeat(50_000);
    let heredocs = format!("FROM a\nCOPY {words} d/\n{}", "a\n".repeat(50_000));
    assert!(!check_quick("many files", &heredocs).has_errors());
    let nonsense = codes(check_quick("nonsense", &"X\n".repeat(MIB)));
    assert_eq!(nonsense.len(), 1_001);
    assert_eq!(nonsense.last(), Some(&Code::TOO_LARGE));
    let too_large = codes(check_quick("too large", &"#".repeat(16 * MIB + 1)));
    assert_eq!(too_large, [Code::TOO_LARGE]);
}
