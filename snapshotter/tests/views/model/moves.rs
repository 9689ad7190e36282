//! Names that move (rename(2)).

use rustix::io::Errno;

use super::paths::{Last, Spot};
use super::{Id, Kind, Model};

impl Model {
    pub(super) fn rename(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        let (old, id, new) = self.ends(old, new)?;
        if self.is_within(new.dir, id) {
            return Err(Errno::INVAL);
        }
        if let Some(target) = new.id {
            if self.is_within(old.dir, target) {
                return Err(Errno::NOTEMPTY);
            }
            if self.is_one_file(&old, &new) {
                return Ok(());
            }
            self.check_replaceable(id, target)?;
        }
        self.drop_name(&new);
        self.move_name(&old, id, &new);
        Ok(())
    }

    pub(super) fn rename_new(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        let (_, id, spot) = self.ends(old, new)?;
        if spot.id.is_some() {
            return Err(Errno::EXIST);
        }
        if self.is_within(spot.dir, id) {
            return Err(Errno::INVAL);
        }
        self.rename(old, new)
    }

    pub(super) fn exchange(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        let (old, id, new) = self.ends(old, new)?;
        let other = new.id.ok_or(Errno::NOENT)?;
        if self.is_within(new.dir, id) || self.is_within(old.dir, other) {
            return Err(Errno::INVAL);
        }
        if self.is_one_file(&old, &new) {
            return Ok(());
        }
        let id = self.own(id, old.dir, &old.name);
        let other = self.own(other, new.dir, &new.name);
        self.place(id, &new);
        self.place(other, &old);
        Ok(())
    }

    /// Both ends of a move; the first has to be there. The directories of both are looked for first.
    fn ends(&self, old: &str, new: &str) -> Result<(Spot, Id, Spot), Errno> {
        let old = self.spot(old, Last::Itself)?;
        let new = self.spot(new, Last::Itself)?;
        let id = old.id.ok_or(Errno::NOENT)?;
        Ok((old, id, new))
    }

    fn move_name(&mut self, old: &Spot, id: Id, new: &Spot) {
        let id = self.own(id, old.dir, &old.name);
        self.children_mut(old.dir).remove(&old.name);
        self.place(id, new);
    }

    fn place(&mut self, id: Id, spot: &Spot) {
        self.children_mut(spot.dir).insert(spot.name.clone(), id);
        if let Kind::Dir { parent, .. } = &mut self.nodes[id].kind {
            *parent = spot.dir;
        }
    }

    /// Whether both names are of one file, so that nothing is to be done. Of different names of a
    /// file below that is not known (see the module).
    fn is_one_file(&self, one: &Spot, other: &Spot) -> bool {
        let is_known = |id: Id| self.nodes[id].names_below.is_none();
        one.id == other.id && (one == other || one.id.is_some_and(is_known))
    }

    /// Whether a directory is another or lies in it.
    fn is_within(&self, mut dir: Id, outer: Id) -> bool {
        loop {
            let Kind::Dir { parent, .. } = &self.nodes[dir].kind else {
                return false;
            };
            match dir {
                _ if dir == outer => return true,
                _ if dir == *parent => return false,
                _ => dir = *parent,
            }
        }
    }

    fn check_replaceable(&self, id: Id, target: Id) -> Result<(), Errno> {
        match (self.nodes[id].is_dir(), self.nodes[target].is_dir()) {
            (true, false) => Err(Errno::NOTDIR),
            (false, true) => Err(Errno::ISDIR),
            (true, true) if self.nodes[target].children().next().is_some() => Err(Errno::NOTEMPTY),
            _ => Ok(()),
        }
    }
}
