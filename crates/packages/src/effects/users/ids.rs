//! Which id a new account gets: three tools, three ways.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::effects::problem::Problem;

/// As `adduser` does: the lowest that is free.
pub(super) fn lowest(taken: &BTreeSet<u32>, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let free = range.clone().find(|id| !taken.contains(id));
    free.ok_or_else(|| none(&range))
}

/// As `systemd-sysusers` does: the highest that is free.
pub(super) fn highest(taken: &BTreeSet<u32>, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let free = range.clone().rev().find(|id| !taken.contains(id));
    free.ok_or_else(|| none(&range))
}

/// As `useradd -r` and `groupadd -r` do: the one below the lowest of the range that is taken, and
/// only when that is outside of the range the highest that is free.
pub(super) fn below(taken: &BTreeSet<u32>, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let next = match taken.range(range.clone()).next() {
        Some(lowest) => lowest.saturating_sub(1),
        None => *range.end(),
    };
    if range.contains(&next) {
        return Ok(next);
    }
    highest(taken, range)
}

fn none(range: &RangeInclusive<u32>) -> Problem {
    Problem::NoId {
        first: *range.start(),
        last: *range.end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way() {
        let taken = BTreeSet::from([100, 101, 998, 999]);
        assert_eq!(lowest(&taken, 100..=999).unwrap(), 102);
        assert_eq!(highest(&taken, 100..=999).unwrap(), 997);
        // 101 is the lowest that is taken, and 100 is not in the range.
        assert_eq!(below(&taken, 101..=999).unwrap(), 997);
        assert_eq!(below(&BTreeSet::from([500]), 101..=999).unwrap(), 499);
        assert_eq!(below(&BTreeSet::new(), 101..=999).unwrap(), 999);
    }

    #[test]
    fn a_full_range() {
        let taken: BTreeSet<u32> = (100..=103).collect();
        for choose in [lowest, highest, below] {
            let problem = choose(&taken, 100..=103).unwrap_err();
            assert_eq!(problem.to_string(), "no id from 100 to 103 is free");
        }
    }
}
