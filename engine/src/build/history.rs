//! History entries of the image configuration, in the form in which BuildKit writes them.

use iechor_image::ImageConfig;
use iechor_image::config::{Created, History};

/// Who wrote an entry.
const COMMENT: &str = "iechor";

/// The configuration with an entry for one instruction that made `layers` layers (0 or 1).
/// `created_by` is none for FROM, whose history is in the configuration already.
pub(crate) fn with_entry(
    mut config: ImageConfig,
    created_by: &Option<String>,
    layers: usize,
    created: Created,
) -> ImageConfig {
    if let Some(created_by) = created_by {
        config.history.push(History {
            created: Some(created.clone()),
            created_by: created_by.clone(),
            comment: COMMENT.to_owned(),
            empty_layer: layers == 0,
            ..History::default()
        });
        config.created = Some(created);
    }
    config
}

/// `RUN |1 VERSION=2 /bin/sh -c make # buildkit`: the ARGs in scope, then the command.
pub(crate) fn run(args: &[(String, String)], argv: &[String]) -> String {
    let mut words = vec!["RUN".to_owned()];
    if !args.is_empty() {
        words.push(format!("|{}", args.len()));
        words.extend(args.iter().map(|(name, value)| format!("{name}={value}")));
    }
    words.extend(argv.iter().cloned());
    words.push("# buildkit".to_owned());
    words.join(" ")
}

/// `COPY src /dest # buildkit`.
pub(crate) fn copy(keyword: &str, sources: &[String], destination: &str) -> String {
    format!("{keyword} {} {destination} # buildkit", sources.join(" "))
}
