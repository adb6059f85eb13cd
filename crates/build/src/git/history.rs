//! Which images a repository has recorded: the measurements that are committed in it, by commit and
//! tag.
//!
//! Whoever keeps `measurements.json` in the repository can say later which source an enclave is that
//! reports some registers. Read are all commits that added or changed such a file, those of branches
//! that were merged for nothing among them, and all tags at commits.

use std::collections::BTreeMap;
use std::path::Path;
use std::str;

use enclair_tree::Escaped;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ask;

/// The files that are looked for, wherever they are in the repository.
const EVERYWHERE: &str = ":(top,glob)**/measurements.json";
/// How a commit and its time are asked for.
const FORMAT: &str = "--format=%H %cd";
const DATE: &str = "--date=iso-strict-local";
const ENCODING: &str = "--encoding=UTF-8";
/// Bytes of one document at most.
const MOST: u64 = 8 << 20;

/// Measurements that one commit records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recorded {
    /// Full id of the commit.
    pub commit: String,
    /// The committer's time, in RFC 3339 with its zone.
    pub date: String,
    /// Tags at the commit, sorted.
    pub tags: Vec<String>,
    /// The file, relative to the top of the repository.
    pub path: String,
    /// The whole image.
    pub pcr0: String,
    /// The boot environment.
    pub pcr1: String,
    /// The application.
    pub pcr2: String,
    /// SHA-256 of the lock, where the file says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

/// A history that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Git does not answer, or there is no repository.
    #[error("git finds no repository with a commit here")]
    NoRepository,
    /// A committed file is no such document.
    #[error("`{path}` of commit {commit} is no measurements.json")]
    Document {
        /// The commit.
        commit: String,
        /// The file.
        path: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A committed file is too large to be one.
    #[error("`{path}` of commit {commit} has {found} bytes, at most {MOST} are read")]
    TooLarge {
        /// The commit.
        commit: String,
        /// The file.
        path: String,
        /// Its size.
        found: u64,
    },
    /// The name of a committed file is no text.
    #[error("`{path}` of commit {commit}: the path is not UTF-8")]
    Name {
        /// The commit.
        commit: String,
        /// The file, escaped.
        path: String,
    },
    /// A committed file that git does not give.
    #[error("git does not give `{path}` of commit {commit}")]
    Missing {
        /// The commit.
        commit: String,
        /// The file.
        path: String,
    },
}

/// What is read of a document; the rest may be of any schema.
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "Measurements")]
    measurements: Registers,
    lock: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Registers {
    pcr0: String,
    pcr1: String,
    pcr2: String,
}

/// A commit, with the tags at it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Commit {
    id: String,
    date: String,
    tags: Vec<String>,
}

/// A file of a commit.
#[derive(Debug)]
struct File {
    path: String,
    object: String,
}

/// The measurements that the repository around `directory` records, newest first. `only` names one
/// file, relative to `directory`, instead of all that are called `measurements.json`.
///
/// # Errors
///
/// Without a repository, and for a committed file that is no such document or cannot be read.
pub fn history(directory: &Path, only: Option<&str>) -> Result<Vec<Recorded>, HistoryError> {
    let pathspec = only.map_or_else(|| EVERYWHERE.to_owned(), |path| format!(":(literal){path}"));
    let mut commits = commits_touching(directory, &pathspec)?;
    let tags = tagged(directory)?;
    for (id, commit) in &tags {
        commits.entry(id.clone()).or_insert_with(|| commit.clone());
    }
    let mut recorded = Vec::new();
    for (id, mut commit) in commits {
        if let Some(tagged) = tags.get(&id) {
            commit.tags.clone_from(&tagged.tags);
        }
        for file in files_of(directory, &id, only)? {
            recorded.push(read(directory, &commit, file)?);
        }
    }
    recorded.sort_by(|a, b| (&b.date, &b.commit, &a.path).cmp(&(&a.date, &a.commit, &b.path)));
    Ok(recorded)
}

