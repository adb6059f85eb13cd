//! Which directories are looked through: `/etc/ld.so.conf`, what it includes, and the standard
//! ones.

use std::collections::BTreeSet;

use enclair_tree::TreePath;

use crate::effects::filesystem::Filesystem;
use crate::effects::problem::Problem;

/// What is always looked through, at the end. The directories of the system's own architecture
/// are named in a file of the package `libc6`.
const STANDARD: [&str; 2] = ["/lib", "/usr/lib"];

/// Files that may be included by one another.
const DEPTH: usize = 10;

/// A directory that is looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    /// The path under which the cache names what is in it.
    pub(super) path: String,
    /// The name below `glibc-hwcaps`, for libraries that need more than any machine has.
    pub(super) subdirectory: Option<String>,
}

/// The directories, in the order in which they count; one that several paths lead to counts under
/// the first.
pub(super) fn directories(files: &Filesystem<'_>) -> Result<Vec<Directory>, Problem> {
    let mut list = List {
        files,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    list.read("/etc/ld.so.conf", DEPTH)?;
    for path in STANDARD {
        list.add(path);
    }
    Ok(list.found)
}

struct List<'a, 'b> {
    files: &'a Filesystem<'b>,
    seen: BTreeSet<TreePath>,
    found: Vec<Directory>,
}

impl List<'_, '_> {
    fn read(&mut self, path: &str, depth: usize) -> Result<(), Problem> {
        let text = self.files.read(path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        for line in text.lines() {
            let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] | ["hwcap", ..] => {}
                ["include", patterns @ ..] => {
                    for pattern in patterns {
                        self.include(path, pattern, depth)?;
                    }
                }
                _ => self.add(line),
            }
        }
        Ok(())
    }

    fn include(&mut self, from: &str, pattern: &str, depth: usize) -> Result<(), Problem> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(());
        };
        let near = from.rsplit_once('/').map_or("", |(directory, _)| directory);
        let (directory, pattern) = match pattern.rsplit_once('/') {
            Some((directory, name)) if pattern.starts_with('/') => (directory.to_owned(), name),
            Some((directory, name)) => (format!("{near}/{directory}"), name),
            None => (near.to_owned(), pattern),
        };
        for name in self.files.text_names(&directory) {
            if matches(pattern.as_bytes(), name.as_bytes()) {
                self.read(&format!("{directory}/{name}"), depth)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str) {
        let path = path.trim_end_matches('/');
        if !path.starts_with('/') || !self.push(path, None) {
            return;
        }
        let below = format!("{path}/glibc-hwcaps");
        for name in self.files.text_names(&below) {
            self.push(&format!("{below}/{name}"), Some(name));
        }
    }

    fn push(&mut self, path: &str, subdirectory: Option<String>) -> bool {
        let Some(real) = self.files.real(path) else {
            return false;
        };
        let new = self.files.is_directory(path) && self.seen.insert(real);
        if new {
            self.found.push(Directory {
                path: path.to_owned(),
                subdirectory,
            });
        }
        new
    }
}

/// Whether a shell's pattern of `*` and `?` matches a name; as in a shell, not one that begins
/// with a dot, unless the pattern does.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // Where the last star stands, and how much of the name it has taken: when what follows does
    // not match, it takes one byte more.
    let (mut at, mut seen) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at = at.saturating_add(1);
            }
            Some(one) if one == byte || *one == b'?' => {
                at = at.saturating_add(1);
                seen = seen.saturating_add(1);
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                let taken = taken.saturating_add(1);
                (at, seen) = (place.saturating_add(1), taken);
                star = Some((place, taken));
            }
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|one| *one == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name) in [
            ("*.conf", "a.conf"),
            ("*", "a"),
            ("a*c*", "abcbc"),
            ("?.?", "a.b"),
        ] {
            assert!(
                matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
        for (pattern, name) in [
            ("*.conf", ".conf"),
            ("*.conf", "a.config"),
            ("a?", "a"),
            ("", "a"),
        ] {
            assert!(
                !matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} {name}"
            );
        }
    }
}
