//! Sizes and times as people read them.

use std::fmt;
use std::time::Duration;

/// A number of bytes, shown in decimal units with four digits: `1.704GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) u64);

impl TryFrom<String> for Size {
    type Error = SizeError;

    fn try_from(text: String) -> Result<Self, SizeError> {
        text.parse()
    }
}

const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// From how many bytes each unit but the last is too small: 999.95 of it would be shown as 1000.
const LIMITS: [u64; 6] = [
    1_000,
    999_950,
    999_950_000,
    999_950_000_000,
    999_950_000_000_000,
    999_950_000_000_000_000,
];

impl Size {
    /// Writes it after a text; there may be 100,000 of them in a listing.
    pub(crate) fn push(self, text: &mut String) {
        let unit = LIMITS.iter().take_while(|limit| self.0 >= **limit).count();
        // Divided by what is known when this is compiled.
        match unit {
            0 => push_number(text, self.0),
            1 => push_four_digits::<1_000>(text, self.0),
            2 => push_four_digits::<1_000_000>(text, self.0),
            3 => push_four_digits::<1_000_000_000>(text, self.0),
            4 => push_four_digits::<1_000_000_000_000>(text, self.0),
            5 => push_four_digits::<1_000_000_000_000_000>(text, self.0),
            _ => push_four_digits::<1_000_000_000_000_000_000>(text, self.0),
        }
        text.push_str(UNITS[unit]);
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push(&mut text);
        f.pad(&text)
    }
}

/// Four digits of the quotient by a unit's bytes, rounded, without zeros at the end.
fn push_four_digits<const UNIT: u64>(text: &mut String, bytes: u64) {
    let power = match bytes / UNIT {
        0..10 => 1000,
        10..100 => 100,
        _ => 10,
    };
    // Of large units what is below a millionth changes no digit.
    let shrink = (UNIT / 1_000_000).max(1);
    let unit = UNIT / shrink;
    let rounded = (bytes / shrink * power + unit / 2) / unit;
    push_number(text, rounded / power);
    push_decimals(text, rounded % power, power);
}

fn push_decimals(text: &mut String, mut fraction: u64, mut power: u64) {
    if fraction > 0 {
        text.push('.');
    }
    while fraction > 0 {
        power /= 10;
        push_number(text, fraction / power);
        fraction %= power;
    }
}

/// Writes a number after a text.
pub(crate) fn push_number(text: &mut String, number: u64) {
    let digit = |number: u64| b'0' + (number % 10) as u8;
    if number < 10 {
        text.push(digit(number).into());
        return;
    }
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    while rest > 0 {
        at -= 1;
        digits[at] = digit(rest);
        rest /= 10;
    }
    text.push_str(str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Why a size could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no size: write a number with B, kB, MB, GB (10^9), KiB, MiB or GiB (2^30)")]
pub(crate) struct SizeError(String);

impl std::str::FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let error = || SizeError(text.to_owned());
        let split = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: f64 = number.parse().map_err(|_| error())?;
        let factor = factor(unit.trim()).ok_or_else(error)?;
        Ok(Self((number * factor).round() as u64))
    }
}

/// What a unit multiplies by; case does not matter.
fn factor(unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    let (prefix, base) = match unit.strip_suffix("ib") {
        Some(prefix) => (prefix, 1024_f64),
        None => (unit.strip_suffix('b').unwrap_or(&unit), 1000_f64),
    };
    let power = match prefix {
        "" if base == 1000.0 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    Some(base.powi(power))
}

/// A duration in seconds with one decimal: `3.1s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1}s", self.0.as_secs_f64()))
    }
}

/// How long ago something was: `3 minutes ago`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ago(pub(crate) Duration);

const SPANS: [(u64, &str); 6] = [
    (365 * 24 * 3600, "year"),
    (30 * 24 * 3600, "month"),
    (24 * 3600, "day"),
    (3600, "hour"),
    (60, "minute"),
    (1, "second"),
];

impl Ago {
    /// Writes it after a text.
    pub(crate) fn push(self, text: &mut String) {
        let seconds = self.0.as_secs();
        let Some((span, name)) = SPANS.iter().find(|(span, _)| seconds >= *span) else {
            return text.push_str("now");
        };
        let count = seconds / span;
        push_number(text, count);
        text.push(' ');
        text.push_str(name);
        text.push_str(if count == 1 { " ago" } else { "s ago" });
    }
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push(&mut text);
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: u64) -> String {
        Size(bytes).to_string()
    }

    #[test]
    fn sizes_are_decimal_with_four_digits() {
        assert_eq!(shown(0), "0B");
        assert_eq!(shown(999), "999B");
        assert_eq!(shown(1000), "1kB");
        assert_eq!(shown(1_704_000_000), "1.704GB");
        assert_eq!(shown(12_345_678), "12.35MB");
        assert_eq!(shown(999_999_999), "1GB");
        assert_eq!(shown(999_949), "999.9kB");
        assert_eq!(shown(999_950), "1MB");
        assert_eq!(shown(10_050_000), "10.05MB");
        assert_eq!(shown(u64::MAX), "18.45EB");
    }

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        assert_eq!("10GB".parse(), Ok(Size(10_000_000_000)));
        assert_eq!("1GiB".parse(), Ok(Size(1 << 30)));
        assert_eq!("1.5k".parse(), Ok(Size(1500)));
        assert_eq!("512".parse(), Ok(Size(512)));
        assert_eq!("2 mb".parse(), Ok(Size(2_000_000)));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "GB", "10XB", "-1", "1.2.3MB", "ib"] {
            assert!(text.parse::<Size>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn ages_take_the_largest_unit() {
        assert_eq!(Ago(Duration::from_secs(0)).to_string(), "now");
        assert_eq!(Ago(Duration::from_secs(1)).to_string(), "1 second ago");
        assert_eq!(Ago(Duration::from_secs(7199)).to_string(), "1 hour ago");
        assert_eq!(
            Ago(Duration::from_secs(3 * 24 * 3600)).to_string(),
            "3 days ago"
        );
    }
}
