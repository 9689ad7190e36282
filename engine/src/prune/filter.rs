//! `--filter KEY=VALUE`, on cached steps and on what lies beside the store.

use std::str::FromStr;

use iechor_cachedb::{UnixMillis, gc};
use jiff::{Span, SpanRelativeTo, Timestamp};

pub use iechor_cachedb::gc::FilterError;

use crate::usage::UsageRecord;

/// One `--filter`.
///
/// On cached steps it is the cache's own ([`gc::Filter`]). Cache mounts, contents and logs are
/// taken by `id=PREFIX`, `type=…`, `until=…` and `unused-for=…`, and by no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    on_steps: gc::Filter,
    key: String,
    sense: Sense,
    value: String,
}

/// Whether the value must fit or must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Is,
    IsNot,
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads `KEY=VALUE` or `KEY!=VALUE`; an unknown key is an error that lists the keys.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let on_steps = text.parse()?;
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let (key, sense) = match key.strip_suffix('!') {
            Some(key) => (key, Sense::IsNot),
            None => (key, Sense::Is),
        };
        Ok(Self {
            on_steps,
            key: key.to_owned(),
            sense,
            value: value.to_owned(),
        })
    }
}

impl Filter {
    /// The condition on cached steps.
    pub(super) fn on_steps(&self) -> &gc::Filter {
        &self.on_steps
    }

    /// Whether it takes something that is no cached step.
    pub(super) fn takes(&self, record: &UsageRecord, now: UnixMillis) -> bool {
        let fits = match self.key.as_str() {
            "id" => begins(&record.id, &self.value),
            "type" => record.kind.name() == self.value,
            "until" | "unused-for" => self.was_unused_for(record.last_used, now),
            _ => return false,
        };
        fits == (self.sense == Sense::Is)
    }

    fn was_unused_for(&self, last_used: i64, now: UnixMillis) -> bool {
        let now = now.0.div_euclid(1000);
        let age = || -> Option<i64> {
            let span: Span = self.value.parse().ok()?;
            let age = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            Some(age.as_secs())
        };
        let point = || {
            self.value
                .parse::<Timestamp>()
                .ok()
                .map(Timestamp::as_second)
        };
        let latest = age().map(|age| now.saturating_sub(age)).or_else(point);
        latest.is_some_and(|latest| last_used <= latest)
    }
}

fn begins(id: &str, prefix: &str) -> bool {
    let digits = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_owned();
    digits(id).starts_with(&digits(prefix))
}
