//! The image configuration (OCI image-spec config.md, with Docker's additional fields).

use serde::{Deserialize, Serialize};

/// An image configuration; unknown fields of a base image are kept and written back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    // architecture, os, variant, created, author, config: ContainerConfig, rootfs{type, diff_ids}, history, extra
}
