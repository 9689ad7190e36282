//! What iechor needs of the machine: each need looked at, with what to do where it is not met.
//!
//! Nothing is taken for granted that can be tried: the file systems of a step are really mounted,
//! in a mount namespace that the caller has made private.

mod machine;
mod state_dir;
mod trial;

use std::path::Path;

use serde::Serialize;

/// How a need is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Builds work, with something missing that is told.
    Degraded,
    /// Builds do not work.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What: `kernel`, `/dev/fuse`.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was seen, or why it is not as it should be.
    pub why: String,
    /// What to do about it.
    pub fix: Option<&'static str>,
}

impl Finding {
    fn ok(name: &'static str, why: impl Into<String>) -> Self {
        Self {
            name,
            health: Health::Ok,
            why: why.into(),
            fix: None,
        }
    }

    fn degraded(name: &'static str, why: impl Into<String>, fix: &'static str) -> Self {
        Self {
            health: Health::Degraded,
            fix: Some(fix),
            ..Self::ok(name, why)
        }
    }

    fn missing(name: &'static str, why: impl Into<String>, fix: &'static str) -> Self {
        Self {
            health: Health::Missing,
            fix: Some(fix),
            ..Self::ok(name, why)
        }
    }
}

/// Looks at everything. `root` is the state directory, which need not exist and is not made.
///
/// The calling process is in a mount namespace of its own ([`crate::enter_private_mounts`]); what
/// that said is `private_mounts`.
pub fn examine(root: &Path, private_mounts: Result<(), String>) -> Vec<Finding> {
    let namespaces = machine::namespaces(&private_mounts);
    let overlay = match private_mounts {
        Ok(()) => trial::overlay_on_fuse(root),
        Err(_) => trial::not_tried(),
    };
    vec![
        machine::kernel(),
        machine::fuse_device(),
        namespaces,
        overlay,
        machine::seccomp(),
        machine::cgroups(),
        state_dir::writable(root),
        state_dir::space(root),
        state_dir::file_system(root),
        state_dir::clock(root),
        machine::git(),
    ]
}
