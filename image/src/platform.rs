//! Platforms: for which system an image is made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and variant, in Go's names (`amd64`, not `x86_64`).
///
/// Always normalised: `linux/aarch64/v8` and `linux/arm64` are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Spelling")]
pub struct Platform {
    /// Operating system, as `GOOS`.
    pub os: String,
    /// Architecture, as `GOARCH`.
    pub architecture: String,
    /// Variant of the architecture; none for the one that everybody means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A platform as somebody wrote it.
#[derive(Deserialize)]
struct Spelling {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("platform {text:?} is not of the form OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64/v8")]
pub struct PlatformError {
    /// The text.
    text: String,
}

impl From<Spelling> for Platform {
    fn from(written: Spelling) -> Self {
        Self::new(
            &written.os,
            &written.architecture,
            written.variant.as_deref(),
        )
    }
}

impl Platform {
    /// A platform from its parts, normalised.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let variant = variant
            .map(str::to_ascii_lowercase)
            .filter(|text| !text.is_empty());
        let (architecture, variant) = normalise(&architecture.to_ascii_lowercase(), variant);
        Self {
            os: normalise_os(os),
            architecture,
            variant,
        }
    }

    /// The platform that this program runs on.
    pub fn host() -> Self {
        Self::new(std::env::consts::OS, std::env::consts::ARCH, None)
    }

    /// How well an image for `offered` runs where `self` is wanted: 0 is exact, larger is a
    /// lesser variant, none is not at all.
    pub fn distance(&self, offered: &Self) -> Option<u32> {
        if self.os != offered.os || self.architecture != offered.architecture {
            return None;
        }
        if self.variant == offered.variant {
            return Some(0);
        }
        self.level()?.checked_sub(offered.level()?)
    }

    /// Rank of the variant among those of its architecture; each runs what the lesser ones run.
    fn level(&self) -> Option<u32> {
        let default = match self.architecture.as_str() {
            "arm" => "v7",
            "arm64" => "v8",
            _ => "v1",
        };
        self.variant
            .as_deref()
            .unwrap_or(default)
            .strip_prefix('v')?
            .parse()
            .ok()
    }
}

/// Takes the names that `uname -m` and others use for those of Go.
fn normalise(architecture: &str, variant: Option<String>) -> (String, Option<String>) {
    let variant = variant.as_deref();
    let (name, variant) = match (architecture, variant) {
        ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
        ("x86_64" | "x86-64", _) => ("amd64", variant),
        ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64", None),
        ("aarch64", _) => ("arm64", variant),
        ("i386" | "i486" | "i586" | "i686" | "x86", _) => ("386", None),
        ("armhf", _) | ("arm", None | Some("7")) => ("arm", Some("v7")),
        ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6")),
        ("arm", Some("5")) => ("arm", Some("v5")),
        ("powerpc64le", _) => ("ppc64le", variant),
        ("loongarch64", _) => ("loong64", variant),
        _ => (architecture, variant),
    };
    (name.to_owned(), variant.map(str::to_owned))
}

fn normalise_os(os: &str) -> String {
    match os.to_ascii_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .iter()
            .try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    /// `OS/ARCH`, `OS/ARCH/VARIANT`, `OS` or `ARCH` alone (the host's for the rest), or `local`.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| !is_word(part)) {
            return Err(PlatformError {
                text: text.to_owned(),
            });
        }
        match parts[..] {
            ["local"] => Ok(Self::host()),
            [os @ ("linux" | "windows" | "darwin" | "freebsd")] => Ok(Self {
                os: os.to_owned(),
                ..Self::host()
            }),
            [architecture] if is_known(architecture) => {
                Ok(Self::new(std::env::consts::OS, architecture, None))
            }
            [os, architecture] => Ok(Self::new(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant))),
            _ => Err(PlatformError {
                text: text.to_owned(),
            }),
        }
    }
}

fn is_word(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Whether a word alone is taken for an architecture.
fn is_known(word: &str) -> bool {
    const NAMES: [&str; 10] = [
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
        "wasm",
    ];
    NAMES.contains(&normalise(&word.to_ascii_lowercase(), None).0.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_platform_are_equal() {
        assert_eq!(platform("linux/aarch64"), platform("linux/arm64/v8"));
        assert_eq!(platform("Linux/x86_64"), platform("linux/amd64"));
        assert_eq!(platform("linux/armhf"), platform("linux/arm/v7"));
        assert_eq!(platform("linux/arm"), platform("linux/arm/v7"));
        assert_eq!(platform("linux/i686").to_string(), "linux/386");
        assert_eq!(platform("linux/amd64/v1").to_string(), "linux/amd64");
        assert_eq!(platform("linux/amd64/v3").to_string(), "linux/amd64/v3");
        assert_eq!(platform("local"), Platform::host());
        assert_eq!(platform("arm64").architecture, "arm64");
        assert_eq!(
            platform("linux").architecture,
            Platform::host().architecture
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "/",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "li nux/amd64",
            "nonsense",
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_lesser_variant_serves_a_greater_one_but_not_the_reverse() {
        let distance = |wanted, offered| platform(wanted).distance(&platform(offered));
        assert_eq!(distance("linux/arm/v7", "linux/arm/v7"), Some(0));
        assert_eq!(distance("linux/arm/v7", "linux/arm/v5"), Some(2));
        assert_eq!(distance("linux/arm/v6", "linux/arm/v7"), None);
        assert_eq!(distance("linux/amd64", "linux/amd64/v3"), None);
        assert_eq!(distance("linux/amd64/v3", "linux/amd64"), Some(2));
        assert_eq!(distance("linux/arm64", "linux/arm/v7"), None);
    }
}
