//! Ports as EXPOSE writes them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The transport of an exposed port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Protocol {
    /// `tcp`, unless something else is said.
    #[default]
    Tcp,
    /// `udp`.
    Udp,
    /// `sctp`.
    Sctp,
}

/// `80`, `53/udp`, `8000-8010/tcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRange {
    /// The ports, the last one included.
    pub ports: RangeInclusive<u16>,
    /// Their transport.
    pub protocol: Protocol,
}

/// Why a text names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It is not a number from 0 to 65535.
    #[error("invalid port {0:?}: it must be a number from 0 to 65535, or a range")]
    Number(String),
    /// The range ends before it begins.
    #[error("invalid port range {0:?}: it ends before it begins")]
    Backwards(String),
    /// The protocol is none of the three.
    #[error("invalid protocol {0:?}: it must be tcp, udp or sctp")]
    Protocol(String),
    /// An address or a host's port, which only a running container has.
    #[error("{0:?} publishes a port: EXPOSE takes the container's port alone")]
    Published(String),
}

impl FromStr for PortRange {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        if text.contains(':') {
            return Err(PortError::Published(text.to_owned()));
        }
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        Ok(Self {
            ports: parse_ports(ports)?,
            protocol: protocol.parse()?,
        })
    }
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, PortError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = parse_port(first)?..=parse_port(last)?;
    if ports.is_empty() {
        return Err(PortError::Backwards(text.to_owned()));
    }
    Ok(ports)
}

fn parse_port(text: &str) -> Result<u16, PortError> {
    let digits = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| PortError::Number(text.to_owned()))
}

impl FromStr for Protocol {
    type Err = PortError;

    /// Reads the name, letter case aside; nothing is `tcp`.
    fn from_str(text: &str) -> Result<Self, PortError> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" | "" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            "sctp" => Ok(Self::Sctp),
            _ => Err(PortError::Protocol(text.to_owned())),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl fmt::Display for PortRange {
    /// `80/tcp`, `8000-8010/udp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.ports.start(), self.ports.end());
        match first == last {
            true => write!(f, "{first}/{}", self.protocol),
            false => write!(f, "{first}-{last}/{}", self.protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ports_ranges_and_protocols() {
        let cases = [
            ("80", "80/tcp"),
            ("53/udp", "53/udp"),
            ("8000-8010/UDP", "8000-8010/udp"),
            ("1/", "1/tcp"),
            ("0", "0/tcp"),
            ("65535/sctp", "65535/sctp"),
        ];
        for (text, canonical) in cases {
            assert_eq!(
                text.parse::<PortRange>().map(|p| p.to_string()),
                Ok(canonical.to_owned())
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "", "x", "65536", "-1", "9-8", "80/http", "8080:80", "+80", "1-2-3",
        ] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }
}
