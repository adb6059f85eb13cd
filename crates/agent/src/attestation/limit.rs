//! How many documents are made for everybody: a bucket of tokens that fills while nobody asks.
//!
//! Time is looked at when somebody asks, so an endpoint that nobody uses does nothing.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Documents that may be asked for at once.
const BURST: u32 = 200;
/// Documents a second after that.
const RATE: u32 = 100;

/// The bucket. It is full at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Limit {
    /// Since when it would have filled from nothing to what is in it: `BURST / RATE` seconds ago, or
    /// earlier, is full.
    empty_at: Cell<Option<Instant>>,
}

impl Limit {
    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let token = Duration::from_secs(1) / RATE;
        // Where the clock could not say such a time the bucket would fill like any other.
        let full = now.checked_sub(token * BURST).unwrap_or(now);
        let empty_at = self.empty_at.get().map_or(full, |before| before.max(full));
        let after = empty_at + token;
        if after > now {
            return false;
        }
        self.empty_at.set(Some(after));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: &Limit, now: Instant) -> usize {
        (0..10_000).take_while(|_| limit.take_at(now)).count()
    }

    #[test]
    fn there_is_a_burst_and_then_the_rate() {
        let limit = Limit::default();
        let begin = Instant::now() + Duration::from_hours(1);
        assert_eq!(taken(&limit, begin), 200);
        assert_eq!(taken(&limit, begin), 0);
        assert_eq!(taken(&limit, begin + Duration::from_millis(9)), 0);
        assert_eq!(taken(&limit, begin + Duration::from_millis(100)), 10);
        assert_eq!(taken(&limit, begin + Duration::from_secs(1)), 90);
        // What is not used does not add up beyond the burst.
        assert_eq!(taken(&limit, begin + Duration::from_hours(1)), 200);
    }
}
