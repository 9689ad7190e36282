//! What a node is besides its contents.

use rustix::io::Errno;

use super::names::octal;
use super::paths::{Last, Spot};
use super::{Id, Kind, Model, Said, done};

impl Model {
    pub(super) fn run_on_attributes(&mut self, words: &[&str]) -> Option<Said> {
        Some(match words {
            ["chmod", path, mode] => done(self.change_mode(path, octal(mode))),
            ["chown", path, user, group] => {
                let owner = (user.parse().unwrap(), group.parse().unwrap());
                done(self.change_owner(path, owner))
            }
            ["setx", path, name, value] => done(self.set(path, name, value)),
            ["rmx", path, name] => done(self.remove(path, name)),
            ["getx", path, name] => self.get(path, name),
            ["lsx", path] => self.list_attributes(path),
            ["stat", path] => self.stat(path),
            _ => return None,
        })
    }

    fn change_mode(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        let id = self.own_at(path, Last::Followed)?;
        self.nodes[id].mode = mode;
        Ok(())
    }

    fn change_owner(&mut self, path: &str, owner: (u32, u32)) -> Result<(), Errno> {
        let id = self.own_at(path, Last::Itself)?;
        let node = &mut self.nodes[id];
        node.owner = owner;
        if !node.is_dir() {
            node.mode = without_set_id(node.mode);
        }
        Ok(())
    }

    fn set(&mut self, path: &str, name: &str, value: &str) -> Result<(), Errno> {
        let (_, id) = self.at(path, Last::Itself)?;
        self.check_may_have(id, name)?;
        let id = self.own_at(path, Last::Itself)?;
        self.nodes[id].xattrs.insert(name.to_owned(), value.into());
        Ok(())
    }

    fn remove(&mut self, path: &str, name: &str) -> Result<(), Errno> {
        let (_, id) = self.at(path, Last::Itself)?;
        self.check_may_have(id, name)?;
        if !self.nodes[id].xattrs.contains_key(name) {
            return Err(Errno::NODATA);
        }
        let id = self.own_at(path, Last::Itself)?;
        self.nodes[id].xattrs.remove(name);
        Ok(())
    }

    /// Attributes of users are for files and directories (xattr(7)).
    fn check_may_have(&self, id: Id, name: &str) -> Result<(), Errno> {
        let may_have = matches!(self.nodes[id].kind, Kind::File(_) | Kind::Dir { .. });
        match name.starts_with("user.") && !may_have {
            true => Err(Errno::PERM),
            false => Ok(()),
        }
    }

    fn get(&self, path: &str, name: &str) -> Said {
        let (_, id) = self.at(path, Last::Itself)?;
        let value = self.nodes[id].xattrs.get(name).ok_or(Errno::NODATA)?;
        Ok(format!("{value:02x?}"))
    }

    fn list_attributes(&self, path: &str) -> Said {
        let (_, id) = self.at(path, Last::Itself)?;
        let names = self.nodes[id].xattrs.keys();
        Ok(names.map(|name| format!(" {name}")).collect())
    }

    fn stat(&self, path: &str) -> Said {
        let (_, id) = self.at(path, Last::Itself)?;
        let node = &self.nodes[id];
        let (links, size) = match node.is_dir() {
            true => (0, 0),
            false => (node.links(), node.kind.size()),
        };
        let (mode, (user, group)) = (node.kind.type_bits() | node.mode, node.owner);
        Ok(format!(
            "{mode:o} {user}:{group} {links} links, {size} bytes"
        ))
    }

    fn own_at(&mut self, path: &str, last: Last) -> Result<Id, Errno> {
        let (Spot { dir, name, .. }, id) = self.at(path, last)?;
        Ok(self.own(id, dir, &name))
    }
}

/// What chown(2) leaves of a mode: set-user-id goes, and set-group-id where the group may execute.
fn without_set_id(mode: u32) -> u32 {
    let kept = mode & !libc::S_ISUID;
    match kept & libc::S_IXGRP {
        0 => kept,
        _ => kept & !libc::S_ISGID,
    }
}
