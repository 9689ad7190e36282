//! Filters of prune and listings: `until=24h`, `type!=run`, `file~=*/Dockerfile`.

use std::str::FromStr;

/// One condition on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    key: String,
    value: String,
}

/// Why a filter was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such key.
    #[error(
        "unknown filter {0:?}; the filters are until, unused-for, id, type, stage, file, image, failed, shared, private, inuse"
    )]
    Key(String),
    /// The value is none that the key takes.
    #[error("filter {key} cannot be {value:?}: {expected}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let _ = Self {
            key: String::new(),
            value: text.to_owned(),
        };
        todo!()
    }
}
