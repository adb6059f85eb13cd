//! What the parent says of the image: which source it is of, where it can be fetched. A hint, that
//! nobody has measured; whoever builds the image again finds out whether it is true.
//!
//! One stream to the parent's port 9007 for each request: `manifest` and a newline, and a JSON object
//! to the end of the stream. It is passed on below a key that says what it is worth:
//!
//! ```text
//! {"schema":1,"unverified":{..}}
//! ```
//!
//! Nothing of it is kept, and a parent that says nothing, or no object, is one without a manifest.

use std::io;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::http::Answer;
use crate::stream::Stream;

/// The port of the parent.
const PORT: u32 = 9007;
/// Bytes of the longest manifest.
const MAX_BYTES: usize = 64 * 1024;
/// How long the parent may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is answered to who asks for it.
pub(super) async fn answer() -> Answer {
    let manifest = timeout(PATIENCE, async {
        let stream = Stream::to_parent(PORT).await?;
        ask(&stream).await
    });
    match manifest.await {
        Ok(Ok(manifest)) => labelled(&manifest),
        Ok(Err(_io)) => nothing(),
        Err(_elapsed) => nothing(),
    }
}

fn nothing() -> Answer {
    Answer::text(404, "the parent offers no manifest\n")
}

async fn ask(stream: &Stream) -> io::Result<Vec<u8>> {
    stream.write_all(b"manifest\n").await?;
    stream.finish_writing()?;
    let mut manifest = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(manifest);
        }
        if manifest.len().saturating_add(read) > MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        manifest.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
}

/// The manifest below the word for what it is worth. Written anew, so that what is passed on is one
/// object whatever the parent sent.
fn labelled(manifest: &[u8]) -> Answer {
    match serde_json::from_slice::<Map<String, Value>>(manifest) {
        Ok(manifest) => {
            let manifest = Value::from(manifest);
            Answer::json(&format!("{{\"schema\":1,\"unverified\":{manifest}}}"))
        }
        Err(_) => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(manifest: &[u8]) -> (u16, String) {
        let answer = labelled(manifest);
        let bytes = String::from_utf8(answer.bytes()).unwrap();
        let (_, body) = bytes.split_once("\r\n\r\n").unwrap();
        (answer.status(), body.to_owned())
    }

    #[test]
    fn an_object_is_passed_on_as_what_it_is() {
        assert_eq!(
            body(b" {\"b\": 1, \"a\": \"\\u000a\"} \n"),
            (
                200,
                r#"{"schema":1,"unverified":{"a":"\n","b":1}}"#.to_owned()
            )
        );
    }

    #[test]
    fn what_is_no_object_is_none() {
        for manifest in [
            &b""[..],
            b"[]",
            b"1",
            b"{",
            b"{}}",
            b"{\"schema\":1}, {}",
            b"\xff",
            &b"[".repeat(10_000),
        ] {
            assert_eq!(body(manifest).0, 404);
        }
    }
}
