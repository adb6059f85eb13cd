//! The rest of one request, and the answer to it.
//!
//! It is no relay: the client's way ends with the body of its request, whatever else comes, and the
//! exchange ends with the answer, whatever the client still sends.

use std::io;
use std::pin::pin;
use std::task::Poll;

use tokio::task::coop::consume_budget;

use super::body::{Body, Malformed};
use crate::relay::pass;
use crate::stream::Stream;

/// Bytes that are read at once of a body.
const PIECE: usize = 16 * 1024;

/// Passes on the body, of which `read` was read already with what may follow it, and the answer to
/// its end. Gives the client back; if something breaks off, both connections are reset.
pub(super) async fn exchange(
    client: Stream,
    target: Stream,
    body: Body,
    read: Vec<u8>,
) -> io::Result<Stream> {
    match converse(&client, &target, body, read).await {
        Ok(()) => Ok(client),
        Err(error) => {
            client.reset();
            target.reset();
            Err(error)
        }
    }
}

/// Waits for the answer, or for the first way that fails.
async fn converse(client: &Stream, target: &Stream, body: Body, read: Vec<u8>) -> io::Result<()> {
    let mut answer = pin!(pass(target, client));
    let mut request = pin!(ask(client, target, body, read));
    let mut asked = false;
    std::future::poll_fn(|context| {
        if let Poll::Ready(result) = answer.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        if !asked && let Poll::Ready(result) = request.as_mut().poll(context) {
            asked = true;
            if result.is_err() {
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

async fn ask(client: &Stream, target: &Stream, mut body: Body, read: Vec<u8>) -> io::Result<()> {
    let mut bytes = read;
    loop {
        let length = body
            .take(&bytes)
            .map_err(|Malformed| io::Error::from(io::ErrorKind::InvalidData))?;
        let (own, more) = bytes.split_at_checked(length).unwrap_or((&bytes, &[]));
        target.write_all(own).await?;
        if body.is_whole() && !more.is_empty() {
            break;
        }
        // Behind the body, the client's end is waited for, or what it says next; without a buffer,
        // because that can take long.
        drop(bytes);
        client.readable().await?;
        bytes = vec![0; PIECE];
        let length = client.read(&mut bytes).await?;
        bytes.truncate(length);
        if length == 0 {
            break;
        }
        consume_budget().await;
    }
    drop(bytes);
    // The target learns that no more comes, and ends with its answer even if it would have gone on.
    target.finish_writing()?;
    client.drain().await
}
