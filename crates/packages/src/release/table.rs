//! The table `SHA256` of a `Release` file: every index of the suite with digest and size.

use std::collections::BTreeMap;

use enclair_digest::Sha256;

use super::error::Error;
use super::fields::{SyntaxProblem, Value};

/// A file that a `Release` file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Below the suite's directory, as in `main/binary-amd64/Packages.xz`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub sha256: Sha256,
}

/// Digest and size of each path.
pub(super) type Table = BTreeMap<String, (u64, Sha256)>;

/// Reads the lines of a table.
pub(super) fn read_table(value: &Value<'_>) -> Result<Table, Error> {
    let mut table = Table::new();
    if !value.text.is_empty() {
        return Err(Error::Syntax {
            line: value.line,
            problem: SyntaxProblem::Table,
        });
    }
    for (line, text) in &value.more {
        let wrong = |problem| Error::Syntax {
            line: *line,
            problem,
        };
        let (path, size, sha256) = read_line(text).map_err(wrong)?;
        if table.insert(path.to_owned(), (size, sha256)).is_some() {
            return Err(wrong(SyntaxProblem::ListedTwice));
        }
    }
    Ok(table)
}

fn read_line(text: &str) -> Result<(&str, u64, Sha256), SyntaxProblem> {
    let mut words = text.split_ascii_whitespace();
    let words = (words.next(), words.next(), words.next(), words.next());
    let (Some(digest), Some(size), Some(path), None) = words else {
        return Err(SyntaxProblem::Table);
    };
    let sha256 = digest.parse().map_err(|_| SyntaxProblem::Digest)?;
    if !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SyntaxProblem::Table);
    }
    let size = size.parse().map_err(|_| SyntaxProblem::Table)?;
    if is_below(path) {
        Ok((path, size, sha256))
    } else {
        Err(SyntaxProblem::Path)
    }
}

/// Whether a path stays below the directory that it is relative to.
fn is_below(path: &str) -> bool {
    path.split('/')
        .all(|part| !matches!(part, "" | "." | "..") && !part.contains(char::is_control))
}
