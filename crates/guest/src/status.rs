//! The status channel: what happened, as lines of JSON on port 9001 and as lines on the console.
//!
//! | event | further keys |
//! |---|---|
//! | `starting` | `release`: of init |
//! | `started` | `boot_ms`: milliseconds from the kernel's start to the application's |
//! | `restarting` | `restart`: which one, from 1; `code` or `signal` |
//! | `exited` | `code` |
//! | `signaled` | `signal` |
//! | `failed` | `failure`, `status`, `message`: a row of the failure table |
//!
//! Each line has `schema` 1 and at most [`MAX_LINE`] bytes; one of the last three is the last. `started` comes again after `restarting`. A
//! parent that does not listen is no failure: the vendor's does not. The console has the same
//! facts, with control characters escaped, because names in a message come from the image.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use enclair_configuration::json::push_string;

use crate::failure::Failure;
use crate::heartbeat::PARENT;
use crate::sys::Errno;
use crate::sys::process::Ended;
use crate::sys::vsock::Stream;

const PORT: u32 = 9001;
/// Bytes of the longest line, with its newline.
const MAX_LINE: usize = 4096;
/// Bytes of the longest message. Escaping makes at most six of one, and the rest of a line is
/// shorter than 256.
const MAX_MESSAGE: usize = (MAX_LINE - 256) / 6;
/// The longest wait for the parent: to connect, for a line, and for its end at the end.
const PATIENCE: Duration = Duration::from_secs(2);
/// The release of init. It is counted up with every committed binary that behaves differently.
pub(crate) const RELEASE: &str = "3";

/// Something that the host is told.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Starting,
    Started { boot_ms: u64 },
    Restarting { ended: Ended, restart: u32 },
    Exited { code: i32 },
    Signaled { signal: i32 },
    Failed(&'a Failure),
}

impl Event<'_> {
    /// The line of JSON, with its newline.
    fn line(&self) -> Vec<u8> {
        let mut line = b"{\"schema\":1,\"event\":".to_vec();
        let number = |line: &mut Vec<u8>, key: &str, number: &dyn ToString| {
            line.push(b',');
            push_string(line, key);
            line.push(b':');
            line.extend_from_slice(number.to_string().as_bytes());
        };
        let text = |line: &mut Vec<u8>, key: &str, text: &str| {
            line.push(b',');
            push_string(line, key);
            line.push(b':');
            push_string(line, text);
        };
        push_string(&mut line, self.name());
        match self {
            Self::Starting => text(&mut line, "release", RELEASE),
            Self::Started { boot_ms } => number(&mut line, "boot_ms", boot_ms),
            Self::Restarting { ended, restart } => {
                match ended {
                    Ended::Exited(code) => number(&mut line, "code", code),
                    Ended::Signaled(signal) => number(&mut line, "signal", signal),
                }
                number(&mut line, "restart", restart);
            }
            Self::Exited { code } => number(&mut line, "code", code),
            Self::Signaled { signal } => number(&mut line, "signal", signal),
            Self::Failed(failure) => {
                text(&mut line, "failure", failure.id());
                number(&mut line, "status", &failure.status());
                text(&mut line, "message", cut(&failure.to_string()));
            }
        }
        line.extend_from_slice(b"}\n");
        line
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Started { .. } => "started",
            Self::Restarting { .. } => "restarting",
            Self::Exited { .. } => "exited",
            Self::Signaled { .. } => "signaled",
            Self::Failed(_) => "failed",
        }
    }

    /// The same for the console, without the newline.
    pub(crate) fn sentence(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Starting => write!(text, "starting, release {RELEASE}"),
            Self::Started { boot_ms } => write!(text, "started at {boot_ms} ms"),
            Self::Restarting { ended, restart } => {
                write!(text, "restart {restart}: the application {ended}")
            }
            Self::Exited { code } => write!(text, "exited with {code}"),
            Self::Signaled { signal } => write!(text, "signaled with {signal}"),
            Self::Failed(failure) => {
                let (status, id) = (failure.status(), failure.id());
                write!(text, "failed with {status} ({id}): {failure}")
            }
        };
        text
    }
}

