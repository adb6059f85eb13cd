//! What was laid, and what was not: part of `measurements.json`.

use enclair_tree::{Metadata, TreePath};
use schemars::JsonSchema;
use serde::Serialize;

use super::copy::Copied;
use super::opaque::Opaque;

/// How many names of what was left out are kept.
const NAMES: usize = 8;

/// Everything that came of laying files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Laid {
    /// The regular files, in the order of their paths; those that a later entry replaced are not
    /// among them.
    pub files: Vec<FileReport>,
    /// What is on the disk below a `from` and was not taken.
    pub left_out: LeftOut,
}

/// A regular file that was laid into the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileReport {
    /// Where it is in the image: absolute, over no symlink, unusual bytes escaped.
    pub path: String,
    /// Where it was in the project: relative, unusual bytes escaped. Of a file that is not the
    /// project's, where it was found: `package:NAME, PATH`.
    pub from: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Permission bits, as in `0644`.
    pub mode: String,
    /// What makes its content something to be taken on trust: it was not built from source here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
}

impl FileReport {
    pub(super) fn new(from: String, place: &TreePath, metadata: Metadata, copied: &Copied) -> Self {
        Self {
            path: format!("/{place}"),
            from,
            sha256: copied.sha256.to_string(),
            size: copied.body.len(),
            mode: format!("{:04o}", metadata.permissions),
            opaque: copied.opaque,
        }
    }
}

/// What git does not track, and what git keeps for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// How many names; a directory of which nothing is taken is one.
    pub count: u64,
    /// The first of them, relative to the project, with a `/` behind a directory.
    pub first: Vec<String>,
}

impl LeftOut {
    pub(super) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMES {
            self.first.push(name());
        }
    }
}
