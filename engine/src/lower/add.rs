//! ADD: COPY, and archives, URLs and git repositories.

use std::sync::Arc;

use iechor_cachedb::{Input, Rule};
use iechor_frontend::ast::{Add, Source, Text};
use iechor_image::ImageConfig;

use super::copy::{Gathered, finish, rules};
use super::words::Words;
use super::{Context, Lowered};
use crate::build::fetch;
use crate::copy::select::{Layout, Rules};
use crate::error::StepError;
use crate::op::copy::{Archives, Item};

/// Lowers ADD.
pub(crate) fn lower(
    context: &Context<'_>,
    words: &mut Words<'_>,
    config: &ImageConfig,
    add: &Add,
) -> Result<Lowered, StepError> {
    let rules = Arc::new(rules(words, &add.placement, Layout::Flat)?);
    let checksum = add
        .checksum
        .as_ref()
        .map(|text| words.text(text))
        .transpose()?;
    let mut gathered = Gathered::default();
    for source in &add.placement.sources {
        match source {
            Source::Heredoc(heredoc) => gathered.heredoc(words, heredoc)?,
            Source::Path(text) => {
                let source = words.text(text)?;
                let gather = gather(
                    context,
                    add,
                    &source,
                    checksum.as_deref(),
                    &rules,
                    &mut gathered,
                );
                gather.map_err(|error| error.at(text.span()))?;
            }
        }
    }
    refuse_idle_checksum(add.checksum.as_ref(), &gathered)?;
    finish(context, words, config, &add.placement, gathered, "ADD")
}

fn gather(
    context: &Context<'_>,
    add: &Add,
    source: &str,
    checksum: Option<&str>,
    rules: &Arc<Rules>,
    gathered: &mut Gathered,
) -> Result<(), StepError> {
    if let Some(repository) = fetch::git::Repository::parse(source) {
        return git(add, &repository, gathered);
    }
    if fetch::is_url(source) {
        return url(context, add, source, checksum, gathered);
    }
    let archives = if add.unpack == Some(false) {
        Archives::Copied
    } else {
        Archives::Unpacked
    };
    let origin = context.session.origin(context, None)?;
    gathered.files(context, origin, source, rules, archives)
}

/// Rule C8: the URL and the checksum when there is one, else what the server says the contents are.
fn url(
    context: &Context<'_>,
    add: &Add,
    url: &str,
    checksum: Option<&str>,
    gathered: &mut Gathered,
) -> Result<(), StepError> {
    let fetched = fetch::url(context.session, context.step.id, url, checksum)?;
    gathered.inputs.push(Input::text(Rule::C8, "URL", url));
    gathered.inputs.push(Input::digest(
        Rule::C8,
        format!("contents of {url}"),
        fetched.digest(),
    ));
    gathered.names.push(url.to_owned());
    let archives = if add.unpack == Some(true) {
        Archives::Unpacked
    } else {
        Archives::Copied
    };
    gathered.items.push(Item::Fetched {
        file: fetched,
        archives,
    });
    Ok(())
}

/// Rule C8: a repository is what its commit is.
fn git(
    add: &Add,
    repository: &fetch::git::Repository,
    gathered: &mut Gathered,
) -> Result<(), StepError> {
    let commit = repository.resolve()?;
    gathered.inputs.push(Input::text(
        Rule::C8,
        format!("commit of {}", repository.url()),
        &commit,
    ));
    gathered.names.push(repository.url().to_owned());
    gathered.items.push(Item::Git {
        repository: repository.at(commit),
        keep_git_dir: add.keep_git_dir,
    });
    Ok(())
}

fn refuse_idle_checksum(checksum: Option<&Text>, gathered: &Gathered) -> Result<(), StepError> {
    let Some(text) = checksum else { return Ok(()) };
    if gathered
        .items
        .iter()
        .any(|item| matches!(item, Item::Fetched { .. }))
    {
        return Ok(());
    }
    Err(StepError::IdleChecksum.at(text.span()))
}
