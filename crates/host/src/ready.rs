//! The agent's word that the application can be reached: one line of JSON on a stream of its own.
//!
//! | line | when |
//! |---|---|
//! | `{"schema":1,"event":"ready","ready_ms":N}` | every port of `ingress` was open once; N milliseconds since the kernel's start |
//!
//! It is no part of the status, which is init's: the agent cannot say how the application ended.
//! What is no such line is as good as silence, and the enclave is then not ready.

use serde::Deserialize;

/// Bytes of the longest line, with its newline.
const MAX_LINE: usize = 128;

/// The line.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Ready { schema: u32, ready_ms: u64 },
}

/// Reads the stream from pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct ReadyReader(Vec<u8>);

/// How far the line has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// More may follow.
    Nothing,
    /// Milliseconds since the kernel's start, in the guest's words.
    Ready(u64),
    /// It will never be the line.
    Nonsense,
}

impl ReadyReader {
    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Heard {
        let room = MAX_LINE.saturating_sub(self.0.len());
        if bytes.len() > room {
            return Heard::Nonsense;
        }
        self.0.extend_from_slice(bytes);
        let Some(line) = self.0.strip_suffix(b"\n") else {
            return Heard::Nothing;
        };
        match serde_json::from_slice(line) {
            Ok(Line::Ready {
                schema: 1,
                ready_ms,
            }) => Heard::Ready(ready_ms),
            Ok(Line::Ready { .. }) | Err(_) => Heard::Nonsense,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":512}\n";

    #[test]
    fn the_line_is_read_from_pieces_and_nothing_else_is() {
        let mut reader = ReadyReader::default();
        let (begin, end) = LINE.split_at(20);
        assert_eq!(reader.push(begin), Heard::Nothing);
        assert_eq!(reader.push(end), Heard::Ready(512));
        for other in [
            &b"\n"[..],
            b"{}\n",
            b"{\"schema\":2,\"event\":\"ready\",\"ready_ms\":512}\n",
            b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":-1}\n",
            b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":1,\"more\":1}\n",
            b"{\"schema\":1,\"event\":\"exited\",\"code\":0}\n",
            &[b'x'; MAX_LINE + 1],
        ] {
            assert_eq!(ReadyReader::default().push(other), Heard::Nonsense);
        }
        let mut reader = ReadyReader::default();
        assert_eq!(reader.push(&[b' '; MAX_LINE]), Heard::Nothing);
        assert_eq!(reader.push(b"x"), Heard::Nonsense);
    }
}
