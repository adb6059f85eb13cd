//! Answers to questions for names (RFC 1035), at 127.0.0.1:53 by UDP and TCP.
//!
//! No question leaves the enclave. An answer from outside would be the parent's word, and nothing
//! could be decided by it; a name goes to the parent as a name, when it is called. So a name that the
//! rules allow is answered with an address of this machine (`local`), and every other does not
//! exist.
//!
//! | part of a message | bytes |
//! |---|---|
//! | id, flags, number of questions, answers, authorities, additional records | 2 each |
//! | question | labels, each with its length in front, `00`; type, class: 2 each |
//! | answer | `c0 0c` (the name of the question), type, class, seconds (4), length (2), address |

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use enclair_configuration::Host;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout};

use super::inbox::Inbox;
use super::local::{Local, Place};
use crate::lines::{self, Asked};
use crate::stream::{Listener, Stream};

/// Where it listens. Init writes this address into `/etc/resolv.conf`.
pub(super) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 53);
/// Bytes of the longest question: a name of 255 bytes, and records of extensions behind it.
const MAX_MESSAGE: usize = 1024;
/// Connections at the same time by TCP.
const MAX_CONNECTIONS: usize = 16;
/// How long a connection may be idle.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing is received after the kernel had no memory or file.
const EXHAUSTED: Duration = Duration::from_millis(50);
/// Seconds for which an answer holds. The address of a name never changes.
const SECONDS: u32 = 60;

const A: u16 = 1;
const POINTER: u16 = 12;
const INTERNET: u16 = 1;
const HEADER: usize = 12;

const NO_ERROR: u8 = 0;
const FORMAT_ERROR: u8 = 1;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;
const NOT_IMPLEMENTED: u8 = 4;
const REFUSED: u8 = 5;

/// Both sockets, bound.
#[derive(Debug)]
pub(super) struct Names {
    datagrams: UdpSocket,
    listener: Listener,
    local: Rc<Local>,
}

impl Names {
    pub(super) fn listen(address: SocketAddrV4, local: Local) -> io::Result<Self> {
        let datagrams = std::net::UdpSocket::bind(address)?;
        datagrams.set_nonblocking(true)?;
        Ok(Self {
            datagrams: UdpSocket::from_std(datagrams)?,
            listener: Listener::tcp(address)?,
            local: Rc::new(local),
        })
    }

    /// Serves both to the end of the enclave.
    pub(super) fn serve(self) {
        let Self {
            datagrams,
            listener,
            local,
        } = self;
        tokio::task::spawn_local(serve_datagrams(datagrams, Rc::clone(&local)));
        tokio::task::spawn_local(serve_connections(listener, local));
    }

    #[cfg(test)]
    pub(super) fn ports(&self) -> (u16, u16) {
        let port = self.datagrams.local_addr().map(|address| address.port());
        (port.unwrap_or_default(), self.listener.port())
    }
}

async fn serve_datagrams(socket: UdpSocket, local: Rc<Local>) {
    let mut message = [0; MAX_MESSAGE];
    loop {
        let received: io::Result<(usize, SocketAddr)> = socket.recv_from(&mut message).await;
        let Ok((length, from)) = received else {
            sleep(EXHAUSTED).await;
            continue;
        };
        let question = message.get(..length).unwrap_or_default();
        if let Some(answer) = answer(question, &local) {
            // A datagram may be lost; whoever asked asks again.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn serve_connections(listener: Listener, local: Rc<Local>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&connections).acquire_owned().await {
        let Ok(client) = listener.accept().await else {
            sleep(EXHAUSTED).await;
            continue;
        };
        let local = Rc::clone(&local);
        tokio::task::spawn_local(async move {
            let _ = converse(client, &local).await;
            drop(permit);
        });
    }
}

/// Questions on one connection, each with its length in front.
async fn converse(client: Stream, local: &Local) -> io::Result<()> {
    let mut inbox = Inbox::new(client);
    loop {
        let question = timeout(PATIENCE, async {
            let length = u16::from_be_bytes(inbox.exact().await?);
            if usize::from(length) > MAX_MESSAGE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            inbox.bytes(length.into()).await
        });
        let question = question.await??;
        let Some(answer) = answer(&question, local) else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).unwrap_or_default();
        let message = [&length.to_be_bytes()[..], &answer].concat();
        // One that asks and does not read the answers is idle too.
        timeout(PATIENCE, inbox.stream().write_all(&message)).await??;
        // One that asks without a pause would keep the thread from all others.
        consume_budget().await;
    }
}

/// A question, and the bytes in which it was asked.
#[derive(Debug, PartialEq, Eq)]
struct Question<'a> {
    /// The name as text, without a dot at its end.
    name: String,
    kind: u16,
    class: u16,
    bytes: &'a [u8],
}

/// The answer to a message; `None` for what is no question at all.
fn answer(message: &[u8], local: &Local) -> Option<Vec<u8>> {
    let header: &[u8; HEADER] = message.first_chunk()?;
    let [_, _, flags, ..] = *header;
    // An answer that somebody sends here is not answered, or two would talk for ever.
    if flags & 0x80 != 0 {
        return None;
    }
    if flags & 0x78 != 0 {
        return Some(reply(header, NOT_IMPLEMENTED, &[], None));
    }
    let Some(question) = parse(message) else {
        return Some(reply(header, FORMAT_ERROR, &[], None));
    };
    let (code, address) = resolve(&question, local);
    Some(reply(header, code, question.bytes, address))
}

