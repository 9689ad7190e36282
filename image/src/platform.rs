//! (interface to come)
/// Operating system, architecture and variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Platform { pub os: String, pub architecture: String, pub variant: Option<String> }
