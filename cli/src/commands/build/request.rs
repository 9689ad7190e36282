//! From the command line and the environment to what the engine is asked.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use iechor_engine::BuildRequest;
use iechor_engine::request::{
    CachePolicy, ContextDigest, ContextSource, FileSource, NetworkMode, PullPolicy,
};

use super::pairs::{ArgValue, ExtraHost, Pair, Rescue};
use super::secret;
use super::{BuildArgs, DigestArg, NetworkArg, default_platform};
use crate::env;
use crate::error::CliError;

/// Where a tar archive has its magic, and which.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");
/// How compressed archives begin.
const COMPRESSED_MAGIC: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];

/// Settles every setting; reads secrets and standard input.
pub(super) fn from_args(args: BuildArgs) -> Result<BuildRequest, CliError> {
    let build_args = build_args(args.build_args)?;
    Ok(BuildRequest {
        file: file(args.file, &args.context)?,
        context: context(args.context)?,
        ignore_file: args.ignorefile,
        tags: args.tags,
        target: args.target,
        source_date_epoch: source_date_epoch(&build_args)?,
        build_args,
        proxy: env::proxies(),
        secrets: secret::read_all(args.secrets)?,
        rescues: args
            .output_on_failure
            .into_iter()
            .map(|Rescue(path, dest)| (path, dest.into()))
            .collect(),
        keep_failed: args.keep_failed,
        build_contexts: pairs(args.build_contexts),
        platform: args
            .platform
            .map_or_else(default_platform, |platform| Ok(Some(platform)))?,
        network: network(args.network),
        cache: cache_policy(args.no_cache, args.no_cache_filter),
        context_digest: context_digest(args.context_digest),
        labels: pairs(args.labels),
        pull: if args.pull {
            PullPolicy::Always
        } else {
            PullPolicy::IfMissing
        },
        outputs: args.outputs,
        extra_hosts: args
            .extra_hosts
            .into_iter()
            .map(|ExtraHost(name, ip)| (name, ip))
            .collect(),
    })
}

fn context(path: PathBuf) -> Result<ContextSource, CliError> {
    if is_stdin(&path) {
        return Ok(ContextSource::Empty);
    }
    if let Some(url) = path.to_str().filter(|text| looks_remote(text)) {
        return Err(CliError::usage_with_hint(
            format!("{url} is a remote context, which iechor does not fetch"),
            "clone or download it, and give the directory",
        ));
    }
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Ok(ContextSource::Directory(path)),
        Ok(_) => Err(CliError::usage_with_hint(
            format!("the build context {} is not a directory", path.display()),
            format!(
                "to name the iEchorfile, write `iechor build -f {} DIRECTORY`",
                path.display()
            ),
        )),
        Err(source) => Err(CliError::Context { path, source }),
    }
}

fn looks_remote(text: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
}

fn file(file: Option<PathBuf>, context: &Path) -> Result<FileSource, CliError> {
    match file {
        Some(path) if is_stdin(&path) => from_stdin(),
        Some(path) => Ok(FileSource::Path(path)),
        None if is_stdin(context) => from_stdin(),
        None => Ok(FileSource::Default),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

fn from_stdin() -> Result<FileSource, CliError> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(CliError::usage(
            "the iEchorfile was to come from standard input, which is a terminal",
        ));
    }
    let mut text = Vec::new();
    stdin
        .read_to_end(&mut text)
        .map_err(|source| CliError::Io {
            action: "read the iEchorfile from",
            path: "standard input".into(),
            source,
        })?;
    if is_archive(&text) {
        return Err(CliError::usage_with_hint(
            "standard input is an archive, not an iEchorfile",
            "unpack it, and give the directory",
        ));
    }
    Ok(FileSource::Text {
        name: "stdin".to_owned(),
        text,
    })
}

fn is_archive(text: &[u8]) -> bool {
    let (offset, magic) = TAR_MAGIC;
    text.get(offset..)
        .is_some_and(|rest| rest.starts_with(magic))
        || COMPRESSED_MAGIC.iter().any(|magic| text.starts_with(magic))
}

fn build_args(args: Vec<ArgValue>) -> Result<Vec<(String, String)>, CliError> {
    let resolve = |arg: ArgValue| {
        arg.resolve()
            .map_err(|error| CliError::usage(format!("--build-arg: {error}")))
            .transpose()
    };
    args.into_iter().filter_map(resolve).collect()
}

fn pairs(pairs: Vec<Pair>) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|Pair(name, value)| (name, value))
        .collect()
}

/// The build argument wins over the environment, as everywhere.
fn source_date_epoch(build_args: &[(String, String)]) -> Result<Option<i64>, CliError> {
    let name = env::SOURCE_DATE_EPOCH.name;
    let given = build_args
        .iter()
        .rev()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone());
    let Some(text) = given.or_else(|| env::SOURCE_DATE_EPOCH.text()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        CliError::usage(format!(
            "{name} is `{text}`, which is no number of seconds since 1970"
        ))
    })
}

fn network(network: NetworkArg) -> NetworkMode {
    match network {
        NetworkArg::Default => NetworkMode::Default,
        NetworkArg::None => NetworkMode::None,
        NetworkArg::Host => NetworkMode::Host,
    }
}

fn context_digest(digest: DigestArg) -> ContextDigest {
    match digest {
        DigestArg::Metadata => ContextDigest::Metadata,
        DigestArg::Content => ContextDigest::Content,
    }
}

fn cache_policy(ignore: bool, stages: Vec<String>) -> CachePolicy {
    match (ignore, stages.is_empty()) {
        (true, _) => CachePolicy::Ignore,
        (false, true) => CachePolicy::Use,
        (false, false) => CachePolicy::IgnoreStages(stages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_told_from_a_file() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(is_archive(&tar));
        assert!(is_archive(b"\x1f\x8b\x08\x00"));
        assert!(!is_archive(b"FROM scratch\n"));
    }

    #[test]
    fn no_cache_outranks_its_filter() {
        assert_eq!(cache_policy(true, vec!["a".into()]), CachePolicy::Ignore);
        let filter = CachePolicy::IgnoreStages(vec!["a".into()]);
        assert_eq!(cache_policy(false, vec!["a".into()]), filter);
    }

    #[test]
    fn the_build_argument_outranks_the_environment() {
        let args = [("SOURCE_DATE_EPOCH".to_owned(), "7".to_owned())];
        assert_eq!(source_date_epoch(&args).unwrap(), Some(7));
        let args = [("SOURCE_DATE_EPOCH".to_owned(), "soon".to_owned())];
        assert!(source_date_epoch(&args).is_err());
    }
}
