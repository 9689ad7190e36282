//! The stages of a build on threads, each as soon as the stages that it needs are done.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::thread;

use super::session::{Session, lock};
use super::stage;
use crate::error::BuildError;

/// Which stages are where.
#[derive(Debug, Default)]
struct Board {
    waiting: BTreeSet<usize>,
    done: BTreeSet<usize>,
    running: usize,
    failure: Option<BuildError>,
}

/// Builds every stage of the plan.
///
/// # Errors
///
/// The first failure; the other stages' steps are cancelled then.
pub(crate) fn build_stages(session: &Session<'_>) -> Result<(), BuildError> {
    let stages = &session.plan.stages;
    let board = Mutex::new(Board {
        waiting: stages.keys().copied().collect(),
        ..Board::default()
    });
    let changed = Condvar::new();
    // A dry run has nothing to wait for, and says the same every time when stages come in order.
    let workers = match session.dry_run() {
        Some(_) => 1,
        None => thread::available_parallelism()
            .map_or(1, usize::from)
            .min(stages.len()),
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|| work(session, &board, &changed));
        }
        work(session, &board, &changed);
    });
    match board
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .failure
    {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn work(session: &Session<'_>, board: &Mutex<Board>, changed: &Condvar) {
    while let Some(index) = next(session, board, changed) {
        let Some(planned) = session.plan.stages.get(&index) else {
            return;
        };
        let result = stage::build(session, index, planned);
        let mut board = lock(board);
        board.running -= 1;
        match result {
            Ok(state) => {
                session.finish_stage(index, state);
                board.done.insert(index);
            }
            Err(error) => {
                board.waiting.clear();
                if board.failure.is_none() {
                    board.failure = Some(error);
                    session.bench.cancel.fire();
                }
            }
        }
        changed.notify_all();
    }
}

/// The next stage that can be built; none when there is nothing more to do.
fn next(session: &Session<'_>, board: &Mutex<Board>, changed: &Condvar) -> Option<usize> {
    let mut board = lock(board);
    loop {
        let ready = board.waiting.iter().copied().find(|index| {
            let needs = session.plan.stages.get(index).map(|stage| &stage.needs);
            needs.is_some_and(|needs| needs.is_subset(&board.done))
        });
        if let Some(index) = ready {
            board.waiting.remove(&index);
            board.running += 1;
            return Some(index);
        }
        if board.waiting.is_empty() || board.running == 0 {
            return None;
        }
        board = changed
            .wait(board)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}
