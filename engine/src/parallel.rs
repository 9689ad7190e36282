//! The same work for many things, on as many threads as the machine runs at once.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `work` for each item; results in the order of the items, or the first error met.
///
/// After an error nothing new is begun.
pub(crate) fn map<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if let [only] = items {
        return Ok(vec![work(only)?]);
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        while let Some((index, item)) = take(&next, items) {
            let result = work(item);
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
        }
    };
    thread::scope(|scope| (0..threads(items.len())).for_each(|_| drop(scope.spawn(run))));
    in_order(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

fn threads(items: usize) -> usize {
    items.min(thread::available_parallelism().map_or(1, NonZero::get))
}

fn in_order<R, E>(mut done: Vec<(usize, Result<R, E>)>) -> Result<Vec<R>, E> {
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = map(&items, |item| Ok::<_, ()>(item * 2)).unwrap();
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn an_error_stops_the_rest() {
        let begun = AtomicUsize::new(0);
        let items = vec![(); 100_000];
        let result = map(&items, |()| {
            begun.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>("broken")
        });
        assert_eq!(result, Err("broken"));
        assert!(begun.into_inner() < items.len());
    }
}
