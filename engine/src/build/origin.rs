//! Where an instruction takes files from: the context, a stage, an image, a named context.

use std::path::Path;
use std::sync::Arc;

use iechor_cachedb::CacheKey;
use iechor_frontend::ast::Text;
use iechor_frontend::ignore::IgnoreSet;
use iechor_snapshotter::{Digest, SnapshotId};

use super::plan::stage_name;
use super::session::Session;
use super::stage::StageState;
use crate::copy::source::{Inode, SourceTree};
use crate::copy::{ChainTree, HostTree};
use crate::error::StepError;
use crate::lower::Context;

/// A tree of files and what says that it is still the same one.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) tree: Arc<dyn SourceTree + Send + Sync>,
    pub(crate) identity: Identity,
}

/// What a tree of files is.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// A directory of the host: keyed by its files (rules C4, C6).
    Host(Inode),
    /// A stage of this build: keyed by its own key and result (rule C7).
    Stage {
        name: String,
        key: CacheKey,
        snapshot: Option<SnapshotId>,
        anew: Option<String>,
    },
    /// An image: keyed by digest (rule C7).
    Image {
        reference: String,
        digest: Digest,
        snapshot: Option<SnapshotId>,
    },
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin")
            .field("tree", &self.tree.name())
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// The snapshot behind the tree; none for the host's files, which are in no snapshot yet.
    pub(crate) fn snapshot(&self) -> Option<Option<SnapshotId>> {
        match self {
            Self::Host(_) => None,
            Self::Stage { snapshot, .. } | Self::Image { snapshot, .. } => Some(*snapshot),
        }
    }
}

impl Session<'_> {
    /// The tree that `--from` (or its absence) names: a stage, a named context, or an image.
    pub(crate) fn origin(
        &self,
        context: &Context<'_>,
        from: Option<&Text>,
    ) -> Result<Origin, StepError> {
        let Some(from) = from else {
            return self.context_origin();
        };
        let name = from.raw();
        if let Some(index) = self.file().stage(name, self.file().stages.len()) {
            return self.stage_origin(index);
        }
        match self.named_context(name) {
            Some(value) if !value.contains("://") => self.named_directory(name, Path::new(value)),
            _ => self
                .image_origin(context, name)
                .map_err(|error| error.at(from.span())),
        }
    }

    /// The step executed anew that files of `origin` come from, if there is one (rule C9). By
    /// content the files speak for themselves (rule C6).
    pub(crate) fn followed(&self, origin: &Origin) -> Option<String> {
        match &origin.identity {
            Identity::Stage { anew, .. } if !self.by_content() => anew.clone(),
            _ => None,
        }
    }

    fn context_origin(&self) -> Result<Origin, StepError> {
        let tree = self.shared_context()?;
        let identity = Identity::Host(tree.identity()?);
        Ok(Origin { tree, identity })
    }

    fn named_directory(&self, name: &str, at: &Path) -> Result<Origin, StepError> {
        let tree = HostTree::open(
            at,
            &format!("the build context {name:?}"),
            IgnoreSet::default(),
        )?;
        let identity = Identity::Host(tree.identity()?);
        Ok(Origin {
            tree: Arc::new(tree),
            identity,
        })
    }

    fn stage_origin(&self, index: usize) -> Result<Origin, StepError> {
        let state = self.stage_result(index).ok_or(StepError::Cancelled)?;
        self.refuse_unforeseeable(&state)?;
        let name = stage_name(&self.file().stages[index], index);
        let snapshot = state.tip();
        let tree = ChainTree::new(self.store(), snapshot, format!("stage {name}"));
        let key = state.key.ok_or(StepError::Lost)?;
        let identity = Identity::Stage {
            name,
            key,
            snapshot,
            anew: state.anew.or(state.unmade),
        };
        Ok(Origin {
            tree: Arc::new(tree),
            identity,
        })
    }

    /// Of a stage whose files a dry run does not have it can neither know the contents, nor the key
    /// if its base is not here.
    fn refuse_unforeseeable(&self, state: &StageState) -> Result<(), StepError> {
        let unmade = state.unmade.as_ref().filter(|_| self.by_content());
        let until = unmade.map(|step| format!("step {step} is executed"));
        match state.blind.clone().or(until) {
            Some(until) => Err(StepError::Unforeseeable { until }),
            None => Ok(()),
        }
    }

    fn image_origin(&self, context: &Context<'_>, name: &str) -> Result<Origin, StepError> {
        let image = self.base_image(name, context.platform, context.step.id)?;
        self.lease_chain(&image.chain)?;
        let snapshot = image.chain.tip();
        let tree = ChainTree::new(self.store(), snapshot, format!("image {}", image.name));
        let identity = Identity::Image {
            reference: image.name,
            digest: image.digest,
            snapshot,
        };
        Ok(Origin {
            tree: Arc::new(tree),
            identity,
        })
    }
}
