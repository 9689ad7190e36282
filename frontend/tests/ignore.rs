//! Ignore patterns: what moby's patternmatcher does, and what a walk of a tree needs.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::time::{Duration, Instant};

use iechor_frontend::ignore::{IgnoreError, IgnoreSet, MAX_PATTERNS, MAX_TEXT};

fn set(patterns: &[&str]) -> IgnoreSet {
    IgnoreSet::new(patterns.iter().copied()).unwrap()
}

fn check(patterns: &[&str], path: &str, expected: bool) {
    assert_eq!(
        set(patterns).matches(path),
        expected,
        "{patterns:?} on {path}"
    );
}

#[test]
fn one_pattern() {
    let matched = [
        ("**", "file"),
        ("**/", "file"),
        ("**", "dir/file"),
        ("**/**", "dir/file"),
        ("dir/**", "dir/file"),
        ("dir/**", "dir/dir2/file"),
        ("**/dir", "dir"),
        ("**/dir", "dir/file"),
        ("**/dir2/*", "dir/dir2/file"),
        ("**/dir2/*", "dir/dir2/sub/file"),
        ("**/dir2/**", "dir/dir2/dir3/file"),
        ("**file", "file"),
        ("**file", "dir/file"),
        ("**file", "dir/dir/somefile"),
        ("**/file", "dir/dir/file"),
        ("**/file*", "dir/dir/file.txt"),
        ("**/file*txt", "dir/dir/file.txt"),
        ("**/file*.txt*", "dir/dir/file.txt"),
        ("**/**/*.txt", "dir/dir/file.txt"),
        ("**/*.txt", "file.txt"),
        ("a**/*.txt", "a/file.txt"),
        ("a**/*.txt", "a/dir/dir/file.txt"),
        ("a**/*.txt", "afile.txt"),
        ("a**/*.txt", "abc/file.txt"),
        ("a**b/c", "ab/c"),
        ("a**b/c", "ax/y/b/c"),
        ("a/*.txt", "a/file.txt"),
        ("a/*.txt**", "a/file.txt.gz"),
        ("a[b-d]e", "ace"),
        ("a[^b-d]e", "aze"),
        (".*", ".foo"),
        ("abc.def", "abc.def"),
        ("abc?def", "abcZdef"),
        ("**/foo/bar", "dir/dir2/foo/bar"),
        ("abc/**", "abc/def/ghi"),
        ("**/.foo", ".foo"),
        ("a(b)c/def", "a(b)c/def"),
        ("a.|)$(}+{bc", "a.|)$(}+{bc"),
        ("a\\*b", "a*b"),
        ("a\\\\", "a\\"),
        ("a*", "ab/c"),
        ("/a/b", "a/b"),
        ("./a/../b//c/", "b/c/d"),
        ("docs", "docs/README.md"),
    ];
    matched
        .iter()
        .for_each(|(pattern, path)| check(&[pattern], path, true));
}

#[test]
fn one_pattern_that_leaves_the_path() {
    let left = [
        ("**/**/*.txt2", "dir/dir/file.txt"),
        ("a/*.txt", "a/dir/file.txt"),
        ("a[b-d]e", "ae"),
        ("a[b-d]e", "aae"),
        (".*", "foo"),
        ("abc.def", "abcZdef"),
        ("abc?def", "abcdef"),
        ("abc/**", "abc"),
        ("**/.foo", "bar.foo"),
        ("**foo*", "dir/xfoo1"),
        ("a(b)c/def", "a(b)c/xyz"),
        ("a*/b", "a/c/b"),
        ("a*b", "a/b"),
        ("*.log", "dir/x.log"),
        ("doc", "docs"),
        ("a/b", "a"),
        ("a/b", "b"),
        (".", "a"),
        ("/", "a"),
        ("../a", "a"),
    ];
    left.iter()
        .for_each(|(pattern, path)| check(&[pattern], path, false));
}

#[test]
fn the_root_is_never_left_out() {
    for path in ["", ".", "./"] {
        check(&["**"], path, false);
        check(&["*"], path, false);
    }
}

#[test]
fn the_last_pattern_that_matches_counts() {
    check(&["!fileutils.go", "*.go"], "fileutils.go", true);
    check(&["*.go", "!fileutils.go"], "fileutils.go", false);
    check(&["docs", "!docs/README.md"], "docs/README.md", false);
    check(&["docs/", "!docs/README.md"], "docs/README.md", false);
    check(&["docs/*", "!docs/README.md"], "docs/README.md", false);
    check(&["docs/*", "!docs/README.md"], "docs/other.md", true);
    check(&["**", "!util/docker/web"], "util/docker/web/foo", false);
    check(
        &["**", "!util/docker/web", "util/docker/web/foo"],
        "util/docker/web/foo",
        true,
    );
    check(&["**", "!dist/*.whl"], "dist/a-1.0+g08.whl", false);
    check(&["a", "  !a/b  "], "a/b/c", false);
    check(&["a/b", "!a"], "a/b", false);
    check(&["!a", "a"], "a", true);
}

