//! The heartbeat: the byte by which the parent knows that the enclave booted.
//!
//! The parent listens on port 9000 and ends an enclave that never calls. A parent that is not ready
//! yet is tried again; a parent that answers wrongly is not. All together takes at most [`PATIENCE`].

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Answer, Failure};
use crate::sys::Errno;
use crate::sys::vsock::Stream;

/// The parent's context id, as seen from an enclave.
pub(crate) const PARENT: u32 = 3;
const PORT: u32 = 9000;
const BEAT: u8 = 0xb7;
/// The longest that a heartbeat takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Calls the parent and waits for its answer.
pub(crate) fn beat() -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Stream::connect(PARENT, PORT, deadline) {
            Ok(stream) => return exchange(&stream, deadline),
            Err(errno) if is_absence(errno) => return Err(Failure::NoVsock { errno }),
            Err(errno) if Instant::now() + PAUSE >= deadline => {
                return Err(Failure::HeartbeatNotConnected { errno });
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

/// Whether the kernel says that it has no such sockets, or no device for them.
fn is_absence(errno: Errno) -> bool {
    [
        libc::EAFNOSUPPORT,
        libc::ENODEV,
        libc::EPROTONOSUPPORT,
        libc::ESOCKTNOSUPPORT,
    ]
    .contains(&errno.0)
}

fn exchange(stream: &Stream, deadline: Instant) -> Result<(), Failure> {
    let mut answer = [0];
    let received = stream
        .send(&[BEAT], deadline)
        .and_then(|()| stream.receive(&mut answer, deadline))
        .map_err(|errno| Failure::HeartbeatNotAnswered { errno })?;
    match (received, answer) {
        (0, _) => Err(Failure::HeartbeatWrongAnswer { found: Answer::End }),
        (_, [BEAT]) => Ok(()),
        (_, [other]) => Err(Failure::HeartbeatWrongAnswer {
            found: Answer::Byte(other),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn exchange_with(parent: impl FnOnce(UnixStream) + Send + 'static) -> Result<(), Failure> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let parent = std::thread::spawn(move || parent(theirs));
        let deadline = Instant::now() + Duration::from_millis(300);
        let result = exchange(&Stream::from(OwnedFd::from(ours)), deadline);
        parent.join().unwrap();
        result
    }

    fn answer_with(answer: &'static [u8]) -> impl FnOnce(UnixStream) + Send {
        move |mut stream| {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [0xb7]);
            stream.write_all(answer).unwrap();
        }
    }

    #[test]
    fn the_same_byte_is_the_answer() {
        exchange_with(answer_with(b"\xb7")).unwrap();
    }

    #[test]
    fn another_byte_is_named() {
        let failure = exchange_with(answer_with(b"\x01")).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "the heartbeat's answer: expected 0xb7, found 0x01"
        );
        let failure = exchange_with(answer_with(b"")).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "the heartbeat's answer: expected 0xb7, found the end"
        );
    }

    #[test]
    fn a_parent_that_is_silent_does_not_hold_the_boot() {
        let begin = Instant::now();
        let failure = exchange_with(|stream| {
            std::thread::sleep(Duration::from_millis(600));
            drop(stream);
        });
        assert_eq!(failure.unwrap_err().id(), "heartbeat-not-answered");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_the_kernel_says_without_a_device_is_told_from_a_parent_that_is_not_ready() {
        assert!(is_absence(Errno(libc::ENODEV)));
        assert!(!is_absence(Errno(libc::ECONNRESET)));
        assert!(!is_absence(Errno(libc::ETIMEDOUT)));
    }
}
