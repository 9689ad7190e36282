//! What a RUN gets at a place of a stage besides the configuration: a shell there gets the same.
//!
//! Which ARG values are in effect is in no record but those of RUN: another build hits the same
//! records with other values. So they are kept with the steps of the build.

use iechor_executor::Network;
use serde::{Deserialize, Serialize};

use super::setup::NetworkForm;

/// What a RUN without options gets besides the configuration in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    /// The declared ARGs that have a value, in order.
    pub(crate) args: Vec<(String, String)>,
    /// `--network` of the build.
    #[serde(with = "NetworkForm")]
    pub(crate) network: Network,
    /// `--add-host`: name and address.
    pub(crate) hosts: Vec<(String, String)>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            network: Network::Host,
            hosts: Vec::new(),
        }
    }
}

impl Surroundings {
    /// Whether there is nothing besides the configuration.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The form that is kept.
    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let surroundings = Surroundings {
            args: vec![("A".into(), "1=2".into())],
            network: Network::None,
            hosts: vec![("db".into(), "10.0.0.1".into())],
        };
        for surroundings in [surroundings, Surroundings::default()] {
            let json = surroundings.to_json().unwrap();
            let back: Surroundings = serde_json::from_str(&json).unwrap();
            assert_eq!(back, surroundings);
        }
    }
}
