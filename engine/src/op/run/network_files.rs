//! `/etc/resolv.conf` and `/etc/hosts` of a step: mounted, never part of the diff.

use std::fs;
use std::path::Path;

use iechor_executor::{MountSource, Network, StepMount};

/// What systemd-resolved serves is of no use without its loopback server; this has the real ones.
const RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// The two files, as mounts.
pub(super) fn mounts(
    extra_hosts: &[(String, String)],
    network: Network,
    hostname: &str,
) -> Vec<StepMount> {
    let resolv = match network {
        Network::Host => host_resolv_conf(),
        Network::None => Vec::new(),
    };
    let hosts = hosts(extra_hosts, hostname);
    vec![
        file("/etc/resolv.conf", resolv),
        file("/etc/hosts", hosts.into_bytes()),
    ]
}

fn file(target: &str, contents: Vec<u8>) -> StepMount {
    StepMount {
        target: target.into(),
        source: MountSource::File {
            contents,
            mode: 0o644,
        },
    }
}

/// The host's own; a step on the host's network reaches its loopback servers, too. A host without
/// the file has no name service to pass on.
fn host_resolv_conf() -> Vec<u8> {
    [Path::new("/etc/resolv.conf"), Path::new(RESOLVED)]
        .iter()
        .find_map(|path| fs::read(path).ok())
        .unwrap_or_default()
}

fn hosts(extra: &[(String, String)], hostname: &str) -> String {
    let mut text = format!(
        "127.0.0.1\tlocalhost {hostname}\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
    );
    for (name, address) in extra {
        text.push_str(&format!("{address}\t{name}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_hosts_come_after_the_step_itself() {
        let text = hosts(&[("db".to_owned(), "10.0.0.7".to_owned())], "iechor");
        assert!(text.starts_with("127.0.0.1\tlocalhost iechor\n"));
        assert!(text.ends_with("10.0.0.7\tdb\n"));
    }
}
