//! Where the layers of records stand in the census.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use iechor_cachedb::Listing;

use super::census::Census;

/// Of each record of a listing, where its snapshot's layer stands. They are looked up once, which is
/// slow for 100,000, and known by their positions from then on.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u32>);

/// Stands for no layer: nothing in the root file system, or not in the store.
const NONE: u32 = u32::MAX;

/// What a record says about its layer.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// It stands there.
    At(u32),
    /// The record made none: it is that of the one which it was made on.
    AsParent(u32),
}

/// Looks up the records of a range. Steps that were made one after the other made layers that stand
/// one after the other.
fn look_up(listing: &Listing, steps: Range<usize>, census: &Census) -> Vec<Found> {
    let rows = listing.rows();
    let mut search = census.search();
    let mut found = Vec::with_capacity(steps.len());
    for at in steps {
        let row = &rows[at];
        found.push(match row.parent().filter(|_| !listing.makes_layer(at)) {
            Some(parent) => Found::AsParent(position(parent)),
            None => {
                let snapshot = row.snapshot();
                let place = snapshot.and_then(|snapshot| search.position(&snapshot));
                Found::At(place.map_or(NONE, position))
            }
        });
    }
    found
}

/// There are fewer records, and fewer layers.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

impl Places {
    pub(super) fn of(listing: &Listing, census: &Census) -> Self {
        let steps = listing.rows().len();
        let mut places = Vec::with_capacity(steps);
        let middle = steps / 2;
        let (first, second) = thread::scope(|scope| {
            let second = scope.spawn(|| look_up(listing, middle..steps, census));
            let first = look_up(listing, 0..middle, census);
            let second = second.join().unwrap_or_else(|panic| resume_unwind(panic));
            (first, second)
        });
        for found in first.into_iter().chain(second) {
            places.push(match found {
                Found::At(place) => place,
                Found::AsParent(parent) => places[parent as usize],
            });
        }
        Self(places)
    }

    /// Where the layer of the record at a place of the listing stands.
    pub(super) fn of_record(&self, at: usize) -> Option<usize> {
        Some(self.0[at])
            .filter(|place| *place != NONE)
            .map(|place| place as usize)
    }

    /// All of them, once for each record.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len()).filter_map(|at| self.of_record(at))
    }
}
