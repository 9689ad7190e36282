//! Asking running steps to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::event::{EventfdFlags, eventfd};

/// Asks running steps to end: once, SIGTERM then SIGKILL after the grace time; twice, SIGKILL now.
/// Cheap to clone; may be fired from a signal handler's thread.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: AtomicU8,
    /// One event descriptor for each running step; a dead one belongs to a step that has ended.
    listeners: Mutex<Vec<Weak<OwnedFd>>>,
    /// What it fires with, too.
    parent: Option<CancelToken>,
}

impl CancelToken {
    /// Asks once more, and wakes every step that runs with a clone of this token.
    ///
    /// Takes a lock, so it belongs on a thread that waits for signals, not in a signal handler.
    pub fn fire(&self) {
        let increment = |n: u8| Some(n.saturating_add(1));
        let _ = self
            .state
            .requests
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, increment);
        for listener in self.listeners().iter().filter_map(Weak::upgrade) {
            // Fails only when the counter is full, and then the listener is awake already.
            let _ = rustix::io::write(&*listener, &1u64.to_ne_bytes());
        }
    }

    /// A token that fires whenever this one does, and also by itself, which this one does not hear.
    pub fn child(&self) -> Self {
        let state = State {
            parent: Some(self.clone()),
            ..State::default()
        };
        Self {
            state: Arc::new(state),
        }
    }

    /// How many times it has fired.
    pub fn requests(&self) -> u8 {
        let own = self.state.requests.load(Ordering::SeqCst);
        let inherited = self.state.parent.as_ref().map_or(0, Self::requests);
        own.saturating_add(inherited)
    }

    /// Whether it has fired at all.
    pub fn is_fired(&self) -> bool {
        self.requests() > 0
    }

    /// Registers a running step. Reading [`CancelToken::requests`] *after* this misses nothing.
    pub(crate) fn listen(&self) -> io::Result<CancelListener> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let event = Arc::new(event);
        self.register(&event);
        Ok(CancelListener { event })
    }

    fn register(&self, event: &Arc<OwnedFd>) {
        let mut listeners = self.listeners();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(event));
        drop(listeners);
        if let Some(parent) = &self.state.parent {
            parent.register(event);
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<OwnedFd>>> {
        self.state
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Becomes readable when the token fires.
#[derive(Debug)]
pub(crate) struct CancelListener {
    event: Arc<OwnedFd>,
}

impl CancelListener {
    /// Makes it unreadable until the token fires again.
    pub(crate) fn acknowledge(&self) {
        let _ = rustix::io::read(&*self.event, &mut [0u8; 8]);
    }
}

impl AsFd for CancelListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_across_clones_and_saturates() {
        let token = CancelToken::default();
        assert!(!token.is_fired());
        let clone = token.clone();
        (0..300).for_each(|_| clone.fire());
        assert_eq!(token.requests(), u8::MAX);
    }

    #[test]
    fn a_child_hears_its_parent_but_not_the_other_way_round() {
        let parent = CancelToken::default();
        let child = parent.child();
        let listener = child.listen().unwrap();
        child.fire();
        assert_eq!((parent.requests(), child.requests()), (0, 1));
        parent.fire();
        assert_eq!((parent.requests(), child.requests()), (1, 2));
        let mut count = [0; 8];
        assert_eq!(rustix::io::read(&listener, &mut count), Ok(8));
        assert_eq!(u64::from_ne_bytes(count), 2);
    }

    #[test]
    fn wakes_listeners_and_forgets_dropped_ones() {
        let token = CancelToken::default();
        drop(token.listen().unwrap());
        let listener = token.listen().unwrap();
        assert_eq!(token.listeners().len(), 1);
        token.fire();
        let mut count = [0; 8];
        assert_eq!(rustix::io::read(&listener, &mut count), Ok(8));
    }
}
