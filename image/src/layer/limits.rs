//! Limits on untrusted archives (T9, T10, T11).

/// How much an archive may make us read, keep and write. The defaults fit every image that is
/// made in earnest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one layer, decompressed: 64 GiB.
    pub layer_bytes: u64,
    /// Decompressed bytes for each compressed one, after the first 64 MiB: 1000.
    pub ratio: u64,
    /// Logical bytes of files in one layer, holes counted: 1 TiB.
    pub logical_bytes: u64,
    /// Entries of one layer: 5,000,000.
    pub entries: u64,
    /// Bytes of extended headers before one entry: 1 MiB.
    pub header_bytes: u64,
    /// Bytes of a path: 4096.
    pub path_bytes: usize,
    /// Bytes of one component of a path: 255.
    pub component_bytes: usize,
    /// Components of a path: 256.
    pub depth: usize,
    /// Bytes of one extended attribute's value: 64 KiB.
    pub xattr_bytes: usize,
    /// Extended attributes of one entry: 1024.
    pub xattrs: usize,
    /// Segments of one sparse file: 1,000,000.
    pub sparse_segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            layer_bytes: 64 << 30,
            ratio: 1000,
            logical_bytes: 1 << 40,
            entries: 5_000_000,
            header_bytes: 1 << 20,
            path_bytes: 4096,
            component_bytes: 255,
            depth: 256,
            xattr_bytes: 64 << 10,
            xattrs: 1024,
            sparse_segments: 1_000_000,
        }
    }
}
