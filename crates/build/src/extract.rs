//! An image taken apart: into a directory, into a tar archive, or one section's bytes.
//!
//! | name | content |
//! |---|---|
//! | `kernel`, `cmdline`, `metadata.json`, `signature.cbor` | the sections as they are |
//! | `ramdisk0`, `ramdisk1`, ... | the ramdisks unpacked, each as the kernel would unpack it alone |
//! | `ramdisk0.entries.jsonl`, ... | in a directory: owner, mode, device and time of every entry |
//!
//! Nothing needs root: what an ordinary user cannot make in a directory (owners, devices, set-id
//! bits) is in the lists, and a tar archive carries it. A directory is filled under a temporary
//! name and then renamed. Every path is made of directories that this module made itself, and
//! every file is created new, so nothing is written through a symlink of the image.

mod directory;
mod listing;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use enclair_cpio::Walker;
use enclair_digest::Limits;
use enclair_eif::{Eif, ScanError, Section, SectionKind, read_structure};
use enclair_finding::Findings;
use enclair_tree::{
    Body, Metadata, Node, NodeId, NodeKind, Spool, Tree, TreePath, from_initramfs, write_tar,
};

use crate::engine::AwsLc;
use crate::error::Error;
use crate::measure::{Measurer, Threads};
use crate::output::{OutputFile, directory_of};
use crate::spool::FileSpool;

