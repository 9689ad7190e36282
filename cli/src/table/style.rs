//! How cells are written: in full or cut, in exact bytes or as people read them.

use std::time::Duration;

use crate::units::{self, Ago, Size};

/// Characters of an id that tell it apart.
const SHORT_ID: usize = 12;
/// Columns of free text in a table.
const SHORT_TEXT: usize = 50;

/// How cells are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(super) full: bool,
    pub(super) bytes: bool,
    pub(super) now: i64,
}

impl Style {
    /// Everything in full.
    pub(crate) const fn whole(now: i64) -> Self {
        Self {
            full: true,
            bytes: false,
            now,
        }
    }

    /// A number of bytes.
    pub(crate) fn size(&self, bytes: u64) -> String {
        let mut text = String::new();
        self.push_size(&mut text, bytes);
        text
    }

    /// How long ago a time was, in seconds since the epoch; nothing when it is not known.
    pub(crate) fn ago(&self, time: i64) -> String {
        let mut text = String::new();
        self.push_ago(&mut text, time);
        text
    }

    pub(super) fn push_size(&self, text: &mut String, bytes: u64) {
        match self.bytes {
            true => units::push_number(text, bytes),
            false => Size(bytes).push(text),
        }
    }

    pub(super) fn push_ago(&self, text: &mut String, time: i64) {
        if time > 0 {
            let seconds = u64::try_from(self.now.saturating_sub(time)).unwrap_or(0);
            Ago(Duration::from_secs(seconds)).push(text);
        }
    }

    pub(super) fn push_id(&self, text: &mut String, id: &str) {
        let digits = id.split_once(':').map_or(id, |(_, digits)| digits);
        match self.full {
            true => text.push_str(id),
            false => text.extend(digits.chars().take(SHORT_ID)),
        }
    }

    /// Free text on one line, cut unless all is wanted.
    pub(super) fn push_text(&self, to: &mut String, text: &str) {
        if let Some(cut) = self.plain(text) {
            to.push_str(cut);
            to.push_str(if cut.len() < text.len() { "…" } else { "" });
            return;
        }
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.full || line.chars().count() <= SHORT_TEXT {
            to.push_str(&line);
        } else {
            to.extend(line.chars().take(SHORT_TEXT - 1).chain(['…']));
        }
    }

    /// What is shown of a text that has nothing to be joined or counted where it is shown: of most.
    fn plain<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (looked_at, shown) = match self.full || text.len() <= SHORT_TEXT {
            true => (text, text),
            // One more than fit, so that there is something to cut.
            false => (text.get(..=SHORT_TEXT)?, text.get(..SHORT_TEXT - 1)?),
        };
        is_plain(looked_at.as_bytes()).then_some(shown)
    }
}

/// Whether these are words of ASCII with single spaces between. Looked at without a branch, many
/// bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    let is_odd = |byte: &u8| !(b' '..=b'~').contains(byte);
    let odd = text.iter().fold(false, |odd, byte| odd | is_odd(byte));
    let after = text.get(1..).unwrap_or_default();
    let pairs = text.iter().zip(after);
    let doubled = pairs.fold(false, |found, (one, next)| {
        found | ((*one == b' ') & (*next == b' '))
    });
    let at_an_end = text.first() == Some(&b' ') || text.last() == Some(&b' ');
    !(odd | doubled | at_an_end)
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::super::cells::Cells;
    use super::*;

    const STYLE: Style = Style {
        full: false,
        bytes: false,
        now: 100,
    };

    #[test]
    fn what_is_long_is_cut_unless_all_is_wanted() {
        let digest = "sha256:0123456789abcdef0123456789abcdef";
        let long = "x".repeat(60);
        assert_eq!(cell(&STYLE, |line| line.id(digest)), "0123456789ab");
        let cut = cell(&STYLE, |line| line.text(&long));
        assert_eq!(cut, "x".repeat(49) + "…");
        assert_eq!(cell(&FULL, |line| line.id(digest)), digest);
        assert_eq!(cell(&FULL, |line| line.text(&long)), long);
    }

    const FULL: Style = Style {
        full: true,
        ..STYLE
    };

    fn cell(
        style: &Style,
        write: impl for<'a, 'b> FnOnce(&'a mut Line<'b>) -> &'a mut Line<'b>,
    ) -> String {
        let mut cells = Cells::new(1, 1);
        write(&mut cells.line(style));
        cells.text
    }

    /// A text as it is shown, word by word and character by character.
    fn shown_slowly(style: &Style, text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match style.full || line.chars().count() <= SHORT_TEXT {
            true => line,
            false => line.chars().take(SHORT_TEXT - 1).chain(['…']).collect(),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_of_any_kind_is_one_line(text in "([a-c]{0,9}[ \\n\u{e9}]{0,2}){0,12}") {
            for style in [STYLE, FULL] {
                let shown = cell(&style, |line| line.text(&text));
                proptest::prop_assert_eq!(shown, shown_slowly(&style, &text));
            }
        }
    }

    #[test]
    fn times_are_told_from_now() {
        assert_eq!(STYLE.ago(40), "1 minute ago");
        assert_eq!(STYLE.ago(200), "now");
        assert_eq!(STYLE.ago(0), "");
    }
}
