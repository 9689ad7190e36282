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
        Some(blank) if one_line(blank).is_empty() => spelled(&cut(blank, 0)),
        Some(text) => cut(&one_line(text), 0),
    }
}

/// Two texts on one line each, cut so that their first difference can be seen.
///
/// When they differ in what [`one_line`] takes for the same, that is spelled out.
pub(super) fn contrast(old: &str, new: &str) -> (String, String) {
    let lines = (one_line(old), one_line(new));
    if lines.0 == lines.1 || lines.0.is_empty() || lines.1.is_empty() {
        let (old, new) = cut_to_difference(old, new);
        return (spelled(&old), spelled(&new));
    }
    cut_to_difference(&lines.0, &lines.1)
}

fn cut_to_difference(old: &str, new: &str) -> (String, String) {
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
    (cut(old, from), cut(new, from))
}

/// White space in runs becomes one blank, and what a terminal would obey becomes `?`.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Every white space and control character as an escape; a blank between two words stays.
fn spelled(text: &str) -> String {
    let mut last = ' ';
    let mut spelled = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            ' ' if !last.is_whitespace() && !next.is_whitespace() => spelled.push(c),
            '\t' | '\n' | '\r' => spelled.extend(c.escape_default()),
            c if c.is_ascii_control() || c == ' ' => {
                spelled.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c if c.is_control() || c.is_whitespace() => spelled.extend(c.escape_unicode()),
            c => spelled.push(c),
        }
        last = c;
    }
    spelled
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

    #[test]
    fn what_differs_in_blanks_and_control_characters_alone_is_spelled_out() {
        let differ = |old: &str, new: &str| {
            let (old, new) = contrast(old, new);
            format!("{old} -> {new}")
        };
        for (old, new, told) in [
            ("a  b", "a b", r"a\x20\x20b -> a b"),
            ("a b ", "a b", r"a b\x20 -> a b"),
            ("a\tb", "a b", r"a\tb -> a b"),
            ("a\n b", "a b", r"a\n\x20b -> a b"),
            ("a\u{1b}b", "a?b", r"a\x1bb -> a?b"),
            ("a\u{a0}b", "a b", r"a\u{a0}b -> a b"),
            ("a", " ", r"a -> \x20"),
        ] {
            assert_eq!(differ(old, new), told);
        }
        let long = "x".repeat(100);
        let told = differ(&format!("{long}  b"), &format!("{long} b"));
        assert_eq!(told, r"...xxxxxxxxxxxxxxx\x20\x20b -> ...xxxxxxxxxxxxxxx b");
        assert_eq!(value(Some(" \t")), r"\x20\t");
    }
}
