//! Normalisation: what is changed in a root filesystem because it carries no meaning.
//!
//! Each rule has an id and a version (`mtime@1`); both go into every report, because a rule that
//! changes its mind changes measurements. The default set is fixed by format 1; a lock lists the
//! rules that it was made with, and those are applied. A rule says how many entries it touched:
//! nothing is changed silently.

use std::str::FromStr;

use enclair_tree::{NodeKind, Tree, TreePath};
use schemars::JsonSchema;
use serde::Serialize;

use crate::epoch::Epoch;
use crate::error::Error;

/// A rule in one of its versions. Each version stays here as it was, for locks that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Removes the empty files that container runtimes leave.
    RuntimeFiles1,
    /// Sets every time to the epoch.
    Mtime1,
}

impl Rule {
    /// The rules of format 1, in their order.
    pub const FORMAT: [Self; 2] = [Self::RuntimeFiles1, Self::Mtime1];

    const ALL: [Self; 2] = Self::FORMAT;

    /// Rule and version, as in `mtime@1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RuntimeFiles1 => "runtime-files@1",
            Self::Mtime1 => "mtime@1",
        }
    }

    /// The rule without its version, as recipes name it.
    pub fn id(self) -> &'static str {
        self.name().split('@').next().unwrap_or_default()
    }

    fn apply(self, tree: &mut Tree, epoch: Epoch) -> Result<Applied, Error> {
        match self {
            Self::RuntimeFiles1 => remove_runtime_files(tree),
            Self::Mtime1 => Ok(set_times(tree, epoch)),
        }
    }
}

/// Text that names no rule of this release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{0}` in this release")]
pub struct UnknownRule(pub String);

impl FromStr for Rule {
    type Err = UnknownRule;

    /// Finds a rule by name and version.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.name() == text)
            .ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Applied {
    /// Rule and version, as in `mtime@1`.
    pub rule: &'static str,
    /// Entries that it changed or removed.
    pub count: u64,
    /// What it does, in one sentence.
    pub what: &'static str,
    /// The paths it removed; rules that change fields list none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// Files that container runtimes leave in a committed root filesystem: mount points for what they
/// put there at run time. Removed only when they are empty regular files, so that content that
/// somebody wrote is kept.
const RUNTIME_FILES: [&[u8]; 5] = [
    b".dockerenv",
    b"run/.containerenv",
    b"etc/hostname",
    b"etc/hosts",
    b"etc/resolv.conf",
];

/// Applies rules in their order.
///
/// # Errors
///
/// Those of the tree, which a path of the fixed list cannot cause.
pub(crate) fn normalise(
    tree: &mut Tree,
    rules: &[Rule],
    epoch: Epoch,
) -> Result<Vec<Applied>, Error> {
    rules.iter().map(|rule| rule.apply(tree, epoch)).collect()
}

fn remove_runtime_files(tree: &mut Tree) -> Result<Applied, Error> {
    let mut removed = Vec::new();
    for name in RUNTIME_FILES {
        let path = TreePath::parse(name)?;
        let is_empty_file = matches!(
            tree.get(&path).map(|node| &node.kind),
            Some(NodeKind::File(body)) if body.is_empty()
        );
        if is_empty_file {
            tree.remove(&path);
            removed.push(path.to_string());
        }
    }
    Ok(Applied {
        rule: Rule::RuntimeFiles1.name(),
        count: removed.len() as u64,
        what: "empty files that a container runtime left were removed",
        removed,
    })
}

fn set_times(tree: &mut Tree, epoch: Epoch) -> Applied {
    let mut count = 0;
    tree.rewrite(|_, node| {
        if node.metadata.mtime != i64::from(epoch.0) {
            node.metadata.mtime = i64::from(epoch.0);
            count += 1;
        }
    });
    Applied {
        rule: Rule::Mtime1.name(),
        count,
        what: "modification times were set to the epoch",
        removed: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use enclair_tree::{Body, Metadata, Node};

    use super::*;

    fn tree(entries: &[(&str, NodeKind)]) -> Tree {
        let mut tree = Tree::new(Metadata::new(0o755));
        for (path, kind) in entries {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            tree.insert(path, Node::new(Metadata::new(0o644), kind.clone()))
                .unwrap();
        }
        tree
    }

    fn file(content: &[u8]) -> NodeKind {
        NodeKind::File(Body::from(content))
    }

    #[test]
    fn only_empty_regular_files_of_the_list_are_removed() {
        let mut tree = tree(&[
            (".dockerenv", file(b"")),
            ("etc", NodeKind::Directory),
            ("etc/hostname", file(b"mine\n")),
            ("etc/hosts", file(b"")),
            (
                "etc/resolv.conf",
                NodeKind::Symlink(b"../run/resolv.conf".to_vec()),
            ),
            ("etc/other", file(b"")),
        ]);
        let applied = normalise(&mut tree, &Rule::FORMAT, Epoch(0)).unwrap();
        assert_eq!(applied[0].removed, [".dockerenv", "etc/hosts"]);
        let left: Vec<_> = tree.iter().map(|(path, ..)| path.to_string()).collect();
        for kept in ["etc/hostname", "etc/resolv.conf", "etc/other"] {
            assert!(left.iter().any(|path| path == kept), "{kept}: {left:?}");
        }
    }

    #[test]
    fn times_are_set_and_not_clamped_and_the_count_says_how_many_moved() {
        let mut tree = tree(&[("a", file(b"1")), ("b", file(b"2")), ("c", file(b"3"))]);
        for (name, mtime) in [("a", 5), ("b", 100), ("c", -7)] {
            let path = TreePath::parse(name.as_bytes()).unwrap();
            tree.get_mut(&path).unwrap().metadata.mtime = mtime;
        }
        let applied = normalise(&mut tree, &Rule::FORMAT, Epoch(100)).unwrap();
        assert!(tree.iter().all(|(_, _, node)| node.metadata.mtime == 100));
        // a, c and the root directory.
        assert_eq!((applied[1].rule, applied[1].count), ("mtime@1", 3));
    }
}
