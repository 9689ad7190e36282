//! What a build is asked to do. Everything from the environment and the command line is a value here.

use std::path::PathBuf;

use iechor_executor::Secret;
use iechor_image::Platform;

/// One `iechor build`.
#[derive(Debug)]
pub struct BuildRequest {
    /// Where COPY and ADD read from.
    pub context: ContextSource,
    /// The text to build.
    pub file: FileSource,
    /// `--ignorefile`; none means: look beside the file, then in the context.
    pub ignore_file: Option<PathBuf>,
    /// `-t`: names for the result in the local image list.
    pub tags: Vec<String>,
    /// `--target`: a stage by name or index; none means the last.
    pub target: Option<String>,
    /// `--build-arg`, later ones winning.
    pub build_args: Vec<(String, String)>,
    /// Proxy arguments found in the caller's environment (rule C12): they reach RUN without being
    /// declared, enter no key and no history, and are never reported as undeclared. A `--build-arg`
    /// of the same name wins.
    pub proxy: Vec<(String, String)>,
    /// `--secret`.
    pub secrets: Vec<SecretSource>,
    /// `--build-context NAME=VALUE`, VALUE uninterpreted.
    pub build_contexts: Vec<(String, String)>,
    /// `--platform`; none means the host's.
    pub platform: Option<Platform>,
    /// `--output-on-failure PATH=DEST`: files of a failed step's root, and where on the host to put
    /// them.
    pub rescues: Vec<(String, PathBuf)>,
    /// `--keep-failed`: how many states of failed steps are kept, the newest.
    pub keep_failed: usize,
    /// `--network`: what RUN without a flag of its own gets.
    pub network: NetworkMode,
    /// `--no-cache`, `--no-cache-filter` (rules C10, C11).
    pub cache: CachePolicy,
    /// `--context-digest` (rule C6).
    pub context_digest: ContextDigest,
    /// `--label`, later ones winning.
    pub labels: Vec<(String, String)>,
    /// `--pull`.
    pub pull: PullPolicy,
    /// `-o`; may be empty.
    pub outputs: Vec<Output>,
    /// `--add-host NAME:IP`, lines for the step's `/etc/hosts`.
    pub extra_hosts: Vec<(String, String)>,
    /// `SOURCE_DATE_EPOCH`: seconds for `created` in config and history.
    pub source_date_epoch: Option<i64>,
}

/// Where COPY and ADD read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextSource {
    /// A directory on the host.
    Directory(PathBuf),
    /// Nothing (`iechor build -` with a file on standard input).
    Empty,
}

/// Where the text to build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// `-f PATH`.
    Path(PathBuf),
    /// `iEchorfile`, `Dockerfile` or `Containerfile` in the context directory, in this order.
    Default,
    /// Text from standard input; the name is for messages.
    Text {
        /// What messages call it.
        name: String,
        /// The text.
        text: Vec<u8>,
    },
}

/// One `--secret`.
#[derive(Debug, Clone)]
pub struct SecretSource {
    /// Its id.
    pub id: String,
    /// Its value, read already; never printed.
    pub value: Secret,
}

/// Network of RUN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetworkMode {
    /// What the host offers: the host's own network, while no private one exists.
    #[default]
    Default,
    /// `lo` only.
    None,
    /// The host's network.
    Host,
}

/// What is looked up in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CachePolicy {
    /// Everything.
    #[default]
    Use,
    /// Nothing (`--no-cache`).
    Ignore,
    /// Everything but these stages, by name or index (`--no-cache-filter`).
    IgnoreStages(Vec<String>),
}

/// What of a context file enters the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContextDigest {
    /// Size and modification time (rule C4).
    #[default]
    Metadata,
    /// The contents' digest instead of the modification time (rule C6).
    Content,
}

/// When the registry is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// When the image is not in the local list.
    #[default]
    IfMissing,
    /// Always.
    Always,
}

/// One `-o`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What to write.
    pub kind: OutputKind,
    /// Where.
    pub dest: OutputDest,
    /// Compression of layers in `oci` output.
    pub compression: Compression,
}

/// Form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// OCI image archive, or layout directory when `dest` is an existing directory or ends in `/`.
    Oci,
    /// Archive for `docker load` and `podman load`.
    Docker,
    /// The root file system as a tar archive.
    Tar,
    /// The root file system as files.
    Local,
}

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputDest {
    /// A path.
    Path(PathBuf),
    /// Standard output.
    Stdout,
}

/// Compression of exported layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// gzip, which every registry and client reads.
    #[default]
    Gzip,
    /// zstd.
    Zstd,
    /// None.
    Uncompressed,
}
