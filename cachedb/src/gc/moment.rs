//! Ages and points in time as filters name them: `24h`, `7d`, `2026-11-22`, `2026-11-22T10:00:00Z`.

use crate::time::{Date, UnixMillis};

/// Milliseconds of an age such as `1h30m`, `1.5h`, `7d`, `90s`; `None` when it is none.
pub(super) fn age(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, unit_on) = rest.split_at(digits);
        let letters = unit_on
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(letters);
        sum = sum.checked_add(times(count, unit_ms(unit)?)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

/// `1.5` times so many milliseconds; digits of a fraction that make no millisecond are dropped.
fn times(count: &str, unit: u64) -> Option<u64> {
    let Some((whole, fraction)) = count.split_once('.') else {
        return count.parse::<u64>().ok()?.checked_mul(unit);
    };
    let digits = u32::try_from(fraction.len()).ok()?;
    let parts = fraction.parse::<u64>().ok()?.checked_mul(unit)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    whole.checked_add(parts / 10_u64.checked_pow(digits)?)
}

fn unit_ms(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    })
}

/// A point in time: seconds since 1970, or a date with or without a time of day and an offset
/// (RFC 3339). Without an offset it is UTC: a library does not know where it is.
pub(super) fn point(text: &str) -> Option<UnixMillis> {
    if let Ok(secs) = text.parse::<i64>() {
        return secs.checked_mul(1000).map(UnixMillis);
    }
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let (clock, offset) = split_offset(clock)?;
    let secs = date_days(date)?.checked_mul(86_400)? + clock_seconds(clock)? - offset;
    Some(UnixMillis(secs * 1000))
}

/// `2026-11-22`
fn date_days(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let right = year.len() == 4 && month.len() == 2 && day.len() == 2;
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    right.then_some(date.days())
}

/// `10:20:30`, `10:20`, and a fraction that does not matter
fn clock_seconds(clock: &str) -> Option<i64> {
    let whole = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let mut parts = whole.splitn(3, ':');
    let hours = below(24, parts.next()?)?;
    let minutes = below(60, parts.next()?)?;
    let seconds = parts.next().map_or(Some(0), |seconds| below(60, seconds))?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

/// Seconds east of UTC: `Z`, `+01:00`
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(sign) = clock.find(['+', '-']) else {
        return Some((clock, 0));
    };
    let (clock, offset) = clock.split_at(sign);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let seconds = below(24, hours)? * 3600 + below(60, minutes)? * 60;
    Some((
        clock,
        if offset.starts_with('-') {
            -seconds
        } else {
            seconds
        },
    ))
}

/// Two digits that stand for less than `limit`.
fn below(limit: i64, digits: &str) -> Option<i64> {
    let right = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|value| right && *value < limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_add_up() {
        let cases = [
            ("24h", 86_400_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1.5h", 5_400_000),
            ("0.25d1.5s", 21_601_500),
            ("0s", 0),
        ];
        for (text, ms) in cases {
            assert_eq!(age(text), Some(ms), "{text}");
        }
        for bad in [
            "",
            "h",
            "24",
            "24x",
            "-1h",
            "1h-",
            "99999999999999999999h",
            "1.h",
            ".5h",
            "1.5.5h",
            "1.5",
            "é",
        ] {
            assert_eq!(age(bad), None, "{bad}");
        }
    }

    #[test]
    fn points_are_read_with_and_without_time_and_offset() {
        let noon = 20_779 * 86_400 + 43_200;
        let cases = [
            ("2026-11-22T12:00:00Z", noon),
            ("2026-11-22T12:00:00", noon),
            ("2026-11-22 12:00", noon),
            ("2026-11-22T13:00:00.123+01:00", noon),
            ("2026-11-22T06:30:00-05:30", noon),
            ("2026-11-22", noon - 43_200),
            ("1", 1),
        ];
        for (text, secs) in cases {
            assert_eq!(point(text), Some(UnixMillis(secs * 1000)), "{text}");
        }
        for bad in [
            "",
            "2026",
            "x",
            "2026-02-30",
            "2026-11-22T25:00",
            "2026-11-22T1:00",
            "T",
            "é-é",
        ] {
            let years = bad == "2026"; // a number: seconds
            assert_eq!(point(bad).is_some(), years, "{bad}");
        }
    }
}