/// The beginning of `text` that fits into a message.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_MESSAGE))
        .unwrap_or_default()
}

/// The open channel.
#[derive(Debug)]
pub(crate) struct Channel(Stream);

impl Channel {
    /// Connects, once.
    pub(crate) fn open() -> Result<Self, Errno> {
        Stream::connect(PARENT, PORT, Instant::now() + PATIENCE).map(Self)
    }

    /// Sends the line of an event.
    pub(crate) fn send(&self, event: &Event<'_>) -> Result<(), Errno> {
        self.0.send(&event.line(), Instant::now() + PATIENCE)
    }

    /// Ends the channel, so that the parent has read everything before the machine goes: waits
    /// until it closes its side, but not for long.
    pub(crate) fn finish(self) -> Result<(), Errno> {
        let deadline = Instant::now() + PATIENCE;
        self.0.finish_sending()?;
        let mut ignored = [0; 64];
        while self.0.receive(&mut ignored, deadline)? > 0 {
            // A parent that talks all the time is not waited for either.
            if Instant::now() >= deadline {
                return Err(Errno(libc::ETIMEDOUT));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write as _};
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn text(event: &Event<'_>) -> String {
        String::from_utf8(event.line()).unwrap()
    }

    #[test]
    fn lines_are_those_of_the_contract() {
        assert_eq!(
            text(&Event::Starting),
            "{\"schema\":1,\"event\":\"starting\",\"release\":\"3\"}\n"
        );
        assert_eq!(
            text(&Event::Started { boot_ms: 512 }),
            "{\"schema\":1,\"event\":\"started\",\"boot_ms\":512}\n"
        );
        for (ended, expected) in [
            (Ended::Exited(7), "\"code\":7"),
            (Ended::Signaled(9), "\"signal\":9"),
        ] {
            assert_eq!(
                text(&Event::Restarting { ended, restart: 2 }),
                format!("{{\"schema\":1,\"event\":\"restarting\",{expected},\"restart\":2}}\n")
            );
        }
        assert_eq!(
            text(&Event::Exited { code: 7 }),
            "{\"schema\":1,\"event\":\"exited\",\"code\":7}\n"
        );
        assert_eq!(
            text(&Event::Signaled { signal: 11 }),
            "{\"schema\":1,\"event\":\"signaled\",\"signal\":11}\n"
        );
        assert_eq!(
            text(&Event::Failed(&Failure::RootMissing)),
            "{\"schema\":1,\"event\":\"failed\",\"failure\":\"root-missing\",\"status\":60,\
             \"message\":\"`/rootfs`: expected a directory\"}\n"
        );
    }

    #[test]
    fn a_hostile_name_breaks_neither_the_line_nor_its_length() {
        for name in [
            "\"}\n{\"event\":\"exited\",\"code\":0}",
            &"\u{1}".repeat(9000),
            &"\u{20ac}".repeat(5000),
        ] {
            let failure = Failure::ProgramNotFound {
                program: name.to_owned(),
            };
            let line = Event::Failed(&failure).line();
            assert!(line.len() <= MAX_LINE, "{}", line.len());
            assert_eq!(
                line.iter().position(|byte| *byte == b'\n'),
                Some(line.len() - 1)
            );
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["failure"], "program-not-found");
            assert_eq!(value["status"], 90);
        }
    }

    #[test]
    fn the_end_waits_for_a_parent_that_closes_and_not_for_one_that_does_not() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let channel = Channel(Stream::from(OwnedFd::from(ours)));
        channel.send(&Event::Exited { code: 3 }).unwrap();
        let parent = std::thread::spawn(move || {
            let mut read = String::new();
            theirs.read_to_string(&mut read).unwrap();
            theirs.shutdown(Shutdown::Both).unwrap();
            read
        });
        channel.finish().unwrap();
        assert!(parent.join().unwrap().ends_with("\"code\":3}\n"));

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.write_all(b"noise").unwrap();
        let begin = Instant::now();
        let result = Channel(Stream::from(OwnedFd::from(ours))).finish();
        assert_eq!(result, Err(Errno(libc::ETIMEDOUT)));
        assert!(begin.elapsed() < PATIENCE * 3);
    }
}
