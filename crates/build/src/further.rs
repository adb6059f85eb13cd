//! Further ramdisks: archives that are added behind the application's.
//!
//! The kernel unpacks all ramdisks into one tree, later ones over earlier ones. An archive that had
//! an `init` of its own would replace PID 1 while PCR1 stays the same, so nothing but `rootfs` may
//! stand at its top. The archive is read as the kernel would read it and written anew, canonically:
//! what somebody's cpio put into its headers decides no byte.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use enclair_cpio::Walker;
use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::{Spool, Tree, from_initramfs};

use crate::error::Error;
use crate::ramdisk::ROOT;

/// Ramdisks of an image at most: 32 sections without kernel, command line, metadata and signature.
pub(crate) const MAX_RAMDISKS: usize = 28;

/// Reads the archive `path`, compressed or not, contents to `spool`.
///
/// # Errors
///
/// An archive that cannot be read or walked, and one with an entry outside of `rootfs/`.
pub(crate) fn read_further(
    path: &Path,
    spool: &mut dyn Spool,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Tree, Error> {
    let file = File::open(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source,
    })?;
    let mut input = BufReader::new(file);
    // The kernel takes an empty ramdisk for a complete one.
    if input.fill_buf().is_ok_and(<[u8]>::is_empty) {
        let path = path.to_owned();
        return Err(Error::Empty { path });
    }
    let mut walker = Walker::new(input, *limits);
    let tree =
        from_initramfs(&mut walker, spool, limits, findings).map_err(|source| Error::Further {
            path: path.to_owned(),
            source: Box::new(source.into()),
        })?;
    findings.merge(walker.into_findings());
    let outside = tree.iter().find(|(entry, _, node)| {
        let top = entry.components().next();
        // A file in the place of the root filesystem would end it.
        top.is_some_and(|top| top != ROOT) || (entry.as_bytes() == ROOT && !node.is_directory())
    });
    match outside {
        None => Ok(tree),
        Some((entry, _, _)) => Err(Error::OutsideRoot {
            path: path.to_owned(),
            entry: entry.to_string(),
        }),
    }
}