fn resolve(question: &Question<'_>, local: &Local) -> (u8, Option<Ipv4Addr>) {
    if question.class != INTERNET {
        return (REFUSED, None);
    }
    // Names of addresses: of those here there are none, and of others nothing is known.
    if question.kind == POINTER {
        return (NO_SUCH_NAME, None);
    }
    let name = question.name.to_ascii_lowercase();
    // RFC 6761, section 6.3: these never leave the machine, nor do those below.
    if name == "localhost" || name.ends_with(".localhost") {
        return (
            NO_ERROR,
            (question.kind == A).then_some(Ipv4Addr::LOCALHOST),
        );
    }
    let Ok(host @ (Host::Name(_) | Host::Parent)) = name.parse() else {
        return (NO_SUCH_NAME, None);
    };
    if let Err(rule) = local.check(&host) {
        lines::denied(Asked::Name(&host), rule);
        return (NO_SUCH_NAME, None);
    }
    if question.kind != A {
        return (NO_ERROR, None);
    }
    match local.place(&host) {
        Place::Address(address) => (NO_ERROR, Some(address)),
        Place::Nowhere => (NO_SUCH_NAME, None),
        Place::NoRoom => (SERVER_FAILURE, None),
    }
}

/// The one question of a message.
fn parse(message: &[u8]) -> Option<Question<'_>> {
    let (header, rest) = message.split_first_chunk::<HEADER>()?;
    let [_, _, _, _, 0, 1, ..] = *header else {
        return None;
    };
    let mut name = String::new();
    let mut left = rest;
    loop {
        let (&length, behind) = left.split_first()?;
        if length == 0 {
            left = behind;
            break;
        }
        // A greater number is a pointer, of which a first name has none.
        let label = behind.get(..usize::from(length)).filter(|_| length < 64)?;
        left = behind.get(usize::from(length)..)?;
        if !name.is_empty() {
            name.push('.');
        }
        // A dot inside of a label would make another name of it.
        let plain = label
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b'.');
        name.push_str(str::from_utf8(label).ok().filter(|_| plain)?);
        if name.len() > 253 {
            return None;
        }
    }
    let (&[kind, kind2, class, class2], behind) = left.split_first_chunk()?;
    let length = rest.len().checked_sub(behind.len())?;
    Some(Question {
        name,
        kind: u16::from_be_bytes([kind, kind2]),
        class: u16::from_be_bytes([class, class2]),
        bytes: rest.get(..length)?,
    })
}

fn reply(
    &[id, id2, flags, ..]: &[u8; HEADER],
    code: u8,
    question: &[u8],
    address: Option<Ipv4Addr>,
) -> Vec<u8> {
    let (questions, answers) = (u8::from(!question.is_empty()), u8::from(address.is_some()));
    // An answer, with the operation and the wish for recursion as they were asked.
    let flags = 0x80 | (flags & 0x79);
    let head = [
        id,
        id2,
        flags,
        0x80 | code,
        0,
        questions,
        0,
        answers,
        0,
        0,
        0,
        0,
    ];
    let mut message = [&head[..], question].concat();
    if let Some(address) = address {
        message.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1]);
        message.extend_from_slice(&SECONDS.to_be_bytes());
        message.extend_from_slice(&[0, 4]);
        message.extend_from_slice(&address.octets());
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::egress_of;
    use super::*;

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message
    }

    fn local(rules: &[&str]) -> Local {
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
        let local = local(&[
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
        let pointer = question("1.0.0.127.in-addr.arpa", POINTER);
        assert_eq!(found(&pointer, &local), (NO_SUCH_NAME, 0));
        let mut chaos = question("www.example.org", A);
        *chaos.last_mut().unwrap() = 3;
        assert_eq!(found(&chaos, &local), (REFUSED, 0));
    }

    #[test]
    fn a_port_that_an_earlier_rule_denies_makes_no_address() {
        let local = local(&[
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
        let local = super::tests::local(&["!a.b:80", "a.b:80"]);
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
        let local = local(&["a.b:80"]);
        let mut message = question("a.b", 28);
        let plain = answer(&message, &local).unwrap();
        // One additional record: OPT of the root, with 4096 bytes of payload.
        message[11] = 1;
        message.extend_from_slice(b"\0\0\x29\x10\0\0\0\0\0\0\0");
        assert_eq!(answer(&message, &local).unwrap(), plain);
    }

    #[test]
    fn what_is_no_question_is_told_so_or_not_answered() {
        let local = local(&[]);
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
        let dot = [&good[..HEADER], b"\x03a.b\x00\x00\x01\x00\x01"].concat();
        assert_eq!(found(&dot, &local).0, FORMAT_ERROR);
        let space = question("a b.example.org", A);
        assert_eq!(found(&space, &local).0, FORMAT_ERROR);
        let long = question(&["a"; 200].join("."), A);
        assert_eq!(found(&long, &local).0, FORMAT_ERROR);
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_answered_or_not(message in prop::collection::vec(any::<u8>(), 0..80)) {
            let local = local(&["a.b:80"]);
            if let Some(answer) = answer(&message, &local) {
                prop_assert!(answer.len() <= message.len().max(HEADER) + 16);
            }
        }
    }
}
