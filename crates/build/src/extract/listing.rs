//! The list beside an extracted ramdisk: one JSON object a line and an entry.
//!
//! What a directory of an ordinary user cannot hold is here: numeric owner, full mode, device
//! numbers. A name that is not UTF-8 is in `path_hex`, and `path` shows it with escapes.

use std::io::{self, Write as _};
use std::path::Path;

use enclair_tree::{NodeKind, Tree, TreePath};
use serde::Serialize;

use crate::output::OutputFile;

/// One entry.
#[derive(Debug, Serialize)]
struct Line {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    kind: &'static str,
    mode: String,
    uid: u32,
    gid: u32,
    mtime: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u32, u32)>,
    links: u32,
}

/// Writes the list of `tree` to `path`.
pub(super) fn write(path: &Path, tree: &Tree) -> io::Result<()> {
    let mut output = OutputFile::create(path)?;
    let mut out = io::BufWriter::new(output.file());
    for (path, id, node) in tree.iter() {
        let (kind, size, target, device) = match &node.kind {
            NodeKind::Directory => ("directory", None, None, None),
            NodeKind::File(body) => ("file", Some(body.len()), None, None),
            NodeKind::Symlink(target) => (
                "symlink",
                None,
                Some(String::from_utf8_lossy(target).into_owned()),
                None,
            ),
            NodeKind::CharacterDevice { major, minor } => {
                ("character-device", None, None, Some((*major, *minor)))
            }
            NodeKind::BlockDevice { major, minor } => {
                ("block-device", None, None, Some((*major, *minor)))
            }
            NodeKind::Fifo => ("fifo", None, None, None),
            NodeKind::Socket => ("socket", None, None, None),
        };
        let line = Line {
            path: path.to_string(),
            path_hex: hex_unless_text(path),
            kind,
            mode: format!("{:04o}", node.metadata.permissions),
            uid: node.metadata.uid,
            gid: node.metadata.gid,
            mtime: node.metadata.mtime,
            size,
            target,
            device,
            links: tree.links(id),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    drop(out);
    output.commit()
}

fn hex_unless_text(path: &TreePath) -> Option<String> {
    use std::fmt::Write as _;
    let bytes = path.as_bytes();
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    Some(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
