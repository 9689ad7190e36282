//! Values that must not linger.

use std::hint::black_box;

use crate::wire::{Malformed, Wire};

/// A secret's value: wiped when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the value.
    pub fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// Shows the value to code that must have it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Wire for Secret {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self, Malformed> {
        Vec::take(from).map(Self)
    }
}

/// Overwrites a buffer that held a secret, its spare capacity included.
pub(crate) fn wipe(buffer: &mut Vec<u8>) {
    buffer.fill(0);
    buffer.resize(buffer.capacity(), 0);
    // The compiler must take the zeros for observed, or it may leave out a store before the free.
    black_box(buffer.as_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        assert_eq!(
            format!("{:?}", Secret::new(b"hunter2".to_vec())),
            "[redacted]"
        );
    }

    #[test]
    fn wipe_reaches_the_spare_capacity() {
        let mut buffer = b"hunter2".to_vec();
        buffer.truncate(2);
        wipe(&mut buffer);
        assert!(buffer.len() >= 7 && buffer.iter().all(|byte| *byte == 0));
    }
}
