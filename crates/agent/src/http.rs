//! One request of HTTP/1.1 (RFC 9112) and its answer, for the endpoints that the agent has itself.
//!
//! Small on purpose: one request for each connection, a body only with a `Content-Length`, and
//! bounds on everything. It is no server for applications.

use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::stream::Stream;

/// Bytes of the longest head of a request.
const MAX_HEAD: usize = 8 * 1024;
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// Bytes of the longest body of a request: three fields of a document in base64, and JSON.
const MAX_BODY: usize = 8 * 1024;
/// Bytes that are read at once.
const PIECE: usize = 2 * 1024;

/// A request that came whole.
#[derive(Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    body: Vec<u8>,
}

/// The head of a request, and where its body begins.
struct Head {
    method: String,
    target: String,
    length: usize,
    body: usize,
}

impl Request {
    /// Reads a request. What is wrong with it is an answer.
    pub(crate) async fn read(stream: &Stream) -> io::Result<Result<Self, Answer>> {
        let mut read = Vec::new();
        let mut piece = [0; PIECE];
        let head = loop {
            let length = stream.read(&mut piece).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read.extend_from_slice(piece.get(..length).unwrap_or_default());
            match parse_head(&read) {
                Ok(Some(head)) if head.body <= MAX_HEAD => break head,
                Ok(None) if read.len() <= MAX_HEAD => {}
                Ok(_) => return Ok(Err(Answer::text(431, "the head is too long\n"))),
                Err(answer) => return Ok(Err(answer)),
            }
        };
        let end = head.body.saturating_add(head.length);
        while read.len() < end {
            let length = stream.read(&mut piece).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read.extend_from_slice(piece.get(..length).unwrap_or_default());
        }
        Ok(Ok(Self {
            method: head.method,
            target: head.target,
            body: read.get(head.body..end).unwrap_or_default().to_vec(),
        }))
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Both parts of the target; the query is empty when there is none.
    pub(crate) fn path_and_query(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    #[cfg(test)]
    pub(crate) fn for_test(method: &str, target: &str, body: &[u8]) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            body: body.to_vec(),
        }
    }
}

/// The head, if it is there already.
fn parse_head(read: &[u8]) -> Result<Option<Head>, Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let body = match request.parse(read) {
        Ok(httparse::Status::Complete(body)) => body,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Answer::text(431, "there are too many headers\n"));
        }
        Err(_) => return Err(Answer::text(400, "this is no request of HTTP/1.1\n")),
    };
    let length = length_of_body(request.headers)?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some(Head {
        method: text(request.method),
        target: text(request.path),
        length,
        body,
    }))
}

fn length_of_body(headers: &[httparse::Header<'_>]) -> Result<usize, Answer> {
    let of = |name: &'static str| {
        let headers = headers.iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    if of("transfer-encoding").next().is_some() {
        return Err(Answer::text(411, "say how long the body is\n"));
    }
    let mut lengths = of("content-length");
    let Some(header) = lengths.next() else {
        return Ok(0);
    };
    let digits = str::from_utf8(header.value)
        .ok()
        .filter(|text| lengths.next().is_none() && text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|text| text.parse().ok()) {
        Some(length) if length <= MAX_BODY => Ok(length),
        Some(_) => Err(Answer::text(413, "the body is too long\n")),
        None => Err(Answer::text(400, "`Content-Length` is no number\n")),
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Answer {
    /// A sentence.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::new(
            status,
            "text/plain; charset=utf-8",
            text.as_bytes().to_vec(),
        )
    }

    /// A document of the security module as it is.
    pub(crate) fn document(document: &[u8]) -> Self {
        Self::new(
            200,
            "application/cose; cose-type=\"cose-sign1\"",
            document.to_vec(),
        )
    }

    /// The same in the form that clients of other projects read.
    pub(crate) fn document_in_json(document: &[u8]) -> Self {
        let document = STANDARD.encode(document);
        Self::json(&format!("{{\"attestation_document\":\"{document}\"}}"))
    }

    /// A document of JSON.
    pub(crate) fn json(json: &str) -> Self {
        Self::new(200, "application/json", json.as_bytes().to_vec())
    }

    const fn new(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            kind,
            headers: Vec::new(),
            body,
        }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says that it is for this once, and that pages of other origins may read it: there is nothing
    /// in it that only some may know.
    pub(crate) fn without_cache(self) -> Self {
        self.with("Cache-Control", "no-store")
            .with("Access-Control-Allow-Origin", "*")
    }

    #[cfg(test)]
    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// What is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (status, reason) = (self.status, reason(self.status));
        let (kind, length) = (self.kind, self.body.len());
        let mut head = format!("HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n");
        for (name, value) in &self.headers {
            // Writing to a string cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(
            head,
            "Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        [head.as_bytes(), &self.body].concat()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
