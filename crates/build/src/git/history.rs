//! Which images a repository has recorded: the measurements that are committed in it, by commit and
//! tag.
//!
//! Whoever keeps `measurements.json` in the repository can say later which source an enclave is that
//! reports some registers. Read are all commits that added or changed such a file, and all tags.

use std::collections::BTreeMap;
use std::path::Path;
use std::str;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ask;

/// The files that are looked for, wherever they are in the repository.
const EVERYWHERE: &str = ":(top,glob)**/measurements.json";
/// Bytes of one document at most.
const MOST: usize = 8 << 20;

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
        found: usize,
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

/// The measurements that the repository around `directory` records, newest first. `only` names one
/// file, relative to `directory`, instead of all that are called `measurements.json`.
///
/// # Errors
///
/// Without a repository, and for a committed file that is no such document.
pub fn history(directory: &Path, only: Option<&str>) -> Result<Vec<Recorded>, HistoryError> {
    let pathspec = only.unwrap_or(EVERYWHERE);
    let mut commits = commits_touching(directory, pathspec)?;
    let tags = tagged(directory)?;
    for (id, commit) in &tags {
        commits.entry(id.clone()).or_insert_with(|| commit.clone());
    }
    let mut recorded = Vec::new();
    for (id, mut commit) in commits {
        if let Some(tagged) = tags.get(&id) {
            commit.tags.clone_from(&tagged.tags);
        }
        for path in files_of(directory, &id, only)? {
            recorded.push(read(directory, &commit, &path)?);
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
        "--format=%H %cd",
        "--date=iso-strict-local",
        "--diff-filter=AMR",
        "--no-renames",
        "HEAD",
        "--",
        pathspec,
    ];
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let commits = lines(&answer).filter_map(|line| {
        let (id, date) = line.split_once(' ')?;
        Some((id.to_owned(), commit(id, date)))
    });
    Ok(commits.collect())
}

fn commit(id: &str, date: &str) -> Commit {
    Commit {
        id: id.to_owned(),
        date: date.to_owned(),
        tags: Vec::new(),
    }
}

/// Commits that tags lead to, by id.
fn tagged(directory: &Path) -> Result<BTreeMap<String, Commit>, HistoryError> {
    // An annotated tag is an object of its own, and the starred fields are those of its commit.
    let format = "--format=%(objectname) %(*objectname) %(committerdate:iso-strict-local) \
                  %(*committerdate:iso-strict-local) %(refname:lstrip=2)";
    let arguments = ["for-each-ref", format, "refs/tags"];
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let mut tagged = BTreeMap::<String, Commit>::new();
    for line in lines(&answer) {
        // Two of the four fields are empty, so that there are runs of spaces.
        let fields: Vec<&str> = line.split(' ').collect();
        let [object, peeled, date, peeled_date, name] = fields[..] else {
            continue;
        };
        let (id, date) = if peeled.is_empty() {
            (object, date)
        } else {
            (peeled, peeled_date)
        };
        let entry = tagged
            .entry(id.to_owned())
            .or_insert_with(|| commit(id, date));
        entry.tags.push(name.to_owned());
    }
    Ok(tagged)
}

/// The files of a commit that are looked for.
fn files_of(
    directory: &Path,
    commit: &str,
    only: Option<&str>,
) -> Result<Vec<String>, HistoryError> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--name-only", "--full-name", commit];
    match only {
        Some(path) => arguments.extend(["--", path]),
        None => arguments.insert(5, "--full-tree"),
    }
    let answer = ask(directory, &arguments).ok_or(HistoryError::NoRepository)?;
    let names = answer.split(|byte| *byte == 0).filter_map(|name| {
        let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
        let last = name.rsplit('/').next();
        (only.is_some() || last == Some("measurements.json")).then(|| name.to_owned())
    });
    Ok(names.collect())
}

fn read(directory: &Path, commit: &Commit, path: &str) -> Result<Recorded, HistoryError> {
    let object = format!("{}:{path}", commit.id);
    let content =
        ask(directory, &["cat-file", "blob", &object]).ok_or(HistoryError::NoRepository)?;
    if content.len() > MOST {
        return Err(HistoryError::TooLarge {
            commit: commit.id.clone(),
            path: path.to_owned(),
            found: content.len(),
        });
    }
    let document: Document =
        serde_json::from_slice(&content).map_err(|source| HistoryError::Document {
            commit: commit.id.clone(),
            path: path.to_owned(),
            source,
        })?;
    let Registers { pcr0, pcr1, pcr2 } = document.measurements;
    Ok(Recorded {
        commit: commit.id.clone(),
        date: commit.date.clone(),
        tags: commit.tags.clone(),
        path: path.to_owned(),
        pcr0,
        pcr1,
        pcr2,
        lock: document.lock,
    })
}

fn lines(answer: &[u8]) -> impl Iterator<Item = &str> {
    answer
        .split(|byte| *byte == b'\n')
        .filter_map(|line| str::from_utf8(line).ok().filter(|line| !line.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn run(directory: &Path, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
            .arg("-C")
            .arg(directory)
            .args(arguments)
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    }

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
}
