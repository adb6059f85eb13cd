//! What the agent's readers make of bytes: for `fuzz/` and the replay of its seeds. Nothing in an
//! enclave calls this.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use socket2::Socket;
use tokio::runtime::Builder;

use super::body::Body;
use super::inbox::Inbox;
use super::{names, proxy};
use crate::attestation::requests::{Inside, Outside};
use crate::http;
use crate::stream::Stream;

/// Bytes that a pair of sockets surely holds.
const MAX_BYTES: usize = 64 * 1024;

/// Gives `read` a stream of which `bytes` come, and then the end.
fn stream_of<T>(bytes: &[u8], read: impl AsyncFnOnce(Stream) -> Option<T>) -> Option<T> {
    let (mut client, server) = UnixStream::pair().ok()?;
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    client.write_all(bytes).ok()?;
    client.shutdown(Shutdown::Write).ok()?;
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let stream = Stream::new(Socket::from(OwnedFd::from(server))).ok()?;
        read(stream).await
    })
}

/// Whom a client of the proxy calls, and what the target gets of its request before the rest; of HTTP
/// and SOCKS.
pub fn proxied(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    stream_of(bytes, async |stream| {
        let request = proxy::read(&mut Inbox::new(stream)).await.ok()?;
        Some((request.target.to_string(), request.first))
    })
}

/// How many bytes belong to a body of chunks that comes in such pieces, and whether it is whole.
pub fn chunked(bytes: &[u8], piece: usize) -> Option<(usize, bool)> {
    let mut body = Body::CHUNKED;
    let mut length = 0_usize;
    for piece in bytes.chunks(piece.max(1)) {
        let taken = body.take(piece).ok()?;
        length = length.saturating_add(taken);
        if taken < piece.len() {
            break;
        }
    }
    Some((length, body.is_whole()))
}

/// A question for a name, as text.
pub fn question(message: &[u8]) -> Option<String> {
    names::parse(message).map(|question| format!("{question:?}"))
}

/// A request for a document as both sides read it, as text: from outside, and from the application.
pub fn attestation(bytes: &[u8]) -> Option<(Option<String>, Option<String>)> {
    stream_of(bytes, async |stream| {
        let request = http::Request::read(&stream).await.ok()?.ok()?;
        let outside = Outside::parse(&request).ok().map(|it| format!("{it:?}"));
        let inside = Inside::parse(&request).ok().map(|it| format!("{it:?}"));
        Some((outside, inside))
    })
}
