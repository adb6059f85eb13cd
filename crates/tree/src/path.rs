//! Paths of a tree: relative, clean, and bytes rather than text.
//!
//! A [`TreePath`] has no leading `/`, no empty, `.` or `..` component and no NUL, so joining two of
//! them cannot leave the root. The empty path is the root. It is not a disk path: nothing here
//! knows what a file system would make of it.
//!
//! The order is memcmp over the whole path, which is the order of every archive written here. It
//! has one surprise: `a-b` stands between `a` and `a/b`, because `-` is less than `/`. What lies
//! under `a` is therefore one range, but not next to `a`.

use std::borrow::Borrow;
use std::fmt::{self, Write};
use std::ops::Bound;

use thiserror::Error;

/// Bytes of the longest path that an archive may name: what Linux takes, with the final NUL.
pub(crate) const PATH_MAX: usize = 4096;

/// Characters of a refused name that an error shows.
const SHOWN: usize = 160;

/// A name that is not the path of anything in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// A component is `..`; whoever wrote it wants to leave a directory, if not the root.
    #[error("the name `{name}` has a `..` component")]
    Upwards {
        /// The name, with unusual bytes escaped.
        name: String,
    },
    /// The name starts with `/`, in an archive whose names are relative.
    #[error("the name `{name}` is absolute")]
    Absolute {
        /// The name, with unusual bytes escaped.
        name: String,
    },
    /// The name has a NUL byte, at which other readers would cut it off.
    #[error("the name `{name}` has a NUL byte")]
    Nul {
        /// The name, with unusual bytes escaped.
        name: String,
    },
    /// The name starts with `/`, or has an empty or `.` component, where a clean one is wanted.
    #[error("the name `{name}` is not a clean relative path")]
    Unclean {
        /// The name, with unusual bytes escaped.
        name: String,
    },
    /// The name is longer than Linux can open.
    #[error("the name `{name}` has {length} bytes, at most 4095 are possible")]
    Long {
        /// The start of the name, with unusual bytes escaped.
        name: String,
        /// Its length in bytes.
        length: usize,
    },
}

/// Where a node is, from the root of its tree.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Box<[u8]>);

impl TreePath {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Takes `name` if it is clean as it stands.
    ///
    /// # Errors
    ///
    /// [`PathError`] for everything that is not: a leading or trailing `/`, `//`, `.`, `..`, NUL.
    pub fn parse(name: &[u8]) -> Result<Self, PathError> {
        let path = Self::from_archive(name)?;
        if *path.0 == *name {
            return Ok(path);
        }
        Err(PathError::Unclean { name: shown(name) })
    }

    /// Takes `name` as archives write it: `/` and `./` in front, a `/` behind, `//` and `/./`
    /// between are left out.
    ///
    /// # Errors
    ///
    /// [`PathError`] for a `..` component anywhere, a NUL, and more than 4095 bytes. A `..` is not
    /// resolved even where the result would be inside: readers differ about it once a symlink
    /// stands before it.
    pub fn from_archive(name: &[u8]) -> Result<Self, PathError> {
        let error_name = || shown(name);
        if name.contains(&0) {
            return Err(PathError::Nul { name: error_name() });
        }
        if name.len() >= PATH_MAX {
            return Err(PathError::Long {
                name: error_name(),
                length: name.len(),
            });
        }
        let mut clean = Vec::with_capacity(name.len());
        for component in name.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(PathError::Upwards { name: error_name() }),
                component => push_component(&mut clean, component),
            }
        }
        Ok(Self(clean.into()))
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as bytes, without a leading `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The directory that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        self.split_last().map(|(parent, _)| Self(parent.into()))
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.split_last().map(|(_, name)| name)
    }

    /// The components, from the root downwards; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|component| !component.is_empty())
    }

    /// This path followed by `below`.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        if below.is_root() {
            return self.clone();
        }
        self.child(below.as_bytes())
    }

    /// Whether this path is `other` or lies under it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.strip_prefix(other).is_some()
    }

    /// What is left of this path below `prefix`; `None` when it does not lie there.
    pub fn strip_prefix(&self, prefix: &Self) -> Option<Self> {
        if prefix.is_root() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(prefix.as_bytes())? {
            [] => Some(Self::root()),
            [b'/', rest @ ..] => Some(Self(rest.into())),
            _ => None,
        }
    }

    /// The child called `name`, which must be clean itself.
    pub(crate) fn child(&self, name: &[u8]) -> Self {
        let mut path =
            Vec::with_capacity(self.0.len().saturating_add(1).saturating_add(name.len()));
        path.extend_from_slice(&self.0);
        push_component(&mut path, name);
        Self(path.into())
    }

    /// The range of all paths under this one, without itself. `/` + 1 is `0`.
    pub(crate) fn descendants(&self) -> Descendants {
        if self.is_root() {
            return Descendants {
                from: Vec::new(),
                to: None,
            };
        }
        let after = |byte| {
            let mut bound = self.0.to_vec();
            bound.push(byte);
            bound
        };
        Descendants {
            from: after(b'/'),
            to: Some(after(b'0')),
        }
    }

    fn split_last(&self) -> Option<(&[u8], &[u8])> {
        if self.is_root() {
            return None;
        }
        let slash = self.0.iter().rposition(|byte| *byte == b'/');
        match slash {
            None => Some((&[], &self.0)),
            Some(at) => {
                let (parent, name) = self.0.split_at_checked(at)?;
                Some((parent, name.strip_prefix(b"/").unwrap_or(name)))
            }
        }
    }
}

/// Bounds of the paths under one path. No path equals a bound: none ends in `/`, and the only one
/// that could equal `to` is a sibling.
#[derive(Debug)]
pub(crate) struct Descendants {
    from: Vec<u8>,
    to: Option<Vec<u8>>,
}

impl Descendants {
    /// For [`std::collections::BTreeMap::range`].
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Excluded(&self.from), to)
    }
}

fn push_component(path: &mut Vec<u8>, component: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(component);
}

impl Borrow<[u8]> for TreePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('/');
        }
        Escaped(&self.0).fmt(f)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Bytes as text that keeps to its line: controls, backslashes and what is not UTF-8 as `\xNN`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character == '\\' {
                    f.write_str("\\\\")?;
                } else if is_deceptive(character) {
                    let mut buffer = [0; 4];
                    escape(f, character.encode_utf8(&mut buffer).as_bytes())?;
                } else {
                    f.write_char(character)?;
                }
            }
            escape(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Controls, and the characters that turn the direction of the text around them.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// The start of `name` for an error: a name of megabytes is not repeated.
pub(crate) fn shown(name: &[u8]) -> String {
    let start = name.get(..SHOWN).unwrap_or(name);
    let dots = if start.len() < name.len() { "..." } else { "" };
    format!("{}{dots}", Escaped(start))
}