/// An image in parts, contents in a spool.
struct Parts {
    spool: FileSpool,
    /// Sections that are files, by the name they get.
    files: Vec<(&'static str, Body)>,
    ramdisks: Vec<Tree>,
    findings: Findings,
}

/// Extracts everything into `directory`, which must be new or empty.
///
/// # Errors
///
/// A file that is no image, a ramdisk that cannot be unpacked, a directory that cannot be written.
/// The directory is then as it was.
pub fn extract_to_directory(
    eif: &Path,
    directory: &Path,
    limits: &Limits,
) -> Result<Findings, Error> {
    let scratch = directory_of(directory);
    let parts = read_parts(eif, scratch, limits)?;
    let temporary = tempfile::Builder::new()
        .prefix(".enclair-")
        .tempdir_in(scratch)
        .map_err(|source| Error::Write {
            path: scratch.to_owned(),
            source,
        })?;
    directory::fill(temporary.path(), &parts)?;
    directory::publish(temporary, directory)?;
    Ok(parts.findings)
}

/// Extracts everything into a tar archive.
///
/// # Errors
///
/// As for [`extract_to_directory`].
pub fn extract_to_tar(eif: &Path, tar: &Path, limits: &Limits) -> Result<Findings, Error> {
    let parts = read_parts(eif, directory_of(tar), limits)?;
    let write = |source| Error::Write {
        path: tar.to_owned(),
        source,
    };
    let mut tree = Tree::new(Metadata::new(0o755));
    for (name, body) in &parts.files {
        let node = Node::new(Metadata::new(0o644), NodeKind::File(body.clone()));
        tree.insert(TreePath::parse(name.as_bytes())?, node)?;
    }
    for (index, ramdisk) in parts.ramdisks.iter().enumerate() {
        let prefix = TreePath::parse(format!("ramdisk{index}").as_bytes())?;
        graft(&mut tree, &prefix, ramdisk)?;
    }
    let mut output = OutputFile::create(tar).map_err(write)?;
    let mut buffered = io::BufWriter::with_capacity(256 << 10, output.file());
    write_tar(&tree, &TreePath::root(), &parts.spool, &mut buffered)?;
    buffered
        .into_inner()
        .map_err(|error| write(error.into_error()))?;
    output.commit().map_err(write)?;
    Ok(parts.findings)
}

/// Adds all of `other` to `tree`, below `prefix`.
fn graft(tree: &mut Tree, prefix: &TreePath, other: &Tree) -> Result<(), Error> {
    let mut added: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for (path, id, node) in other.iter() {
        let place = prefix.join(path);
        match added.get(&id) {
            Some(first) => tree.link(place, *first)?,
            None => drop(added.insert(id, tree.insert(place, node.clone())?)),
        }
    }
    Ok(())
}

/// Extracts the bytes of section number `index`, counted from 0.
///
/// # Errors
///
/// A file that is no image, or has fewer sections.
pub fn extract_section(eif: &Path, index: usize, target: &Path) -> Result<(), Error> {
    let (mut file, structure) = open(eif)?;
    let count = structure.sections().len();
    structure
        .sections()
        .get(index)
        .ok_or(Error::NoSection { index, count })?;
    let write = |source| Error::Write {
        path: target.to_owned(),
        source,
    };
    let mut output = OutputFile::create(target).map_err(write)?;
    // The whole file is read, so that bytes of a damaged one are not handed out.
    let measurer = Measurer::new(&AwsLc, Threads::One);
    let copy = |section: &Section, data: &mut dyn BufRead| {
        if section.index == index {
            io::copy(data, output.file())?;
        }
        Ok(())
    };
    structure
        .scan(&mut file, measurer, copy)
        .map_err(|error| match error {
            ScanError::File(source) => Error::Eif { source },
            ScanError::Visit { source, .. } => write(source),
        })?;
    output.commit().map_err(write)
}

fn open(eif: &Path) -> Result<(File, Eif), Error> {
    let mut file = File::open(eif).map_err(|source| Error::Open {
        path: eif.to_owned(),
        source,
    })?;
    let structure = read_structure(&mut file)?;
    Ok((file, structure))
}

/// Reads the whole image once; the CRC is checked on the way.
fn read_parts(eif: &Path, scratch: &Path, limits: &Limits) -> Result<Parts, Error> {
    let (mut file, structure) = open(eif)?;
    let spool = FileSpool::create(scratch).map_err(|source| Error::Write {
        path: PathBuf::from(scratch),
        source,
    })?;
    let findings = structure.findings();
    let mut parts = Parts {
        spool,
        files: Vec::new(),
        ramdisks: Vec::new(),
        findings,
    };
    let measurer = Measurer::new(&AwsLc, Threads::One);
    structure
        .scan(&mut file, measurer, |section, data| {
            parts.take(section.kind, data, limits)
        })
        .map_err(|error| match error {
            ScanError::File(source) => Error::Eif { source },
            ScanError::Visit { source, .. } => source,
        })
        .map_err(|error| blame_file(&structure, &mut file).err().unwrap_or(error))?;
    Ok(parts)
}

/// Looks for the first cause of a failure: a damaged file fails in some way of its own long before
/// its CRC is compared, and that way would mislead.
fn blame_file(structure: &Eif, file: &mut File) -> Result<(), Error> {
    structure.measure(file, Measurer::new(&AwsLc, Threads::One))?;
    Ok(())
}

impl Parts {
    fn take(
        &mut self,
        kind: SectionKind,
        data: &mut dyn BufRead,
        limits: &Limits,
    ) -> Result<(), Error> {
        let name = match kind {
            SectionKind::Ramdisk => return self.take_ramdisk(data, limits),
            SectionKind::Kernel => "kernel",
            SectionKind::CommandLine => "cmdline",
            SectionKind::Metadata => "metadata.json",
            SectionKind::Signature => "signature.cbor",
        };
        let read = |source| Error::Read {
            name: name.to_owned(),
            source,
        };
        let offset = self.spool.position();
        let mut crc = crc32fast::Hasher::new();
        loop {
            let bytes = data.fill_buf().map_err(read)?;
            if bytes.is_empty() {
                break;
            }
            crc.update(bytes);
            self.spool.append(bytes).map_err(read)?;
            let count = bytes.len();
            data.consume(count);
        }
        let len = self.spool.position() - offset;
        self.files.push((
            name,
            Body::Spooled {
                offset,
                len,
                crc32: crc.finalize(),
            },
        ));
        Ok(())
    }

    fn take_ramdisk(&mut self, data: &mut dyn BufRead, limits: &Limits) -> Result<(), Error> {
        let index = self.ramdisks.len();
        let mut walker = Walker::new(data, *limits);
        let tree = from_initramfs(&mut walker, &mut self.spool, limits, &mut self.findings)
            .map_err(|source| Error::Ramdisk {
                index,
                source: Box::new(source.into()),
            })?;
        self.findings.merge(walker.into_findings());
        self.ramdisks.push(tree);
        Ok(())
    }
}
