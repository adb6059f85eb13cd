//! What a script can find out about the system by looking at files.

/// The system on which a script would run.
///
/// Paths are absolute, as the script writes them; symlinks in them are followed inside of the
/// tree, the last component's too, but for [`Facts::is_symlink`].
pub trait Facts {
    /// `[ -e path ]`.
    fn exists(&self, path: &str) -> bool;

    /// `[ -d path ]`.
    fn is_directory(&self, path: &str) -> bool;

    /// `[ -x path ]` for root: a directory, or a file that anybody may execute.
    fn is_executable(&self, path: &str) -> bool;

    /// `[ -f path ]`.
    fn is_file(&self, path: &str) -> bool;

    /// `[ -L path ]`.
    fn is_symlink(&self, path: &str) -> bool;

    /// The names in a directory, sorted by bytes, for patterns such as `/etc/*.conf`. Empty for
    /// anything that is no directory.
    fn names(&self, directory: &str) -> Vec<String>;

    /// The contents of a regular file, for scripts that it sources and for short files that they
    /// read; `None` where there is none, where it cannot be had, or where it is too large.
    fn content(&self, path: &str) -> Option<Vec<u8>>;

    /// The target of a symlink as it is written; `None` for anything else, and where it cannot be
    /// known.
    fn link(&self, path: &str) -> Option<String> {
        let _ = path;
        None
    }

    /// Whether `getent passwd name` finds a user; `None` where this cannot be known.
    fn has_user(&self, name: &str) -> Option<bool>;

    /// Whether `getent group name` finds a group; `None` where this cannot be known.
    fn has_group(&self, name: &str) -> Option<bool>;
}

/// An empty system: no files, no users.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn exists(&self, _: &str) -> bool {
        false
    }

    fn is_directory(&self, _: &str) -> bool {
        false
    }

    fn is_executable(&self, _: &str) -> bool {
        false
    }

    fn is_file(&self, _: &str) -> bool {
        false
    }

    fn is_symlink(&self, _: &str) -> bool {
        false
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn content(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn has_user(&self, _: &str) -> Option<bool> {
        Some(false)
    }

    fn has_group(&self, _: &str) -> Option<bool> {
        Some(false)
    }
}
