//! Secrets in the output of a step become `***` before anybody sees or stores it (rule C14).

use std::sync::Arc;

use iechor_executor::Secret;

/// Shorter values would blank out half of an innocent log.
const SHORTEST: usize = 6;

const STARS: &[u8] = b"***";

/// Replaces secrets in a stream, also where a value comes in pieces.
#[derive(Clone)]
pub(super) struct Redactor {
    /// Longest first, so that a value that contains another one goes as a whole.
    values: Arc<[Secret]>,
    /// The end of what has come, which may be the beginning of a value.
    held: Vec<u8>,
}

impl Redactor {
    /// Knows the values themselves, and each line of a value that has several.
    pub(super) fn new<'s>(secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let mut values: Vec<Vec<u8>> = secrets
            .flat_map(|secret| patterns(secret.expose()))
            .collect();
        values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self {
            values: values.into_iter().map(Secret::new).collect(),
            held: Vec::new(),
        }
    }

    /// Takes bytes, gives those that can be shown by now.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.values.is_empty() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.held);
        let (shown, at) = self.replace(&pending);
        self.held = pending[at..].to_vec();
        shown
    }

    /// What was held back: it is no secret, for nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// The redacted beginning of `bytes`, and where the part begins that must wait.
    fn replace(&self, bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut shown = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self
                .values()
                .any(|value| value.len() > rest.len() && value.starts_with(rest))
            {
                break;
            }
            match self.values().find(|value| rest.starts_with(value)) {
                Some(value) => {
                    shown.extend_from_slice(STARS);
                    at += value.len();
                }
                None => {
                    shown.push(bytes[at]);
                    at += 1;
                }
            }
        }
        (shown, at)
    }

    fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Secret::expose)
    }
}

fn patterns(value: &[u8]) -> Vec<Vec<u8>> {
    let lines = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    std::iter::once(value.trim_ascii())
        .chain(lines)
        .filter(|part| part.len() >= SHORTEST)
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(secrets: &[&str], pieces: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets
            .iter()
            .map(|value| Secret::new(value.as_bytes().to_vec()))
            .collect();
        let mut redactor = Redactor::new(secrets.iter());
        let mut shown: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| redactor.pass(piece.as_bytes()))
            .collect();
        shown.extend(redactor.finish());
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_secret_is_blanked_wherever_it_is_cut() {
        assert_eq!(
            redact(&["hunter22"], &["pw=hun", "ter", "22\n"]),
            "pw=***\n"
        );
        assert_eq!(
            redact(&["hunter22\n"], &["a hunter22 b hunter22"]),
            "a *** b ***"
        );
    }

    #[test]
    fn what_only_looks_like_the_beginning_of_one_is_shown() {
        assert_eq!(
            redact(&["hunter22"], &["hunt", "er or hunter"]),
            "hunter or hunter"
        );
    }

    #[test]
    fn each_line_of_a_long_secret_counts() {
        assert_eq!(
            redact(&["first line\nsecond line\n"], &["x second line y"]),
            "x *** y"
        );
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(redact(&["abc"], &["abc"]), "abc");
    }
}
