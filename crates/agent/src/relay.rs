//! Bytes both ways between two streams, until both ways have ended.
//!
//! - **Half-close.** The end of one way is passed on and the other way goes on.
//! - **Back-pressure.** What one side does not take is kept, at most one read of it, and nothing
//!   more is read of the other side until it is gone. Both kernels then hold their senders back.
//! - **Memory.** Bytes are read into one buffer of the thread; a connection has bytes of its own
//!   only while a side does not take them.
//! - **Failure.** A side that breaks off ends the other, not as if all had been said.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;

use tokio::task::coop::consume_budget;

use crate::stream::{Readable, Stream};

/// Bytes of one read, and the most that one way of a connection keeps.
const BUFFER: usize = 64 * 1024;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Passes on everything, and ends both streams.
pub(crate) async fn relay(one: Stream, other: Stream) -> io::Result<()> {
    let result = both(pass(&one, &other), pass(&other, &one)).await;
    if result.is_err() {
        one.reset();
        other.reset();
    }
    result
}

/// Waits for both, or for the first that fails.
async fn both(
    one: impl Future<Output = io::Result<()>>,
    other: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    let (mut one_done, mut other_done) = (false, false);
    std::future::poll_fn(|context| {
        if !one_done && let std::task::Poll::Ready(result) = one.as_mut().poll(context) {
            one_done = true;
            if result.is_err() {
                return std::task::Poll::Ready(result);
            }
        }
        if !other_done && let std::task::Poll::Ready(result) = other.as_mut().poll(context) {
            other_done = true;
            if result.is_err() {
                return std::task::Poll::Ready(result);
            }
        }
        if one_done && other_done {
            std::task::Poll::Ready(Ok(()))
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}

/// Passes one way on to its end, and the end.
pub(crate) async fn pass(from: &Stream, to: &Stream) -> io::Result<()> {
    loop {
        let readable = from.readable().await?;
        match step(readable, to) {
            Ok(Step::End) => {
                from.note_end();
                return to.finish_writing();
            }
            Ok(Step::Passed) => {}
            Ok(Step::Kept(bytes)) => to.write_all(&bytes).await?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        // Two sides that are always ready would keep the thread from all others.
        consume_budget().await;
    }
}

/// What one read came to.
enum Step {
    /// There is nothing more.
    End,
    /// Everything was taken.
    Passed,
    /// These bytes were not.
    Kept(Vec<u8>),
}

fn step(from: Readable<'_>, to: &Stream) -> io::Result<Step> {
    SHARED.with_borrow_mut(|buffer| {
        let read = from.read(buffer)?;
        if read == 0 {
            return Ok(Step::End);
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let written = to.try_write(bytes)?;
        match bytes.get(written..).unwrap_or_default() {
            [] => Ok(Step::Passed),
            rest => Ok(Step::Kept(rest.to_vec())),
        }
    })
}
