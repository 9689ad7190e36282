//! What words of a script mean.

use rustix::fs::Mode;

/// `x{9}`: the character before the braces, so many times.
pub(super) fn expand(word: &str) -> String {
    let Some((start, (count, end))) = word
        .split_once('{')
        .and_then(|(start, rest)| Some((start, rest.split_once('}')?)))
    else {
        return word.to_owned();
    };
    let mut start = start.to_owned();
    let repeated = start.pop().unwrap();
    start + &repeated.to_string().repeat(count.parse().unwrap()) + &expand(end)
}

pub(super) fn mode(word: &str) -> Mode {
    Mode::from_raw_mode(u32::from_str_radix(word, 8).unwrap())
}

pub(super) fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().unwrap()
}

/// Text, or `hex:` and bytes.
pub(super) fn bytes(word: &str) -> Vec<u8> {
    let Some(digits) = word.strip_prefix("hex:") else {
        return word.as_bytes().to_vec();
    };
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}
