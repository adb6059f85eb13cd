//! What the fuzz targets share: limits, and the properties that hold for whatever was read.
//!
//! The seeds are in the folders of `corpus`; ordinary tests of the crates
//! replay them, so an input that once broke something is never forgotten. Run a target with
//!
//! ```text
//! cargo +nightly fuzz run tar_to_tree fuzz/corpus/tar_to_tree fuzz/corpus/tar -- -max_len=65536
//! ```

use std::fmt::Debug;
use std::io;

use enclair_cpio::{Marker, Sink, Walker, Writer};
use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_import::{ForeignKind, import};
use enclair_tree::{
    Body, Forecast, MemorySpool, MtimePolicy, NodeKind, Spool, Tree, TreePath, from_initramfs,
    read_body, to_cpio,
};

/// Limits so small that a bomb cannot be mistaken for a slow input.
pub const LIMITS: Limits = Limits {
    unpacked_bytes: 1 << 20,
    entries: 2000,
    document_bytes: 1 << 16,
};

/// Where a tree is put in a ramdisk.
const PREFIX: &[u8] = b"rootfs";
const MARKER: Marker = Marker {
    ramdisk: 0,
    mtime: 7,
};

/// An archive in memory, of bodies in a spool.
struct Archive<'a> {
    bytes: Vec<u8>,
    spool: &'a MemorySpool,
}

impl Sink<Body> for Archive<'_> {
    type Error = io::Error;

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn body(&mut self, body: &Body) -> io::Result<()> {
        io::copy(&mut read_body(body, self.spool), &mut self.bytes).map(drop)
    }
}

/// A tree that an archive can carry is written as its forecast said, is read without a finding,
/// and is then the same tree.
///
/// # Panics
///
/// When that does not hold.
pub fn check_ramdisk(tree: &Tree, spool: &MemorySpool) {
    let prefix = TreePath::parse(PREFIX).expect("a constant");
    let mut findings = Findings::new();
    let mut forecast = Writer::new(Forecast::new());
    if to_cpio(
        tree,
        &prefix,
        &mut forecast,
        MtimePolicy::Epoch(7),
        &mut findings,
    )
    .is_err()
    {
        return;
    }
    let forecast = forecast
        .finish(Some(MARKER))
        .expect("the end of a forecast");
    let sink = Archive {
        bytes: Vec::new(),
        spool,
    };
    let mut writer = Writer::new(sink);
    let mut again = Findings::new();
    to_cpio(
        tree,
        &prefix,
        &mut writer,
        MtimePolicy::Epoch(7),
        &mut again,
    )
    .expect("what was forecast can be written");
    let archive = writer
        .finish(Some(MARKER))
        .expect("the end of an archive")
        .bytes;
    assert_eq!(archive.len() as u64, forecast.len(), "size as forecast");
    assert_eq!(
        crc32fast::hash(&archive),
        forecast.crc32(),
        "CRC as forecast"
    );

    let limits = Limits {
        unpacked_bytes: 16 << 20,
        entries: 10_000,
        ..LIMITS
    };
    let mut walker = Walker::new(&archive[..], limits);
    let mut back_spool = MemorySpool::new();
    let back = from_initramfs(&mut walker, &mut back_spool, &limits, &mut findings)
        .expect("what was written can be read");
    let found = walker.into_findings();
    assert!(found.is_empty(), "{found:?}");
    let expected = listing(tree, spool);
    assert_eq!(listing_below(&back, &back_spool, &prefix), expected);
}

/// Path, fields and content of every node.
///
/// # Panics
///
/// When a body cannot be read back.
pub fn listing(tree: &Tree, spool: &dyn Spool) -> Vec<String> {
    listing_below(tree, spool, &TreePath::root())
}

fn listing_below(tree: &Tree, spool: &dyn Spool, prefix: &TreePath) -> Vec<String> {
    let below = tree.iter().filter_map(|(path, id, node)| {
        let path = path.strip_prefix(prefix)?;
        let content = match &node.kind {
            NodeKind::File(body) => {
                let bytes = read_body(body, spool).read_to_vec(u64::MAX);
                format!("{:?} {} links", bytes.expect("a body"), tree.links(id))
            }
            other => format!("{other:?}"),
        };
        let metadata = &node.metadata;
        // A ramdisk has one mode for all symlinks.
        let is_symlink = matches!(node.kind, NodeKind::Symlink(_));
        let mode = if is_symlink {
            0o777
        } else {
            metadata.permissions
        };
        let (uid, gid) = (metadata.uid, metadata.gid);
        Some(format!("{path:?} {mode:o} {uid} {gid} {content}"))
    });
    below.collect()
}

/// Gives one byte at a time, as a slow pipe may.
pub struct Trickle<'a>(pub &'a [u8]);

impl io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1);
        io::Read::read(&mut self.0, &mut buffer[..length])
    }
}

impl io::BufRead for Trickle<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.0[..self.0.len().min(1)])
    }

    fn consume(&mut self, count: usize) {
        self.0 = &self.0[count..];
    }
}

/// Two ways to the same thing end in the same way.
///
/// # Panics
///
/// When they do not.
pub fn assert_same<T: PartialEq + Debug, E: Debug>(one: Result<T, E>, other: Result<T, E>) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert!(one == other, "different results"),
        (Err(_), Err(_)) => (),
        (one, other) => panic!("one failed: {:?} {:?}", one.err(), other.err()),
    }
}

/// A file of another tool that is read becomes TOML, as it is and with the lines that wait made
/// keys, and notes that can be printed.
///
/// # Panics
///
/// When that does not hold.
pub fn check_import(kind: ForeignKind, data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let _ = ForeignKind::detect("file", text);
    let imported = match import(kind, "file", text) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(is_printable(&error.to_string()), "{error}");
            return;
        }
    };
    toml::de::DeTable::parse(&imported.recipe).expect("TOML");
    let waiting = imported
        .recipe
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest,
            _ => line,
        });
    let waiting = waiting.collect::<Vec<_>>().join("\n");
    toml::de::DeTable::parse(&waiting).expect("TOML of lines that wait");
    for note in &imported.notes {
        assert!(is_printable(&note.to_string()), "{note}");
        assert!(is_printable(&note.text), "{note}");
    }
}

/// What the agent passes on in front of a request is one head of HTTP, whose lines end in one way.
///
/// # Panics
///
/// When two readers could take it for more than one request.
pub fn check_head(target: &str, head: &[u8]) {
    assert!(is_printable(target), "{target:?}");
    if head.is_empty() {
        return;
    }
    let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    assert_eq!(end, head.len().checked_sub(4), "{head:?}");
    let lines = head.split(|byte| *byte == b'\n').count();
    let ends = head.windows(2).filter(|bytes| *bytes == b"\r\n").count();
    let returns = head.iter().filter(|byte| **byte == b'\r').count();
    assert_eq!((ends + 1, ends), (lines, returns), "{head:?}");
}

/// One line, and nothing that a terminal would obey.
fn is_printable(text: &str) -> bool {
    !text.contains(char::is_control)
}
