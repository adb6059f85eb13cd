//! Reads a tar archive entry by entry; contents go to a spool.
//!
//! v7, ustar, GNU and PAX archives are read, with the long names of the last two and all sparse
//! formats. Whatever two readers could understand in two ways is an error and not a guess: a size
//! on a directory, two long names for one entry, a zero block between entries.

use std::io::Read;

use enclair_digest::Limits;
use enclair_finding::Findings;

use super::header::Header;
use super::pax::{Records, Scope, SparseRecords};
use super::problem::{Part, SparseProblem, TarProblem};
use super::source::{Block, Source};
use super::sparse::{Layout, Map, read_map_in_front, read_old_map};
use crate::body::{Body, BodyWriter, Spool};
use crate::budget::Budget;
use crate::error::Error;
use crate::findings::{TAR_FIELD_DROPPED, TAR_NO_END, TAR_TRAILING_DATA};
use crate::node::{Metadata, NodeKind, Xattrs};
use crate::path::{Escaped, PATH_MAX, PathError, TreePath, shown};

/// An entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it belongs; the root for `./`.
    pub path: TreePath,
    /// Where its header is, in bytes of the uncompressed archive.
    pub offset: u64,
    /// Owner, mode, time.
    pub metadata: Metadata,
    /// Names of owner and group.
    pub owner: OwnerNames,
    /// Extended attributes.
    pub xattrs: Xattrs,
    /// What it is.
    pub kind: EntryKind,
}

/// What an archive calls the owner and the group of an entry; empty where it says nothing.
///
/// Layers of images go by the numbers. Packages go by the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerNames {
    /// Name of the owner.
    pub user: Box<[u8]>,
    /// Name of the group.
    pub group: Box<[u8]>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A node of its own.
    Node(NodeKind),
    /// A further name of the node at a path.
    HardLink(TreePath),
}

/// Which names an archive may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// A `/` in front means nothing, as in layers of images.
    AnyStart,
    /// A `/` in front is an error, as in packages.
    Relative,
}

/// Reads the entries of an archive in order.
#[allow(missing_debug_implementations, reason = "a reader of bytes has none")]
pub struct Reader<'a> {
    source: Source<'a>,
    budget: Budget,
    global: Records,
    names: Names,
    finished: bool,
}

/// Extended headers that wait for their entry.
#[derive(Default)]
struct Pending {
    records: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Pending {
    fn what(&self) -> Option<&'static str> {
        if self.records.is_some() {
            Some(RECORDS)
        } else if self.long_name.is_some() {
            Some(LONG_NAME)
        } else {
            self.long_link.as_ref().map(|_| LONG_LINK)
        }
    }
}

const RECORDS: &str = "extended header";
const LONG_NAME: &str = "long name";
const LONG_LINK: &str = "long link target";

impl<'a> Reader<'a> {
    /// Reads `archive`, uncompressed.
    pub fn new(archive: &'a mut dyn Read, limits: Limits) -> Self {
        Self {
            source: Source::new(archive, limits.unpacked_bytes),
            budget: Budget::new(limits),
            global: Records::default(),
            names: Names::AnyStart,
            finished: false,
        }
    }

    /// Takes only names, of entries and of hard links' targets, that `names` allows.
    #[must_use]
    pub const fn with_names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// What is left of the limits, for directories that entries imply.
    pub(crate) const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    pub(crate) fn into_budget(self) -> Budget {
        self.budget
    }

    /// The next entry; `None` once the source has been read to its very end.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::Tar`], [`Error::Limit`], [`Error::Spool`].
    pub fn next_entry(
        &mut self,
        spool: &mut dyn Spool,
        findings: &mut Findings,
    ) -> Result<Option<Entry>, Error> {
        let mut pending = Pending::default();
        while !self.finished {
            let offset = self.source.offset;
            let Some(block) = self.next_header(offset, findings)? else {
                self.finished = true;
                if let Some(what) = pending.what() {
                    return Err(Error::tar(offset, TarProblem::Dangling { what }));
                }
                break;
            };
            let header = Header::parse(&block).map_err(|problem| Error::tar(offset, problem))?;
            if !self.read_extension(offset, &header, &mut pending, findings)? {
                let described = Described::new(offset, &header, pending, &self.global)
                    .map_err(|problem| Error::tar(offset, problem))?;
                return self.read_entry(described, spool).map(Some);
            }
        }
        Ok(None)
    }

    /// The next block that is not zero; at the end of the archive, everything up to the end of the
    /// source is read.
    fn next_header(
        &mut self,
        offset: u64,
        findings: &mut Findings,
    ) -> Result<Option<Block>, Error> {
        let is_zero = |block: &Block| block.iter().all(|byte| *byte == 0);
        match self.source.block(Part::Header)? {
            Some(block) if !is_zero(&block) => return Ok(Some(block)),
            Some(_) => {}
            None => {
                findings.add(&TAR_NO_END, format_args!("offset {offset}"));
                return Ok(None);
            }
        }
        match self.source.block(Part::Header)? {
            Some(block) if !is_zero(&block) => Err(Error::tar(offset, TarProblem::LoneZeroBlock)),
            Some(_) => {
                let offset = self.source.offset;
                if self.source.drain()? {
                    findings.add(&TAR_TRAILING_DATA, format_args!("offset {offset}"));
                }
                Ok(None)
            }
            None => {
                findings.add(&TAR_NO_END, format_args!("offset {offset}"));
                Ok(None)
            }
        }
    }

