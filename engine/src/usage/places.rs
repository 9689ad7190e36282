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

impl Found {
    fn of(listing: &Listing, at: usize, census: &Census) -> Self {
        let row = &listing.rows()[at];
        if let Some(parent) = row.parent().filter(|_| !listing.makes_layer(at)) {
            return Self::AsParent(position(parent));
        }
        let snapshot = row.snapshot();
        let place = snapshot.and_then(|snapshot| census.position(&snapshot));
        Self::At(place.map_or(NONE, position))
    }
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
        let look_up = |steps: Range<usize>| -> Vec<Found> {
            steps.map(|at| Found::of(listing, at, census)).collect()
        };
        let (first, second) = thread::scope(|scope| {
            let second = scope.spawn(|| look_up(middle..steps));
            let first = look_up(0..middle);
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
