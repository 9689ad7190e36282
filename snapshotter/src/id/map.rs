//! Maps keyed by digests, which are spread evenly already: they need no second hash.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map from a digest, or from an id that is one.
///
/// Of a digest its first eight bytes are the hash. Who makes digests collide on purpose makes
/// lookups slow, never wrong; such maps hold ids of a store that only its owner writes.
pub type DigestMap<K, V> = HashMap<K, V, BuildHasherDefault<FirstBytes>>;

/// A set of digests, as [`DigestMap`].
pub type DigestSet<K> = HashSet<K, BuildHasherDefault<FirstBytes>>;

/// Takes the first eight bytes of what it is given for its hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length of an array, which is the same for all digests.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Digest, SnapshotId};

    #[test]
    fn digests_are_found_again_and_told_apart() {
        let id = |number: u32| SnapshotId::new(Digest::of(&number.to_le_bytes()));
        let map: DigestMap<SnapshotId, u32> =
            (0..1000).map(|number| (id(number), number)).collect();
        assert!((0..1000).all(|number| map.get(&id(number)) == Some(&number)));
        assert_eq!(map.get(&id(1000)), None);
    }

    #[test]
    fn digests_that_begin_alike_are_not_the_same() {
        let mut other = *Digest::of(b"").as_bytes();
        other[31] ^= 1;
        let both = [Digest::of(b""), Digest::from_bytes(other)];
        let set: DigestSet<Digest> = both.into_iter().collect();
        assert_eq!(set.len(), 2);
    }
}
