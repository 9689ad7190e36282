//! `cargo fuzz run ignore`: the last line is a path, the rest are patterns.

#![no_main]

use iechor_frontend::ignore::IgnoreSet;
use iechor_frontend::pattern::Pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (patterns, path) = text.rsplit_once('\n').unwrap_or((text, "a/b"));
    let Ok(ignored) = IgnoreSet::parse(patterns) else { return };
    if let Some((dir, _)) = path.rsplit_once('/') {
        if ignored.matches(dir) && !ignored.may_include_below(dir) {
            assert!(ignored.matches(path) || path.ends_with("/.") || path.ends_with('/'));
        }
    }
    if let Ok(pattern) = Pattern::new(patterns) {
        pattern.matches(path);
    }
});
