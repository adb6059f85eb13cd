//! What a fetcher tells whoever draws progress. Calls come from several threads.

use std::fmt::Debug;
use std::time::Duration;

/// Is told of transfers.
pub trait Observer: Debug + Send + Sync {
    /// The transfer of what is called `name` begins, with its size where that is known.
    fn begin(&self, name: &str, size: Option<u64>) -> Box<dyn Transfer>;
}

/// One transfer, drawn.
pub trait Transfer: Debug + Send {
    /// So many bytes are there now. Fewer than before when it has to start over.
    fn bytes(&mut self, there: u64);

    /// The next try, or the next provider; `wait` is waited before.
    fn retry(&mut self, provider: &str, reason: &str, wait: Duration);

    /// It is over; `provider` is who gave it, if anybody did.
    fn done(self: Box<Self>, provider: Option<&str>);
}

/// Draws nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn begin(&self, _name: &str, _size: Option<u64>) -> Box<dyn Transfer> {
        Box::new(Self)
    }
}

impl Transfer for Unobserved {
    fn bytes(&mut self, _there: u64) {}

    fn retry(&mut self, _provider: &str, _reason: &str, _wait: Duration) {}

    fn done(self: Box<Self>, _provider: Option<&str>) {}
}
