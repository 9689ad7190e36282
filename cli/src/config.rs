//! The configuration file, JSON: what holds for every build of a machine or a user.
//!
//! ```json
//! { "gc": { "max-used-space": "20GB", "reserved-space": "2GB" } }
//! ```
//!
//! `docs/configuration.md` is its page. The first file that exists counts alone: the one that
//! `$IECHOR_CONFIG` names, the user's, the machine's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use iechor_engine::prune::{Filter, PruneRequest, Scope};
use serde::Deserialize;

use crate::env;
use crate::error::CliError;
use crate::ui::Ui;
use crate::units::Size;

/// The machine's file.
const SYSTEM: &str = "/etc/iechor/config.json";

/// What the file says; without a file, nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Config {
    /// What is pruned after a build; nothing when it is missing.
    gc: Option<Gc>,
    /// Registries (`HOST` or `HOST:PORT`) that are spoken to over plain HTTP.
    #[serde(default)]
    pub(crate) insecure_registries: Vec<String>,
}

/// The policy of the prune after a build: as the options of `iechor builder prune`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Gc {
    #[serde(default)]
    all: bool,
    #[serde(default)]
    filters: Vec<FilterText>,
    max_used_space: Option<Size>,
    reserved_space: Option<Size>,
    min_free_space: Option<Size>,
}

/// A filter as the command line has it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct FilterText(Filter);

impl TryFrom<String> for FilterText {
    type Error = iechor_engine::prune::FilterError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl Config {
    /// Reads the file that counts.
    pub(crate) fn load(ui: &Ui) -> Result<Self, CliError> {
        if let Some(path) = env::CONFIG.get().map(PathBuf::from) {
            // What is named outright has to be there.
            return Self::read(&path)?.ok_or_else(|| CliError::Io {
                action: "read the configuration",
                path,
                source: rustix::io::Errno::NOENT.into(),
            });
        }
        for path in usual_places() {
            if let Some(config) = Self::read(&path)? {
                ui.debug(format_args!("configuration {}", path.display()));
                return Ok(config);
            }
        }
        Ok(Self::default())
    }

    /// What to prune after a build.
    pub(crate) fn gc(self) -> Option<PruneRequest> {
        let gc = self.gc?;
        Some(PruneRequest {
            scope: if gc.all { Scope::All } else { Scope::Unused },
            filters: gc.filters.into_iter().map(|filter| filter.0).collect(),
            max_used: gc.max_used_space.map(|Size(bytes)| bytes),
            reserved: gc.reserved_space.map(|Size(bytes)| bytes),
            min_free: gc.min_free_space.map(|Size(bytes)| bytes),
        })
    }

    /// Reads a file; none when there is no such file.
    fn read(path: &Path) -> Result<Option<Self>, CliError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CliError::Io {
                    action: "read the configuration",
                    path: path.to_owned(),
                    source,
                });
            }
            Ok(text) => text,
        };
        Self::parse(&text).map(Some).map_err(|error| {
            let at = path.display();
            CliError::usage_with_hint(
                format!("{at}:{error}"),
                "docs/configuration.md tells what may stand there; IECHOR_CONFIG names another file",
            )
        })
    }

    /// The error begins with line and column.
    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = serde_json::from_str(text).map_err(|error| located(&error))?;
        match &config.gc {
            Some(gc) if !gc.says_how_far() => {
                let line = text.lines().position(|line| line.contains("\"gc\""));
                let line = line.map_or(1, |line| line + 1);
                Err(format!(
                    "{line}:1: gc needs max-used-space, min-free-space or filters: without any, each \
                     build would remove all that it may"
                ))
            }
            _ => Ok(config),
        }
    }
}

impl Gc {
    fn says_how_far(&self) -> bool {
        let has_bound = self.max_used_space.is_some() || self.min_free_space.is_some();
        has_bound || !self.filters.is_empty()
    }
}

/// `LINE:COLUMN: MESSAGE`; the message itself ends with them as `at line 3 column 5`.
fn located(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let message = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    format!("{line}:{column}: {message}")
}

fn usual_places() -> impl Iterator<Item = PathBuf> {
    let home = || {
        env::HOME
            .get()
            .map(|home| PathBuf::from(home).join(".config"))
    };
    let user = env::XDG_CONFIG_HOME.get().map(PathBuf::from).or_else(home);
    let user = user.map(|dir| dir.join("iechor/config.json"));
    user.into_iter().chain([PathBuf::from(SYSTEM)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read() {
        let text = r#"{"gc": {"max-used-space": "20GB", "reserved-space": "1GiB",
            "min-free-space": "500", "filters": ["unused-for=7d", "type!=from"], "all": true}}"#;
        let request = Config::parse(text).unwrap().gc().unwrap();
        let expected = PruneRequest {
            scope: Scope::All,
            filters: vec![
                "unused-for=7d".parse().unwrap(),
                "type!=from".parse().unwrap(),
            ],
            max_used: Some(20_000_000_000),
            reserved: Some(1 << 30),
            min_free: Some(500),
        };
        assert_eq!(request, expected);
        let nothing = Config::parse("{}").unwrap();
        assert!(nothing.insecure_registries.is_empty());
        assert_eq!(nothing.gc(), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |text: &str| Config::parse(text).unwrap_err();
        let unknown = told("{\n  \"gc\": {\n    \"max-used\": 1\n  }\n}");
        assert!(
            unknown.starts_with("3:14: unknown field `max-used`, expected one of `all`"),
            "{unknown}"
        );
        let size = told("{\n \"gc\": { \"max-used-space\": \"much\" }\n}");
        assert!(size.starts_with("2:"), "{size}");
        assert!(size.contains("`much` is no size"), "{size}");
        let filter = told("{\"gc\": {\n\"filters\": [\"colour=red\"]}}");
        assert!(filter.starts_with("2:"), "{filter}");
        assert!(filter.contains("the filters are until"), "{filter}");
        let open = told("{\n\n  \"gc\": {\"all\": true, \"reserved-space\": \"1GB\"}\n}");
        assert!(open.starts_with("3:1: gc needs max-used-space"), "{open}");
        assert!(told("{").starts_with("1:1: "), "{}", told("{"));
        assert!(told("").starts_with("1:0: "), "{}", told(""));
    }
}
