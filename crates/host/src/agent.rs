//! The agent's words: lines of JSON on a stream of its own.
//!
//! | line | when |
//! |---|---|
//! | `{"schema":1,"event":"ready","ready_ms":N}` | first: the application can be reached; N milliseconds since the kernel's start |
//! | `{"schema":1,"event":"counters","connections":N,..}` | later: numbers have changed |
//!
//! It is no part of the status, which is init's: the agent cannot say how the application ended.
//! What is no such line is as good as silence, and nothing is heard after it.

use serde::Deserialize;

/// Bytes of the longest line, with its newline.
const MAX_LINE: usize = 512;

/// How much the agent has done since it started, in the guest's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections from outside that were passed on to the application.
    pub connections: u64,
    /// Calls to outside that the measured rules allow.
    pub calls: u64,
    /// Calls and names that they do not.
    pub denied: u64,
    /// Documents of the security module that were given out.
    pub documents: u64,
    /// Requests for documents that were more than are answered in a second.
    pub limited: u64,
    /// Bytes of the application's output that nobody took.
    pub output_lost: u64,
}

/// The line.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Ready {
        schema: u32,
        ready_ms: u64,
    },
    Counters {
        schema: u32,
        connections: u64,
        calls: u64,
        denied: u64,
        documents: u64,
        limited: u64,
        output_lost: u64,
    },
}

/// What the agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Milliseconds since the kernel's start, in the guest's words.
    Ready(u64),
    Counters(Counters),
}

/// What was said is no word of the agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Nonsense;

/// Reads the stream from pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct AgentReader {
    rest: Vec<u8>,
    ready: bool,
}

impl AgentReader {
    /// Takes the next bytes and gives the words that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Word>, Nonsense> {
        let mut words = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.rest.len().saturating_add(piece.len()) > MAX_LINE {
                return Err(Nonsense);
            }
            self.rest.extend_from_slice(piece);
            if let Some(line) = self.rest.strip_suffix(b"\n") {
                words.push(self.word(line)?);
                self.rest.clear();
                self.ready = true;
            }
        }
        Ok(words)
    }

    fn word(&self, line: &[u8]) -> Result<Word, Nonsense> {
        match (serde_json::from_slice(line), self.ready) {
            (
                Ok(Line::Ready {
                    schema: 1,
                    ready_ms,
                }),
                false,
            ) => Ok(Word::Ready(ready_ms)),
            (
                Ok(Line::Counters {
                    schema: 1,
                    connections,
                    calls,
                    denied,
                    documents,
                    limited,
                    output_lost,
                }),
                true,
            ) => Ok(Word::Counters(Counters {
                connections,
                calls,
                denied,
                documents,
                limited,
                output_lost,
            })),
            (Ok(_) | Err(_), _) => Err(Nonsense),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &[u8] = b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":512}\n";
    const COUNTERS: &[u8] = b"{\"schema\":1,\"event\":\"counters\",\"connections\":1,\"calls\":2,\
\"denied\":3,\"documents\":4,\"limited\":5,\"output_lost\":18446744073709551615}\n";

    const NUMBERS: Counters = Counters {
        connections: 1,
        calls: 2,
        denied: 3,
        documents: 4,
        limited: 5,
        output_lost: u64::MAX,
    };

    #[test]
    fn lines_are_read_from_pieces_of_any_size() {
        let stream = [READY, COUNTERS, COUNTERS].concat();
        let expected = [
            Word::Ready(512),
            Word::Counters(NUMBERS),
            Word::Counters(NUMBERS),
        ];
        for size in [1, 7, stream.len()] {
            let mut reader = AgentReader::default();
            let pieces = stream.chunks(size);
            let words: Vec<_> = pieces
                .flat_map(|piece| reader.push(piece).unwrap())
                .collect();
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn nothing_else_is_a_word() {
        for other in [
            COUNTERS,
            b"\n",
            b"{}\n",
            b"{\"schema\":2,\"event\":\"ready\",\"ready_ms\":512}\n",
            b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":-1}\n",
            b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":1,\"more\":1}\n",
            b"{\"schema\":1,\"event\":\"exited\",\"code\":0}\n",
            &[b'x'; MAX_LINE + 1],
        ] {
            assert_eq!(AgentReader::default().push(other), Err(Nonsense));
        }
        let mut reader = AgentReader::default();
        assert_eq!(reader.push(&[b' '; MAX_LINE]), Ok(Vec::new()));
        assert_eq!(reader.push(b"x"), Err(Nonsense));
        let twice = [READY, READY].concat();
        assert_eq!(AgentReader::default().push(&twice), Err(Nonsense));
    }
}
