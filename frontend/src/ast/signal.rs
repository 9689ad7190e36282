//! Signals as STOPSIGNAL names them.

use std::fmt;
use std::str::FromStr;

/// A signal, by its number on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(u8);

/// Why a text is no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The number is not one of 1 to 64.
    #[error("signal number {0} is not between 1 and 64")]
    OutOfRange(String),
    /// No signal has this name.
    #[error("unknown signal {0:?}")]
    Unknown(String),
}

/// The first signal that is for programs to use.
const RTMIN: u8 = 34;
/// The last one.
const RTMAX: u8 = 64;

/// Names and numbers on x86, ARM, RISC-V, POWER and s390 (`signal(7)`).
const NAMES: [(&str, u8); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", RTMIN),
    ("RTMAX", RTMAX),
];

impl Signal {
    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The names, without `SIG`; for suggestions.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Signal {
    type Err = SignalError;

    /// Reads `9`, `KILL`, `SIGKILL` and `SIGRTMIN+3`, letter case aside.
    fn from_str(text: &str) -> Result<Self, SignalError> {
        if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return from_number(text);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        from_name(name)
            .map(Self)
            .ok_or_else(|| SignalError::Unknown(text.to_owned()))
    }
}

fn from_number(text: &str) -> Result<Signal, SignalError> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=RTMAX).contains(number));
    number
        .map(Signal)
        .ok_or_else(|| SignalError::OutOfRange(text.to_owned()))
}

fn from_name(name: &str) -> Option<u8> {
    let plain = NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number);
    plain.or_else(|| real_time(name))
}

fn real_time(name: &str) -> Option<u8> {
    let number = match name.split_once(['+', '-'])? {
        ("RTMIN", n) if name.contains('+') => RTMIN.checked_add(n.parse().ok()?)?,
        ("RTMAX", n) if name.contains('-') => RTMAX.checked_sub(n.parse().ok()?)?,
        _ => return None,
    };
    (RTMIN..=RTMAX).contains(&number).then_some(number)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_names() {
        let cases = [
            ("9", 9),
            ("SIGKILL", 9),
            ("kill", 9),
            ("SigTerm", 15),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("64", 64),
        ];
        for (text, number) in cases {
            assert_eq!(text.parse(), Ok(Signal(number)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_signal() {
        for text in [
            "", "0", "65", "-1", "999", "SIGFOO", "SIG", "RTMIN-1", "RTMAX+1", "RTMIN+99",
        ] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }
}
