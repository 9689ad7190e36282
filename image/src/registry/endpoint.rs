//! Where a registry's API is: scheme, host, and the URLs below.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::reference::{DEFAULT_REGISTRY, split_port};

/// The API of Docker Hub has a host of its own.
const DEFAULT_HOST: &str = "registry-1.docker.io";

/// Where a registry's API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// As references name it: `docker.io`.
    pub(super) registry: String,
    origin: String,
}

impl Endpoint {
    /// The API of a registry: over HTTPS unless it is on a loopback address or listed.
    pub(super) fn new(registry: &str, insecure: &[String]) -> Self {
        let is_listed = insecure.iter().any(|listed| is_listed_as(registry, listed));
        let scheme = if is_loopback(registry) || is_listed {
            "http"
        } else {
            "https"
        };
        let host = if registry == DEFAULT_REGISTRY {
            DEFAULT_HOST
        } else {
            registry
        };
        Self {
            registry: registry.to_owned(),
            origin: format!("{scheme}://{host}"),
        }
    }

    /// URL of something in a repository: `manifests/latest`.
    pub(super) fn url(&self, repository: &str, rest: &str) -> String {
        format!("{}/v2/{repository}/{rest}", self.origin)
    }

    /// Whether a URL is one of this registry.
    pub(super) fn has(&self, url: &str) -> bool {
        origin(url) == self.origin
    }

    /// Whether it is spoken to over plain HTTP.
    pub(super) fn is_insecure(&self) -> bool {
        self.origin.starts_with("http://")
    }
}

/// An entry of the list names a host with any port, or a host and port.
fn is_listed_as(registry: &str, listed: &str) -> bool {
    registry == listed || split_port(registry).is_some_and(|(host, _)| host == listed)
}

/// Docker's rule: 127.0.0.0/8, ::1 and `localhost`.
fn is_loopback(registry: &str) -> bool {
    let Some((host, _)) = split_port(registry) else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Scheme, host and port of a URL: `https://host:port`.
pub(super) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |colon| colon + 3);
    let end = url[start..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |slash| start + slash);
    &url[..end]
}

/// The URL that a `Location` header means.
pub(super) fn join(base: &str, location: &str) -> String {
    match location {
        absolute if absolute.contains("://") => absolute.to_owned(),
        other if other.starts_with("//") => {
            let scheme = base.split("//").next().unwrap_or("https:");
            format!("{scheme}{other}")
        }
        rooted if rooted.starts_with('/') => format!("{}{rooted}", origin(base)),
        relative => {
            let path = base.split(['?', '#']).next().unwrap_or(base);
            let dir = path.rfind('/').filter(|slash| *slash >= origin(base).len());
            format!("{}/{relative}", &path[..dir.unwrap_or(path.len())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(registry: &str, insecure: &[&str]) -> String {
        let insecure: Vec<String> = insecure.iter().map(ToString::to_string).collect();
        Endpoint::new(registry, &insecure).url("a/b", "tags/list")
    }

    #[test]
    fn loopback_and_listed_registries_are_spoken_to_in_plain() {
        assert_eq!(
            url("docker.io", &[]),
            "https://registry-1.docker.io/v2/a/b/tags/list"
        );
        assert_eq!(url("quay.io", &[]), "https://quay.io/v2/a/b/tags/list");
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:5000",
        ] {
            assert!(
                url(host, &[]).starts_with(&format!("http://{host}/")),
                "{host}"
            );
        }
        for host in ["localhost.example:5000", "128.0.0.1", "[::2]:5000"] {
            assert!(url(host, &[]).starts_with("https://"), "{host}");
        }
        assert!(url("reg.example:80", &["reg.example:80"]).starts_with("http://"));
        assert!(url("reg.example:80", &["reg.example"]).starts_with("http://"));
        assert!(url("reg.example:80", &["reg.example:81"]).starts_with("https://"));
    }

    #[test]
    fn locations_are_taken_relative_to_the_request() {
        let base = "https://a:1/v2/x/uploads/?y";
        assert_eq!(join(base, "http://b/c"), "http://b/c");
        assert_eq!(join(base, "/c?d"), "https://a:1/c?d");
        assert_eq!(join(base, "//b/c"), "https://b/c");
        assert_eq!(join(base, "c"), "https://a:1/v2/x/uploads/c");
        assert_eq!(join("https://a", "c"), "https://a/c");
        assert_eq!(origin("https://a:1?x=/"), "https://a:1");
    }
}
