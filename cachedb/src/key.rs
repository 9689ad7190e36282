//! Cache keys and the rules that their inputs come from.

use std::fmt;

iechor_snapshotter::digest_id! {
    /// Identifies an instruction with everything that may change its result.
    ///
    /// SHA-256 over the canonical encoding of a [`Recipe`](crate::Recipe): the parent's key, the
    /// instruction, the inputs. The context's own location, inode numbers, access and change times,
    /// the iEchorfile's name and the line never enter.
    CacheKey
}

/// The cache rule by which an input enters a key; the numbers are those of `docs/cache-keys.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// The instruction itself is compared.
    C3 = 3,
    /// Files of the build context, by metadata.
    C4 = 4,
    /// Files of the build context, by content, since `--context-digest=content` was given.
    C6 = 6,
    /// The source of `--from`: a stage's key or an image's digest.
    C7 = 7,
    /// URLs and git repositories.
    C8 = 8,
    /// Build arguments in scope.
    C12 = 12,
    /// ENV, WORKDIR, USER, SHELL and platform in force.
    C13 = 13,
    /// Properties of secret and SSH mounts.
    C15 = 15,
    /// Properties of cache, bind and tmpfs mounts.
    C16 = 16,
    /// The base image's digest.
    C18 = 18,
}

impl Rule {
    const ALL: [Self; 10] = [
        Self::C3,
        Self::C4,
        Self::C6,
        Self::C7,
        Self::C8,
        Self::C12,
        Self::C13,
        Self::C15,
        Self::C16,
        Self::C18,
    ];

    /// The number after the `C`; it enters the key.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The rule of this number.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.number() == number)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C{}", self.number())
    }
}
