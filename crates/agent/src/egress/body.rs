//! How far the body of a request goes (RFC 9112, sections 6 and 7.1).
//!
//! Bytes are counted and not changed, and none is kept. The form of chunks is read strictly: what
//! one reader takes for a line's end and another does not would be two requests.

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// This many bytes.
    Length(u64),
    /// Chunks, until an empty one and what follows it.
    Chunks(Place),
}

/// Where in a body of chunks the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the digits of a size, of which this many have come.
    Size {
        size: u64,
        digits: u8,
    },
    /// Behind them, in what is no part of the size.
    Extension {
        size: u64,
    },
    /// Behind the first byte of the line's end.
    SizeEnd {
        size: u64,
    },
    /// In the data.
    Data {
        left: u64,
    },
    /// Behind the data, before both bytes of the line's end, and between them.
    DataEnd,
    DataEnded,
    /// Behind the last chunk: at the begin of a line, in one, and in the end of one.
    Line,
    InLine,
    LineEnd,
    /// In the end of an empty line, which is the last.
    LastEnd,
    Whole,
}

/// Digits of the longest size.
const MAX_DIGITS: u8 = 15;

/// Bytes that are no chunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Body {
    pub(super) const NONE: Self = Self::Length(0);
    pub(super) const CHUNKED: Self = Self::Chunks(Place::Size { size: 0, digits: 0 });

    /// By the value of a `Content-Length`.
    pub(super) fn of_length(value: &[u8]) -> Option<Self> {
        // Parsing alone would take a sign.
        let digits = str::from_utf8(value)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits?.parse().ok().map(Self::Length)
    }

    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunks(Place::Whole))
    }

    /// How many of `bytes`, which come next, belong to the body.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_whole() {
            rest = match self {
                Self::Length(left) | Self::Chunks(Place::Data { left }) => skip(left, rest),
                Self::Chunks(place) => {
                    let Some((byte, behind)) = rest.split_first() else {
                        break;
                    };
                    *place = place.after(*byte).ok_or(Malformed)?;
                    behind
                }
            };
            if let Self::Chunks(place @ Place::Data { left: 0 }) = self {
                *place = Place::DataEnd;
            }
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }
}

/// What is behind the bytes of which `left` are left.
fn skip<'a>(left: &mut u64, bytes: &'a [u8]) -> &'a [u8] {
    let all = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let taken = all.min(*left);
    *left = left.saturating_sub(taken);
    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
    bytes.get(taken..).unwrap_or_default()
}

impl Place {
    /// The place behind `byte`; `None` if it cannot stand here.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
                if digits < MAX_DIGITS =>
            {
                let digit = char::from(byte).to_digit(16)?;
                Self::Size {
                    size: size.checked_mul(16)?.checked_add(digit.into())?,
                    digits: digits.saturating_add(1),
                }
            }
            (Self::Size { size, digits: 1.. } | Self::Extension { size }, b'\r') => {
                Self::SizeEnd { size }
            }
            (Self::Size { size, digits: 1.. }, b';' | b' ' | b'\t') => Self::Extension { size },
            (Self::Extension { size }, byte) if byte != b'\n' => Self::Extension { size },
            (Self::SizeEnd { size: 0 } | Self::LineEnd, b'\n') => Self::Line,
            (Self::SizeEnd { size }, b'\n') => Self::Data { left: size },
            (Self::DataEnd, b'\r') => Self::DataEnded,
            (Self::DataEnded, b'\n') => Self::Size { size: 0, digits: 0 },
            (Self::Line, b'\r') => Self::LastEnd,
            (Self::InLine, b'\r') => Self::LineEnd,
            (Self::Line | Self::InLine, byte) if byte != b'\n' => Self::InLine,
            (Self::LastEnd, b'\n') => Self::Whole,
            // Wherever it stands, every other byte is one too many.
            (_, _) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many bytes belong to the body when they come in pieces of that size.
    fn taken(mut body: Body, bytes: &[u8], piece: usize) -> Result<(usize, bool), Malformed> {
        let mut taken = 0;
        for piece in bytes.chunks(piece) {
            let length = body.take(piece)?;
            taken += length;
            if length < piece.len() {
                break;
            }
        }
        Ok((taken, body.is_whole()))
    }

    #[test]
    fn what_follows_a_body_does_not_belong_to_it() {
        let chunks: &[&[u8]] = &[
            b"0\r\n\r\n",
            b"4\r\nbody\r\n0\r\n\r\n",
            b"00a; x=\"y\"\r\n0123456789\r\n1\t\r\n\n\r\n0\r\nA: b\r\nC: d\r\n\r\n",
        ];
        for chunks in chunks {
            let bytes = [chunks, &b"GET http://c.d/"[..]].concat();
            for piece in 1..=bytes.len() {
                let found = taken(Body::CHUNKED, &bytes, piece);
                assert_eq!(found, Ok((chunks.len(), true)), "{chunks:?}");
            }
            for length in 0..chunks.len() {
                let found = taken(Body::CHUNKED, &chunks[..length], 3);
                assert!(!found.is_ok_and(|(_, whole)| whole));
            }
        }
        assert_eq!(taken(Body::Length(4), b"bodyGET", 3), Ok((4, true)));
        assert_eq!(taken(Body::Length(4), b"bod", 3), Ok((3, false)));
        assert_eq!(taken(Body::NONE, b"GET", 3), Ok((0, true)));
    }

    #[test]
    fn chunks_with_two_readings_are_none() {
        for bytes in [
            &b"\r\n"[..],
            b"g\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b"1\n",
            b"1\r\r\n",
            b"1;a\nb\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"0\r\n\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\nA: b\r\r\n",
            b"0000000000000001\r\n",
        ] {
            assert_eq!(taken(Body::CHUNKED, bytes, 64), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn a_length_is_digits() {
        assert_eq!(Body::of_length(b"18"), Some(Body::Length(18)));
        for value in [
            &b""[..],
            b"+1",
            b"-1",
            b"1, 1",
            b"0x1",
            b"18446744073709551616",
            b"\xff",
        ] {
            assert_eq!(Body::of_length(value), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_chunks_have_one_reading(
            bytes in prop::collection::vec(prop::sample::select(b"01fF;\r\n\r\n x".to_vec()), 0..60),
            piece in 1_usize..60,
        ) {
            let whole = taken(Body::CHUNKED, &bytes, 60);
            prop_assert_eq!(taken(Body::CHUNKED, &bytes, piece), whole);
        }
    }
}
