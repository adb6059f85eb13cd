//! HTTP/1.1 as a proxy hears it (RFC 9110, RFC 9112): `CONNECT`, and requests in absolute form.
//!
//! A request in absolute form goes to its target in origin form, with `Connection: close`, and its
//! body behind it. Nothing more that comes on the connection is passed on: a second request may be
//! for somebody else. What two readers could take for different messages is refused.
//!
//! There is no `Via`, which RFC 9110 wants of a proxy: this one is a part of the machine that asks,
//! and whoever answers is not told how that is built.

use std::io;

use enclair_configuration::Host;

use super::body::Body;
use super::inbox::Inbox;
use super::proxy::{Protocol, Request, Wrong};
use super::{Reason, Refusal, Target};
use crate::http::Answer;

/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// Headers that are about this connection and not about the request.
const HOP_BY_HOP: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// What the client of a refused call is told.
pub(super) fn refused(target: &Target, refusal: &Refusal) -> Answer {
    let status = match refusal {
        Refusal::Denied(_) | Refusal::Parent(Reason::NotAllowed) => 403,
        Refusal::Parent(Reason::TimedOut) => 504,
        Refusal::Parent(Reason::TooMany) => 503,
        Refusal::Parent(Reason::NotFound | Reason::Refused | Reason::Unreachable) => 502,
    };
    Answer::text(status, &format!("{target}: {refusal}\n"))
}

fn wrong(text: &str) -> Answer {
    Answer::text(400, text)
}

/// Reads the head of a request. Its body stays in the inbox.
pub(super) async fn read(inbox: &mut Inbox) -> Result<Request, Wrong> {
    loop {
        if let Some((request, length)) = parse(inbox.kept())? {
            inbox.take(length);
            return Ok(request);
        }
        match inbox.fill().await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Answer::text(431, "the head is too long\n").into());
            }
            result => result?,
        }
    }
}

/// The request, and the length of its head, if it is there already.
fn parse(read: &[u8]) -> Result<Option<(Request, usize)>, Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(read) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Answer::text(431, "there are too many headers\n"));
        }
        Err(_) => return Err(wrong("this is no request of HTTP/1.1\n")),
    };
    let body = framing(request.headers, request.version)?;
    let target = request.path.unwrap_or_default();
    let request = if request.method == Some("CONNECT") {
        Request {
            target: authority(target, None)?,
            protocol: Protocol::Connect,
            first: Vec::new(),
        }
    } else {
        forward(&request, body)?
    };
    Ok(Some((request, length)))
}

/// How far the body goes. Two lengths, or two hosts, are two messages to two readers.
fn framing(headers: &[httparse::Header<'_>], version: Option<u8>) -> Result<Body, Answer> {
    let of = |name: &str| {
        let headers = headers.iter();
        headers
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
            .collect::<Vec<_>>()
    };
    if of("host").len() > 1 {
        return Err(wrong("there are two `Host`\n"));
    }
    let (lengths, codings) = (of("content-length"), of("transfer-encoding"));
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(Body::NONE),
        ([length], []) => {
            Body::of_length(length).ok_or_else(|| wrong("`Content-Length` is no number\n"))
        }
        // HTTP/1.0 has no codings, and a target of that age would read them as a body.
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && version == Some(1) => {
            Ok(Body::CHUNKED)
        }
        ([], [_]) => Err(wrong("the only `Transfer-Encoding` is `chunked`\n")),
        _ => Err(wrong("the length of the body is said twice\n")),
    }
}

/// `HOST:PORT`, where the port may be left out if there is a default.
fn authority(text: &str, default: Option<u16>) -> Result<Target, Answer> {
    if text.contains('@') {
        return Err(wrong("a name of a user is in the target\n"));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let digits = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => Some(port).filter(digits).and_then(|port| port.parse().ok()),
        None => default,
    };
    let port = port.filter(|port| *port > 0);
    // Brackets are for addresses of IPv6, which have colons, and which nobody could tell from the
    // port without.
    let host = Some(host)
        .filter(|host| host.contains(':') == host.starts_with('['))
        .and_then(|host| host.parse::<Host>().ok());
    match (host, port) {
        (Some(host), Some(port)) => Ok(Target { host, port }),
        _ => Err(wrong("expected a name or an address, and a port\n")),
    }
}

/// A request in absolute form, and what the target gets of it.
fn forward(request: &httparse::Request<'_, '_>, body: Body) -> Result<Request, Answer> {
    let target = request.path.unwrap_or_default();
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(wrong(
            "this is a proxy: expected `CONNECT HOST:PORT` or `http://HOST/..`\n",
        ));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(wrong(
            "only `http://` is passed on; for others use `CONNECT`\n",
        ));
    }
    if rest.contains('#') {
        return Err(wrong("a fragment is not for whoever answers\n"));
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let target = authority(host, Some(80))?;
    let method = request.method.unwrap_or_default();
    let slash = match path {
        // RFC 9112, section 3.2.4: the options of the whole server.
        "" if method == "OPTIONS" => "*",
        path if path.starts_with('/') => "",
        _ => "/",
    };
    let version = request.version.unwrap_or(1);
    let mut head =
        format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {host}\r\n").into_bytes();
    let dropped = dropped(request.headers);
    for header in request.headers.iter() {
        let name = header.name.to_ascii_lowercase();
        if name == "host" || dropped.contains(&name) {
            continue;
        }
        head.extend_from_slice(header.name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(header.value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    Ok(Request {
        target,
        protocol: Protocol::Forward(body),
        first: head,
    })
}

/// Names of headers that end here, in lower case: those of every connection, and those that
/// `Connection` names, but for what says how long the body is.
fn dropped(headers: &[httparse::Header<'_>]) -> Vec<String> {
    let connection = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("connection"));
    let named = connection
        .filter_map(|header| str::from_utf8(header.value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !["content-length", "transfer-encoding"].contains(&name.as_str()));
    HOP_BY_HOP
        .iter()
        .map(|name| (*name).to_owned())
        .chain(named)
        .collect()
}
