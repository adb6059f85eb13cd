//! What is asked of a suite besides that it is signed.

use super::time::UnixSeconds;

/// Bytes of an `InRelease` file; the largest of today's has a twentieth of it.
pub const MAX_IN_RELEASE: u64 = 16 << 20;

/// Seconds by which two clocks may differ.
pub const CLOCK_SKEW: u64 = 300;

/// What a suite must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Its codename, with what is behind it: `bookworm`, `bookworm-security`.
    pub suite: &'a str,
    /// The time for which keys, signatures and `Valid-Until` are judged: now, or that of the
    /// snapshot that is asked.
    pub at: UnixSeconds,
    /// The date of the one in the lock: an older one is refused.
    pub locked: Option<UnixSeconds>,
}
