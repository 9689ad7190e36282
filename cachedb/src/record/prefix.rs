//! Digests by their first digits.

use iechor_snapshotter::Digest;

/// All digests that begin with the same hexadecimal digits.
#[derive(Debug)]
pub(crate) struct DigestRange {
    pub(crate) first: [u8; 32],
    pub(crate) last: [u8; 32],
}

impl DigestRange {
    /// `None` when the prefix is empty, too long, or not of lower-case hexadecimal digits.
    pub(crate) fn of_prefix(prefix: &str) -> Option<Self> {
        let digits = prefix.strip_prefix("sha256:").unwrap_or(prefix);
        if digits.is_empty() || digits.len() > 64 {
            return None;
        }
        let bound = |fill: char| {
            let padded: String = digits
                .chars()
                .chain(std::iter::repeat(fill))
                .take(64)
                .collect();
            Digest::from_hex(&padded)
                .ok()
                .map(|digest| *digest.as_bytes())
        };
        Some(Self {
            first: bound('0')?,
            last: bound('f')?,
        })
    }
}
