//! Expansion of words: what BuildKit's shell lexer gives.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::time::{Duration, Instant};

use iechor_frontend::ast::{Escape, Expansion, Heredoc};
use iechor_frontend::expand::{ExpandError, Expander, MAX_EXPANSION};
use iechor_frontend::{Code, Span, parse};

fn value(name: &str) -> Option<String> {
    let value = match name {
        "PWD" => "/home",
        "SHELL" => "bash",
        "KOREAN" => "한국어",
        "EMPTY" => "",
        "LIST" => "a  b\tc",
        "FILE" => "dir/sub/name.tar.gz",
        "STAR" => "a*b?c",
        "LINES" => "ab\ncd",
        "QUOTED" => "it's \"q\" $PWD \\",
        _ => return None,
    };
    Some(value.to_owned())
}

fn word_with(escape: Escape, text: &str) -> Result<String, ExpandError> {
    Expander::new(escape, &value).word(text)
}

fn word(text: &str) -> Result<String, ExpandError> {
    word_with(Escape::Backslash, text)
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(word(text).as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn quotes_and_escapes() {
    check(&[
        ("hello", "hello"),
        ("he'll'o", "hello"),
        ("he'l\\'o", "hel\\o"),
        ("he\\'llo", "he'llo"),
        ("he\\\\'llo'", "he\\llo"),
        ("he\"llo\"", "hello"),
        ("he\"l\\\"lo\"", "hel\"lo"),
        ("\"he\\x\\\\$PWD\\$PWD\"", "he\\x\\/home$PWD"),
        ("\"'\"", "'"),
        ("'\"'", "\""),
        ("a b", "a b"),
        ("  a  ", "  a  "),
        ("end\\", "end"),
        ("\\$PWD", "$PWD"),
        ("'$PWD'", "$PWD"),
        ("''", ""),
        ("é\\한", "é한"),
    ]);
}

#[test]
fn quotes_that_are_not_closed() {
    for (text, quote) in [
        ("'a", '\''),
        ("\"a", '"'),
        ("a\"\\\"", '"'),
        ("\"$PWD", '"'),
    ] {
        assert_eq!(word(text), Err(ExpandError::UnclosedQuote(quote)), "{text}");
    }
}

#[test]
fn variables() {
    check(&[
        ("$PWD", "/home"),
        ("${PWD}", "/home"),
        ("x$PWD.y", "x/home.y"),
        ("\"$PWD\"", "/home"),
        ("$KOREAN$PWD", "한국어/home"),
        ("$", "$"),
        ("a$", "a$"),
        ("$.", "$."),
        ("$ x", "$ x"),
        ("$unset", ""),
        ("$1x", "x"),
        ("$12x", "x"),
        ("$@x$$", "x"),
        ("$QUOTED", "it's \"q\" $PWD \\"),
        ("$PWD_", ""),
        ("${PWD}_", "/home_"),
    ]);
}

#[test]
fn defaults_and_alternatives() {
    check(&[
        ("${PWD:-x}", "/home"),
        ("${EMPTY:-x}", "x"),
        ("${unset:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${unset-x}", "x"),
        ("${PWD:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${unset:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${unset+x}", ""),
        ("${unset:-}", ""),
        ("${unset:-a b}", "a b"),
        ("${unset:-$PWD/x}", "/home/x"),
        ("${unset:-${other:-${PWD}}}", "/home"),
        ("${unset:-'}'}", "}"),
        ("${unset:-\\}}", "}"),
        ("${unset:-\"a}\"}z", "a}z"),
        ("\"${unset:-a b}\"", "a b"),
        ("${PWD:?x}", "/home"),
        ("${EMPTY?x}", ""),
    ]);
}

#[test]
fn required_variables() {
    let required = |name: &str, message: &str| {
        Err(ExpandError::Required {
            name: name.to_owned(),
            message: message.to_owned(),
        })
    };
    assert_eq!(word("${unset:?give it}"), required("unset", "give it"));
    assert_eq!(
        word("${unset?}"),
        required("unset", "is not allowed to be unset")
    );
    assert_eq!(word("${EMPTY:?$PWD}"), required("EMPTY", "/home"));
    assert_eq!(
        word("${EMPTY:?}"),
        required("EMPTY", "is not allowed to be unset or empty")
    );
}

#[test]
fn prefixes_and_suffixes() {
    check(&[
        ("${FILE#*/}", "sub/name.tar.gz"),
        ("${FILE##*/}", "name.tar.gz"),
        ("${FILE%.*}", "dir/sub/name.tar"),
        ("${FILE%%.*}", "dir/sub/name"),
        ("${FILE%/*}", "dir/sub"),
        ("${FILE#nothing}", "dir/sub/name.tar.gz"),
        ("${FILE#???}", "/sub/name.tar.gz"),
        ("${FILE%??}", "dir/sub/name.tar."),
        ("${FILE##*}", ""),
        ("${FILE#*}", "dir/sub/name.tar.gz"),
        ("${FILE#}", "dir/sub/name.tar.gz"),
        ("${KOREAN#?}", "국어"),
        ("${KOREAN%?}", "한국"),
        ("${STAR#a\\*}", "b?c"),
        ("${STAR%\\?c}", "a*b"),
        ("${STAR%b*}", "a*"),
        ("${FILE#${unset:-dir}}", "/sub/name.tar.gz"),
        ("${unset#x}", ""),
        ("${LINES#*c}", "ab\ncd"),
    ]);
}

#[test]
fn replacements() {
    check(&[
        ("${FILE/sub/x}", "dir/x/name.tar.gz"),
        ("${FILE/./_}", "dir/sub/name_tar.gz"),
        ("${FILE//./_}", "dir/sub/name_tar_gz"),
        ("${FILE//\\//-}", "dir-sub-name.tar.gz"),
        ("${FILE/\\/*\\//:}", "dir:name.tar.gz"),
        ("${FILE//[a]/x}", "dir/sub/name.tar.gz"),
        ("${FILE//a*/X}", "dir/sub/nX"),
        ("${FILE/nothing/x}", "dir/sub/name.tar.gz"),
        ("${FILE//./}", "dir/sub/nametargz"),
        ("${FILE/*/$PWD}", "/home"),
        ("${FILE//*/x}", "x"),
        ("${EMPTY//*/x}", "x"),
        ("${LINES//*/x}", "x\nx"),
        ("${KOREAN//?/-}", "---"),
        ("${FILE///x}", "dir/sub/name.tar.gz"),
        ("${unset/a/b}", ""),
    ]);
}

#[test]
fn what_is_no_substitution() {
    for text in ["${", "${}", "${:-x}", "${{x}}"] {
        assert!(word(text).is_err(), "{text}");
    }
    assert_eq!(word("${PWD"), Err(ExpandError::UnclosedBrace("PWD".into())));
    assert_eq!(
        word("${PWD:-x"),
        Err(ExpandError::UnclosedBrace("PWD".into()))
    );
    assert_eq!(
        word("${PWD/a"),
        Err(ExpandError::UnclosedBrace("PWD".into()))
    );
    let operators = [
        ("${PWD^^}", "^"),
        ("${PWD:=x}", ":="),
        ("${PWD:", ":"),
        ("${PWD x}", " "),
    ];
    for (text, expected) in operators {
        let Err(ExpandError::UnknownOperator { operator, .. }) = word(text) else {
            panic!("{text}")
        };
        assert_eq!(operator, expected);
    }
    let bad = ExpandError::BadPattern {
        name: "PWD".into(),
        pattern: "\\x".into(),
    };
    assert_eq!(word("${PWD#\\x}"), Err(bad));
}

#[test]
fn the_escape_character_is_the_files() {
    let cases = [
        ("a`$PWD", "a$PWD"),
        ("c:\\$SHELL", "c:\\bash"),
        ("\"`\"`\\\"", "\"`\\"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            word_with(Escape::Backtick, text).as_deref(),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn words_are_split_after_expansion() {
    let words = |text: &str| {
        Expander::new(Escape::Backslash, &value)
            .words(text)
            .unwrap()
    };
    assert_eq!(words("a b"), ["a", "b"]);
    assert_eq!(words("$LIST"), ["a", "b", "c"]);
    assert_eq!(words("x$LIST'y z'"), ["xa", "b", "cy z"]);
    assert_eq!(words("\"$LIST\""), ["a  b\tc"]);
    assert_eq!(words("a\\ b c"), ["a b", "c"]);
    assert_eq!(words("  $EMPTY '' "), [] as [&str; 0]);
}

#[test]
fn heredocs_know_no_quotes() {
    let heredoc = |body: &str, expansion| Heredoc {
        name: "EOF".into(),
        body: body.into(),
        expansion,
        span: Span::default(),
    };
    let expand = |heredoc: &Heredoc| Expander::new(Escape::Backtick, &value).heredoc(heredoc);
    let body = "it's \"$PWD\" \\$PWD `x` \\\\\n";
    assert_eq!(
        expand(&heredoc(body, Expansion::Variables)).as_deref(),
        Ok("it's \"/home\" $PWD `x` \\\n")
    );
    assert_eq!(
        expand(&heredoc(body, Expansion::Literal)).as_deref(),
        Ok(body)
    );
}

#[test]
fn names_that_were_looked_up_are_known() {
    let mut expander = Expander::new(Escape::Backslash, &value);
    expander.word("$PWD ${a:-$EMPTY} ${SHELL:+$b}").unwrap();
    expander.word("'$c'").unwrap();
    assert_eq!(
        expander.used().iter().collect::<Vec<_>>(),
        ["EMPTY", "PWD", "SHELL"]
    );
    assert_eq!(expander.unset().iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn errors_point_at_the_text() {
    let parsed = parse("FROM a\nENV x=1 y=${z:?needed}\n");
    let iechor_frontend::ast::InstructionKind::Env(env) =
        &parsed.file.stages[0].instructions[0].kind
    else {
        panic!("not ENV")
    };
    let error = Expander::new(Escape::Backslash, &value)
        .text(&env.variables[1].value)
        .unwrap_err();
    assert_eq!(error.code, Code::REQUIRED_VARIABLE);
    assert_eq!(error.message, "z: needed");
    assert_eq!((error.span.line, error.span.column), (2, 11));
}

#[test]
fn what_comes_out_is_limited() {
    let long = |_: &str| Some("x".repeat(1 << 16));
    let word = |text: &str| Expander::new(Escape::Backslash, &long).word(text);
    assert_eq!(word(&"$a".repeat(16)).unwrap().len(), MAX_EXPANSION);
    let too_long = Err(ExpandError::TooLong);
    assert_eq!(word(&"$a".repeat(17)), too_long);
    assert_eq!(word(&format!("\"{}\"", "$a".repeat(17))), too_long);
    assert_eq!(word(&format!("${{b:+{}}}", "$a".repeat(17))), too_long);
    assert_eq!(word("${a//x/$a}"), too_long);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| "${a:-".repeat(depth) + &"}".repeat(depth);
    assert_eq!(word(&nested(64)).as_deref(), Ok(""));
    assert_eq!(word(&nested(65)), Err(ExpandError::TooDeep(64)));
    assert_eq!(word(&nested(1_000_000)), Err(ExpandError::TooDeep(64)));
}

#[test]
fn patterns_take_bounded_time() {
    let long = |_: &str| Some("a".repeat(MAX_EXPANSION));
    let start = Instant::now();
    for pattern in ["*a*a*a*a*a*a*a*a*b", "a*b", "?*?*?*?*?*b"] {
        for text in [format!("${{x//{pattern}/y}}"), format!("${{x%%{pattern}}}")] {
            let result = Expander::new(Escape::Backslash, &long).word(&text);
            assert!(
                matches!(result, Ok(_) | Err(ExpandError::TooSlow(_))),
                "{text}"
            );
        }
    }
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}
