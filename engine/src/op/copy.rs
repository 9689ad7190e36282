//! COPY and ADD: files into a new layer, without a mount and without a process.

use std::fs::File;

use iechor_frontend::ast::FileMode;
use iechor_image::layer::archive::is_archive;
use iechor_image::layer::{ArchivePlacement, Limits, unpack_archive};
use iechor_image::progress::silent;
use iechor_snapshotter::{BlobStore, Chain, LayerWriter, NodeKind, Timestamp};

use crate::accounts::Accounts;
use crate::build::fetch;
use crate::build::fetch::git::PinnedRepository;
use crate::build::origin::Identity;
use crate::build::session::Session;
use crate::copy::CopyError;
use crate::copy::place::{Destination, Owner, Placer};
use crate::copy::select::{Files, Selected};
use crate::copy::source::{FileKind, SourceTree};
use crate::error::StepError;

/// Mode of heredoc files and of files that were fetched.
const HEREDOC_MODE: u32 = 0o644;
const FETCHED_MODE: u32 = 0o600;

/// What COPY or ADD puts where.
#[derive(Debug)]
pub(crate) struct CopyOperation {
    pub(crate) items: Vec<Item>,
    pub(crate) destination: Destination,
    /// `--chown`, names not resolved.
    pub(crate) owner: Option<String>,
    pub(crate) mode: Option<FileMode>,
}

/// One source.
#[derive(Debug)]
pub(crate) enum Item {
    /// Files of a tree.
    Files { files: Files, archives: Archives },
    /// A heredoc.
    Inline { name: String, contents: Vec<u8> },
    /// What a URL had.
    Fetched {
        file: fetch::FetchedFile,
        archives: Archives,
    },
    /// A git repository at a commit.
    Git {
        repository: PinnedRepository,
        keep_git_dir: bool,
    },
}

/// What happens to files that are tar archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archives {
    Copied,
    Unpacked,
}

pub(super) fn execute(
    session: &Session<'_>,
    below: &Chain,
    operation: CopyOperation,
) -> Result<Chain, StepError> {
    let CopyOperation {
        items,
        destination,
        owner,
        mode,
    } = operation;
    let owner = owner
        .map(|spec| Accounts::of(session.store(), below)?.owner(&spec))
        .transpose()?;
    let several = items.len() > 1;
    refuse_file_destination(&items, &destination)?;
    let mut writer = session.store().new_layer(below)?;
    let mut copying = Copying {
        session,
        writer: &mut writer,
        destination,
        owner,
        mode,
        several,
        unmatched: Vec::new(),
        copied: false,
    };
    for item in items {
        copying.item(item)?;
    }
    copying.refuse_nothing()?;
    session.keep(|| writer.commit())
}

/// Several sources need a destination that says that it is a directory.
fn refuse_file_destination(items: &[Item], destination: &Destination) -> Result<(), StepError> {
    if items.len() > 1 && !destination.is_directory() {
        let destination = destination.written.clone();
        return Err(CopyError::NotADirectory { destination }.into());
    }
    Ok(())
}

struct Copying<'a> {
    session: &'a Session<'a>,
    writer: &'a mut LayerWriter,
    destination: Destination,
    owner: Owner,
    mode: Option<FileMode>,
    several: bool,
    /// Sources whose wildcards matched nothing.
    unmatched: Vec<(String, String)>,
    /// Whether anything was copied.
    copied: bool,
}

