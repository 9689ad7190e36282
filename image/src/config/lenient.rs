//! How Go writes what Rust has no word for: sets as objects, `null` for nothing, zero for unset.

use serde::{Deserialize, Deserializer};

/// A time in RFC 3339, kept as it was written.
pub type Created = String;

/// Reads `null` as the default: Go writes an empty slice or map so.
pub(super) fn null_is_default<'de, T, D>(input: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

pub(super) fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// A set, written as an object with empty objects for values: Go's `map[string]struct{}`.
pub(super) mod keys {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::{Deserialize, Deserializer, Serializer, de::IgnoredAny};

    pub(in crate::config) fn serialize<S: Serializer>(
        set: &BTreeSet<String>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.collect_map(set.iter().map(|key| (key, serde_json::Map::new())))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<BTreeSet<String>, D::Error> {
        let map = Option::<BTreeMap<String, IgnoredAny>>::deserialize(input)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }
}
