//! Values in one line: long texts cut to where they differ, times and ages short.

use std::fmt;

use crate::time::{Date, FileTime};

/// Characters of a value that a line shows.
const WIDTH: usize = 60;

/// Characters shown before the first difference of two long texts.
const LEAD: usize = 16;

/// A value on one line, or `unset`.
pub(super) fn value(text: Option<&str>) -> String {
    match text {
        None => "unset".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(text) => cut(&one_line(text), 0),
    }
}

/// Two texts on one line each, cut so that their first difference can be seen.
pub(super) fn contrast(old: &str, new: &str) -> (String, String) {
    let (old, new) = (one_line(old), one_line(new));
    let fits = old.chars().count().max(new.chars().count()) <= WIDTH;
    let shared = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = if fits || shared <= LEAD {
        0
    } else {
        shared - LEAD
    };
    (cut(&old, from), cut(&new, from))
}

/// White space in runs becomes one blank, and what a terminal would obey becomes `?`.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// At most [`WIDTH`] characters after the first `from`, with dots where something is missing.
fn cut(text: &str, from: usize) -> String {
    let before = if from > 0 { "..." } else { "" };
    let after = if text.chars().count() > from + WIDTH {
        "..."
    } else {
        ""
    };
    let middle: String = text.chars().skip(from).take(WIDTH).collect();
    format!("{before}{middle}{after}")
}

/// An age in its largest unit.
pub(super) fn age(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    UNITS.iter().find(|(unit, _)| ms >= *unit).map_or_else(
        || "just now".to_owned(),
        |(unit, name)| format!("{} {name} ago", ms / unit),
    )
}

/// Two times, as short as they can be told apart: time of day, with the date, with the fraction.
pub(super) fn times(old: FileTime, new: FileTime, utc_offset: i32) -> (String, String) {
    let (old, new) = (Civil::of(old, utc_offset), Civil::of(new, utc_offset));
    let detail = Detail {
        date: old.date != new.date,
        nanos: old.second == new.second,
    };
    (old.text(detail), new.text(detail))
}

#[derive(Clone, Copy)]
struct Detail {
    date: bool,
    nanos: bool,
}

/// A time as a calendar and a clock show it.
struct Civil {
    date: Date,
    second: i64,
    nanos: u32,
}

impl Civil {
    fn of(time: FileTime, utc_offset: i32) -> Self {
        let secs = time.secs.saturating_add(i64::from(utc_offset));
        let (days, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        Self {
            date: Date::of_days(days),
            second,
            nanos: time.nanos,
        }
    }

    fn text(&self, detail: Detail) -> String {
        let Date { year, month, day } = self.date;
        let (hours, minutes, seconds) =
            (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let mut text = String::new();
        if detail.date {
            text = format!("{year:04}-{month:02}-{day:02} ");
        }
        text += &format!("{hours:02}:{minutes:02}:{seconds:02}");
        if detail.nanos {
            text += &format!(".{:09}", self.nanos);
        }
        text
    }
}

/// A user and a group.
pub(super) struct Owner(pub(super) (u32, u32));

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.0, self.0.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_no_longer_than_it_takes_to_tell_them_apart() {
        let time = |secs, nanos| FileTime { secs, nanos };
        let show = |old, new| times(old, new, 0);
        let noon = 20_779 * 86_400 + 43_200;
        assert_eq!(
            show(time(noon, 0), time(noon + 61, 0)),
            ("12:00:00".into(), "12:01:01".into())
        );
        assert_eq!(
            show(time(noon, 0), time(noon + 86_400, 5)),
            (
                "2026-11-22 12:00:00.000000000".into(),
                "2026-11-23 12:00:00.000000005".into()
            )
        );
        assert_eq!(
            show(time(noon, 1), time(noon, 20)),
            ("12:00:00.000000001".into(), "12:00:00.000000020".into())
        );
        assert_eq!(times(time(noon, 0), time(noon + 1, 0), 3600).0, "13:00:00");
    }

    #[test]
    fn long_texts_are_cut_to_their_first_difference() {
        let (old, new) = contrast(
            &format!("RUN {} && make", "x".repeat(100)),
            &format!("RUN {} && test", "x".repeat(100)),
        );
        assert_eq!(old, "...xxxxxxxxxxxx && make");
        assert_eq!(new, "...xxxxxxxxxxxx && test");
    }

    #[test]
    fn a_value_stays_on_its_line_and_commands_no_terminal() {
        assert_eq!(value(Some("a\n\tb\u{1b}[31m")), "a b?[31m");
        assert_eq!(value(Some("")), "\"\"");
        assert_eq!(value(None), "unset");
    }
}
