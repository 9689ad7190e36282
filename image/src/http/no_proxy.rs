//! Which servers are reached without a proxy: the list in `NO_PROXY`, read as Go programs do.

use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;

/// A list of servers. Those on loopback addresses are always in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// `*`
    All,
    /// `10.0.0.0/8`, `10.1.2.3`
    Network(IpAddr, u32),
    /// `example.com`, and what is below it; `.example.com`, only what is below it.
    Domain {
        /// With a dot before it, in lower case.
        suffix: String,
        only_below: bool,
        port: Option<u16>,
    },
}

impl NoProxy {
    /// Reads a list with commas between; what cannot be read is in nobody's way.
    pub fn parse(list: &str) -> Self {
        let entries = list.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    /// Whether the server of a URL is in the list.
    pub(super) fn covers(&self, url: &str) -> bool {
        let Ok(url) = url.parse::<Uri>() else {
            return false;
        };
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        let address = IpAddr::from_str(&host).ok();
        host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self.0.iter().any(|entry| match (entry, address) {
                (Entry::All, _) => true,
                (Entry::Network(network, bits), Some(address)) => is_in(address, *network, *bits),
                (Entry::Domain { .. }, None) => entry.is_above(&host, port(&url)),
                (Entry::Network(..), None) | (Entry::Domain { .. }, Some(_)) => false,
            })
    }
}

impl Entry {
    fn parse(text: &str) -> Self {
        if text == "*" {
            return Self::All;
        }
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        if let Ok(address) = IpAddr::from_str(address) {
            return Self::Network(address, bits.parse().unwrap_or(u32::MAX));
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()),
            None => (text, None),
        };
        let name = name.trim_start_matches('*').to_ascii_lowercase();
        let only_below = name.starts_with('.');
        Self::Domain {
            suffix: format!(".{}", name.trim_start_matches('.')),
            only_below,
            port,
        }
    }

    fn is_above(&self, host: &str, at_port: Option<u16>) -> bool {
        let Self::Domain {
            suffix,
            only_below,
            port,
        } = self
        else {
            return false;
        };
        let is_it = !only_below && host == &suffix[1..];
        (is_it || host.ends_with(suffix)) && port.is_none_or(|port| at_port == Some(port))
    }
}

fn port(url: &Uri) -> Option<u16> {
    let of_scheme = match url.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    };
    url.port_u16().or(of_scheme)
}

/// Whether the first bits of two addresses are the same.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits().into(), network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let ignored = width - bits.min(width);
    let differs: u128 = address ^ network;
    differs.checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &str, host: &str) -> bool {
        NoProxy::parse(list).covers(&format!("https://{host}/v2/"))
    }

    #[test]
    fn a_name_means_itself_and_what_is_below_it() {
        let list = "corp.example, .only.example,*.star.example,port.example:5000";
        for host in [
            "corp.example",
            "Registry.Corp.example:5000",
            "a.only.example",
            "a.star.example",
            "port.example:5000",
        ] {
            assert!(covers(list, host), "{host}");
        }
        for host in [
            "xcorp.example",
            "only.example",
            "star.example",
            "port.example",
        ] {
            assert!(!covers(list, host), "{host}");
        }
        assert!(covers("*", "any.example"));
        assert!(!covers("", "any.example") && !covers(",", "any.example"));
    }

    #[test]
    fn a_network_means_the_addresses_in_it() {
        assert!(covers("10.0.0.0/8", "10.200.3.4:5000"));
        assert!(!covers("10.0.0.0/8", "11.0.0.1"));
        assert!(covers("192.168.1.7", "192.168.1.7"));
        assert!(!covers("192.168.1.7", "192.168.1.8"));
        assert!(covers("fd00::/8", "[fd12::1]:5000"));
        assert!(!covers("fd00::/8", "10.0.0.1"));
        assert!(covers("0.0.0.0/0", "8.8.8.8"));
    }

    #[test]
    fn this_very_host_needs_no_proxy() {
        for host in ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert!(covers("", host), "{host}");
        }
    }
}
