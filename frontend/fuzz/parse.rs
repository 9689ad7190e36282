//! `cargo fuzz run parse`: whatever the bytes, a result that can be shown.

#![no_main]

use iechor_frontend::ast::Escape;
use iechor_frontend::{parse, parse_trigger};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.span.end() <= text.len());
        diagnostic.render("iEchorfile", &text);
    }
    for instruction in parsed.file.stages.iter().flat_map(|stage| &stage.instructions) {
        let escape = parsed.file.directives.escape;
        if let Ok(again) = parse_trigger(&instruction.statement.canonical, escape) {
            assert_eq!(again.keyword(), instruction.keyword());
        }
    }
    let _ = parse_trigger(&text, Escape::Backtick);
});
