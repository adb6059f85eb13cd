//! The record beside a committed binary: the digest of it and of every file it is built from.
//!
//! The record is what `sha256sum --check` reads, with paths from the top of the workspace:
//!
//! ```text
//! <64 hexadecimal digits><space><space><path><newline>
//! ```
//!
//! It answers one question without a compiler: is the kit still what somebody built and compared?
//! It proves nothing about the binary to a reader who does not trust the commit; only a build does.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::error::Error;
use crate::files;

/// Digests by path, as recorded or as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record(String);

impl Record {
    /// Takes the digests of `paths` below `top`; a directory stands for every file below it.
    pub(crate) fn of(top: &Path, paths: &[&str]) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for path in paths {
            add(top, path, &mut found)?;
        }
        Ok(Self(found.into_values().collect()))
    }

    /// The paths that are not as the record `record` has them; what both name is below `top`. A
    /// record that is not there is itself what changed.
    pub(crate) fn changes_since(
        top: &Path,
        record: &str,
        paths: &[&str],
    ) -> Result<Vec<String>, Error> {
        let path = top.join(record);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self(text).changes(&Self::of(top, paths)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(vec![record.to_owned()]),
            Err(error) => Err(Error::io(&path, error)),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        files::write(path, self.0.as_bytes(), 0o644)
    }

    /// The paths that are in one of the two only, or with other digests.
    fn changes(&self, other: &Self) -> Vec<String> {
        let (old, new) = (self.by_path(), other.by_path());
        let mut paths: Vec<String> = old
            .iter()
            .filter(|(path, digest)| new.get(*path) != Some(digest))
            .map(|(path, _)| (*path).to_owned())
            .collect();
        let added = new.keys().filter(|path| !old.contains_key(*path));
        paths.extend(added.map(|path| (*path).to_owned()));
        paths.sort_unstable();
        paths
    }

    fn by_path(&self) -> BTreeMap<&str, &str> {
        let lines = self.0.lines();
        lines
            .map(|line| line.split_once("  ").unwrap_or(("", line)))
            .map(|(digest, path)| (path, digest))
            .collect()
    }
}

fn add(top: &Path, path: &str, found: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let full = top.join(path);
    let failed = |source| Error::io(&full, source);
    if full.is_dir() {
        for entry in fs::read_dir(&full).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            add(top, &format!("{path}/{}", name.to_string_lossy()), found)?;
        }
        return Ok(());
    }
    let (digest, _) = files::digest(&full)?;
    found.insert(path.to_owned(), files::sum_line(digest, path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        for (path, text) in files {
            files::write(&top.path().join(path), text.as_bytes(), 0o644).unwrap();
        }
        top
    }

    #[test]
    fn a_record_is_what_sha256sum_reads_in_the_order_of_paths() {
        let top = tree(&[("src/b", "b"), ("src/a/c", "c"), ("lock", "l")]);
        let record = Record::of(top.path(), &["src", "lock"]).unwrap();
        let paths: Vec<_> = record.0.lines().map(|line| &line[66..]).collect();
        assert_eq!(paths, ["lock", "src/a/c", "src/b"]);
        record.write(&top.path().join("record")).unwrap();
        let mut check = std::process::Command::new("sha256sum");
        check
            .args(["--check", "--strict", "--quiet", "record"])
            .current_dir(top.path());
        assert!(check.status().unwrap().success());
    }

    #[test]
    fn what_changed_came_or_went_is_named() {
        let old = tree(&[("same", "1"), ("changed", "1"), ("gone", "1")]);
        let new = tree(&[("same", "1"), ("changed", "2"), ("new", "1")]);
        let of = |top: &tempfile::TempDir, paths: &[&str]| Record::of(top.path(), paths).unwrap();
        let old = of(&old, &["same", "changed", "gone"]);
        let new = of(&new, &["same", "changed", "new"]);
        assert_eq!(old.changes(&new), ["changed", "gone", "new"]);
        assert_eq!(old.changes(&old), [""; 0]);
    }

    #[test]
    fn a_record_that_is_missing_is_what_changed() {
        let top = tree(&[("file", "1"), ("other", "1")]);
        let changes = || Record::changes_since(top.path(), "record", &["file", "other"]).unwrap();
        assert_eq!(changes(), ["record"]);
        let record = Record::of(top.path(), &["file"]).unwrap();
        record.write(&top.path().join("record")).unwrap();
        assert_eq!(changes(), ["other"]);
    }

    #[test]
    fn a_listed_file_that_is_missing_is_an_error() {
        let top = tree(&[]);
        assert!(Record::of(top.path(), &["file"]).is_err());
    }
}
