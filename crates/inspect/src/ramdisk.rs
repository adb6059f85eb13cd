//! What is in a ramdisk: segments, counts, and what it does to the ramdisks before it.

use std::io::{self, BufRead, Read};

use enclair_cpio::{Container, Walker};
use enclair_digest::Limits;
use enclair_finding::Findings;

use crate::findings::{
    RAMDISK_MARKER_WRONG, RAMDISK_OVERRIDES_BOOT, RAMDISK_PATH_UNRESOLVED, RAMDISK_UNREADABLE,
};
use crate::overlay::{Effect, Overlay};

/// Bits of a mode that hold the type, and the type of a symlink.
const TYPE_MASK: u32 = 0o170_000;
const SYMLINK: u32 = 0o120_000;
/// Bytes that may be kept of the names of an image: paths of the boot ramdisk, symlinks, a listing.
/// Real images take some tens of megabytes; names that compress well would fill the memory.
const MAX_KEPT: u64 = 64 << 20;
/// What an entry takes besides its name, about.
const ENTRY_OVERHEAD: usize = 128;
/// No target is longer in Linux.
const MAX_TARGET: u64 = 4096;

/// One run of archives in a ramdisk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RamdiskSegment {
    /// `newc`, or the compression around it.
    pub container: &'static str,
    /// Where it begins in the ramdisk, in bytes.
    pub offset: u64,
    /// Archives in it.
    pub archives: u32,
    /// Entries in them.
    pub entries: u64,
}

/// One entry, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The name as stored.
    pub path: Vec<u8>,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size: u32,
    /// Modification time in seconds.
    pub mtime: u32,
    /// Major and minor number, for devices.
    pub rdev: (u32, u32),
    /// Where a symlink leads.
    pub target: Option<Vec<u8>>,
}

/// What a ramdisk holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ramdisk {
    /// Its archives, in order.
    pub segments: Vec<RamdiskSegment>,
    /// Entries in all archives.
    pub entries: u64,
    /// Bytes of memory that its entries take when they are unpacked; see [`entry_memory`].
    pub unpacked: u64,
    /// Why reading stopped before the end.
    pub problem: Option<String>,
    /// The entries, where a listing was asked for.
    pub listing: Vec<ListedEntry>,
}

/// Whether an inspection keeps the entries of ramdisks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listing {
    /// Counts only: memory stays the same whatever the image's size.
    #[default]
    Counts,
    /// Every entry.
    Entries,
}

/// Walks ramdisks in file order.
#[derive(Debug)]
pub(crate) struct RamdiskReader {
    limits: Limits,
    listing: Listing,
    overlay: Overlay,
    kept: u64,
}

impl RamdiskReader {
    pub(crate) fn new(limits: Limits, listing: Listing, ramdisks: usize) -> Self {
        Self {
            limits,
            listing,
            overlay: Overlay::new(ramdisks),
            kept: 0,
        }
    }

    /// Reads ramdisk number `index`. What cannot be read is a finding: the image still has its
    /// measurements.
    pub(crate) fn read(
        &mut self,
        index: usize,
        data: &mut dyn BufRead,
        findings: &mut Findings,
    ) -> Ramdisk {
        let mut walker = Walker::new(data, self.limits);
        let mut ramdisk = Ramdisk::default();
        if let Err(Problem(problem)) = self.walk(index, &mut walker, &mut ramdisk, findings) {
            findings.add(
                &RAMDISK_UNREADABLE,
                format_args!("ramdisk {index}: {problem}"),
            );
            ramdisk.problem = Some(problem);
        }
        let container = |container: Container| match container {
            Container::Raw => "newc",
            Container::Compressed(format) => format.name(),
        };
        let segments = walker.segments().iter();
        ramdisk.segments = segments
            .map(|segment| RamdiskSegment {
                container: container(segment.container),
                offset: segment.offset,
                archives: segment.archives,
                entries: segment.entries,
            })
            .collect();
        findings.merge(walker.into_findings());
        ramdisk
    }

    fn walk(
        &mut self,
        index: usize,
        walker: &mut Walker<&mut dyn BufRead>,
        ramdisk: &mut Ramdisk,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        let marker = format!("~end{index}").into_bytes();
        while let Some(found) = walker.next_entry()? {
            let (path, header) = (found.entry.path, found.entry.header);
            let target = match header.mode & TYPE_MASK {
                SYMLINK => Some(read_short(walker, MAX_TARGET)?),
                _ => None,
            };
            self.keep(index, &path, target.as_deref())?;
            let subject = || format!("ramdisk {index}: {}", String::from_utf8_lossy(&path));
            match self.overlay.add(index, &path, target.as_deref()) {
                Effect::Adds => (),
                Effect::OverridesBoot => findings.add(&RAMDISK_OVERRIDES_BOOT, subject()),
                Effect::Unresolved => findings.add(&RAMDISK_PATH_UNRESOLVED, subject()),
            }
            if path == marker && read_short(walker, 32)? != ramdisk.entries.to_string().as_bytes() {
                findings.add(&RAMDISK_MARKER_WRONG, subject());
            }
            ramdisk.entries = ramdisk.entries.saturating_add(1);
            ramdisk.unpacked = ramdisk
                .unpacked
                .saturating_add(entry_memory(u64::from(header.size)));
            if self.listing == Listing::Entries {
                ramdisk.listing.push(ListedEntry {
                    path,
                    mode: header.mode,
                    uid: header.uid,
                    gid: header.gid,
                    size: header.size,
                    mtime: header.mtime,
                    rdev: header.rdev,
                    target,
                });
            }
        }
        Ok(())
    }

    /// Counts what will be kept of an entry.
    fn keep(&mut self, index: usize, path: &[u8], target: Option<&[u8]>) -> Result<(), Problem> {
        let name = path.len().saturating_add(target.map_or(0, <[u8]>::len));
        let times = [
            index == 0,
            target.is_some(),
            self.listing == Listing::Entries,
        ];
        let times = times.into_iter().filter(|is_kept| *is_kept).count();
        let bytes = name.saturating_add(ENTRY_OVERHEAD).saturating_mul(times);
        self.kept = self
            .kept
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.kept <= MAX_KEPT {
            return Ok(());
        }
        Err(Problem(format!(
            "its names take more than {MAX_KEPT} bytes, which no real image does"
        )))
    }
}

/// Bytes of memory that an entry with a content of `size` bytes takes in a memory file system:
/// whole pages, and about a kilobyte for the entry itself.
pub const fn entry_memory(size: u64) -> u64 {
    const PAGE: u64 = 4096;
    const ENTRY: u64 = 1024;
    size.div_ceil(PAGE)
        .saturating_mul(PAGE)
        .saturating_add(ENTRY)
}

/// Why a ramdisk cannot be read, on one line: the error and its causes.
#[derive(Debug)]
struct Problem(String);

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self(text)
    }
}

/// The content of a small entry.
fn read_short(walker: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    walker.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
