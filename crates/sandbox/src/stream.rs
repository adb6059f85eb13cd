//! Entries of a root filesystem on their way in and out: a line of JSON each, and behind that of a
//! file its content.

use std::io::{self, BufRead, Read as _, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Bytes of a line. An entry has two paths at most; a job may have thousands of scripts.
const LINE: u64 = 16 << 20;

/// An entry; parents come before what is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Relative to the root, in hexadecimal: a path is any bytes. The root itself is empty.
    pub(crate) path: String,
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Directory,
    /// So many bytes follow.
    File(u64),
    /// A file whose content is what it was before; only on the way out.
    Kept,
    /// A further name of the file at this path.
    Link(String),
    /// A target, in hexadecimal.
    Symlink(String),
    /// A pipe; only on the way out, as a socket.
    Fifo,
    Socket,
}

/// Writes something as a line.
pub(crate) fn write_line<T: Serialize>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Reads a line; `None` at the end.
pub(crate) fn read_line<T: DeserializeOwned>(input: &mut dyn BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    input.take(LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(crate) fn unhex(text: &str) -> io::Result<Vec<u8>> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no hexadecimal path");
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let digits = std::str::from_utf8(pair).map_err(|_| wrong())?;
            u8::from_str_radix(digits, 16)
                .ok()
                .filter(|_| pair.len() == 2 && !digits.starts_with('+'))
                .ok_or_else(wrong)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_path() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&all)).unwrap(), all);
        for wrong in ["0", "0g", "+1", "é"] {
            assert!(unhex(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_and_contents_follow_each_other() {
        let entry = Entry {
            path: hex(b"etc/a"),
            mode: 0o644,
            uid: 1,
            gid: 2,
            kind: Kind::File(3),
        };
        let mut bytes = Vec::new();
        write_line(&mut bytes, &entry).unwrap();
        bytes.extend(b"abc");
        write_line(&mut bytes, &entry).unwrap();
        let mut input = &bytes[..];
        assert_eq!(read_line(&mut input).unwrap(), Some(entry.clone()));
        let mut content = [0; 3];
        input.read_exact(&mut content).unwrap();
        assert_eq!(content, *b"abc");
        assert_eq!(read_line(&mut input).unwrap(), Some(entry));
        assert_eq!(read_line::<Entry>(&mut input).unwrap(), None);
    }
}
