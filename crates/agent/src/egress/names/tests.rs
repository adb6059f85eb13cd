//! Messages to the byte, and the limits of connections by TCP.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use proptest::prelude::*;

use super::super::tests::{connect, egress_of, jumped, question as asked, served};
use super::*;

fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut message = asked(name);
    let length = message.len();
    message[length - 4..length - 2].copy_from_slice(&kind.to_be_bytes());
    message
}

/// A question as it goes by TCP.
fn framed() -> Vec<u8> {
    let message = question("localhost", A);
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], &message].concat()
}

fn local_of(rules: &[&str]) -> Local {
    Local::new(Rc::new(egress_of(rules, 1)))
}

/// Code and number of answers.
fn found(message: &[u8], local: &Local) -> (u8, u8) {
    let answer = answer(message, local).unwrap();
    assert_eq!(&answer[..2], [7, 8]);
    assert_eq!(answer[2] & 0x80, 0x80);
    (answer[3] & 15, answer[7])
}

#[test]
fn what_no_rule_allows_does_not_exist() {
    let local = local_of(&[
        "!deny.example.org",
        "*.example.org:443",
        "a.b",
        "10.0.0.0/8:80",
    ]);
    for name in [
        "example.org",
        "deny.example.org",
        "www.example.com",
        // Allowed at every port, and so at none that somebody could listen at.
        "a.b",
        "host",
        "10.0.0.1",
        "1.0.0.10.in-addr.arpa",
    ] {
        assert_eq!(
            found(&question(name, A), &local),
            (NO_SUCH_NAME, 0),
            "{name}"
        );
    }
    // Without an address of the newer kind, but there.
    assert_eq!(
        found(&question("WWW.example.org", 28), &local),
        (NO_ERROR, 0)
    );
    for name in ["localhost", "x.LocalHost"] {
        assert_eq!(found(&question(name, A), &local), (NO_ERROR, 1), "{name}");
        assert_eq!(found(&question(name, 28), &local), (NO_ERROR, 0), "{name}");
    }
    // Also where a rule is about every name.
    let every = local_of(&["*:80"]);
    let pointer = question("1.0.0.127.in-addr.arpa", POINTER);
    assert_eq!(found(&pointer, &every), (NO_SUCH_NAME, 0));
    let mut chaos = question("www.example.org", A);
    *chaos.last_mut().unwrap() = 3;
    assert_eq!(found(&chaos, &local), (REFUSED, 0));
}

#[test]
fn a_port_that_an_earlier_rule_denies_makes_no_address() {
    let local = local_of(&[
        "!a.b:80", "a.b:80", "!*.c.d", "x.c.d:80", "e.f:1-9", "a.b:81",
    ]);
    assert_eq!(
        local
            .check(&"x.c.d".parse().unwrap())
            .unwrap_err()
            .unwrap()
            .to_string(),
        "!*.c.d"
    );
    assert_eq!(
        local
            .check(&"e.f".parse().unwrap())
            .unwrap_err()
            .unwrap()
            .to_string(),
        "e.f:1-9"
    );
    assert_eq!(local.check(&"g.h".parse().unwrap()).unwrap_err(), None);
    assert_eq!(local.check(&"a.b".parse().unwrap()), Ok(()));
    let local = local_of(&["!a.b:80", "a.b:80"]);
    assert_eq!(
        local
            .check(&"a.b".parse().unwrap())
            .unwrap_err()
            .unwrap()
            .to_string(),
        "!a.b:80"
    );
    assert_eq!(found(&question("a.b", A), &local), (NO_SUCH_NAME, 0));
}

#[test]
fn extensions_of_a_question_are_not_looked_at() {
    let local = local_of(&["a.b:80"]);
    let mut message = question("a.b", 28);
    let plain = answer(&message, &local).unwrap();
    // One additional record: OPT of the root, with 4096 bytes of payload.
    message[11] = 1;
    message.extend_from_slice(b"\0\0\x29\x10\0\0\0\0\0\0\0");
    assert_eq!(answer(&message, &local).unwrap(), plain);
}

#[test]
fn what_is_no_question_is_told_so_or_not_answered() {
    let local = local_of(&[]);
    let good = question("a.b", A);
    for length in 0..good.len() {
        let answer = answer(&good[..length], &local);
        assert_eq!(
            answer.map(|answer| answer[3] & 15),
            (length >= HEADER).then_some(1)
        );
    }
    let mut answered = good.clone();
    answered[2] |= 0x80;
    assert_eq!(answer(&answered, &local), None);
    let mut update = good.clone();
    update[2] |= 5 << 3;
    assert_eq!(found(&update, &local).0, NOT_IMPLEMENTED);
    let mut two = good.clone();
    two[5] = 2;
    assert_eq!(found(&two, &local).0, FORMAT_ERROR);
    let pointer = [&good[..HEADER], &[0xc0, 0x0c, 0, 1, 0, 1]].concat();
    assert_eq!(found(&pointer, &local).0, FORMAT_ERROR);
    // Read as a length, the pointer's first byte would be one of a label that is there.
    let label = [&good[..HEADER], &[0xc0], &[b'a'; 0xc0], &[0, 0, 1, 0, 1]].concat();
    assert_eq!(found(&label, &local).0, FORMAT_ERROR);
    let dot = [&good[..HEADER], b"\x03a.b\x00\x00\x01\x00\x01"].concat();
    assert_eq!(found(&dot, &local).0, FORMAT_ERROR);
    let space = question("a b.example.org", A);
    assert_eq!(found(&space, &local).0, FORMAT_ERROR);
    let long = question(&["a"; 200].join("."), A);
    assert_eq!(found(&long, &local).0, FORMAT_ERROR);
}

/// How many seconds a connection is served whose client has sent `bytes` and goes on to nothing.
fn seconds(bytes: &[u8]) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = socket2::Socket::from(listener.accept().unwrap().0);
    // As little as the kernel allows, so that answers that are not read are not taken.
    server.set_send_buffer_size(1).unwrap();
    client.write_all(bytes).unwrap();
    let local = local_of(&[]);
    let conversation = async {
        let server = Stream::new(server).unwrap();
        timeout(Duration::from_secs(100), converse(server, &local)).await
    };
    let (_, seconds) = jumped(conversation);
    seconds
}

#[test]
fn a_connection_that_is_idle_ends() {
    assert_eq!(seconds(b""), 10);
    assert_eq!(seconds(b"\x00"), 10);
    assert_eq!(seconds(&framed()), 10);
    // A million bytes of answers.
    assert_eq!(seconds(&framed().repeat(20_000)), 10);
}

#[test]
fn so_many_connections_are_served_and_more_wait() {
    let (_, (_, port)) = served(&[], 1);
    let mut clients: Vec<_> = (0..17).map(|_| connect(port)).collect();
    for client in &mut clients {
        client.write_all(&framed()).unwrap();
    }
    let mut answer = [0; 2];
    let mut last = clients.pop().unwrap();
    for client in &mut clients {
        client.read_exact(&mut answer).unwrap();
    }
    last.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    last.read_exact(&mut answer).unwrap_err();
    clients.pop();
    last.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    last.read_exact(&mut answer).unwrap();
}

proptest! {
    #[test]
    fn hostile_bytes_are_answered_or_not(message in prop::collection::vec(any::<u8>(), 0..80)) {
        let local = local_of(&["a.b:80"]);
        if let Some(answer) = answer(&message, &local) {
            prop_assert!(answer.len() <= message.len().max(HEADER) + 16);
        }
    }
}
