//! Names: made, listed and removed.

use std::collections::BTreeMap;

use rustix::io::Errno;

use super::paths::{Last, Spot};
use super::{Id, Kind, Model, Node, Said, done};

impl Model {
    pub(super) fn run_on_names(&mut self, words: &[&str]) -> Option<Said> {
        Some(match words {
            ["mkdir", path] => done(self.make_dir(path, 0o755)),
            ["mkdir", path, mode] => done(self.make_dir(path, octal(mode))),
            ["fifo", path, mode] => done(self.make(path, Kind::Fifo, octal(mode))),
            ["socket", path, mode] => done(self.make(path, Kind::Socket, octal(mode))),
            ["char", path, "1", "3", mode] => done(self.make(path, Kind::Char(0x103), octal(mode))),
            ["symlink", target, path] => {
                done(self.make(path, Kind::Symlink((*target).to_owned()), 0o777))
            }
            ["link", old, new] => done(self.link(old, new)),
            ["rmdir", path] => done(self.remove_dir(path)),
            ["unlink", path] => done(self.unlink(path)),
            ["rmtree", path] => done(self.remove_tree(path)),
            ["rename", old, new] => done(self.rename(old, new)),
            ["rename-new", old, new] => done(self.rename_new(old, new)),
            ["exchange", old, new] => done(self.exchange(old, new)),
            ["ls", path] => self.list(path),
            ["readlink", path] => self.read_link(path),
            _ => return None,
        })
    }

    fn make_dir(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        let spot = self.vacant(path)?;
        let kind = Kind::Dir {
            children: BTreeMap::new(),
            parent: spot.dir,
        };
        // A directory takes its set-group-id bit from the one that it is in, not from whoever makes it.
        let inherited = self.nodes[spot.dir].mode & libc::S_ISGID;
        self.put(&spot, kind, mode & 0o1777 | inherited);
        Ok(())
    }

    fn make(&mut self, path: &str, kind: Kind, mode: u32) -> Result<(), Errno> {
        let spot = self.vacant(path)?;
        self.put(&spot, kind, mode);
        Ok(())
    }

    /// Puts something new where there is nothing.
    pub(super) fn put(&mut self, spot: &Spot, kind: Kind, mode: u32) -> Id {
        let mut node = Node::new(kind, mode);
        let dir = &self.nodes[spot.dir];
        if dir.mode & libc::S_ISGID != 0 {
            node.owner.1 = dir.owner.1;
        }
        let id = self.add(node);
        self.children_mut(spot.dir).insert(spot.name.clone(), id);
        id
    }

    fn link(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        let (old, id) = self.at(old, Last::Itself)?;
        let new = self.vacant(new)?;
        if self.nodes[id].is_dir() {
            return Err(Errno::PERM);
        }
        let id = self.own(id, old.dir, &old.name);
        self.nodes[id].names += 1;
        self.children_mut(new.dir).insert(new.name, id);
        Ok(())
    }

    fn remove_dir(&mut self, path: &str) -> Result<(), Errno> {
        let (spot, id) = self.at(path, Last::Itself)?;
        if !self.nodes[id].is_dir() {
            return Err(Errno::NOTDIR);
        }
        if self.nodes[id].children().next().is_some() {
            return Err(Errno::NOTEMPTY);
        }
        self.drop_name(&spot);
        Ok(())
    }

    fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        let (spot, id) = self.at(path, Last::Itself)?;
        if self.nodes[id].is_dir() {
            return Err(Errno::ISDIR);
        }
        self.drop_name(&spot);
        Ok(())
    }

    /// As `std::fs::remove_dir_all`, which takes a symbolic link for itself.
    fn remove_tree(&mut self, path: &str) -> Result<(), Errno> {
        let (spot, id) = self.at(path, Last::Itself)?;
        match self.nodes[id].kind {
            Kind::Dir { .. } => self.drop_tree(&spot, id),
            Kind::Symlink(_) => self.drop_name(&spot),
            _ => return Err(Errno::NOTDIR),
        }
        Ok(())
    }

    fn drop_tree(&mut self, spot: &Spot, id: Id) {
        let children: Vec<_> = self.nodes[id]
            .children()
            .map(|(name, id)| (name.clone(), *id))
            .collect();
        for (name, child) in children {
            let inner = Spot {
                dir: id,
                name,
                id: Some(child),
            };
            self.drop_tree(&inner, child);
        }
        self.drop_name(spot);
    }

    pub(super) fn drop_name(&mut self, spot: &Spot) {
        if let Some(id) = self.children_mut(spot.dir).remove(&spot.name) {
            self.nodes[id].names -= 1;
        }
    }

    fn list(&self, path: &str) -> Said {
        let (_, id) = self.at(path, Last::Followed)?;
        if !self.nodes[id].is_dir() {
            return Err(Errno::NOTDIR);
        }
        let names = self.nodes[id].children().map(|(name, _)| name.as_str());
        let names: Vec<_> = [".", ".."].into_iter().chain(names).collect();
        Ok(names.join(" "))
    }

    fn read_link(&self, path: &str) -> Said {
        let (_, id) = self.at(path, Last::Itself)?;
        match &self.nodes[id].kind {
            Kind::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::INVAL),
        }
    }
}

pub(super) fn octal(word: &str) -> u32 {
    u32::from_str_radix(word, 8).unwrap()
}
