//! The parent is told that the application can be reached: once, on a stream of its own.
//!
//! | line | when |
//! |---|---|
//! | `{"schema":1,"event":"ready","ready_ms":N}` | every port of `ingress` was open once; N milliseconds since the kernel's start |
//!
//! A parent that does not listen is no failure: the vendor's does not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::stream::Stream;

/// The port of the parent.
const PORT: u32 = 9006;
/// How long the parent may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells it when `opened` has a permit for each of the `ports`.
pub(crate) async fn tell(opened: Arc<Semaphore>, ports: usize) {
    let ports = u32::try_from(ports).unwrap_or(u32::MAX);
    if opened.acquire_many(ports).await.is_ok() {
        let _ = timeout(PATIENCE, say()).await;
    }
}

async fn say() -> io::Result<()> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let line = format!(
        "{{\"schema\":1,\"event\":\"ready\",\"ready_ms\":{}}}\n",
        milliseconds(&uptime)
    );
    let stream = Stream::to_parent(PORT).await?;
    stream.write_all(line.as_bytes()).await?;
    stream.finish_writing()?;
    stream.drain().await
}

/// Of `12.34 ..`, the seconds since the kernel's start.
fn milliseconds(uptime: &str) -> u64 {
    let seconds = uptime.split(' ').next().unwrap_or_default();
    let digits: String = seconds.chars().filter(char::is_ascii_digit).collect();
    // The kernel writes two digits behind the point.
    digits.parse::<u64>().unwrap_or_default().saturating_mul(10)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn the_uptime_is_in_milliseconds() {
        assert_eq!(milliseconds("12.34 56.78\n"), 12_340);
        assert_eq!(milliseconds("0.05 0.00\n"), 50);
        assert_eq!(milliseconds(""), 0);
    }
}
