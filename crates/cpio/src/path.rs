//! Which paths are canonical.

use crate::{PathRule, TRAILER};

/// The longest path, without its NUL.
const LONGEST: usize = 4095;
/// The longest component that Linux file systems take.
const LONGEST_COMPONENT: usize = 255;

/// Says which rule `path` breaks.
pub(crate) fn check_path(path: &[u8]) -> Result<(), PathRule> {
    if path.is_empty() {
        return Err(PathRule::Empty);
    }
    if path.len() > LONGEST {
        return Err(PathRule::Long);
    }
    if path.contains(&0) {
        return Err(PathRule::Nul);
    }
    if path == TRAILER {
        return Err(PathRule::Trailer);
    }
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" => return Err(PathRule::EmptyComponent),
            b"." | b".." => return Err(PathRule::DotComponent),
            long if long.len() > LONGEST_COMPONENT => return Err(PathRule::LongComponent),
            _ => {}
        }
    }
    Ok(())
}

/// The directories that may still get children, innermost last.
///
/// In the order of bytes, `a-b` stands between `a` and its child `a/b`, so the parent of a path
/// is not always the directory before it. What makes a stack suffice: everything below `a` stands
/// before `a0`, `0` being the byte after `/`, and such ranges are nested or apart.
#[derive(Debug, Default)]
pub(crate) struct Ancestors(Vec<Vec<u8>>);

impl Ancestors {
    /// Forgets the directories that can have no child from `path` on.
    pub(crate) fn advance(&mut self, path: &[u8]) {
        while self
            .0
            .last()
            .is_some_and(|directory| directory.iter().chain(b"0").le(path))
        {
            self.0.pop();
        }
    }

    /// Whether the parent of `path` is there.
    pub(crate) fn has_parent(&self, path: &[u8]) -> bool {
        match path.iter().rposition(|byte| *byte == b'/') {
            None => true,
            Some(end) => self
                .0
                .iter()
                .any(|directory| Some(directory.as_slice()) == path.get(..end)),
        }
    }

    /// Adds a directory.
    pub(crate) fn push(&mut self, directory: &[u8]) {
        self.0.push(directory.to_vec());
    }
}
