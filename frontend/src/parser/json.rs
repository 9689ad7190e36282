//! JSON arrays of strings, by RFC 8259 as Go's decoder reads it.

use std::ops::Range;

/// How deep arrays and objects may go before this is no JSON that anybody meant.
const MAX_DEPTH: usize = 32;

/// What the text of an argument turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// An array of strings, each with the byte range of its literal.
    Strings(Vec<(String, Range<usize>)>),
    /// JSON, and an array, but the element in this range is no string.
    OtherElement(Range<usize>),
    /// No JSON array.
    No,
}

/// Reads the whole text.
pub(crate) fn parse(text: &str) -> Json {
    let mut reader = Reader { text, at: 0 };
    match reader.array() {
        Some(json) if reader.is_at_end() => json,
        _ => Json::No,
    }
}

/// The strings as a JSON array without spaces.
pub(crate) fn write<'s>(strings: impl IntoIterator<Item = &'s str>) -> String {
    let mut json = String::from("[");
    for (index, string) in strings.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_string(string, &mut json);
    }
    json.push(']');
    json
}

fn write_string(string: &str, json: &mut String) {
    json.push('"');
    for c in string.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            '\r' => json.push_str("\\r"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek() == Some(wanted)).then(|| self.at += 1)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len()
    }

    /// The outermost array. `None` is for whatever is no JSON.
    fn array(&mut self) -> Option<Json> {
        let (mut strings, mut other) = (Vec::new(), None);
        self.skip_blanks();
        self.take(b'[')?;
        self.elements(b']', |reader| {
            let start = reader.at;
            if reader.peek() == Some(b'"') {
                let string = reader.string()?;
                strings.push((string, start..reader.at));
            } else {
                reader.value(1)?;
                other.get_or_insert(start..reader.at);
            }
            Some(())
        })?;
        Some(other.map_or(Json::Strings(strings), Json::OtherElement))
    }

    /// What is between brackets, commas between the elements, up to and with the closing one.
    fn elements(
        &mut self,
        close: u8,
        mut element: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.skip_blanks();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            self.skip_blanks();
            element(self)?;
            self.skip_blanks();
            if self.take(close).is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    /// Any value; only whether it is one is of interest.
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'[' => {
                self.at += 1;
                self.elements(b']', |reader| reader.value(depth + 1))
            }
            b'{' => {
                self.at += 1;
                self.elements(b'}', |reader| reader.member(depth + 1))
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn member(&mut self, depth: usize) -> Option<()> {
        self.string()?;
        self.skip_blanks();
        self.take(b':')?;
        self.skip_blanks();
        self.value(depth)
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let _minus = self.take(b'-');
        match self.take(b'0') {
            Some(()) => {}
            None => self.digits()?,
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _sign = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut string = String::new();
        loop {
            let c = self.text.get(self.at..)?.chars().next()?;
            self.at += c.len_utf8();
            match c {
                '"' => return Some(string),
                '\\' => string.push(self.escaped()?),
                c if c < ' ' => return None,
                c => string.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// Half of a surrogate pair alone is U+FFFD, as in Go.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if let Some(c) = char::from_u32(first) {
            return Some(c);
        }
        let before = self.at;
        let second = self.literal("\\u").and_then(|()| self.hex4());
        let pair = second.and_then(|second| join_surrogates(first, second));
        if pair.is_none() {
            self.at = before;
        }
        Some(pair.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let digits = Some(digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

fn join_surrogates(high: u32, low: u32) -> Option<char> {
    let high = high.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x10000 + (high << 10) + low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Option<Vec<String>> {
        match parse(text) {
            Json::Strings(strings) => Some(strings.into_iter().map(|(string, _)| string).collect()),
            _ => None,
        }
    }

    #[test]
    fn arrays_of_strings() {
        assert_eq!(strings("[]"), Some(vec![]));
        assert_eq!(
            strings(r#" [ "a" , "b c" ] "#),
            Some(vec!["a".into(), "b c".into()])
        );
        let escapes = r#"["\"\\\/\b\f\n\r\t", "\u00e9\ud83d\ude00", "\ud83dx", "é"]"#;
        let decoded = ["\"\\/\u{8}\u{c}\n\r\t", "é😀", "\u{fffd}x", "é"];
        assert_eq!(strings(escapes), Some(decoded.map(String::from).to_vec()));
    }

    #[test]
    fn other_elements_are_found() {
        assert_eq!(parse(r#"["a", 1]"#), Json::OtherElement(6..7));
        assert_eq!(
            parse(r#"[{"a": [null, true, -1.5e+3]}, "b"]"#),
            Json::OtherElement(1..29)
        );
    }

    #[test]
    fn the_rest_is_for_the_shell() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "x",
            "['a']",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\"] x",
            "[ -f x ]",
            "[01]",
            "[\"\\x\"]",
            &deep,
        ] {
            assert_eq!(parse(text), Json::No, "{text:.20}");
        }
    }

    #[test]
    fn written_arrays_read_back() {
        let original = ["a", "b \"c\"\\", "\n\t\u{1}é"];
        assert_eq!(
            strings(&write(original)),
            Some(original.map(String::from).to_vec())
        );
    }
}
