//! Records as trees by chain: `iechor builder ls`, `iechor builder du --tree`.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::panic::resume_unwind;
use std::thread;

use iechor_cachedb::{ListedRecord, Listing};

use super::census::Census;
use super::inventory::with_census;
use super::places::Places;
use super::records::Makers;
use super::{StepPlace, Usage, UsageError, UsageId, UsageRecord, findings, records};
use crate::state::Engine;

/// A cached step, and where it stands among those that were built on the same ones.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepRow<'a> {
    /// How far it is indented: what shares its parent with others stands further in. An only child
    /// stays in its parent's column, so that a long chain does not run off to the right.
    pub depth: usize,
    /// Cache key of the step that it was built on; none for FROM.
    pub parent: Option<UsageId>,
    /// Cache key, `sha256:…`.
    pub key: UsageId,
    /// The instruction.
    pub text: Cow<'a, str>,
    /// `iEchorfile:12`.
    pub place: StepPlace<'a>,
    /// The snapshot after it, `sha256:…`; none when it is `scratch`.
    pub snapshot: Option<UsageId>,
    /// Bytes that its snapshot has alone.
    pub own: u64,
    /// Bytes that other snapshots have as well.
    pub shared: u64,
    /// How often it was a hit.
    pub hits: u64,
    /// When it was made, seconds since the epoch.
    pub created: i64,
    /// When it was last used, seconds since the epoch.
    pub last_used: i64,
}

/// A record in a tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TreeRow<'a> {
    /// As [`StepRow::depth`]; what is no step stands below all trees, not indented.
    pub depth: usize,
    /// The record.
    #[serde(flatten)]
    pub record: UsageRecord<'a>,
}

/// The cached steps as trees by chain, each FROM a root, each step below the one that it was built
/// on, oldest first.
#[derive(Debug)]
pub struct Steps {
    listing: Listing,
    census: Census,
    makers: Makers,
    branches: Vec<Branch>,
}

/// Lists the cached steps.
///
/// # Errors
///
/// As [`usage`](super::usage).
pub fn steps(engine: &Engine) -> Result<Steps, UsageError> {
    let listing = |engine: &Engine| Ok(engine.cache().listing()?);
    let (census, listing) = with_census(engine, |census| census, listing)?;
    let rows = listing.rows();
    let (makers, branches) = thread::scope(|scope| {
        let makers = scope.spawn(|| {
            let places = Places::of(&listing, &census);
            Makers::of(&listing, &places, &census)
        });
        let branches = branches(rows.len(), |at| rows[at].parent()).collect();
        let makers = makers.join().unwrap_or_else(|panic| resume_unwind(panic));
        (makers, branches)
    });
    Ok(Steps {
        listing,
        census,
        makers,
        branches,
    })
}

impl Steps {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.branches.len()
    }

    /// One of them, counted from the top of the first tree.
    pub fn row(&self, number: usize) -> StepRow<'_> {
        let branch = self.branches[number];
        let at = branch.at();
        let rows = self.listing.rows();
        let (step, share) = (&rows[at], self.makers.share(at, &self.census));
        StepRow {
            depth: branch.depth(),
            parent: step.parent().map(|parent| key(&rows[parent])),
            key: key(step),
            text: Cow::Borrowed(self.listing.text(step)),
            place: records::place_of(&self.listing, step),
            snapshot: step.snapshot().map(|id| UsageId::Digest(*id.digest())),
            own: share.own,
            shared: share.shared,
            hits: step.hits(),
            created: records::seconds(step.created()),
            last_used: records::seconds(step.last_used()),
        }
    }
}

fn key(step: &ListedRecord) -> UsageId {
    UsageId::Digest(*step.key().digest())
}

/// What takes space, the steps as trees, the rest below them, the largest first.
#[derive(Debug)]
pub struct UsageTree {
    usage: Usage,
    branches: Vec<Branch>,
}

/// Tells what takes space, as trees.
///
/// # Errors
///
/// As [`usage`](super::usage).
pub fn usage_tree(engine: &Engine) -> Result<UsageTree, UsageError> {
    let (usage, branches) = findings::gather(engine, |found| {
        let rows = found.listing.rows();
        let trees = branches(rows.len(), |at| rows[at].parent());
        let others = found.largest_first(rows.len()..found.count());
        let others = others.into_iter().map(Branch::new);
        trees.chain(others).collect()
    })?;
    Ok(UsageTree { usage, branches })
}

impl UsageTree {
    /// The same without the trees.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.branches.len()
    }

    /// One of them, counted from the top.
    pub fn row(&self, number: usize) -> TreeRow<'_> {
        let branch = self.branches[number];
        TreeRow {
            depth: branch.depth(),
            record: self.usage.record_at(branch.at()),
        }
    }
}

/// Something in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Branch {
    at: u32,
    depth: u32,
}

impl Branch {
    /// Listings have fewer rows than that.
    fn new(at: usize) -> Self {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        Self { at, depth: 0 }
    }

    fn at(self) -> usize {
        self.at as usize
    }

    fn depth(self) -> usize {
        self.depth as usize
    }
}

/// Trees from top to bottom, of things whose parents stand before them: a child is never the first.
fn branches(count: usize, parent: impl Fn(usize) -> Option<usize>) -> impl Iterator<Item = Branch> {
    // First child and next sibling of each, so that a tree of any depth needs no recursion.
    let mut first: Vec<Option<NonZeroU32>> = vec![None; count];
    let mut next: Vec<Option<NonZeroU32>> = vec![None; count];
    let mut roots = Vec::new();
    for branch in (0..count).rev().map(Branch::new) {
        match parent(branch.at()) {
            Some(parent) => {
                let youngest = std::mem::replace(&mut first[parent], NonZeroU32::new(branch.at));
                next[branch.at()] = youngest;
            }
            None => roots.push(branch),
        }
    }
    let mut waiting = roots;
    std::iter::from_fn(move || {
        let branch = waiting.pop()?;
        let child = first[branch.at()];
        let children = std::iter::successors(child, |child| next[child.get() as usize]);
        let begin = waiting.len();
        let depth = branch.depth;
        waiting.extend(children.map(|at| Branch {
            at: at.get(),
            depth,
        }));
        let children = &mut waiting[begin..];
        if children.len() > 1 {
            children.iter_mut().for_each(|child| child.depth += 1);
        }
        children.reverse();
        Some(branch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_branches_are_indented() {
        // a ─ b ─┬─ c ─ d        f
        //        └─ e
        let parents = [None, Some(0), Some(1), Some(2), Some(1), None];
        let shape: Vec<_> = branches(6, |at| parents[at])
            .map(|branch| (branch.at, branch.depth))
            .collect();
        assert_eq!(shape, [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 0)]);
    }

    #[test]
    fn a_chain_of_any_length_is_walked() {
        let chain = branches(100_000, |at| at.checked_sub(1));
        assert!(chain.eq((0..100_000).map(Branch::new)));
    }
}
