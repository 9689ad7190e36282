//! Names and `NAME=VALUE` pairs.

use std::net::IpAddr;
use std::str::FromStr;

use iechor_engine::ImageRef;

use crate::env;

/// `NAME=VALUE`, both parts needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair(pub(super) String, pub(super) String);

/// `PATH=DEST`, both parts needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rescue(pub(super) String, pub(super) String);

/// `NAME=VALUE`, or `NAME` for a value from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArgValue {
    name: String,
    value: Option<String>,
}

/// `NAME:IP` or `NAME=IP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExtraHost(pub(super) String, pub(super) String);

/// Why a pair could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum PairError {
    /// No `=`, or nothing before it.
    #[error("`{0}` is not of the form NAME=VALUE")]
    Pair(String),
    /// No `=`, or nothing on one side of it.
    #[error("`{0}` is not of the form PATH=DEST")]
    Rescue(String),
    /// No name, or no address after it.
    #[error("`{0}` is not of the form NAME:IP")]
    Host(String),
    /// The environment's value is not text.
    #[error("the environment variable {0} is not valid UTF-8")]
    Utf8(String),
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self(name.to_owned(), value.to_owned())),
            _ => Err(PairError::Pair(text.to_owned())),
        }
    }
}

impl FromStr for Rescue {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        match text.split_once('=') {
            Some((path, dest)) if !path.is_empty() && !dest.is_empty() => {
                Ok(Self(path.to_owned(), dest.to_owned()))
            }
            _ => Err(PairError::Rescue(text.to_owned())),
        }
    }
}

impl FromStr for ArgValue {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(PairError::Pair(text.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

impl ArgValue {
    /// Name and value; none when the value is to come from the environment and is not there: the
    /// ARG then keeps its default.
    pub(super) fn resolve(self) -> Result<Option<(String, String)>, PairError> {
        let Self { name, value } = self;
        match value.map(Into::into).or_else(|| env::named(&name)) {
            None => Ok(None),
            Some(value) => match value.into_string() {
                Ok(value) => Ok(Some((name, value))),
                Err(_) => Err(PairError::Utf8(name)),
            },
        }
    }
}

impl FromStr for ExtraHost {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let error = || PairError::Host(text.to_owned());
        let split = text.find(['=', ':']).ok_or_else(error)?;
        let (name, address) = (&text[..split], &text[split + 1..]);
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address: IpAddr = bare.unwrap_or(address).parse().map_err(|_| error())?;
        let printable = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() && c != '#');
        if printable {
            Ok(Self(name.to_owned(), address.to_string()))
        } else {
            Err(error())
        }
    }
}

/// A name for an image; refused here, before anything is built.
pub(in crate::commands) fn image_name(text: &str) -> Result<String, <ImageRef as FromStr>::Err> {
    text.parse::<ImageRef>().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_anything() {
        assert_eq!("A=b=c".parse(), Ok(Pair("A".into(), "b=c".into())));
        assert_eq!("A=".parse(), Ok(Pair("A".into(), String::new())));
        assert!("=b".parse::<Pair>().is_err());
        assert!("b".parse::<Pair>().is_err());
    }

    #[test]
    fn an_unset_variable_leaves_the_default() {
        let arg: ArgValue = "IECHOR_TEST_SURELY_UNSET".parse().unwrap();
        assert_eq!(arg.resolve(), Ok(None));
    }

    #[test]
    fn hosts_take_both_families() {
        let host = |text: &str| text.parse::<ExtraHost>().map(|host| host.1);
        assert_eq!(host("db:10.0.0.1"), Ok("10.0.0.1".into()));
        assert_eq!(host("db=10.0.0.1"), Ok("10.0.0.1".into()));
        assert_eq!(host("db:[::1]"), Ok("::1".into()));
        assert_eq!(host("db:::1"), Ok("::1".into()));
        for wrong in ["db", "db:", ":10.0.0.1", "db:example.org", "d b:10.0.0.1"] {
            assert!(host(wrong).is_err(), "{wrong} was taken");
        }
    }
}
