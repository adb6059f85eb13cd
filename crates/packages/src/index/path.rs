//! Where a package's file lies in the archive.

use thiserror::Error;

/// Most bytes of a path.
pub const MAX_PATH: usize = 1024;

/// What is wrong with the path of a package's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// A longer path than any archive has.
    #[error("it has {found} bytes, and at most {MAX_PATH} are allowed")]
    Length {
        /// Its length in bytes.
        found: usize,
    },
    /// A path that does not begin in the archive's directory.
    #[error("it is absolute")]
    Absolute,
    /// A part that leads upwards, nowhere, or stays where it is.
    #[error("it has an empty part, `.` or `..`")]
    Part,
    /// A control character.
    #[error("it has the character {found:?}")]
    Character {
        /// The character.
        found: char,
    },
}

/// The path as it is kept: relative, with plain parts. `./` at the beginning, as small
/// repositories have it, is left out.
pub(crate) fn check(path: &str) -> Result<&str, PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if path.len() > MAX_PATH {
        return Err(PathProblem::Length { found: path.len() });
    }
    if path.starts_with('/') {
        return Err(PathProblem::Absolute);
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    // A backslash is a separator to some servers, which would make plain parts of it lead upwards.
    if let Some(found) = path.chars().find(|c| c.is_control() || *c == '\\') {
        return Err(PathProblem::Character { found });
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(PathProblem::Part);
    }
    Ok(path)
}
