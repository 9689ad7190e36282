//! Every environment variable that iechor reads, declared once.
//!
//! The crates below read none: what is found here reaches them as values. The reference page
//! `docs/cli-reference.md` lists [`ALL`].

use std::ffi::OsString;

/// One environment variable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, one sentence.
    pub(crate) meaning: &'static str,
}

/// The state directory.
pub(crate) const ROOT: Variable = Variable {
    name: "IECHOR_ROOT",
    meaning: "State directory; `--root` wins.",
};
/// Where a user's state directory lies.
pub(crate) const XDG_DATA_HOME: Variable = Variable {
    name: "XDG_DATA_HOME",
    meaning: "A user's state directory is `iechor` in it; default `~/.local/share`.",
};
/// The home directory.
pub(crate) const HOME: Variable = Variable {
    name: "HOME",
    meaning: "Where a user's own directories are.",
};
/// The configuration file.
pub(crate) const CONFIG: Variable = Variable {
    name: "IECHOR_CONFIG",
    meaning: "Configuration file, instead of `$XDG_CONFIG_HOME/iechor/config.json` and `/etc/iechor/config.json`.",
};
/// Progress display.
pub(crate) const PROGRESS: Variable = Variable {
    name: "IECHOR_PROGRESS",
    meaning: "Progress display when `--progress` is not given.",
};
/// Progress display, as buildx reads it.
pub(crate) const BUILDKIT_PROGRESS: Variable = Variable {
    name: "BUILDKIT_PROGRESS",
    meaning: "The same, for scripts written for buildx; `IECHOR_PROGRESS` wins.",
};
/// Continuous integration.
pub(crate) const CI: Variable = Variable {
    name: "CI",
    meaning: "When set, progress is `plain` unless asked otherwise.",
};
/// GitHub's runners.
pub(crate) const GITHUB_ACTIONS: Variable = Variable {
    name: "GITHUB_ACTIONS",
    meaning: "When set, plain progress folds each step into a `::group::`.",
};
/// No colour.
pub(crate) const NO_COLOR: Variable = Variable {
    name: "NO_COLOR",
    meaning: "When set, nothing is coloured.",
};
/// Colour even into a pipe.
pub(crate) const CLICOLOR_FORCE: Variable = Variable {
    name: "CLICOLOR_FORCE",
    meaning: "When set and not `0`, colour even where no terminal is.",
};
/// The terminal's type.
pub(crate) const TERM: Variable = Variable {
    name: "TERM",
    meaning: "`dumb`: no live display and no colour.",
};
/// Platform to build for.
pub(crate) const DOCKER_DEFAULT_PLATFORM: Variable = Variable {
    name: "DOCKER_DEFAULT_PLATFORM",
    meaning: "Platform to build for when `--platform` is not given.",
};
/// Time stamp for reproducible images.
pub(crate) const SOURCE_DATE_EPOCH: Variable = Variable {
    name: "SOURCE_DATE_EPOCH",
    meaning: "Seconds since 1970 for `created` in the image's config and history.",
};

/// Credentials, podman's way.
pub(crate) const REGISTRY_AUTH_FILE: Variable = Variable {
    name: "REGISTRY_AUTH_FILE",
    meaning: "File of registry credentials, instead of all those below.",
};
/// Credentials of a session.
pub(crate) const XDG_RUNTIME_DIR: Variable = Variable {
    name: "XDG_RUNTIME_DIR",
    meaning: "Registry credentials are looked for in its `containers/auth.json`, ...",
};
/// A user's configuration.
pub(crate) const XDG_CONFIG_HOME: Variable = Variable {
    name: "XDG_CONFIG_HOME",
    meaning: "... then in its `containers/auth.json` (default `~/.config`), ...",
};
/// Credentials, docker's way.
pub(crate) const DOCKER_CONFIG: Variable = Variable {
    name: "DOCKER_CONFIG",
    meaning: "... then in its `config.json` (default `~/.docker`), with credential helpers.",
};

/// Authorities, as OpenSSL and Go read it.
pub(crate) const SSL_CERT_FILE: Variable = Variable {
    name: "SSL_CERT_FILE",
    meaning: "PEM file of the authorities that are trusted, instead of the host's.",
};

/// The proxy arguments (rule C12), each read in both cases.
pub(crate) const PROXIES: [Variable; 5] = [
    Variable {
        name: "HTTP_PROXY",
        meaning: "Proxy for `http`. Handed to RUN as well; in no cache key, no history.",
    },
    Variable {
        name: "HTTPS_PROXY",
        meaning: "Proxy for `https`: registries, ADD. Handed to RUN as the one before.",
    },
    Variable {
        name: "FTP_PROXY",
        meaning: "Handed to RUN; in no cache key, no history.",
    },
    Variable {
        name: "NO_PROXY",
        meaning: "Hosts, domains and networks that are reached without. Handed to RUN as well.",
    },
    Variable {
        name: "ALL_PROXY",
        meaning: "Proxy for both where there is no other. Handed to RUN as well.",
    },
];

/// All of them, in the order of the reference page.
pub(crate) fn all() -> impl Iterator<Item = Variable> {
    const SINGLE: [Variable; 18] = [
        ROOT,
        XDG_DATA_HOME,
        HOME,
        CONFIG,
        PROGRESS,
        BUILDKIT_PROGRESS,
        CI,
        GITHUB_ACTIONS,
        NO_COLOR,
        CLICOLOR_FORCE,
        TERM,
        DOCKER_DEFAULT_PLATFORM,
        SOURCE_DATE_EPOCH,
        REGISTRY_AUTH_FILE,
        XDG_RUNTIME_DIR,
        XDG_CONFIG_HOME,
        DOCKER_CONFIG,
        SSL_CERT_FILE,
    ];
    SINGLE.into_iter().chain(PROXIES)
}

/// The part of `--help` that lists them.
pub(crate) fn help() -> String {
    let width = all().map(|variable| variable.name.len()).max().unwrap_or(0);
    let line = |Variable { name, meaning }: Variable| format!("  {name:width$}  {meaning}");
    let lines: Vec<String> = all().map(line).collect();
    format!("Environment:\n{}", lines.join("\n"))
}

impl Variable {
    /// Its value, when it is set and not empty.
    pub(crate) fn get(self) -> Option<OsString> {
        lookup(self.name)
    }

    /// The same as text; bytes that are not UTF-8 count as not set.
    pub(crate) fn text(self) -> Option<String> {
        self.get()?.into_string().ok()
    }

    /// Whether it is set and not empty.
    pub(crate) fn is_set(self) -> bool {
        self.get().is_some()
    }
}

/// The value of a variable that the user named (`--secret env=NAME`, `--build-arg NAME`), even empty.
pub(crate) fn named(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The proxy arguments that are set, under the names under which they are.
pub(crate) fn proxies() -> Vec<(String, String)> {
    PROXIES
        .iter()
        .flat_map(|variable| [variable.name.to_owned(), variable.name.to_lowercase()])
        .filter_map(|name| {
            let value = lookup(&name)?.into_string().ok()?;
            Some((name, value))
        })
        .collect()
}

/// The first of these proxy arguments that is set, in either case.
pub(crate) fn proxy(names: &[&str]) -> Option<String> {
    let cases = names
        .iter()
        .flat_map(|name| [name.to_lowercase(), (*name).to_owned()]);
    cases
        .filter_map(|name| lookup(&name)?.into_string().ok())
        .next()
}

fn lookup(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
