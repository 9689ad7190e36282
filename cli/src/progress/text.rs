//! Text of others made safe and short for a terminal.
//!
//! What a step writes may hold escape sequences that move the cursor, set the title or fill the
//! clipboard. Nothing of the kind is let through; the log on disk has the bytes as they came.

use std::iter::Peekable;
use std::str::Chars;

use unicode_width::UnicodeWidthChar;

/// Width of a tab where columns are counted.
const TAB: &str = "    ";
/// Marks a text that was cut.
const ELLIPSIS: char = '…';

/// One line of output as text: escape sequences and control characters removed, and of what a
/// progress bar overwrote with carriage returns only the last state kept.
pub(super) fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    let last_state = text.rsplit('\r').next().unwrap_or(text);
    strip(last_state)
}

/// Removes escape sequences, control characters and bidirectional overrides; tabs become spaces.
fn strip(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\t' => kept.push_str(TAB),
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            c if c.is_control() || is_bidi_control(c) => {}
            c => kept.push(c),
        }
    }
    kept
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// ECMA-48: what follows ESC says how long the sequence is.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.next() {
        Some('[') => skip_control_sequence(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some(' '..='/') => {
            while chars
                .next_if(|c| matches!(c, ' '..='~'))
                .is_some_and(|c| c <= '/')
            {}
        }
        _ => {}
    }
}

/// Parameters and intermediates, up to a final byte of `@` to `~`.
fn skip_control_sequence(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// A string command, up to BEL or the string terminator.
fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// A warning as it is printed; those about a line of the file bring their own label.
pub(super) fn labelled(warning: &str) -> String {
    match warning.starts_with("warning: ") {
        true => warning.to_owned(),
        false => format!("warning: {warning}"),
    }
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// `text` cut to at most `columns` columns, with an ellipsis when something was lost.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = |c: &char| {
        let width = char_width(*c);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        cut.push(ELLIPSIS);
    }
    cut
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text.as_bytes())
    }

    #[test]
    fn plain_text_passes() {
        assert_eq!(cleaned("héllo  wörld ✓\n"), "héllo  wörld ✓");
        assert_eq!(clean(b"bad \xff byte"), "bad \u{fffd} byte");
    }

    #[test]
    fn sequences_that_act_on_the_terminal_are_removed_whole() {
        assert_eq!(cleaned("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(cleaned("a\u{1b}]0;owned\u{7}b"), "ab");
        assert_eq!(cleaned("a\u{1b}]52;c;cGF5bG9hZA==\u{1b}\\b"), "ab");
        assert_eq!(cleaned("a\u{1b}P1;2q#0~\u{1b}\\b"), "ab");
        assert_eq!(cleaned("a\u{1b}[?1049hb\u{1b}[2J\u{1b}[Hc"), "abc");
        assert_eq!(cleaned("a\u{1b}(Bb\u{1b}cd"), "abd");
        assert_eq!(cleaned("a\u{9b}31mb\u{9d}0;x\u{9c}c"), "abc");
        assert_eq!(cleaned("a\u{8}\u{0}\u{7f}b\u{202e}c"), "abc");
    }

    #[test]
    fn an_open_sequence_ends_with_the_line() {
        assert_eq!(cleaned("a\u{1b}]0;never closed"), "a");
        assert_eq!(cleaned("a\u{1b}"), "a");
        assert_eq!(cleaned("a\u{1b}["), "a");
    }

    #[test]
    fn of_a_progress_bar_the_last_state_is_kept() {
        assert_eq!(cleaned(" 10%\r 50%\r100%\r\n"), "100%");
    }

    #[test]
    fn cutting_counts_columns_not_characters() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello", 4), "hel…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("hello", 0), "");
        for columns in 0..12 {
            assert!(width(&fit("a日b本c語d", columns)) <= columns);
        }
    }
}