    /// Reads what stands for another entry; says whether it was that.
    fn read_extension(
        &mut self,
        offset: u64,
        header: &Header<'_>,
        pending: &mut Pending,
        findings: &mut Findings,
    ) -> Result<bool, Error> {
        let refuse = |problem| Error::tar(offset, problem);
        match header.type_flag() {
            b'x' => {
                let document = self.read_document(offset, header)?;
                let records = Records::parse(&document, Scope::Next, findings).map_err(refuse)?;
                set_once(&mut pending.records, records, RECORDS).map_err(refuse)?;
            }
            b'g' => {
                let document = self.read_document(offset, header)?;
                let records = Records::parse(&document, Scope::Global, findings).map_err(refuse)?;
                self.global.update(records);
            }
            b'L' => {
                let name = until_nul(self.read_document(offset, header)?);
                set_once(&mut pending.long_name, name, LONG_NAME).map_err(refuse)?;
            }
            b'K' => {
                let target = until_nul(self.read_document(offset, header)?);
                set_once(&mut pending.long_link, target, LONG_LINK).map_err(refuse)?;
            }
            b'V' => {
                check_no_size(header, 0).map_err(refuse)?;
                let label = shown(&header.name());
                findings.add(&TAR_FIELD_DROPPED, format_args!("volume label `{label}`"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_document(&mut self, offset: u64, header: &Header<'_>) -> Result<Vec<u8>, Error> {
        let size = header
            .content_size()
            .map_err(|problem| Error::tar(offset, problem))?;
        self.budget.check_document(offset, size)?;
        self.source.document(size, Part::Records)
    }

    fn read_entry(
        &mut self,
        described: Described<'_>,
        spool: &mut dyn Spool,
    ) -> Result<Entry, Error> {
        let offset = described.offset;
        let refuse = |problem| Error::tar(offset, problem);
        self.budget.count_entry(offset, described.name_bytes())?;
        self.check_start(&described).map_err(refuse)?;
        let path = TreePath::from_archive(&described.name).map_err(|error| refuse(error.into()))?;
        let kind = match described.type_flag() {
            b'0' | b'7' | 0 | b'S' => {
                let body = self.read_content(&described, &path, spool)?;
                EntryKind::Node(NodeKind::File(body))
            }
            flag => {
                let kind = described.kind_without_content(flag).map_err(refuse)?;
                check_no_size(described.header, described.size).map_err(refuse)?;
                kind
            }
        };
        Ok(Entry {
            path,
            offset,
            metadata: described.metadata,
            owner: described.owner,
            xattrs: described.records.xattrs,
            kind,
        })
    }

    /// A symlink's target may be absolute in any archive.
    fn check_start(&self, described: &Described<'_>) -> Result<(), TarProblem> {
        let target = (described.type_flag() == b'1').then_some(&described.link_target);
        let mut names = [Some(&described.name), target].into_iter().flatten();
        match names.find(|name| name.starts_with(b"/")) {
            Some(name) if self.names == Names::Relative => {
                let name = shown(name);
                Err(PathError::Absolute { name }.into())
            }
            _ => Ok(()),
        }
    }

    fn read_content(
        &mut self,
        described: &Described<'_>,
        path: &TreePath,
        spool: &mut dyn Spool,
    ) -> Result<Body, Error> {
        let stored = described.size;
        let map = self.read_map(described)?;
        let size = map.as_ref().map_or(stored, |map| map.size);
        self.budget
            .check_content(described.offset, spool.position(), size)?;
        let mut body = BodyWriter::new(spool, path);
        match map {
            None => self.source.content(stored, &mut body)?,
            Some(map) => map.copy(&mut self.source, &mut body)?,
        }
        self.source.padding(stored, Part::Content)?;
        Ok(body.finish())
    }

    fn read_map(&mut self, described: &Described<'_>) -> Result<Option<Map>, Error> {
        let refuse = |problem: SparseProblem| Error::tar(described.offset, problem.into());
        let header = described.header;
        let stored = described.size;
        let layout = Layout::of_records(&described.records.sparse, stored).map_err(refuse)?;
        match (header.type_flag(), layout) {
            (b'S', Layout::Dense) => {
                read_old_map(&mut self.source, &self.budget, header, stored).map(Some)
            }
            (b'S', _) => Err(refuse(SparseProblem::Version)),
            (_, Layout::Dense) => Ok(None),
            (_, Layout::Mapped(map)) => Ok(Some(map)),
            (_, Layout::MapInFront { size }) => {
                read_map_in_front(&mut self.source, &self.budget, size, stored).map(Some)
            }
        }
    }
}

/// A header with all that extended headers say about it.
struct Described<'a> {
    header: &'a Header<'a>,
    offset: u64,
    name: Vec<u8>,
    link_target: Vec<u8>,
    /// Bytes in the archive.
    size: u64,
    metadata: Metadata,
    owner: OwnerNames,
    records: Records,
}

impl<'a> Described<'a> {
    fn new(
        offset: u64,
        header: &'a Header<'a>,
        pending: Pending,
        global: &Records,
    ) -> Result<Self, TarProblem> {
        let mut records = pending.records.unwrap_or_default().or(global);
        let name = one_of(records.path.take(), pending.long_name, LONG_NAME)?;
        let link_target = one_of(records.link_path.take(), pending.long_link, LONG_LINK)?;
        let sparse_name = records.sparse.name.clone();
        let header_metadata = header.metadata()?;
        let (user, group) = header.owner_names();
        let owner = OwnerNames {
            user: records.user.take().map_or(user.into(), Vec::into),
            group: records.group.take().map_or(group.into(), Vec::into),
        };
        Ok(Self {
            header,
            offset,
            name: sparse_name.or(name).unwrap_or_else(|| header.name()),
            link_target: link_target.unwrap_or_else(|| header.link_target().to_vec()),
            size: match (records.size, header.has_content()) {
                (Some(size), _) => size,
                (None, true) => header.content_size()?,
                (None, false) => header.size()?.unwrap_or(0),
            },
            metadata: Metadata {
                uid: records.uid.unwrap_or(header_metadata.uid),
                gid: records.gid.unwrap_or(header_metadata.gid),
                mtime: records.mtime.unwrap_or(header_metadata.mtime),
                permissions: header_metadata.permissions,
            },
            owner,
            records,
        })
    }

    /// What of it stays in memory.
    fn name_bytes(&self) -> usize {
        let xattrs = self.records.xattrs.iter();
        xattrs
            .map(|(name, value)| name.len().saturating_add(value.len()))
            .fold(self.name.len(), usize::saturating_add)
            .saturating_add(self.link_target.len())
            .saturating_add(self.owner.user.len())
            .saturating_add(self.owner.group.len())
    }

    /// Before there was a type for directories they were files whose name ends in `/`.
    fn type_flag(&self) -> u8 {
        match self.header.type_flag() {
            b'0' | b'7' | 0 if self.name.ends_with(b"/") => b'5',
            flag => flag,
        }
    }

    fn kind_without_content(&self, flag: u8) -> Result<EntryKind, TarProblem> {
        if self.records.sparse != SparseRecords::default() {
            return Err(SparseProblem::Kind.into());
        }
        let kind = match flag {
            b'1' => {
                return Ok(EntryKind::HardLink(TreePath::from_archive(
                    &self.link_target,
                )?));
            }
            b'2' => NodeKind::Symlink(self.symlink_target()?),
            b'3' => {
                let (major, minor) = self.device()?;
                NodeKind::CharacterDevice { major, minor }
            }
            b'4' => {
                let (major, minor) = self.device()?;
                NodeKind::BlockDevice { major, minor }
            }
            b'5' => NodeKind::Directory,
            b'6' => NodeKind::Fifo,
            flag => return Err(unsupported(flag)),
        };
        Ok(EntryKind::Node(kind))
    }

    fn symlink_target(&self) -> Result<Vec<u8>, TarProblem> {
        let target = &self.link_target;
        if target.is_empty() || target.len() >= PATH_MAX || target.contains(&0) {
            let name = shown(&self.name);
            return Err(TarProblem::Target { name });
        }
        Ok(target.clone())
    }

    fn device(&self) -> Result<(u32, u32), TarProblem> {
        let (major, minor) = self.header.device()?;
        let records = &self.records;
        Ok((
            records.major.unwrap_or(major),
            records.minor.unwrap_or(minor),
        ))
    }
}

fn unsupported(flag: u8) -> TarProblem {
    TarProblem::Type {
        found: Escaped(&[flag]).to_string(),
        name: match flag {
            b'D' => "directory listing of an incremental archive",
            b'M' => "continuation of a file from another volume",
            b'N' => "old GNU long name",
            b'X' => "extended header of Solaris",
            b'A' => "access control list of Solaris",
            b'I' => "inode metadata of star",
            _ => "not a type of POSIX",
        },
    }
}

fn check_no_size(header: &Header<'_>, size: u64) -> Result<(), TarProblem> {
    let own = header.size()?.unwrap_or(0);
    if size == 0 && own == 0 {
        return Ok(());
    }
    Err(TarProblem::Size {
        kind: Escaped(&[header.type_flag()]).to_string(),
        size: size.max(own),
    })
}

fn set_once<T>(place: &mut Option<T>, value: T, what: &'static str) -> Result<(), TarProblem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(TarProblem::Repeated { what }),
    }
}

fn one_of<T>(pax: Option<T>, gnu: Option<T>, what: &'static str) -> Result<Option<T>, TarProblem> {
    match (pax, gnu) {
        (Some(_), Some(_)) => Err(TarProblem::Repeated { what }),
        (pax, gnu) => Ok(pax.or(gnu)),
    }
}

/// GNU tar ends a long name with a NUL that is counted in its size.
fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    name
}
