//! File modes as `--chmod` writes them: octal, or symbolic as chmod(1) has it.

use std::str::FromStr;

/// A mode, or a change to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileMode {
    /// `0755`: permission bits with setuid, setgid and sticky.
    Octal(u32),
    /// `u=rwX,go=rX`: changes made in order.
    Symbolic(Vec<ModeChange>),
}

/// One change of a symbolic mode: whose bits, how, which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeChange {
    /// The bits of user, group and others that are concerned, setuid, setgid and sticky included.
    who: u32,
    operator: Operator,
    permissions: Permissions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permissions {
    Bits {
        /// The bits for everybody; `who` picks.
        bits: u32,
        /// `X`: execution for directories and for what somebody can execute already.
        execute_if_any: bool,
    },
    /// `g=u`: the bits that a class has at this moment; the shift of that class.
    CopyOf(u32),
}

/// Why a text is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileModeError {
    /// It begins with a digit and is no octal number up to 7777.
    #[error("invalid mode {0:?}: an octal mode is at most 7777")]
    Octal(String),
    /// It is no symbolic mode either.
    #[error("invalid mode {0:?}: it must be octal (0755) or symbolic (u=rwX,go=rX)")]
    Symbolic(String),
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHERS: u32 = 0o0007;
const STICKY: u32 = 0o1000;
const ALL: u32 = 0o7777;

impl FileMode {
    /// The mode of a file that has `mode` (permission bits) now.
    pub fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Octal(new) => *new,
            Self::Symbolic(changes) => changes
                .iter()
                .fold(mode & ALL, |mode, change| change.apply(mode, is_directory)),
        }
    }
}

impl ModeChange {
    fn apply(self, mode: u32, is_directory: bool) -> u32 {
        let bits = self.permissions.bits(mode, is_directory) & self.who;
        match self.operator {
            Operator::Add => mode | bits,
            Operator::Remove => mode & !bits,
            Operator::Set => (mode & !self.replaced(is_directory)) | bits,
        }
    }

    /// What `=` clears. As GNU chmod does, a directory keeps setuid and setgid.
    fn replaced(self, is_directory: bool) -> u32 {
        match is_directory {
            true => self.who & !0o6000,
            false => self.who,
        }
    }
}

impl Permissions {
    fn bits(self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Bits {
                bits,
                execute_if_any,
            } => {
                let executable = execute_if_any && (is_directory || mode & 0o111 != 0);
                bits | if executable { 0o111 } else { 0 }
            }
            Self::CopyOf(shift) => {
                let class = (mode >> shift) & 0o7;
                class << 6 | class << 3 | class
            }
        }
    }
}

impl FromStr for FileMode {
    type Err = FileModeError;

    fn from_str(text: &str) -> Result<Self, FileModeError> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return octal(text);
        }
        let mut changes = Vec::new();
        for clause in text.split(',') {
            parse_clause(clause, &mut changes)
                .ok_or_else(|| FileModeError::Symbolic(text.to_owned()))?;
        }
        Ok(Self::Symbolic(changes))
    }
}

fn octal(text: &str) -> Result<FileMode, FileModeError> {
    let mode = u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= ALL);
    mode.map(FileMode::Octal)
        .ok_or_else(|| FileModeError::Octal(text.to_owned()))
}

/// Reads `[ugoa]*([-+=]([rwxXst]*|[ugo]))+`.
fn parse_clause(clause: &str, changes: &mut Vec<ModeChange>) -> Option<()> {
    let (classes, mut rest) = clause.split_at(clause.find(['+', '-', '='])?);
    let who = parse_who(classes)?;
    while let Some(sign) = rest.chars().next() {
        let operator = parse_operator(sign)?;
        let after = rest.get(1..)?;
        let (letters, next) = after.split_at(after.find(['+', '-', '=']).unwrap_or(after.len()));
        changes.push(ModeChange {
            who,
            operator,
            permissions: parse_permissions(letters)?,
        });
        rest = next;
    }
    Some(())
}

/// No letter means everybody: there is no umask in a build.
fn parse_who(classes: &str) -> Option<u32> {
    if classes.is_empty() {
        return Some(ALL);
    }
    classes.chars().try_fold(0, |who, class| {
        Some(
            who | match class {
                'u' => USER,
                'g' => GROUP,
                'o' => OTHERS | STICKY,
                'a' => ALL,
                _ => return None,
            },
        )
    })
}

fn parse_operator(sign: char) -> Option<Operator> {
    Some(match sign {
        '+' => Operator::Add,
        '-' => Operator::Remove,
        '=' => Operator::Set,
        _ => return None,
    })
}

fn parse_permissions(letters: &str) -> Option<Permissions> {
    match letters {
        "u" => return Some(Permissions::CopyOf(6)),
        "g" => return Some(Permissions::CopyOf(3)),
        "o" => return Some(Permissions::CopyOf(0)),
        _ => {}
    }
    let bits = letters
        .chars()
        .try_fold(0, |bits, letter| Some(bits | bit_of(letter)?))?;
    Some(Permissions::Bits {
        bits,
        execute_if_any: letters.contains('X'),
    })
}

fn bit_of(letter: char) -> Option<u32> {
    Some(match letter {
        'r' => 0o444,
        'w' => 0o222,
        'x' => 0o111,
        'X' => 0,
        's' => 0o6000,
        't' => STICKY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, mode: u32, is_directory: bool, expected: u32) {
        let parsed: FileMode = text.parse().unwrap();
        let got = parsed.apply(mode, is_directory);
        assert_eq!(
            got, expected,
            "{text} on {mode:o}: {got:o}, not {expected:o}"
        );
    }

    #[test]
    fn octal_replaces_everything() {
        check("755", 0o4644, false, 0o755);
        check("0644", 0o777, true, 0o644);
        check("4755", 0, false, 0o4755);
    }

    #[test]
    fn symbolic_changes_like_chmod() {
        check("u+x", 0o644, false, 0o744);
        check("go-rwx", 0o755, false, 0o700);
        check("a=r", 0o777, false, 0o444);
        check("+x", 0o644, false, 0o755);
        check("u=rwX,go=rX", 0o600, false, 0o644);
        check("u=rwX,go=rX", 0o700, false, 0o755);
        check("u=rwX,go=rX", 0o600, true, 0o755);
        check("g=u", 0o640, false, 0o660);
        check("u+s,g+s,+t", 0o755, false, 0o7755);
        check("u=rw+x-w", 0o000, false, 0o500);
        check("o=", 0o757, false, 0o750);
        check("g=rx", 0o2777, true, 0o2757);
    }

    #[test]
    fn refuses_what_is_no_mode() {
        for text in [
            "", "8", "0999", "77777", "u", "x+u", "u+q", "u+x,", "rwx", "u+ug",
        ] {
            assert!(text.parse::<FileMode>().is_err(), "{text}");
        }
    }
}