/// Commits that added or changed a file, reachable from the one that is checked out.
fn commits_touching(
    directory: &Path,
    pathspec: &str,
) -> Result<BTreeMap<String, Commit>, HistoryError> {
    let arguments = [
        "log",
        FORMAT,
        DATE,
        ENCODING,
        // A side whose changes a merge dropped was built and released all the same.
        "--full-history",
        // With names, because merges are listed that have nothing new as well.
        "-c",
        "--raw",
        "--diff-filter=AMR",
        "--no-renames",
        "HEAD",
        "--",
        pathspec,
    ];
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let mut commits = BTreeMap::new();
    let mut last = None;
    for line in String::from_utf8_lossy(&answer).lines() {
        // One `:` for every commit before, and nothing of a merge that has only what one of them has.
        if line.starts_with(':') {
            commits.extend(last.take());
        } else if let Some((id, date)) = line.split_once(' ') {
            last = Some((id.to_owned(), commit(id, date)));
        }
    }
    Ok(commits)
}

fn commit(id: &str, date: &str) -> Commit {
    Commit {
        id: id.to_owned(),
        date: date.to_owned(),
        tags: Vec::new(),
    }
}

/// Commits that tags lead to, by id. A tag may be at anything: those at no commit are passed over.
fn tagged(directory: &Path) -> Result<BTreeMap<String, Commit>, HistoryError> {
    // An annotated tag is an object of its own, and the starred fields are those of what it is at.
    let format = "--format=%(objecttype) %(objectname) %(committerdate:iso-strict-local) \
                  %(*objecttype) %(*objectname) %(*committerdate:iso-strict-local) \
                  %(refname:lstrip=2)";
    let arguments = ["for-each-ref", format, "refs/tags"];
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let mut tagged = BTreeMap::<String, Commit>::new();
    for line in String::from_utf8_lossy(&answer).lines() {
        // Some of the fields are empty, so that there are runs of spaces.
        let fields: Vec<&str> = line.split(' ').collect();
        let found = match fields[..] {
            ["commit", id, date, _, _, _, _] | [_, _, _, "commit", id, date, _] => {
                Some(commit(id, date))
            }
            // Releases of git differ in whether they look behind a tag at a tag.
            [_, _, _, "tag", id, _, _] => peeled(directory, id),
            _ => None,
        };
        if let (Some(found), Some(name)) = (found, fields.last()) {
            let entry = tagged.entry(found.id.clone()).or_insert(found);
            entry.tags.push((*name).to_owned());
        }
    }
    Ok(tagged)
}

/// The commit that a tag is at in the end.
fn peeled(directory: &Path, tag: &str) -> Option<Commit> {
    let revision = format!("{tag}^{{commit}}");
    let arguments = ["log", "-1", "--no-patch", FORMAT, DATE, ENCODING, &revision];
    let answer = String::from_utf8(ask(directory, &arguments)?).ok()?;
    let (id, date) = answer.trim().split_once(' ')?;
    Some(commit(id, date))
}

/// The files of a commit that are looked for.
fn files_of(directory: &Path, commit: &str, only: Option<&str>) -> Result<Vec<File>, HistoryError> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--full-name"];
    match only {
        Some(path) => arguments.extend([commit, "--", path]),
        None => arguments.extend(["--full-tree", commit]),
    }
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let records = answer.split(|byte| *byte == 0);
    let files = records.filter_map(|record| {
        let (object, name) = regular_file(record)?;
        let last = name.rsplit(|byte| *byte == b'/').next();
        if only.is_none() && last != Some(b"measurements.json") {
            return None;
        }
        Some(match str::from_utf8(name) {
            Ok(path) => Ok(File {
                path: path.to_owned(),
                object: object.to_owned(),
            }),
            Err(_) => Err(HistoryError::Name {
                commit: commit.to_owned(),
                path: Escaped(name).to_string(),
            }),
        })
    });
    files.collect()
}

