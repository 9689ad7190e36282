//! Users and groups by name, from the root file system's own `/etc/passwd` and `/etc/group`.
//!
//! The host's accounts never count: a name that the image does not have is an error.

use std::path::Path;

use iechor_executor::User;
use iechor_snapshotter::{Chain, SnapshotStore};

use crate::tree::read_small;

/// Why a user or a group has no number.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No line of `/etc/passwd` has the name.
    #[error("no user {0:?} in the image's /etc/passwd")]
    NoUser(String),
    /// No line of `/etc/group` has the name.
    #[error("no group {0:?} in the image's /etc/group")]
    NoGroup(String),
    /// Numbers go from 0 to 4294967294 (the last one means "unchanged" to the kernel).
    #[error("{0:?} is no user or group number: they go from 0 to 4294967294")]
    Range(String),
    /// The file is there and cannot be read.
    #[error("cannot read the image's {path}: {why}")]
    Unreadable {
        /// Which file.
        path: &'static str,
        /// Why.
        why: String,
    },
}

/// The accounts of one root file system.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    users: Vec<Account>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

#[derive(Debug)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

impl Accounts {
    /// Reads both files; one that is missing has no entries.
    pub(crate) fn of(store: &SnapshotStore, chain: &Chain) -> Result<Self, AccountError> {
        let passwd = read(store, chain, "/etc/passwd")?;
        let group = read(store, chain, "/etc/group")?;
        Ok(Self::parse(&passwd, &group))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        Self {
            users: passwd.lines().filter_map(Account::parse).collect(),
            groups: group.lines().filter_map(Group::parse).collect(),
        }
    }

    /// The identity that `USER spec` gives a step: `name`, `uid`, `name:group`, `uid:gid`.
    ///
    /// With a group in the spec there are no supplementary groups; without one they are those
    /// that list the user. A number without an account has group 0.
    pub(crate) fn user(&self, spec: &str) -> Result<User, AccountError> {
        let (name, group) = split(spec);
        let account = self.account(name);
        let uid = account.map_or_else(|| self.number(name), |account| Ok(account.uid))?;
        if let Some(group) = group {
            return Ok(User {
                uid,
                gid: self.gid(group)?,
                groups: Vec::new(),
            });
        }
        let groups = account.map_or_else(Vec::new, |account| self.memberships(account));
        Ok(User {
            uid,
            gid: account.map_or(0, |account| account.gid),
            groups,
        })
    }

    /// Owner and group that `--chown=spec` gives: a number without a group is its own group.
    pub(crate) fn owner(&self, spec: &str) -> Result<(u32, u32), AccountError> {
        let (name, group) = split(spec);
        let account = self.users.iter().find(|account| account.name == name);
        let uid = account.map_or_else(|| self.number(name), |account| Ok(account.uid))?;
        match group {
            Some(group) => Ok((uid, self.gid(group)?)),
            None => Ok((uid, account.map_or(uid, |account| account.gid))),
        }
    }

    /// Home directory of a user, `/` when no account has the number.
    pub(crate) fn home(&self, uid: u32) -> &str {
        self.users
            .iter()
            .find(|account| account.uid == uid)
            .map_or("/", |account| &account.home)
    }

    fn account(&self, name: &str) -> Option<&Account> {
        let by_name = self.users.iter().find(|account| account.name == name);
        by_name.or_else(|| {
            let uid = name.parse::<u32>().ok()?;
            self.users.iter().find(|account| account.uid == uid)
        })
    }

    fn number(&self, name: &str) -> Result<u32, AccountError> {
        if name.bytes().all(|digit| digit.is_ascii_digit()) && !name.is_empty() {
            return number(name);
        }
        Err(AccountError::NoUser(name.to_owned()))
    }

    fn gid(&self, name: &str) -> Result<u32, AccountError> {
        match self.groups.iter().find(|group| group.name == name) {
            Some(group) => Ok(group.gid),
            None if name.bytes().all(|digit| digit.is_ascii_digit()) => number(name),
            None => Err(AccountError::NoGroup(name.to_owned())),
        }
    }

    fn memberships(&self, account: &Account) -> Vec<u32> {
        let listed = self
            .groups
            .iter()
            .filter(|group| group.members.contains(&account.name));
        listed
            .map(|group| group.gid)
            .filter(|&gid| gid != account.gid)
            .collect()
    }
}

impl Account {
    /// `name:password:uid:gid:comment:home:shell` (passwd(5)); lines of another form do not count.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        Some(Self {
            name: (*fields.first()?).to_owned(),
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
            home: fields
                .get(5)
                .filter(|home| !home.is_empty())
                .map_or("/", |home| home)
                .to_owned(),
        })
    }
}

impl Group {
    /// `name:password:gid:member,member` (group(5)).
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let members = fields.get(3).copied().unwrap_or_default();
        Some(Self {
            name: (*fields.first()?).to_owned(),
            gid: fields.get(2)?.parse().ok()?,
            members: members
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

fn split(spec: &str) -> (&str, Option<&str>) {
    match spec.split_once(':') {
        Some((user, "")) => (user, None),
        Some((user, group)) => (user, Some(group)),
        None => (spec, None),
    }
}

fn number(digits: &str) -> Result<u32, AccountError> {
    let range = || AccountError::Range(digits.to_owned());
    digits
        .parse()
        .ok()
        .filter(|&number| number != u32::MAX)
        .ok_or_else(range)
}

fn read(store: &SnapshotStore, chain: &Chain, path: &'static str) -> Result<String, AccountError> {
    let bytes =
        read_small(store, chain, Path::new(path)).map_err(|source| AccountError::Unreadable {
            path,
            why: source.to_string(),
        })?;
    Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:,,,:/home/app:/bin/sh\nbroken\n",
            "root:x:0:\napp:x:1001:\nwheel:x:10:root,app\nempty:x:11:\n",
        )
    }

    #[test]
    fn a_name_brings_its_group_and_memberships() {
        let user = accounts().user("app").unwrap();
        assert_eq!(
            user,
            User {
                uid: 1000,
                gid: 1001,
                groups: vec![10]
            }
        );
    }

    #[test]
    fn a_group_in_the_spec_replaces_memberships() {
        let user = accounts().user("app:wheel").unwrap();
        assert_eq!(
            user,
            User {
                uid: 1000,
                gid: 10,
                groups: vec![]
            }
        );
    }

    #[test]
    fn numbers_need_no_account() {
        let user = accounts().user("4711").unwrap();
        assert_eq!(
            user,
            User {
                uid: 4711,
                gid: 0,
                groups: vec![]
            }
        );
        assert_eq!(accounts().user("1000").unwrap().gid, 1001);
        assert_eq!(accounts().owner("4711").unwrap(), (4711, 4711));
        assert_eq!(accounts().owner("app").unwrap(), (1000, 1001));
        assert_eq!(accounts().owner("7:wheel").unwrap(), (7, 10));
    }

    #[test]
    fn what_nobody_is_called_is_refused() {
        assert!(matches!(
            accounts().user("nobody"),
            Err(AccountError::NoUser(_))
        ));
        assert!(matches!(
            accounts().user("app:nogroup"),
            Err(AccountError::NoGroup(_))
        ));
        assert!(matches!(
            accounts().user("4294967295"),
            Err(AccountError::Range(_))
        ));
        assert!(matches!(
            accounts().owner("99999999999"),
            Err(AccountError::Range(_))
        ));
        assert!(matches!(accounts().user(""), Err(AccountError::NoUser(_))));
    }
}
