//! How far a prune goes.

use super::{GcPolicy, GcReason, GcScope};

/// What is used and free, and what a policy says to that.
///
/// A cap (`max_used`) or a wish for free space (`min_free`) makes things go until it is met; without
/// either all that may goes. The floor (`reserved`) ends both.
#[derive(Clone, Debug)]
pub struct Budget<'a> {
    policy: &'a GcPolicy,
    used: u64,
    free: u64,
}

impl<'a> Budget<'a> {
    /// With so many bytes used and free now.
    pub fn new(policy: &'a GcPolicy, used: u64, free: u64) -> Self {
        Self { policy, used, free }
    }

    /// Why the next thing is to go; `None` when enough has gone.
    pub fn demand(&self) -> Option<GcReason> {
        let GcPolicy {
            max_used,
            min_free,
            reserved,
            ..
        } = self.policy;
        if reserved.is_some_and(|reserved| self.used <= reserved) {
            return None;
        }
        if max_used.is_none() && min_free.is_none() {
            return Some(self.policy.scope.reason());
        }
        let over = max_used.is_some_and(|max_used| self.used > max_used);
        let low = min_free.is_some_and(|min_free| self.free < min_free);
        over.then_some(GcReason::OverBudget)
            .or(low.then_some(GcReason::LowDisk))
    }

    /// So many bytes were given back.
    pub fn give_back(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
        self.free = self.free.saturating_add(bytes);
    }
}

impl GcScope {
    fn reason(self) -> GcReason {
        match self {
            Self::Dangling => GcReason::Dangling,
            Self::All => GcReason::Unused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(policy: GcPolicy, used: u64, free: u64) -> Option<GcReason> {
        Budget::new(&policy, used, free).demand()
    }

    #[test]
    fn a_cap_and_free_space_each_ask_and_the_floor_ends_it() {
        let policy = |max_used, min_free, reserved| GcPolicy {
            max_used,
            min_free,
            reserved,
            ..GcPolicy::default()
        };
        let (dangling, over, low) = (GcReason::Dangling, GcReason::OverBudget, GcReason::LowDisk);
        assert_eq!(demand(policy(None, None, None), 0, 0), Some(dangling));
        assert_eq!(demand(policy(None, None, Some(9)), 10, 0), Some(dangling));
        assert_eq!(demand(policy(None, None, Some(10)), 10, 0), None);
        assert_eq!(demand(policy(Some(9), None, None), 10, 0), Some(over));
        assert_eq!(demand(policy(Some(10), None, None), 10, 0), None);
        assert_eq!(demand(policy(None, Some(1), None), 10, 0), Some(low));
        assert_eq!(demand(policy(Some(10), Some(1), None), 10, 1), None);
        assert_eq!(demand(policy(Some(0), Some(9), Some(10)), 10, 0), None);
    }

    #[test]
    fn what_is_given_back_is_free() {
        let policy = GcPolicy {
            max_used: Some(5),
            min_free: Some(4),
            ..GcPolicy::default()
        };
        let mut budget = Budget::new(&policy, 10, 0);
        budget.give_back(4);
        assert_eq!(budget.demand(), Some(GcReason::OverBudget));
        budget.give_back(1);
        assert_eq!(budget.demand(), None);
    }
}
