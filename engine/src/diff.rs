//! What differs between two trees: `iechor diff A B`.
//!
//! Two snapshots are compared by their layer indexes. Chains that begin with the same layers differ
//! in what the other layers have, so only that is looked at (`upper`): a difference of ten files
//! costs ten files, however large the image is. Contents are compared by digest; no file is read,
//! except on the host.

mod change;
mod error;
mod host;
mod side;
mod upper;
mod walk;

pub use self::change::{Aspect, Change, ChangeKind, Summary};
pub use self::error::DiffError;
pub use self::side::Side;

/// What has to be done to `before` to make it `after`, sorted by path component by component.
///
/// Times of directories are not compared: they change with everything that is put into one.
///
/// # Errors
///
/// [`DiffError::Host`] when a directory of the host cannot be read; [`DiffError::Tree`].
pub fn diff(before: &Side, after: &Side) -> Result<Vec<Change>, DiffError> {
    walk::Walk::new(before, after).run()
}
