//! What passes between the enclave and this machine while it runs.

use super::bench::{PATIENCE, told};
use super::*;
use crate::egress::Egress;
use crate::ingress::ClientAddress;
use crate::vsock::parent::MAX_OPENED;

/// The enclave's port of an application.
const PORT: u32 = 8080;

/// More than all buffers of a path together, and no two pieces of it the same.
fn much() -> Vec<u8> {
    (0_u32..3 << 18).flat_map(u32::to_le_bytes).collect()
}

fn published() -> (Ingress, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let ingress = Ingress::bind(&[Publish {
        address,
        port: PORT,
        client: ClientAddress::Unknown,
    }])
    .unwrap();
    let address = ingress.published().next().unwrap().address;
    (ingress, address)
}

fn client(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client
}

/// Writes everything and then says no more, on a thread of its own.
fn write_all(
    mut to: impl Write + Send + 'static,
    bytes: Vec<u8>,
    finish: impl FnOnce() + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        to.write_all(&bytes).unwrap();
        finish();
    })
}

fn read_all(mut from: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Ends a run by its own status.
fn finish(played: &Played) -> Report {
    let mut status = played.call(STATUS_PORT);
    status.write_all(told(0).as_bytes()).unwrap();
    drop(status);
    let report = played.end().unwrap();
    assert_eq!(report.outcome.status(), 0, "{:?}", report.outcome);
    report
}

#[test]
fn connections_from_outside_pass_both_ways_and_end_half_by_half() {
    let (ingress, address) = published();
    let played = Played::begin_with(ingress, |_, _| {});
    let inside = played.wire.listen_inside(PORT);
    let outside = client(address);
    let (stream, _) = inside.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let both = [outside.try_clone().unwrap(), outside.try_clone().unwrap()];
    let [writer, shut] = both;
    let there = write_all(writer, much(), move || {
        shut.shutdown(Shutdown::Write).unwrap();
    });
    assert!(read_all(&stream) == much());
    there.join().unwrap();
    // The client has said that it sends no more; it still receives.
    let shut = stream.try_clone().unwrap();
    let back = write_all(stream, much(), move || {
        shut.shutdown(Shutdown::Write).unwrap();
    });
    assert!(read_all(&outside) == much());
    back.join().unwrap();
    finish(&played);
}

#[test]
fn who_does_not_read_slows_the_other_down() {
    let (ingress, address) = published();
    let played = Played::begin_with(ingress, |_, _| {});
    let inside = played.wire.listen_inside(PORT);
    let outside = client(address);
    let (mut stream, _) = inside.accept().unwrap();
    // Neither side reads: what is kept between them is bounded by the buffers of the kernel, which
    // has up to 6 MiB for TCP, and ours.
    stream.set_nonblocking(true).unwrap();
    let mut taken = 0;
    let mut quiet = 0;
    while quiet < 50 {
        match stream.write(&[7; 16 << 10]) {
            Ok(count) => {
                taken += count;
                quiet = 0;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                quiet += 1;
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
        assert!(taken < 64 << 20, "{taken}");
    }
    stream.set_nonblocking(false).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&outside).len(), taken);
    finish(&played);
}

#[test]
fn a_connection_to_nobody_is_reset() {
    let (ingress, address) = published();
    let played = Played::begin_with(ingress, |_, _| {});
    let error = client(address).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    // One that the enclave breaks off in the middle of it ends, too.
    let inside = played.wire.listen_inside(PORT);
    let mut outside = client(address);
    drop(inside.accept().unwrap());
    assert!(matches!(outside.read(&mut [0]), Ok(0) | Err(_)));
    drop(outside);
    finish(&played);
}

#[test]
fn neighbours_on_the_instance_are_not_heard() {
    let played = Played::begin(|_, request| request.egress = Egress::On(Vec::new()));
    drop(played.call(READY_PORT));
    let mut stranger = played.wire.call(89, STATUS_PORT);
    drop(stranger.write_all(told(9).as_bytes()));
    assert!(matches!(stranger.read(&mut [0]), Ok(0) | Err(_)));
    let mut stranger = played.wire.call(3, EGRESS_PORT);
    drop(stranger.write_all(b"connect host 1\n"));
    assert!(matches!(stranger.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(finish(&played).strangers, 2);
}

#[test]
fn a_second_status_is_not_heard() {
    let played = Played::begin(|_, _| {});
    let first = played.call(STATUS_PORT);
    let mut second = played.call(STATUS_PORT);
    drop(second.write_all(told(9).as_bytes()));
    assert!(matches!(second.read(&mut [0]), Ok(0) | Err(_)));
    let mut first = first;
    first.write_all(told(5).as_bytes()).unwrap();
    drop(first);
    assert_eq!(played.end().unwrap().outcome.status(), 5);
}

#[test]
fn calls_are_made_by_the_parents_rules() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let played = Played::begin(|_, request| request.egress = Egress::On(Vec::new()));
    let mut call = played.call(EGRESS_PORT);
    // What comes behind the line is the target's.
    call.write_all(format!("connect host {port}\nhello").as_bytes())
        .unwrap();
    let (mut target, _) = listener.accept().unwrap();
    let mut words = [0; 5];
    target.read_exact(&mut words).unwrap();
    assert_eq!(&words, b"hello");
    let shut = target.try_clone().unwrap();
    let there = write_all(target.try_clone().unwrap(), much(), move || {
        shut.shutdown(Shutdown::Write).unwrap();
    });
    let answer = read_all(&call);
    there.join().unwrap();
    assert!(answer.strip_prefix(b"ok\n").unwrap() == much());
    call.write_all(b"bye").unwrap();
    drop(call);
    assert_eq!(read_all(target), b"bye");
    for (line, expected) in [
        ("connect 127.0.0.1 80\n", "refused not-allowed\n"),
        ("connect 169.254.169.254 80\n", "refused not-allowed\n"),
        ("CONNECT x 1\n", "refused malformed\n"),
    ] {
        let mut call = played.call(EGRESS_PORT);
        call.write_all(line.as_bytes()).unwrap();
        assert_eq!(read_all(call), expected.as_bytes());
    }
    finish(&played);
    assert_eq!(played.heard.denied.lock().unwrap().len(), 2);
}

#[test]
fn calls_are_off_unless_they_are_on() {
    let played = Played::begin(|_, _| {});
    let mut call = played.call(EGRESS_PORT);
    call.write_all(b"connect example.org 443\n").unwrap();
    assert_eq!(read_all(call), b"refused not-allowed\n");
    finish(&played);
    let denied = played.heard.denied.lock().unwrap();
    assert_eq!(denied[0].target, "example.org:443");
}

/// Every connection here is several open files of this process.
#[test]
fn there_are_no_more_connections_than_there_may_be() {
    let (ingress, address) = published();
    let played = Played::begin_with(ingress, |_, _| {});
    played.wait("the limit of open files is raised", || {
        played.exists(&format!("3.{STATUS_PORT}"))
    });
    let inside = played.wire.listen_inside(PORT);
    let mut streams = Vec::new();
    let mut clients = Vec::new();
    for index in 0..MAX_OPENED {
        let mut outside = client(address);
        let (stream, _) = inside.accept().unwrap();
        outside
            .write_all(&[u8::try_from(index % 251).unwrap()])
            .unwrap();
        streams.push(stream);
        clients.push(outside);
    }
    for (index, stream) in streams.iter_mut().enumerate() {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [u8::try_from(index % 251).unwrap()]);
    }
    // The next one waits until another is over.
    let mut waiting = client(address);
    waiting.write_all(b"x").unwrap();
    inside.set_nonblocking(true).unwrap();
    thread::sleep(Duration::from_millis(200));
    let error = inside.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    inside.set_nonblocking(false).unwrap();
    drop((streams.pop(), clients.pop()));
    let (mut stream, _) = inside.accept().unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"x");
    finish(&played);
}
