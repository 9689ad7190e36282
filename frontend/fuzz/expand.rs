//! `cargo fuzz run expand`: the first line is the value of every variable that begins with `a`,
//! the rest is the word.

#![no_main]

use iechor_frontend::ast::Escape;
use iechor_frontend::expand::{Expander, MAX_EXPANSION};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (value, word) = text.split_once('\n').unwrap_or(("", text));
    let lookup = |name: &str| name.starts_with('a').then(|| value.to_owned());
    let mut expander = Expander::new(Escape::Backslash, &lookup);
    if let Ok(expanded) = expander.word(word) {
        assert!(expanded.len() <= MAX_EXPANSION);
    }
    let _ = expander.words(word);
});
