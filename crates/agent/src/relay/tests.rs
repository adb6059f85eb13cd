//! Two pairs of real sockets with a relay between them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connected pair: ours, and the one that the relay gets.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    ours.set_write_timeout(Some(PATIENCE)).unwrap();
    (ours, listener.accept().unwrap().0)
}

/// Both ends of a relay that runs in a thread, and how it ends.
fn relayed() -> (TcpStream, TcpStream, thread::JoinHandle<io::Result<()>>) {
    let (one, left) = pair();
    let (other, right) = pair();
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let thread = thread::spawn(move || {
        runtime
            .block_on(async { relay(Stream::new(left.into())?, Stream::new(right.into())?).await })
    });
    (one, other, thread)
}

#[test]
fn each_half_closes_by_itself() {
    let (mut one, mut other, relay) = relayed();
    one.write_all(b"question").unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    let mut read = String::new();
    other.read_to_string(&mut read).unwrap();
    assert_eq!(read, "question");
    other.write_all(b"answer").unwrap();
    drop(other);
    read.clear();
    one.read_to_string(&mut read).unwrap();
    assert_eq!(read, "answer");
    relay.join().unwrap().unwrap();
}

#[test]
fn large_amounts_pass_both_ways_at_once() {
    let (one, other, relay) = relayed();
    let data: Vec<u8> = (0..8_u32 << 20).map(|i| i.to_le_bytes()[1]).collect();
    let ends = [one, other].map(|end| {
        let data = data.clone();
        thread::spawn(move || {
            let mut writer = end.try_clone().unwrap();
            let sent = data.clone();
            let sender = thread::spawn(move || {
                writer.write_all(&sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut read = Vec::new();
            let mut end = end;
            end.read_to_end(&mut read).unwrap();
            sender.join().unwrap();
            assert!(read == data);
        })
    });
    for end in ends {
        end.join().unwrap();
    }
    relay.join().unwrap().unwrap();
}

#[test]
fn who_does_not_read_holds_the_other_back_and_loses_nothing() {
    let (mut one, mut other, relay) = relayed();
    one.set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let piece = vec![7; 1 << 16];
    let mut sent = 0;
    // Until nothing more is taken: what both kernels and the relay hold.
    loop {
        match one.write(&piece) {
            Ok(written) => sent += written,
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                    "{error}"
                );
                break;
            }
        }
        assert!(sent < 64 << 20, "somebody keeps everything");
    }
    one.shutdown(Shutdown::Write).unwrap();
    let mut read = Vec::new();
    other.read_to_end(&mut read).unwrap();
    assert_eq!(read.len(), sent);
    drop((one, other));
    relay.join().unwrap().unwrap();
}

#[test]
fn a_side_that_breaks_off_does_not_look_like_one_that_has_said_all() {
    let (mut one, other, relay) = relayed();
    one.write_all(b"x").unwrap();
    let socket = socket2::Socket::from(other);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    let error = one.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(relay.join().unwrap().is_err());
}
