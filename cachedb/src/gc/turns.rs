//! In which order things go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that may go, by its place in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Failed(u32),
    Image(u32),
    Record(u32),
}

/// When the turn of something comes: least recently used first, of equals the youngest first, so
/// that a chain goes from its tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    sequence: u64,
    youngest_first: Reverse<u32>,
    thing: Thing,
}

/// Things in the order of their turns, while more are added.
///
/// Most are there from the beginning and are sorted once. What is added later is a parent that has
/// lost its last child, and was used before it: its turn is next, so that few wait in the heap.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Sorted, the next one last.
    first: Vec<Turn>,
    later: BinaryHeap<Reverse<Turn>>,
}

impl Thing {
    fn place(self) -> u32 {
        match self {
            Self::Failed(at) | Self::Image(at) | Self::Record(at) => at,
        }
    }

    fn turn(self, sequence: u64) -> Turn {
        Turn {
            sequence,
            youngest_first: Reverse(self.place()),
            thing: self,
        }
    }
}

impl Turns {
    /// Of things and the places of their last uses in the order of uses.
    pub(super) fn of(things: impl Iterator<Item = (Thing, u64)>) -> Self {
        let mut first = Vec::new();
        // Quicker than collecting, where things come from several places.
        things.for_each(|(thing, sequence)| first.push(thing.turn(sequence)));
        first.sort_unstable_by_key(|turn| Reverse(*turn));
        Self {
            first,
            later: BinaryHeap::new(),
        }
    }

    pub(super) fn add(&mut self, thing: Thing, sequence: u64) {
        self.later.push(Reverse(thing.turn(sequence)));
    }

    pub(super) fn next(&mut self) -> Option<Thing> {
        let later = self.later.peek().map(|Reverse(turn)| turn);
        let turn = match (self.first.last(), later) {
            (Some(first), Some(later)) if first <= later => self.first.pop(),
            (Some(_), None) => self.first.pop(),
            _ => self.later.pop().map(|Reverse(turn)| turn),
        };
        turn.map(|turn| turn.thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_next_whenever_it_was_added() {
        let things = [
            (Thing::Record(0), 5),
            (Thing::Record(1), 3),
            (Thing::Record(2), 3),
        ];
        let mut turns = Turns::of(things.into_iter());
        assert_eq!(
            turns.next(),
            Some(Thing::Record(2)),
            "the youngest of equals"
        );
        turns.add(Thing::Record(3), 4);
        turns.add(Thing::Record(4), 6);
        let rest: Vec<_> = std::iter::from_fn(|| turns.next()).collect();
        assert_eq!(rest, [1, 3, 0, 4].map(Thing::Record));
    }
}
