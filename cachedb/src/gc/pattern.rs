//! Texts as filters name them.

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `~=`: contains, or matches with `*` and `?`.
    Like,
}

/// A condition on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    operator: Operator,
    value: String,
}

impl Pattern {
    pub(super) fn new(operator: Operator, value: &str) -> Self {
        Self {
            operator,
            value: value.to_owned(),
        }
    }

    /// Whether it only says what is not meant.
    pub(super) fn is_negative(&self) -> bool {
        self.operator == Operator::NotEqual
    }

    /// Whether one of several texts, any of which stands for the thing, is meant.
    pub(super) fn matches_any<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        self.any(texts, |value, text| value == text)
    }

    /// As [`Pattern::matches_any`], where `=` is content with a prefix.
    pub(super) fn matches_any_prefix<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        self.any(texts, |value, text| text.starts_with(value))
    }

    /// Whether a file is meant, by its path or by whole components at the end of it.
    pub(super) fn matches_path(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.any([path, name], ends_with_path)
    }

    fn any<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        equal: impl Fn(&str, &str) -> bool,
    ) -> bool {
        let mut texts = texts.into_iter();
        match self.operator {
            Operator::Equal => texts.any(|text| equal(&self.value, text)),
            Operator::NotEqual => !texts.any(|text| equal(&self.value, text)),
            Operator::Like => texts.any(|text| like(&self.value, text)),
        }
    }
}

/// `./app/Dockerfile` is the end of `/src/app/Dockerfile`, and not of `/src/myapp/Dockerfile`.
fn ends_with_path(end: &str, path: &str) -> bool {
    let end = end.trim_start_matches("./");
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn like(pattern: &str, text: &str) -> bool {
    if pattern.contains(['*', '?']) {
        glob(pattern.as_bytes(), text.as_bytes())
    } else {
        text.contains(pattern)
    }
}

/// `*` stands for any bytes, `?` for one. Linear but for the last star, to which it goes back.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, eaten)) = star else {
                    return false;
                };
                star = Some((star_at, eaten + 1));
                (at, read) = (star_at + 1, eaten + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_bytes() {
        let yes = [
            ("*", ""),
            ("a*c", "abbc"),
            ("*/Dockerfile", "x/y/Dockerfile"),
            ("a?c", "abc"),
        ];
        let no = [
            ("a*c", "abbd"),
            ("?", ""),
            ("a?c", "ac"),
            ("*.js", "a.jsx"),
            ("x*", "ax"),
        ];
        assert!(yes.iter().all(|(pattern, text)| like(pattern, text)));
        assert!(!no.iter().any(|(pattern, text)| like(pattern, text)));
    }

    #[test]
    fn a_plain_text_is_sought_anywhere() {
        assert!(like("apt", "RUN apt-get"));
        assert!(!like("apk", "RUN apt-get"));
    }

    #[test]
    fn a_file_is_named_by_the_end_of_its_path() {
        let path = "/src/app/Dockerfile";
        let means = |value| Pattern::new(Operator::Equal, value).matches_path(path);
        for yes in [path, "Dockerfile", "app/Dockerfile", "./app/Dockerfile"] {
            assert!(means(yes), "{yes}");
        }
        for no in ["file", "pp/Dockerfile", "app", "other/Dockerfile", "./"] {
            assert!(!means(no), "{no}");
        }
        assert!(!Pattern::new(Operator::NotEqual, "app/Dockerfile").matches_path(path));
    }
}
