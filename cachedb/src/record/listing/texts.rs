//! Texts, each kept once and known by its number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Number of a text.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub(super) struct TextId(U32);

/// Texts by number. Numbering is what costs: a text is looked up once for each record.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, TextId, BuildHasherDefault<WordHasher>>,
}

impl Texts {
    /// Of texts in the order of their numbers. None of them is found by [`Texts::number`].
    pub(super) fn of(all: Vec<Arc<str>>) -> Self {
        Self {
            all,
            numbers: HashMap::default(),
        }
    }

    /// All of them, in the order of their numbers.
    pub(super) fn all(&self) -> &[Arc<str>] {
        &self.all
    }

    /// Whether there is a text of that number.
    pub(super) fn has(&self, id: TextId) -> bool {
        (id.0.get() as usize) < self.all.len()
    }

    pub(super) fn number(&mut self, text: &str) -> TextId {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let id = TextId(u32::try_from(self.all.len()).unwrap_or(u32::MAX).into());
        let text: Arc<str> = text.into();
        self.all.push(Arc::clone(&text));
        self.numbers.insert(text, id);
        id
    }

    /// As [`Texts::number`], where the text is often the same as the one before.
    pub(super) fn number_near(&mut self, text: &str, before: Option<TextId>) -> TextId {
        match before {
            Some(before) if **self.get(before) == *text => before,
            _ => self.number(text),
        }
    }

    pub(super) fn get(&self, id: TextId) -> &Arc<str> {
        &self.all[id.0.get() as usize]
    }

    /// Takes over the texts of another one, whose numbers are then by so much greater here. What
    /// both have is kept twice.
    pub(super) fn join(&mut self, other: Self) -> Shift {
        let shift = Shift(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.extend(other.all);
        shift
    }
}

/// By how much numbers grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift(u32);

impl Shift {
    pub(super) fn apply(self, id: &mut TextId) {
        id.0 = id.0.get().saturating_add(self.0).into();
    }
}

/// Eight bytes at a time. Nobody gains by texts that collide: they are their own instructions.
#[derive(Clone, Copy, Debug, Default)]
struct WordHasher(u64);

impl WordHasher {
    fn add(&mut self, word: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words
            .iter()
            .for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    /// The product's upper bits depend on all below them: the map uses both ends.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_and_different_ones_several() {
        let mut texts = Texts::default();
        let words: Vec<String> = (0..2000)
            .map(|number| "x".repeat(number % 70) + &number.to_string())
            .collect();
        let ids: Vec<_> = words.iter().map(|word| texts.number(word)).collect();
        for (word, id) in words.iter().zip(ids) {
            assert_eq!(texts.number(word), id);
            assert_eq!(texts.number_near(word, Some(id)), id);
            assert_eq!(**texts.get(id), **word);
        }
        assert_eq!(texts.all.len(), words.len());
    }

    #[test]
    fn joined_texts_are_found_under_their_shifted_numbers() {
        let (mut one, mut other) = (Texts::default(), Texts::default());
        one.number("a");
        let mut b = other.number("b");
        one.join(other).apply(&mut b);
        assert_eq!(&**one.get(b), "b");
    }
}