impl Copying<'_> {
    fn item(&mut self, item: Item) -> Result<(), StepError> {
        match item {
            Item::Inline { name, contents } => self.inline(&name, &contents),
            Item::Fetched { file, archives } => self.fetched(&file, archives),
            Item::Git {
                repository,
                keep_git_dir,
            } => self.git(&repository, keep_git_dir),
            Item::Files {
                files,
                archives: Archives::Copied,
            } => self.files(files),
            Item::Files {
                files,
                archives: Archives::Unpacked,
            } => self.files_or_archives(files),
        }
    }

    /// Wildcards that match nothing are fine beside something that is copied.
    fn refuse_nothing(&self) -> Result<(), StepError> {
        match self.unmatched.first() {
            Some((source_path, tree)) if !self.copied => Err(CopyError::NotFound {
                source_path: source_path.clone(),
                tree: tree.clone(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn placer(&mut self, owner: Owner) -> Placer<'_> {
        let blobs = self.session.store().blobs();
        Placer::new(
            self.writer,
            blobs,
            owner,
            self.mode.clone(),
            self.session.made_at(),
        )
    }

    /// Files of the host become root's; files of a snapshot keep their owner.
    fn files(&mut self, mut files: Files) -> Result<(), StepError> {
        let inherited = if matches!(files.origin.identity, Identity::Host(_)) {
            Some((0, 0))
        } else {
            None
        };
        let (destination, several) = (self.destination.clone(), self.several);
        let tree = files.origin.tree.clone();
        let source = files.source.clone();
        let selection = files.selection()?;
        if selection.roots.is_empty() {
            self.unmatched.push((source, tree.name().to_owned()));
            return Ok(());
        }
        self.copied = true;
        let mut placer = self.placer(self.owner.or(inherited));
        Ok(placer.selection(tree.as_ref(), selection, &destination, several)?)
    }

    /// ADD unpacks what is an archive, each of its sources for itself.
    fn files_or_archives(&mut self, mut files: Files) -> Result<(), StepError> {
        let tree = files.origin.tree.clone();
        let selection = files.selection()?.clone();
        let (archives, plain): (Vec<Selected>, Vec<Selected>) = selection
            .roots
            .iter()
            .cloned()
            .partition(|root| opens_as_archive(tree.as_ref(), root));
        for root in &archives {
            self.unpack(tree.open(&root.file)?)?;
        }
        if plain.is_empty() && !archives.is_empty() {
            return Ok(());
        }
        files.keep(plain);
        self.files(files)
    }

    /// An archive's entries go into the destination, which is a directory whatever it looks like.
    fn unpack(&mut self, archive: File) -> Result<(), StepError> {
        let blobs: &BlobStore = self.session.store().blobs();
        let mode = self.mode.clone();
        let chmod = move |bits: u32, directory: bool| {
            mode.as_ref()
                .map_or(bits, |mode| mode.apply(bits, directory))
        };
        let destination = self.destination.clone();
        let directory = self.placer(None).resolve(&destination)?;
        let owner = self.owner;
        self.placer(owner.or(Some((0, 0))))
            .make_directory(&directory)?;
        let placement = ArchivePlacement {
            directory,
            owner,
            chmod: Some(&chmod),
        };
        unpack_archive(
            archive,
            &placement,
            self.writer,
            blobs,
            &Limits::default(),
            &silent,
        )?;
        self.copied = true;
        Ok(())
    }

    fn inline(&mut self, name: &str, contents: &[u8]) -> Result<(), StepError> {
        let blob = self.session.store().blobs().put(contents)?;
        let size = contents.len() as u64;
        self.single(
            name,
            NodeKind::Regular { blob, size },
            HEREDOC_MODE,
            self.session.made_at(),
        )
    }

    fn fetched(&mut self, file: &fetch::FetchedFile, archives: Archives) -> Result<(), StepError> {
        let blob = file.digest();
        if archives == Archives::Unpacked
            && self
                .session
                .store()
                .blobs()
                .open(&blob)
                .is_ok_and(is_archive)
        {
            return self.unpack(self.session.store().blobs().open(&blob)?);
        }
        let kind = NodeKind::Regular {
            blob,
            size: file.size(),
        };
        self.single(
            file.name(),
            kind,
            FETCHED_MODE,
            file.modified().unwrap_or_else(|| self.session.made_at()),
        )
    }

    /// One file: the destination itself, or in it when it is a directory.
    fn single(
        &mut self,
        name: &str,
        kind: NodeKind,
        mode: u32,
        mtime: Timestamp,
    ) -> Result<(), StepError> {
        let destination = self.destination.clone();
        let owner = self.owner;
        let several = self.several;
        self.copied = true;
        let mut placer = self.placer(owner.or(Some((0, 0))));
        let at = placer.resolve(&destination)?;
        let into = several || destination.is_directory() || placer.is_directory(&at)?;
        let target = if into { at.join(name) } else { at };
        Ok(placer.file(&target, kind, mode, mtime)?)
    }

    fn git(&mut self, repository: &PinnedRepository, keep_git_dir: bool) -> Result<(), StepError> {
        let checkout = repository.check_out(self.session.store(), keep_git_dir)?;
        self.files(checkout.files()?)
    }
}

/// Looks at the beginning of a regular file; what can't be opened is no archive, and copying it
/// will say why.
fn opens_as_archive(tree: &dyn SourceTree, root: &Selected) -> bool {
    root.file.kind == FileKind::Regular && tree.open(&root.file).is_ok_and(is_archive)
}
