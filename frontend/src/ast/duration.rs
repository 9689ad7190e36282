//! Durations as Go writes them: `1h30m`, `1.5s`, `300ms`.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number is missing or malformed.
    #[error("invalid duration {0:?}")]
    Malformed(String),
    /// A number has no unit.
    #[error("missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit is none of Go's.
    #[error("unknown unit {unit:?} in duration {duration:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        duration: String,
    },
    /// It is less than nothing.
    #[error("duration {0:?} is negative")]
    Negative(String),
    /// It does not fit in 2^63 - 1 nanoseconds.
    #[error("duration {0:?} is too long")]
    TooLong(String),
}

/// Parses a duration by the rules of Go's `time.ParseDuration`, negative ones refused.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let nanos = match unsigned {
        "0" => 0,
        "" => return Err(DurationError::Malformed(text.to_owned())),
        terms => sum_of_terms(terms, text)?,
    };
    match nanos {
        0 => Ok(Duration::ZERO),
        _ if text.starts_with('-') => Err(DurationError::Negative(text.to_owned())),
        _ => Ok(Duration::from_nanos(nanos)),
    }
}

fn sum_of_terms(mut rest: &str, text: &str) -> Result<u64, DurationError> {
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split_at_first(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, next) = split_at_first(after, |c| c.is_ascii_digit() || c == '.');
        total = total.saturating_add(term(number, unit, text)?);
        rest = next;
    }
    let limit = u128::from(i64::MAX.unsigned_abs());
    let fits = u64::try_from(total)
        .ok()
        .filter(|&nanos| u128::from(nanos) <= limit);
    fits.ok_or_else(|| DurationError::TooLong(text.to_owned()))
}

fn split_at_first(text: &str, found: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(found).unwrap_or(text.len()))
}

/// Nanoseconds of one number with its unit.
fn term(number: &str, unit: &str, text: &str) -> Result<u128, DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(malformed());
    }
    let unit = nanos_of_unit(unit, text)?;
    let whole: u64 = match whole {
        "" => 0,
        digits => digits
            .parse()
            .map_err(|_| DurationError::TooLong(text.to_owned()))?,
    };
    Ok(u128::from(whole) * unit + fraction_of(fraction, unit))
}

/// As Go does, digits that no longer count are dropped.
fn fraction_of(digits: &str, unit: u128) -> u128 {
    let mut scale: u128 = 1;
    let mut value: u128 = 0;
    for digit in digits.bytes().take(18) {
        scale *= 10;
        value = value * 10 + u128::from(digit.saturating_sub(b'0'));
    }
    value * unit / scale
}

fn nanos_of_unit(unit: &str, text: &str) -> Result<u128, DurationError> {
    Ok(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err(DurationError::MissingUnit(text.to_owned())),
        _ => {
            return Err(DurationError::UnknownUnit {
                unit: unit.to_owned(),
                duration: text.to_owned(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5m", 30_000_000_000),
            ("+2ms", 2_000_000),
            ("3us4ns", 3_004),
            ("7\u{b5}s", 7_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "5",
            "s",
            ".s",
            "1..5s",
            "5 s",
            "1x",
            "-5s",
            "9999999999999h",
            "-",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
