//! Makes what a guest writes to its console safe for a terminal.
//!
//! Newlines and tabs stay. Every other control character is shown as an escape, so that a guest
//! can neither move the cursor nor rename the window nor type into it. A carriage return in front
//! of a newline, which the serial port brings, is dropped. Bytes that are not UTF-8 are shown as
//! `\x` and two digits; a character may be cut in two between pieces.

use std::fmt::Write as _;

/// A filter with what it has to remember between pieces.
#[derive(Debug, Default)]
pub struct Console {
    /// The beginning of a character or of a line end whose rest has not come; 3 bytes at most.
    rest: Vec<u8>,
}

impl Console {
    /// The safe text of the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut pending = std::mem::take(&mut self.rest);
        pending.extend_from_slice(bytes);
        self.rest = pending.split_off(pending.len().saturating_sub(unfinished(&pending)));
        escape(&pending)
    }

    /// The safe text of what was kept back, at the end of the stream.
    pub fn finish(&mut self) -> String {
        escape(&std::mem::take(&mut self.rest))
    }
}

/// How many bytes at the end may mean something else once more bytes follow.
fn unfinished(bytes: &[u8]) -> usize {
    if bytes.ends_with(b"\r") {
        return 1;
    }
    for (count, &byte) in (1..=3).zip(bytes.iter().rev()) {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return 0,
        };
        return if length > count { count } else { 0 };
    }
    0
}

fn escape(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\n' | '\t' => safe.push(character),
                '\r' if characters.peek() == Some(&'\n') => {}
                c if c.is_control() => safe.extend(c.escape_default()),
                // Marks that change the direction of what follows.
                c @ ('\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}') => safe.extend(c.escape_unicode()),
                c => safe.push(c),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8], size: usize) -> String {
        let mut console = Console::default();
        let mut text: String = bytes
            .chunks(size)
            .map(|piece| console.push(piece))
            .collect();
        text.push_str(&console.finish());
        text
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (bytes, expected) in [
            (
                &b"enclair-init: started\r\n\tx\n"[..],
                "enclair-init: started\n\tx\n",
            ),
            (
                b"\x1b[2J\x1b]0;title\x07",
                "\\u{1b}[2J\\u{1b}]0;title\\u{7}",
            ),
            (b"50%\r60%\r", "50%\\r60%\\r"),
            (b"\r\r\n", "\\r\n"),
            (b"\x00\x08\x7f", "\\u{0}\\u{8}\\u{7f}"),
            // One-byte control sequences of the eight-bit sets, as bytes and as characters.
            (b"\x9b31m", "\\x9b31m"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            (
                "gr\u{fc}\u{df}e \u{20ac} \u{1f980}\u{202e}x".as_bytes(),
                "gr\u{fc}\u{df}e \u{20ac} \u{1f980}\\u{202e}x",
            ),
            (b"\xff\xe2\x82 \xf0\x9f", "\\xff\\xe2\\x82 \\xf0\\x9f"),
        ] {
            for size in 1..=bytes.len() {
                assert_eq!(shown(bytes, size), expected);
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_give_a_control_character_in_any_pieces(bytes: Vec<u8>, size in 1..9_usize) {
            let text = shown(&bytes, size);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            prop_assert_eq!(text, shown(&bytes, usize::MAX));
        }
    }
}
