//! ASCII armor (RFC 9580, section 6): base64 between two lines, as it stands around signatures and
//! keys.
//!
//! The checksum at its end is not compared, as the RFC has it: what is inside is proved by
//! signatures and fingerprints, which a checksum does not add to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// What is wrong with an armored block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArmorProblem {
    /// A line before the first empty one that is no header.
    #[error("expected `Key: value` or an empty line")]
    Header,
    /// Bytes that are no base64.
    #[error("expected base64")]
    Base64,
    /// Nothing is in it.
    #[error("the block is empty")]
    Empty,
    /// No last line.
    #[error("the block has no end")]
    End,
}

/// Lines with their numbers, from 1 on. A newline at the very end begins no line.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: Option<&'a str>,
    line: u32,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            rest: Some(text),
            line: 0,
        }
    }

    /// The number of the line that was read last.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.filter(|text| !text.is_empty())?;
        self.line = self.line.saturating_add(1);
        let (line, rest) = match text.split_once('\n') {
            Some((line, rest)) => (line, Some(rest)),
            None => (text, None),
        };
        self.rest = rest;
        Some(line)
    }
}

/// Reads a block whose first line has been read, up to and with the line `end`.
pub(super) fn read_block(lines: &mut Lines<'_>, end: &str) -> Result<Vec<u8>, ArmorProblem> {
    loop {
        match lines.next().ok_or(ArmorProblem::End)? {
            "" => break,
            header if header.split_once(": ").is_some() => {}
            _ => return Err(ArmorProblem::Header),
        }
    }
    let mut encoded = String::new();
    let mut is_ended = false;
    for line in lines.by_ref() {
        if line == end {
            is_ended = true;
            break;
        }
        // A checksum stands alone on the last line, as in `=njUN`.
        if line.starts_with('=') {
            is_ended = lines.next() == Some(end);
            break;
        }
        encoded.push_str(line);
    }
    if !is_ended {
        return Err(ArmorProblem::End);
    }
    let decoded = STANDARD.decode(encoded).map_err(|_| ArmorProblem::Base64)?;
    if decoded.is_empty() {
        return Err(ArmorProblem::Empty);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, ArmorProblem> {
        let mut lines = Lines::new(text);
        read_block(&mut lines, "-----END X-----")
    }

    #[test]
    fn headers_and_checksums_are_passed_over() {
        for text in [
            "\nYWJj\n-----END X-----\n",
            "Version: 1\nComment: a: b\n\nYW\nJj\n=njUN\n-----END X-----",
        ] {
            assert_eq!(read(text), Ok(b"abc".to_vec()));
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for (text, problem) in [
            ("", ArmorProblem::End),
            ("YWJj\n-----END X-----\n", ArmorProblem::Header),
            ("\nYWJj\n", ArmorProblem::End),
            ("\nYWJj\n=njUN\nYWJj\n-----END X-----\n", ArmorProblem::End),
            ("\n-----END X-----\n", ArmorProblem::Empty),
            ("\nYWJ\n-----END X-----\n", ArmorProblem::Base64),
            ("\nYW Jj\n-----END X-----\n", ArmorProblem::Base64),
            (
                "\nYWJj\n-----END Y-----\n-----END X-----\n",
                ArmorProblem::Base64,
            ),
        ] {
            assert_eq!(read(text), Err(problem), "{text:?}");
        }
    }
}
