//! How a path leads to a node (path_resolution(7)).

use rustix::io::Errno;

use super::{Id, Kind, Model, ROOT};

/// The last name of a path, in the directory that has it or could have it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) dir: Id,
    pub(super) name: String,
    pub(super) id: Option<Id>,
}

/// What the last name may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Followed,
    Itself,
}

/// `MAXSYMLINKS` of the kernel.
const LINKS_MAX: usize = 40;

impl Model {
    /// Where a path leads, from the root.
    pub(super) fn spot(&self, path: &str, last: Last) -> Result<Spot, Errno> {
        self.walk(ROOT, path, last, &mut 0)
    }

    /// What is at a path.
    pub(super) fn at(&self, path: &str, last: Last) -> Result<(Spot, Id), Errno> {
        let spot = self.spot(path, last)?;
        let id = spot.id.ok_or(Errno::NOENT)?;
        Ok((spot, id))
    }

    /// Where something new may have its name.
    pub(super) fn vacant(&self, path: &str) -> Result<Spot, Errno> {
        match self.spot(path, Last::Itself)? {
            Spot { id: Some(_), .. } => Err(Errno::EXIST),
            spot => Ok(spot),
        }
    }

    fn walk(&self, mut dir: Id, path: &str, last: Last, links: &mut usize) -> Result<Spot, Errno> {
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let is_last = names.peek().is_none();
            let spot = self.look(dir, name)?;
            let follows = !is_last || last == Last::Followed;
            let spot = if follows {
                self.follow(spot, links)?
            } else {
                spot
            };
            if is_last {
                return Ok(spot);
            }
            dir = spot.id.ok_or(Errno::NOENT)?;
        }
        Err(Errno::NOENT)
    }

    fn look(&self, dir: Id, name: &str) -> Result<Spot, Errno> {
        let Kind::Dir { children, .. } = &self.nodes[dir].kind else {
            return Err(Errno::NOTDIR);
        };
        Ok(Spot {
            dir,
            name: name.to_owned(),
            id: children.get(name).copied(),
        })
    }

    fn follow(&self, spot: Spot, links: &mut usize) -> Result<Spot, Errno> {
        let Some(Kind::Symlink(target)) = spot.id.map(|id| &self.nodes[id].kind) else {
            return Ok(spot);
        };
        *links += 1;
        if *links > LINKS_MAX {
            return Err(Errno::LOOP);
        }
        self.walk(spot.dir, target, Last::Followed, links)
    }
}
