//! SOCKS version 5 (RFC 1928), without authentication, `CONNECT` alone.
//!
//! | message | bytes |
//! |---|---|
//! | methods | `05`, their number, the methods; answered `05 00`, or `05 ff` when 0 is not among them |
//! | request | `05`, command, `00`, kind of address, address, port of two bytes |
//! | answer | `05`, reply, `00`, `01`, four zeros and two: no address of ours means anything outside |

use std::net::IpAddr;

use enclair_configuration::Host;

use super::inbox::Inbox;
use super::proxy::{Protocol, Request, Wrong};
use super::{Reason, Refusal, Target};

/// The first byte of every message.
pub(super) const VERSION: u8 = 5;
const CONNECT: u8 = 1;
/// The only method: nobody but the application reaches this port.
const NO_AUTHENTICATION: u8 = 0;
const NO_METHOD: u8 = 0xff;

/// The reply to a call that was made.
pub(super) const ACCEPTED: &[u8] = &reply(0);

const GENERAL_FAILURE: u8 = 1;
const NOT_ALLOWED: u8 = 2;
const NETWORK_UNREACHABLE: u8 = 3;
const HOST_UNREACHABLE: u8 = 4;
const REFUSED: u8 = 5;
const NO_SUCH_COMMAND: u8 = 7;
const NO_SUCH_ADDRESS: u8 = 8;

const fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// The reply to a call that was not made.
pub(super) const fn refused(refusal: &Refusal) -> [u8; 10] {
    reply(match refusal {
        Refusal::Denied(_) | Refusal::Parent(Reason::NotAllowed) => NOT_ALLOWED,
        Refusal::Parent(Reason::NotFound | Reason::TimedOut) => HOST_UNREACHABLE,
        Refusal::Parent(Reason::Refused) => REFUSED,
        Refusal::Parent(Reason::Unreachable) => NETWORK_UNREACHABLE,
        Refusal::Parent(Reason::TooMany) => GENERAL_FAILURE,
    })
}

fn wrong(code: u8) -> Wrong {
    Wrong::Told(reply(code).to_vec())
}

/// Reads both messages of a client.
pub(super) async fn read(inbox: &mut Inbox) -> Result<Request, Wrong> {
    let [_version, count] = inbox.exact().await?;
    let methods = inbox.bytes(count.into()).await?;
    if !methods.contains(&NO_AUTHENTICATION) {
        return Err(Wrong::Told(vec![VERSION, NO_METHOD]));
    }
    let chosen = [VERSION, NO_AUTHENTICATION];
    inbox.stream().write_all(&chosen).await?;
    let [version, command, _reserved, kind] = inbox.exact().await?;
    if version != VERSION {
        return Err(wrong(GENERAL_FAILURE));
    }
    let host = match kind {
        1 => Host::from(IpAddr::from(inbox.exact::<4>().await?)),
        3 => {
            let [length] = inbox.exact().await?;
            let name = inbox.bytes(length.into()).await?;
            let name = str::from_utf8(&name).ok();
            let host = name.and_then(|name| name.parse().ok());
            host.ok_or_else(|| wrong(NO_SUCH_ADDRESS))?
        }
        4 => Host::from(IpAddr::from(inbox.exact::<16>().await?)),
        _ => return Err(wrong(NO_SUCH_ADDRESS)),
    };
    let port = u16::from_be_bytes(inbox.exact().await?);
    if command != CONNECT {
        return Err(wrong(NO_SUCH_COMMAND));
    }
    if port == 0 {
        return Err(wrong(GENERAL_FAILURE));
    }
    Ok(Request {
        target: Target { host, port },
        protocol: Protocol::Socks,
        first: Vec::new(),
    })
}
