//! COPY.

use std::sync::Arc;

use iechor_cachedb::{FileTime, Input, Rule, Witness};
use iechor_frontend::ast::{Copy, FileMode, Heredoc, Placement, Source, Text};
use iechor_frontend::ignore::IgnoreSet;
use iechor_image::ImageConfig;
use iechor_snapshotter::SnapshotId;

use super::paths::absolute;
use super::words::Words;
use super::{Context, Lowered};
use crate::build::history;
use crate::build::origin::{Identity, Origin};
use crate::copy::facts::{self, Ownership};
use crate::copy::place::{Destination, Links};
use crate::copy::select::{Files, Layout, Rules};
use crate::error::StepError;
use crate::op::Operation;
use crate::op::copy::{Archives, CopyOperation, Item};

/// What the sources of one instruction come to.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) inputs: Vec<Input>,
    pub(crate) items: Vec<Item>,
    /// Sources as the history shows them.
    pub(crate) names: Vec<String>,
    pub(crate) anew: Option<String>,
    ctimes: Vec<(Vec<u8>, FileTime)>,
    witness_root: Option<crate::copy::source::Inode>,
}

impl Gathered {
    /// Change times of the host files involved.
    pub(crate) fn witness(&mut self) -> Option<Witness> {
        let root = self.witness_root?;
        let ctimes = std::mem::take(&mut self.ctimes);
        Some(Witness {
            root_dev: root.device,
            root_ino: root.number,
            ctimes,
        })
    }

    /// Adds what one path of `origin` selects: its files, and what they put into the key.
    pub(crate) fn files(
        &mut self,
        context: &Context<'_>,
        origin: Origin,
        source: &str,
        rules: &Arc<Rules>,
        archives: Archives,
    ) -> Result<(), StepError> {
        let mut files = Files::new(origin, source, rules);
        self.inputs.extend(files.inputs(context)?);
        self.anew = self
            .anew
            .take()
            .or_else(|| context.session.followed(&files.origin));
        if let Identity::Host(root) = files.origin.identity {
            self.witness_root = Some(root);
            self.ctimes.extend(facts::ctimes(files.selection()?));
        }
        self.names.push(source.to_owned());
        self.items.push(Item::Files { files, archives });
        Ok(())
    }

    /// Adds a file whose contents are in the iEchorfile.
    pub(crate) fn heredoc(
        &mut self,
        words: &mut Words<'_>,
        heredoc: &Heredoc,
    ) -> Result<(), StepError> {
        let contents = words.heredoc(heredoc)?.into_bytes();
        self.names.push(format!("<<{}", heredoc.name));
        self.items.push(Item::Inline {
            name: heredoc.name.clone(),
            contents,
        });
        Ok(())
    }
}

impl Files {
    /// What these files put into the key: rules C4 and C6 for the host, C7 for the rest.
    pub(crate) fn inputs(&mut self, context: &Context<'_>) -> Result<Vec<Input>, StepError> {
        match &self.origin.identity {
            Identity::Host(_) => self.facts(context, Ownership::Root),
            _ if context.session.by_content() => self.facts(context, Ownership::Kept),
            Identity::Stage {
                name,
                key,
                snapshot,
                ..
            } => {
                let result = |id: SnapshotId| {
                    Input::digest(Rule::C7, format!("result of stage {name}"), *id.digest())
                };
                Ok(std::iter::once(Input::stage(name, *key))
                    .chain(snapshot.map(result))
                    .collect())
            }
            Identity::Image {
                reference, digest, ..
            } => Ok(vec![Input::image(reference, *digest)]),
        }
    }

    fn facts(
        &mut self,
        context: &Context<'_>,
        ownership: Ownership,
    ) -> Result<Vec<Input>, StepError> {
        let tree = Arc::clone(&self.origin.tree);
        let set = facts::file_set(
            tree.as_ref(),
            self.selection()?,
            ownership,
            context.session.stamps(),
        )?;
        Ok(vec![Input::files(&self.source, set)])
    }
}

/// Lowers COPY.
pub(crate) fn lower(
    context: &Context<'_>,
    words: &mut Words<'_>,
    config: &ImageConfig,
    copy: &Copy,
) -> Result<Lowered, StepError> {
    let layout = if copy.parents {
        Layout::Parents
    } else {
        Layout::Flat
    };
    let rules = Arc::new(rules(words, &copy.placement, layout)?);
    let mut gathered = Gathered::default();
    for source in &copy.placement.sources {
        match source {
            Source::Heredoc(heredoc) => gathered.heredoc(words, heredoc)?,
            Source::Path(text) => {
                let origin = context.session.origin(context, copy.from.as_ref())?;
                let path = words.text(text)?;
                let gather = gathered.files(context, origin, &path, &rules, Archives::Copied);
                gather.map_err(|error| error.at(text.span()))?;
            }
        }
    }
    finish(context, words, config, &copy.placement, gathered, "COPY")
}

/// What COPY and ADD do with what they gathered.
pub(crate) fn finish(
    context: &Context<'_>,
    words: &mut Words<'_>,
    config: &ImageConfig,
    placement: &Placement,
    mut gathered: Gathered,
    keyword: &str,
) -> Result<Lowered, StepError> {
    let destination = destination(words, config, placement)?;
    let mut inputs = std::mem::take(&mut gathered.inputs);
    let operation = CopyOperation {
        owner: placement
            .chown
            .as_ref()
            .map(|text| words.text(text))
            .transpose()?,
        mode: placement
            .chmod
            .as_ref()
            .map(|text| mode(words, text))
            .transpose()?,
        items: std::mem::take(&mut gathered.items),
        destination,
    };
    inputs.extend(words.take_inputs());
    inputs.push(Input::workdir(&config.config.working_dir));
    Ok(Lowered {
        instruction: None,
        inputs,
        config: config.clone(),
        created_by: Some(history::copy(
            keyword,
            &gathered.names,
            &operation.destination.written,
        )),
        operation: Operation::Copy(Box::new(operation)),
        anew: gathered.anew.take(),
        witness: if context.session.by_content() {
            None
        } else {
            gathered.witness()
        },
    })
}

/// The patterns of `--exclude` and what `--parents` asks for.
pub(crate) fn rules(
    words: &mut Words<'_>,
    placement: &Placement,
    layout: Layout,
) -> Result<Rules, StepError> {
    let patterns = placement
        .excludes
        .iter()
        .map(|text| words.text(text))
        .collect::<Result<Vec<_>, _>>()?;
    let excludes = IgnoreSet::new(patterns.iter().map(String::as_str)).map_err(|error| {
        let span = placement
            .excludes
            .first()
            .map(Text::span)
            .unwrap_or_default();
        StepError::from(error).at(span)
    })?;
    Ok(Rules { excludes, layout })
}

fn destination(
    words: &mut Words<'_>,
    config: &ImageConfig,
    placement: &Placement,
) -> Result<Destination, StepError> {
    let written = words.text(&placement.destination)?;
    let path = absolute(&config.config.working_dir, &written).into();
    let links = if placement.link {
        Links::Absent
    } else {
        Links::Followed
    };
    Ok(Destination {
        written,
        path,
        links,
    })
}

fn mode(words: &mut Words<'_>, text: &Text) -> Result<FileMode, StepError> {
    words
        .text(text)?
        .parse()
        .map_err(|error| StepError::invalid(text, &error))
}
