//! Calls that the parent makes.
//!
//! One stream to its port 9003 for each, one line each way:
//!
//! | line | what |
//! |---|---|
//! | `connect HOST PORT` | a name, an address without brackets, or `host` for the parent's loopback |
//! | `ok` | the bytes of the connection follow, both ways |
//! | `refused REASON` | `not-allowed`, `not-found`, `refused`, `unreachable`, `timed-out`, `too-many`, `malformed` |
//!
//! Everything else is a parent that does not speak this, and as good as none.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::inbox::Inbox;
use super::{Called, Reason, Target};
use crate::stream::Stream;

/// The port of the parent.
const PORT: u32 = 9003;
/// Bytes of the longest answer.
const MAX_ANSWER: usize = 64;
/// How long a call may take. The parent gives up before.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who makes calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parent {
    Vsock,
    /// A port of the loopback, where a test plays the parent.
    #[cfg(test)]
    Test(u16),
}

impl Parent {
    /// Has a call made.
    pub(super) async fn call(self, target: &Target) -> Result<Called, Reason> {
        match timeout(PATIENCE, self.ask(target)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_io)) => Err(Reason::Unreachable),
            Err(_elapsed) => Err(Reason::TimedOut),
        }
    }

    async fn connect(self) -> io::Result<Stream> {
        match self {
            Self::Vsock => Stream::to_parent(PORT).await,
            #[cfg(test)]
            Self::Test(port) => Stream::to_loopback(port).await,
        }
    }

    async fn ask(self, target: &Target) -> io::Result<Result<Called, Reason>> {
        let stream = self.connect().await?;
        let line = format!("connect {} {}\n", target.host, target.port);
        stream.write_all(line.as_bytes()).await?;
        let mut inbox = Inbox::new(stream);
        let line = loop {
            let kept = inbox.kept();
            match kept.iter().position(|byte| *byte == b'\n') {
                Some(end) => break inbox.take(end.saturating_add(1)),
                None if kept.len() > MAX_ANSWER => return Ok(Err(Reason::Unreachable)),
                None => inbox.fill().await?,
            }
        };
        let (stream, early) = inbox.into_parts();
        Ok(answer(&line).map(|()| Called { stream, early }))
    }
}

fn answer(line: &[u8]) -> Result<(), Reason> {
    match line {
        b"ok\n" => Ok(()),
        b"refused not-allowed\n" => Err(Reason::NotAllowed),
        b"refused not-found\n" => Err(Reason::NotFound),
        b"refused refused\n" => Err(Reason::Refused),
        b"refused timed-out\n" => Err(Reason::TimedOut),
        b"refused too-many\n" => Err(Reason::TooMany),
        _ => Err(Reason::Unreachable),
    }
}
