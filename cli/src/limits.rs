//! What this process may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows this process all the open files that it may have: several stages at a time, each with a file
/// system that is served and an upper that is read, can need more than the usual 1,024. Steps get limits
/// of their own.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // With what there is most builds do very well.
    let _ = setrlimit(Resource::Nofile, raised);
}
