//! Bytes that move, told as events: pulls, exports, pushes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::progress::{Event, ProgressSink, StepId};

/// The step that bytes move for, and who is told.
#[derive(Clone, Copy)]
pub(crate) struct Teller<'a> {
    pub(crate) sink: &'a dyn ProgressSink,
    pub(crate) step: StepId,
}

impl<'a> Teller<'a> {
    /// Begins to tell of one transfer.
    pub(crate) fn transfer(self, what: String, total: Option<u64>) -> Transfer<'a> {
        let transfer = Transfer {
            teller: self,
            what,
            total,
            current: AtomicU64::new(0),
            told: AtomicU64::new(0),
        };
        transfer.tell(0);
        transfer
    }
}

/// One transfer. An event goes out for each hundredth of it, and one at its end.
pub(crate) struct Transfer<'a> {
    teller: Teller<'a>,
    what: String,
    total: Option<u64>,
    current: AtomicU64,
    told: AtomicU64,
}

/// Bytes between two events of a transfer, at least.
const GRAIN: u64 = 64 * 1024;

impl Transfer<'_> {
    /// Says that so many more bytes have passed.
    pub(crate) fn advance(&self, more: u64) {
        let current = self.current.fetch_add(more, Ordering::Relaxed) + more;
        let told = self.told.load(Ordering::Relaxed);
        let is_due = current.saturating_sub(told) >= GRAIN.max(self.total.unwrap_or(0) / 100);
        let is_mine = || {
            let relaxed = Ordering::Relaxed;
            self.told
                .compare_exchange(told, current, relaxed, relaxed)
                .is_ok()
        };
        if is_due && is_mine() {
            self.tell(current);
        }
    }

    fn tell(&self, current: u64) {
        let Teller { sink, step } = self.teller;
        let (what, total) = (self.what.clone(), self.total);
        sink.event(Event::Transfer {
            step,
            what,
            current,
            total,
        });
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        let current = self.current.load(Ordering::Relaxed);
        if current != self.told.load(Ordering::Relaxed) {
            self.tell(current);
        }
    }
}
