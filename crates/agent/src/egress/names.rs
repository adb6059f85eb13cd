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

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use enclair_configuration::{Host, NAMES_PORT};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout};

use super::inbox::Inbox;
use super::local::{Local, Place};
use crate::counters::{Counter, count};
use crate::lines::{self, Asked};
use crate::stream::{Listener, Stream};

/// Where it listens. Init writes this address into `/etc/resolv.conf`.
pub(super) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, NAMES_PORT);
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
    loop {
        let (client, right) = listener.accept(&connections).await;
        let local = Rc::clone(&local);
        tokio::task::spawn_local(async move {
            let _ = converse(client, &local).await;
            drop(right);
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
pub(super) struct Question<'a> {
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
        count(Counter::Denied);
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
pub(super) fn parse(message: &[u8]) -> Option<Question<'_>> {
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