#[test]
fn a_file_has_comments_blank_lines_and_a_byte_order_mark() {
    let ignored =
        IgnoreSet::parse("\u{feff}# comment\n\n  a  \r\n #b\n! /c/d \n/c\n!c/e\n").unwrap();
    assert!(ignored.matches("a"));
    assert!(
        ignored.matches("#b"),
        "a comment begins in the first column"
    );
    assert!(ignored.matches("c/d"));
    assert!(!ignored.matches("c/e"));
    assert!(!ignored.matches("# comment"));
    assert!(IgnoreSet::parse("# only\n\n").unwrap().is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let wrong = [
        ("a\n!\n", IgnoreError::Empty { number: 2 }),
        (
            "\n a**b**c**d**e**f**g\n",
            IgnoreError::TooComplex { number: 2 },
        ),
    ];
    for (text, error) in wrong {
        assert_eq!(IgnoreSet::parse(text).unwrap_err(), error);
    }
    let bad = IgnoreSet::parse("# x\na\n[\n").unwrap_err();
    assert!(
        matches!(bad, IgnoreError::Pattern { number: 3, .. }),
        "{bad}"
    );
}

#[test]
fn limits() {
    let longest = "a\n".repeat(MAX_PATTERNS);
    assert!(IgnoreSet::parse(&longest).is_ok());
    assert_eq!(
        IgnoreSet::parse(&(longest + "b")).unwrap_err(),
        IgnoreError::TooMany
    );
    let comment = |len: usize| format!("#{}", "x".repeat(len - 1));
    assert!(IgnoreSet::parse(&comment(MAX_TEXT)).is_ok());
    assert_eq!(
        IgnoreSet::parse(&comment(MAX_TEXT + 1)).unwrap_err(),
        IgnoreError::TooLong
    );
}

#[test]
fn a_directory_is_entered_only_for_what_may_be_put_back() {
    let cases: [(&[&str], &str, bool); 10] = [
        (&["a"], "a", false),
        (&["a", "!a/b/c"], "a", true),
        (&["a", "!a/b/c"], "a/b", true),
        (&["a", "!a/b/c"], "a/x", false),
        (&["a", "!b"], "a", false),
        (&["!a/b", "a"], "a", false),
        (&["*", "!**/*.md"], "any/dir", true),
        (&["*", "!src/*/x"], "src/y", true),
        (&["*", "!src/*/x"], "doc", false),
        (&["*", "!src/**/x"], "src/deep/down", true),
    ];
    for (patterns, dir, expected) in cases {
        let ignored = set(patterns);
        assert_eq!(
            ignored.may_include_below(dir),
            expected,
            "{patterns:?} below {dir}"
        );
    }
}

#[test]
fn paths_need_not_be_utf8() {
    assert!(set(&["*.o"]).matches(b"\xff\xfe.o"));
    assert!(set(&["dir"]).matches(b"dir/\xff"));
}

/// 20,000 files under 30 patterns are asked about at every build.
#[test]
fn a_large_tree_takes_little_time() {
    let patterns = [
        ".git",
        "**/node_modules",
        "**/*.log",
        "target",
        "dist/**",
        "*.md",
        "!README.md",
        "**/.DS_Store",
        "docs/*/build",
        "tmp*",
        "**/__pycache__",
        "**/*.py[co]",
        ".env*",
        "a/b/c",
        "!a/b/c/d",
        "**/coverage/**",
        "out",
        "build",
        "*.swp",
        "**/test/*.tmp",
        "vendor/*/x",
        "**/.cache",
        "x/y/z",
        "*.bak",
        "**/Thumbs.db",
        "k8s",
        "helm/**/charts",
        "**/*.orig",
        "Makefile.local",
        "**/*.iml",
    ];
    let ignored = set(&patterns);
    let paths: Vec<String> = (0..20_000)
        .map(|n| format!("src/module{}/component{}/file{n}.rs", n % 50, n % 400))
        .collect();
    let start = Instant::now();
    let left_out = paths
        .iter()
        .filter(|path| ignored.matches(path.as_str()))
        .count();
    let elapsed = start.elapsed();
    assert_eq!(left_out, 0);
    // A build without optimisations on a busy machine; it takes a tenth of it otherwise.
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
}

#[test]
fn many_literal_patterns_cost_no_more_than_few() {
    let patterns: Vec<String> = (0..MAX_PATTERNS)
        .map(|n| format!("{}dir{n}/file", ["", "**/"][n % 2]))
        .collect();
    let ignored = IgnoreSet::new(patterns.iter().map(String::as_str)).unwrap();
    assert!(ignored.matches("dir8/file") && ignored.matches("x/dir9/file"));
    let start = Instant::now();
    let paths = (0..100_000).map(|n| format!("src/a{n}/b"));
    assert_eq!(paths.filter(|path| ignored.matches(path)).count(), 0);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn stars_take_no_more_than_their_share_of_time() {
    let start = Instant::now();
    let stars = "*a".repeat(500);
    let ignored = set(&[&stars, &format!("{}b", "**/a/".repeat(200))]);
    assert!(!ignored.matches("a/".repeat(2_000) + &"a".repeat(100)));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
