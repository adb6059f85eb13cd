//! When a provider is asked again, and how long is waited before.

use std::time::Duration;

use crate::reason::Reason;
use crate::settings::{Backoff, Settings};

/// A try that brought this much more than any before it is not counted: a connection that is cut
/// every few minutes gets a large blob in the end.
const PROGRESS_BYTES: u64 = 4 << 20;

/// The tries at one provider.
#[derive(Debug)]
pub(crate) struct Tries {
    backoff: Backoff,
    left: u32,
    /// Tries that were made.
    made: u32,
    /// Failures in a row without progress.
    failed: u32,
    furthest: u64,
}

impl Tries {
    pub(crate) fn new(settings: &Settings, there: u64) -> Self {
        Self {
            backoff: settings.backoff,
            left: settings.retries,
            made: 1,
            failed: 0,
            furthest: there,
        }
    }

    /// Tries that were made.
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    /// How long to wait before the next try, if there shall be one; `there` is how many bytes are
    /// there now.
    pub(crate) fn next(&mut self, reason: &Reason, there: u64) -> Option<Duration> {
        if !reason.may_pass() {
            return None;
        }
        if there.saturating_sub(self.furthest) >= PROGRESS_BYTES {
            self.furthest = there;
            self.failed = 0;
        } else {
            self.left = self.left.checked_sub(1)?;
        }
        let wait = wait(&self.backoff, self.failed, reason.retry_after())?;
        self.failed = self.failed.saturating_add(1);
        self.made = self.made.saturating_add(1);
        Some(wait)
    }

    /// Another try that costs no wait.
    pub(crate) fn again(&mut self) {
        self.made = self.made.saturating_add(1);
    }
}

/// Doubled for each failure, with jitter; what a server asks for counts up to the longest wait, and
/// one that asks for four times that is not waited for.
fn wait(backoff: &Backoff, failed: u32, asked: Option<Duration>) -> Option<Duration> {
    if asked.is_some_and(|asked| asked > backoff.longest.saturating_mul(4)) {
        return None;
    }
    let doubled = backoff.first.saturating_mul(1 << failed.min(16));
    let jitter = 0.75 + fastrand::f64() / 2.0;
    let wait = doubled.min(backoff.longest).mul_f64(jitter);
    Some(wait.max(asked.unwrap_or_default()).min(backoff.longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(2),
    };

    #[test]
    fn waits_double_and_have_an_end() {
        for failed in 0..64 {
            let wait = wait(&BACKOFF, failed, None).unwrap();
            let doubled = Duration::from_millis(100 << failed.min(10));
            assert!(
                wait >= doubled.min(BACKOFF.longest).mul_f64(0.74),
                "{wait:?}"
            );
            assert!(
                wait <= doubled.mul_f64(1.26).min(BACKOFF.longest),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn a_server_is_waited_for_within_reason() {
        let asked = |seconds| wait(&BACKOFF, 0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(1), Some(Duration::from_secs(1)));
        assert_eq!(asked(8), Some(BACKOFF.longest));
        assert_eq!(asked(9), None);
        assert_eq!(asked(u64::MAX), None);
    }

    #[test]
    fn progress_is_not_counted_against_a_provider() {
        let settings = Settings {
            retries: 1,
            ..Settings::default()
        };
        let cut = Reason::Truncated {
            expected: u64::MAX,
            found: 0,
        };
        let mut tries = Tries::new(&settings, 0);
        for step in 1..100 {
            assert!(tries.next(&cut, step * PROGRESS_BYTES).is_some());
        }
        assert!(tries.next(&cut, 0).is_some());
        assert!(tries.next(&cut, 99 * PROGRESS_BYTES).is_none());
    }
}
