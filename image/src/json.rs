//! JSON documents from outside: bounded, and refused when a key stands twice in one object.
//!
//! Two parsers that disagree about which of two equal keys counts see two different images
//! (CVE-2021-41190 is of that family), so there must not be two.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// Largest manifest or index that is read, in bytes; registries accept no more either.
pub(crate) const MAX_MANIFEST: u64 = 4 << 20;
/// Largest image configuration that is read, in bytes.
pub(crate) const MAX_CONFIG: u64 = 1 << 20;

/// Parses a document whose objects have each key once.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice::<UniqueKeys>(bytes)?;
    serde_json::from_slice(bytes)
}

/// Any JSON value, forgotten, but for the check that keys are unique.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Self>()?;
            if let Some(key) = seen.replace(key) {
                return Err(de::Error::custom(format!(
                    "key {key:?} stands twice in one object"
                )));
            }
        }
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_stand_once_in_each_object() {
        let fine = br#"{"a": [1, {"a": null}], "b": {"a": true}}"#;
        assert!(parse::<serde_json::Value>(fine).is_ok());
        let twice = br#"{"a": [1, {"b": null, "b": 2.5}]}"#;
        let error = parse::<serde_json::Value>(twice).unwrap_err().to_string();
        assert!(error.contains("key \"b\" stands twice"), "{error}");
    }
}
