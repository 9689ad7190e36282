//! Which files a source of COPY, ADD or a bind mount means.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use iechor_frontend::ignore::IgnoreSet;
use iechor_frontend::pattern::Pattern;

use super::CopyError;
use super::source::{SourceFile, SourceTree, follow};
use crate::build::origin::Origin;

/// What one pattern selects besides its name.
#[derive(Debug)]
pub(crate) struct Rules {
    /// `--exclude`: matched against paths relative to the source.
    pub(crate) excludes: IgnoreSet,
    /// `--parents`: whether the source's directories are kept.
    pub(crate) layout: Layout,
}

/// Where a source lands below the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A file under its own name; a directory's contents directly.
    Flat,
    /// Under the directories that the pattern names (`--parents`), from `/./` on if it has one.
    Parents,
}

/// One file or directory that a source means.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    /// The file, links followed.
    pub(crate) file: SourceFile,
    /// The name it was selected by, which is not the file's own when a link was followed.
    pub(crate) name: OsString,
    /// Directories to keep below the destination; empty without `--parents`.
    pub(crate) parents: PathBuf,
    /// Everything in it, parents before children; none for what is no directory.
    pub(crate) below: Vec<SourceFile>,
}

/// What one source of an instruction selects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// In the order of the pattern's matches: sorted by path.
    pub(crate) roots: Vec<Selected>,
    /// Whether the source had wildcards, so that the destination is a directory.
    pub(crate) by_wildcard: bool,
}

impl Selection {
    /// Every file that is involved (rule C4), those that were named and those below them.
    pub(crate) fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.roots
            .iter()
            .flat_map(|root| std::iter::once(&root.file).chain(&root.below))
    }
}

/// The files that one source means, selected when they are first asked for: what a snapshot has
/// under a path need not be known to look a step up.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) origin: Origin,
    pub(crate) source: String,
    rules: Arc<Rules>,
    selection: Option<Selection>,
}

impl Files {
    pub(crate) fn new(origin: Origin, source: &str, rules: &Arc<Rules>) -> Self {
        Self {
            origin,
            source: source.to_owned(),
            rules: Arc::clone(rules),
            selection: None,
        }
    }

    /// The selection, made once.
    pub(crate) fn selection(&mut self) -> Result<&Selection, CopyError> {
        let selection = match self.selection.take() {
            Some(selection) => selection,
            None => select(self.origin.tree.as_ref(), &self.source, &self.rules)?,
        };
        Ok(self.selection.insert(selection))
    }

    /// Narrows the selection to some of its roots.
    pub(crate) fn keep(&mut self, roots: Vec<Selected>) {
        let by_wildcard = self
            .selection
            .as_ref()
            .is_some_and(|selection| selection.by_wildcard);
        self.selection = Some(Selection { roots, by_wildcard });
    }
}

/// Selects what `source` means in `tree`.
///
/// # Errors
///
/// When the path leaves the tree, when it has no wildcards and leads to nothing, when the pattern
/// is malformed.
fn select(tree: &dyn SourceTree, source: &str, rules: &Rules) -> Result<Selection, CopyError> {
    let path = inside(tree, source)?;
    let by_wildcard = has_wildcard(source);
    let found = if by_wildcard {
        glob(tree, &path)?
    } else {
        vec![path.clone()]
    };
    let pivot = pivot(source);
    let mut roots = Vec::with_capacity(found.len());
    for path in found {
        roots.extend(root(tree, &path, &pivot, rules)?);
    }
    // A wildcard may match nothing beside other sources: `COPY package.json package-lock.json* .`
    if roots.is_empty() && !by_wildcard {
        return Err(CopyError::NotFound {
            source_path: source.to_owned(),
            tree: tree.name().to_owned(),
        });
    }
    Ok(Selection { roots, by_wildcard })
}

