//! How wide characters are on a terminal, and what is shown in place of those that are not text.

/// How wide a tab is shown.
const TAB: usize = 4;

/// Ranges of characters that take no column: they belong to the one before.
const ZERO: [(u32, u32); 12] = [
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x0610, 0x061a),
    (0x064b, 0x065f),
    (0x0e34, 0x0e3a),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200d),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
    (0xe0100, 0xe01ef),
];

/// Ranges of characters that take two columns (East Asian Width W and F, and emoji).
const WIDE: [(u32, u32); 14] = [
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x23e9, 0x23ec),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];

/// The columns that a character takes as [`push_shown`] shows it.
pub(super) fn char_width(c: char) -> usize {
    let is_in = |ranges: &[(u32, u32)]| {
        let code = u32::from(c);
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&code))
    };
    match c {
        '\t' => TAB,
        ' '..='~' => 1,
        _ if is_command(c) => 1,
        _ if is_in(&ZERO) => 0,
        _ if is_in(&WIDE) => 2,
        _ => 1,
    }
}

/// Whether a terminal takes the character for something other than text: control characters, and
/// those that turn the direction of writing and so hide what a line says.
fn is_command(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Adds the character as it is to be shown.
pub(super) fn push_shown(c: char, text: &mut String) {
    match c {
        '\t' => text.extend([' '; TAB]),
        _ if is_command(c) => text.push(char::REPLACEMENT_CHARACTER),
        _ => text.push(c),
    }
}