/// Object and path of `MODE TYPE OBJECT TAB PATH`, unless it is a symlink or a submodule.
fn regular_file(record: &[u8]) -> Option<(&str, &[u8])> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let (description, name) = record.split_at_checked(tab)?;
    let mut fields = str::from_utf8(description).ok()?.split(' ');
    let is_file = fields.next()?.starts_with("100") && fields.next()? == "blob";
    is_file.then_some((fields.next()?, name.get(1..)?))
}

/// The content of a file, of which the size is asked for first.
fn content(directory: &Path, commit: &str, file: &File) -> Result<Vec<u8>, HistoryError> {
    let missing = || HistoryError::Missing {
        commit: commit.to_owned(),
        path: file.path.clone(),
    };
    let size = ask(directory, &["cat-file", "-s", &file.object]).ok_or_else(missing)?;
    let size = str::from_utf8(&size)
        .ok()
        .and_then(|size| size.trim().parse::<u64>().ok());
    let size = size.ok_or_else(missing)?;
    if size > MOST {
        return Err(HistoryError::TooLarge {
            commit: commit.to_owned(),
            path: file.path.clone(),
            found: size,
        });
    }
    ask(directory, &["cat-file", "blob", &file.object]).ok_or_else(missing)
}

fn read(directory: &Path, commit: &Commit, file: File) -> Result<Recorded, HistoryError> {
    let content = content(directory, &commit.id, &file)?;
    let document: Document =
        serde_json::from_slice(&content).map_err(|source| HistoryError::Document {
            commit: commit.id.clone(),
            path: file.path.clone(),
            source,
        })?;
    let Registers { pcr0, pcr1, pcr2 } = document.measurements;
    Ok(Recorded {
        commit: commit.id.clone(),
        date: commit.date.clone(),
        tags: commit.tags.clone(),
        path: file.path,
        pcr0,
        pcr1,
        pcr2,
        lock: document.lock,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    use super::super::tests::run;
    use super::*;

    fn record(directory: &Path, pcr0: &str) {
        let text = format!(
            r#"{{"Measurements":{{"PCR0":"{pcr0}","PCR1":"b","PCR2":"c"}},"lock":"dd","other":1}}"#
        );
        fs::create_dir_all(directory.join("release")).unwrap();
        fs::write(directory.join("release/measurements.json"), text).unwrap();
        run(directory, &["add", "."]);
        run(directory, &["commit", "-q", "-m", pcr0]);
    }

    #[test]
    fn commits_and_both_kinds_of_tags_are_listed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        record(path, "a1");
        run(path, &["tag", "v1"]);
        fs::write(path.join("other"), "x").unwrap();
        run(path, &["add", "."]);
        run(path, &["commit", "-q", "-m", "other"]);
        run(path, &["tag", "-a", "v1-same", "-m", "same"]);
        record(path, "a2");
        let found = history(path, None).unwrap();
        let mut rows: Vec<_> = found
            .iter()
            .map(|row| (row.pcr0.as_str(), row.tags.join(","), row.path.as_str()))
            .collect();
        rows.sort_unstable();
        let file = "release/measurements.json";
        let expected = [
            ("a1", "v1".to_owned(), file),
            ("a1", "v1-same".to_owned(), file),
            ("a2", String::new(), file),
        ];
        assert_eq!(rows, expected);
        assert!(found.iter().all(|row| row.lock.as_deref() == Some("dd")));
        assert!(
            found.iter().all(|row| row.date.starts_with("2026-01-02T")),
            "{found:?}"
        );
        let named = history(&path.join("release"), Some("measurements.json")).unwrap();
        assert_eq!(named.len(), 3);
    }

    #[test]
    fn without_a_repository_there_is_an_error_and_a_broken_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert!(matches!(
            history(path, None),
            Err(HistoryError::NoRepository)
        ));
        run(path, &["init", "-q"]);
        fs::write(path.join("measurements.json"), "{}").unwrap();
        run(path, &["add", "."]);
        run(path, &["commit", "-q", "-m", "broken"]);
        let error = history(path, None).unwrap_err();
        assert!(matches!(error, HistoryError::Document { .. }), "{error}");
    }

    fn registers(directory: &Path) -> Vec<(String, String)> {
        let found = history(directory, None).unwrap();
        let mut rows: Vec<_> = found
            .into_iter()
            .map(|row| (row.pcr0, row.tags.join(",")))
            .collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn tags_at_no_commit_are_passed_over_and_tags_at_tags_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        record(path, "a1");
        run(path, &["tag", "tree", "HEAD^{tree}"]);
        let blob = "HEAD:release/measurements.json";
        run(path, &["tag", "blob", blob]);
        run(path, &["tag", "-a", "-m", "x", "blob-annotated", blob]);
        run(path, &["tag", "-a", "-m", "x", "inner"]);
        run(path, &["tag", "-a", "-m", "x", "outer", "inner"]);
        let expected = [("a1".to_owned(), "inner,outer".to_owned())];
        assert_eq!(registers(path), expected);
        let tag = run(path, &["rev-parse", "outer"]);
        assert_eq!(
            peeled(path, &tag).unwrap().id,
            run(path, &["rev-parse", "HEAD"])
        );
        let tag = run(path, &["rev-parse", "blob-annotated"]);
        assert_eq!(peeled(path, &tag), None);
    }

    #[test]
    fn branches_that_were_merged_for_nothing_are_listed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        record(path, "a1");
        run(path, &["checkout", "-q", "-b", "side"]);
        record(path, "side");
        run(path, &["checkout", "-q", "-"]);
        let merge = ["merge", "-q", "-s", "ours", "-m", "x", "--no-ff", "side"];
        run(path, &merge);
        let names = |path: &Path| -> Vec<String> {
            registers(path).into_iter().map(|(pcr0, _)| pcr0).collect()
        };
        assert_eq!(names(path), ["a1", "side"]);
        // A merge that has something of its own.
        run(path, &["checkout", "-q", "-b", "other"]);
        run(path, &["commit", "-q", "--allow-empty", "-m", "other"]);
        run(path, &["checkout", "-q", "-"]);
        run(path, &["merge", "-q", "--no-ff", "--no-commit", "other"]);
        record(path, "merged");
        assert_eq!(names(path), ["a1", "merged", "side"]);
    }

    #[test]
    fn a_path_that_is_no_text_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        let strange = path.join(OsStr::from_bytes(b"d\xff"));
        fs::create_dir(&strange).unwrap();
        fs::write(strange.join("other"), "{}").unwrap();
        record(path, "a1");
        assert_eq!(registers(path).len(), 1);
        fs::write(strange.join("measurements.json"), "{}").unwrap();
        record(path, "a2");
        let error = history(path, None).unwrap_err();
        assert!(
            matches!(&error, HistoryError::Name { path, .. } if path == "d\\xff/measurements.json"),
            "{error}"
        );
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        let most = usize::try_from(MOST).unwrap();
        for (size, too_large) in [(most, false), (most + 1, true)] {
            fs::write(path.join("measurements.json"), vec![b' '; size]).unwrap();
            run(path, &["add", "."]);
            run(path, &["commit", "-q", "-m", "large"]);
            let error = history(path, None).unwrap_err();
            let found = matches!(&error, HistoryError::TooLarge { found, .. } if *found > MOST);
            assert_eq!(found, too_large, "{error}");
            run(path, &["update-ref", "-d", "HEAD"]);
        }
    }

    #[test]
    fn a_symlink_is_no_document() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        run(path, &["init", "-q"]);
        std::os::unix::fs::symlink("release/measurements.json", path.join("measurements.json"))
            .unwrap();
        record(path, "a1");
        assert_eq!(registers(path).len(), 1);
    }
}