/// The path as components below the tree's root.
fn inside(tree: &dyn SourceTree, source: &str) -> Result<PathBuf, CopyError> {
    let mut path = PathBuf::new();
    for component in Path::new(source).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if !path.pop() => {
                return Err(CopyError::Outside {
                    source_path: source.to_owned(),
                    tree: tree.name().to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(path)
}

/// The part of a `--parents` source that is not kept: what stands before `/./`.
fn pivot(source: &str) -> PathBuf {
    let dropped = source.find("/./").map_or("", |at| &source[..at]);
    Path::new(dropped)
        .components()
        .filter(|component| matches!(component, Component::Normal(_)))
        .collect()
}

fn root(
    tree: &dyn SourceTree,
    path: &Path,
    pivot: &Path,
    rules: &Rules,
) -> Result<Option<Selected>, CopyError> {
    let Some(file) = follow(tree, path)? else {
        return Ok(None);
    };
    let name = path.file_name().unwrap_or_default().to_owned();
    if !file.is_directory() && rules.excludes.matches(name.as_bytes()) {
        return Ok(None);
    }
    let mut below = Vec::new();
    if file.is_directory() {
        descend(tree, &file.path, &file.path, rules, &mut below)?;
    }
    let parents = match rules.layout {
        Layout::Flat => PathBuf::new(),
        Layout::Parents => kept_parents(path, pivot, file.is_directory()),
    };
    Ok(Some(Selected {
        file,
        name,
        parents,
        below,
    }))
}

/// With `--parents` a file keeps the directories above it and a directory keeps itself, too.
fn kept_parents(path: &Path, pivot: &Path, directory: bool) -> PathBuf {
    let kept = path.strip_prefix(pivot).unwrap_or(path);
    if directory {
        kept.to_owned()
    } else {
        kept.parent().unwrap_or(Path::new("")).to_owned()
    }
}

fn descend(
    tree: &dyn SourceTree,
    top: &Path,
    dir: &Path,
    rules: &Rules,
    into: &mut Vec<SourceFile>,
) -> Result<(), CopyError> {
    for file in tree.children(dir)? {
        let relative = file
            .path
            .strip_prefix(top)
            .unwrap_or(&file.path)
            .as_os_str()
            .as_bytes();
        let excluded = rules.excludes.matches(relative);
        if !file.is_directory() {
            if !excluded {
                into.push(file);
            }
        } else if !excluded || rules.excludes.may_include_below(relative) {
            let path = file.path.clone();
            into.push(file);
            descend(tree, top, &path, rules, into)?;
        }
    }
    Ok(())
}

fn has_wildcard(source: &str) -> bool {
    source.contains(['*', '?', '[', '\\'])
}

/// Every path that the pattern matches, component by component, sorted.
fn glob(tree: &dyn SourceTree, pattern: &Path) -> Result<Vec<PathBuf>, CopyError> {
    let mut matches = vec![PathBuf::new()];
    for component in pattern.components() {
        let component = component.as_os_str();
        matches = if component == "**" {
            any_depth(tree, &matches)?
        } else {
            one_level(tree, &matches, component)?
        };
    }
    matches.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    matches.dedup();
    Ok(matches)
}

fn one_level(
    tree: &dyn SourceTree,
    dirs: &[PathBuf],
    component: &OsStr,
) -> Result<Vec<PathBuf>, CopyError> {
    let text = component.to_str().unwrap_or_default();
    if !has_wildcard(text) {
        return Ok(dirs.iter().map(|dir| dir.join(component)).collect());
    }
    let pattern = Pattern::new(text).map_err(|source| CopyError::Pattern {
        pattern: text.to_owned(),
        source,
    })?;
    let mut matches = Vec::new();
    for dir in dirs {
        let names = names_in(tree, dir)?;
        matches.extend(
            names
                .into_iter()
                .filter(|name| pattern.matches(name.as_bytes()))
                .map(|name| dir.join(name)),
        );
    }
    Ok(matches)
}

/// The directories themselves and every directory below them: what `**` stands for.
fn any_depth(tree: &dyn SourceTree, dirs: &[PathBuf]) -> Result<Vec<PathBuf>, CopyError> {
    let mut found = dirs.to_vec();
    let mut next = 0;
    while next < found.len() {
        let dir = found[next].clone();
        let children = if follow(tree, &dir)?.is_some_and(|file| file.is_directory()) {
            tree.children(&dir)?
        } else {
            Vec::new()
        };
        found.extend(
            children
                .into_iter()
                .filter(SourceFile::is_directory)
                .map(|child| child.path),
        );
        next += 1;
    }
    Ok(found)
}

fn names_in(tree: &dyn SourceTree, dir: &Path) -> Result<Vec<OsString>, CopyError> {
    match follow(tree, dir)? {
        Some(found) if found.is_directory() => Ok(tree
            .children(&found.path)?
            .into_iter()
            .filter_map(|child| child.path.file_name().map(OsStr::to_owned))
            .collect()),
        _ => Ok(Vec::new()),
    }
}
