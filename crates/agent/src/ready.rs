//! The parent is told that the application can be reached, and how much the agent does after that:
//! one stream to its port 9006.
//!
//! | line | when |
//! |---|---|
//! | `{"schema":1,"event":"ready","ready_ms":N}` | every port of `ingress` was open once, and what `ready` names has answered with a status from 200 to 299; N milliseconds since the kernel's start |
//! | `{"schema":1,"event":"counters",..}` | numbers of [`counters`] have changed, at most one line in ten seconds |
//!
//! A parent that does not listen is no failure: the vendor's does not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use enclair_configuration::Ready;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::counters;
use crate::ports;
use crate::stream::Stream;

/// The port of the parent.
const PORT: u32 = 9006;
/// How long the parent may take, for each line.
const PATIENCE: Duration = Duration::from_secs(2);
/// The least time between two lines of numbers.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the application may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// The first and the longest pause between two questions.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
/// Bytes of the answer that are looked at: a version, a status, and some of its words.
const BEGINNING: usize = 12;

/// Tells it when `opened` has a permit for each of the `ports` and `ready` has answered.
pub(crate) async fn tell(opened: Arc<Semaphore>, ports: usize, ready: Option<Ready>) {
    let ports = u32::try_from(ports).unwrap_or(u32::MAX);
    if opened.acquire_many(ports).await.is_err() {
        return;
    }
    if let Some(ready) = ready {
        answered(&ready).await;
    }
    // A parent that ends the stream, or does not take a line in time, is told no more.
    let _ = report().await;
}

async fn report() -> io::Result<()> {
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let line = format!(
        "{{\"schema\":1,\"event\":\"ready\",\"ready_ms\":{}}}\n",
        milliseconds(&uptime)
    );
    let stream = timeout(PATIENCE, Stream::to_parent(PORT)).await??;
    timeout(PATIENCE, stream.write_all(line.as_bytes())).await??;
    loop {
        counters::changed().await;
        let line = counters::line();
        timeout(PATIENCE, stream.write_all(line.as_bytes())).await??;
        sleep(INTERVAL).await;
    }
}

/// Waits until the application answers that it is ready.
async fn answered(ready: &Ready) {
    ports::opened(ready.port).await;
    let mut pause = FIRST;
    while !matches!(timeout(ANSWER, ask(ready)).await, Ok(Ok(true))) {
        sleep(pause).await;
        pause = LONGEST.min(pause.saturating_mul(2));
    }
}

/// Asks once. Whether the status is one of 200 to 299.
async fn ask(Ready { path, port }: &Ready) -> io::Result<bool> {
    let stream = Stream::to_loopback(*port).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: enclair-agent\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while answer.len() < BEGINNING {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(false);
        }
        answer.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
    Ok(is_success(&answer))
}

/// Whether an answer begins as one with a status from 200 to 299 does.
fn is_success(answer: &[u8]) -> bool {
    let version = answer.strip_prefix(b"HTTP/1.");
    let status = version.and_then(|rest| rest.get(1..5));
    matches!(status, Some([b' ', b'2', tens, ones]) if tens.is_ascii_digit() && ones.is_ascii_digit())
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
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn the_uptime_is_in_milliseconds() {
        assert_eq!(milliseconds("12.34 56.78\n"), 12_340);
        assert_eq!(milliseconds("0.05 0.00\n"), 50);
        assert_eq!(milliseconds(""), 0);
    }

    #[test]
    fn a_status_is_read_at_its_place() {
        for answer in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 204 x", "HTTP/1.1 299\r\n"] {
            assert!(is_success(answer.as_bytes()), "{answer}");
        }
        for answer in [
            "",
            "HTTP/1.1 503 200\r\n",
            "HTTP/1.1  200",
            "HTTP/2 200 OK\r\n",
            "200 OK",
            "HTTP/1.1 2xx OK",
        ] {
            assert!(!is_success(answer.as_bytes()), "{answer}");
        }
    }

    #[test]
    fn the_application_is_asked_until_it_is_ready() {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let application = thread::spawn(move || {
                let answers = [
                    "",
                    "HTTP/1.1 503 Not yet\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n\r\nfine",
                ];
                answers.map(|answer| {
                    let (mut client, _) = listener.accept().unwrap();
                    let mut request = [0; 256];
                    let read = client.read(&mut request).unwrap();
                    client.write_all(answer.as_bytes()).unwrap();
                    String::from_utf8_lossy(request.get(..read).unwrap()).into_owned()
                })
            });
            let path = "/health?deep=1".to_owned();
            answered(&Ready { path, port }).await;
            for request in application.join().unwrap() {
                assert!(request.starts_with("GET /health?deep=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
            }
        });
    }
}
