//! Configuration files that a package marks as such in its control file `conffiles`.
//!
//! Every line is an absolute path. In front of it may stand `remove-on-upgrade`: then the package
//! has no such file any more, and dpkg is to remove the one of an earlier version.

use std::collections::BTreeMap;

use enclair_tree::tar::{Entry, EntryKind};
use enclair_tree::{Body, Escaped, NodeKind, Spool, TreePath};

use super::Conffile;
use super::database::md5_of;
use super::error::{ConffileProblem, RootError};
use crate::deb::Package;

const REMOVED: &[u8] = b"remove-on-upgrade";

/// The configuration files of `package`, in the order of its list.
pub(super) fn conffiles(package: &Package, spool: &dyn Spool) -> Result<Vec<Conffile>, RootError> {
    let Some(list) = package.members.get("conffiles") else {
        return Ok(Vec::new());
    };
    let name = package.control.name();
    let files = files(&package.entries);
    let mut found = Vec::new();
    for (index, line) in list.split(|byte| *byte == b'\n').enumerate() {
        let refuse = |problem| RootError::Conffile {
            package: name.to_owned(),
            line: index.saturating_add(1),
            problem,
        };
        let Some(path) = parse_line(line).map_err(refuse)? else {
            continue;
        };
        let Some(body) = files.get(&path) else {
            return Err(refuse(ConffileProblem::Missing { path }));
        };
        let md5 = md5_of(body, spool).map_err(|source| RootError::Content {
            package: name.to_owned(),
            path: path.clone(),
            source,
        })?;
        found.push(Conffile { path, md5 });
    }
    Ok(found)
}

/// The path of a line; `None` where there is none, or one that is to be removed.
fn parse_line(line: &[u8]) -> Result<Option<TreePath>, ConffileProblem> {
    let line = line.trim_ascii_end();
    if line.is_empty() {
        return Ok(None);
    }
    if line.starts_with(b"/") {
        let path = TreePath::from_archive(line)
            .ok()
            .filter(|path| !path.is_root());
        return path.map(Some).ok_or_else(|| ConffileProblem::Path {
            line: Escaped(line).to_string(),
        });
    }
    let flag = line
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    if flag == REMOVED {
        return Ok(None);
    }
    let flag = Escaped(flag).to_string();
    Err(ConffileProblem::Flag { flag })
}

/// Regular files by path, hard links among them.
fn files(entries: &[Entry]) -> BTreeMap<&TreePath, &Body> {
    let mut files: BTreeMap<&TreePath, &Body> = BTreeMap::new();
    for entry in entries {
        let body = match &entry.kind {
            EntryKind::Node(NodeKind::File(body)) => Some(body),
            EntryKind::HardLink(target) => files.get(target).copied(),
            EntryKind::Node(_) => None,
        };
        if let Some(body) = body {
            files.insert(&entry.path, body);
        }
    }
    files
}
