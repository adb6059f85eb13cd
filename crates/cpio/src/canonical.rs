//! The writer of format 1: one sequence of entries gives one sequence of bytes, and what has no
//! place in it is refused before a byte of it is written. The rules are in the crate's
//! documentation, under "The canonical archive".

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use crate::header::padding;
use crate::path::{Ancestors, check_path};
use crate::{Body, FileType, Header, Magic, Sink, TRAILER, WriteError};

/// What an entry is, with what only that kind has.
#[derive(Debug)]
pub enum Kind<'a, B: ?Sized> {
    /// A directory.
    Directory,
    /// A file with one path.
    File {
        /// Its content.
        body: &'a B,
    },
    /// The first path of a hard-link group. It carries the content.
    LinkFirst {
        /// The content.
        body: &'a B,
        /// Paths of the group in this archive.
        links: u32,
        /// What the caller calls the group; not written.
        group: u64,
    },
    /// A further path of a hard-link group.
    LinkNext {
        /// Paths of the group in this archive.
        links: u32,
        /// What the caller calls the group.
        group: u64,
    },
    /// A symbolic link with its target.
    Symlink(&'a [u8]),
    /// A character device.
    CharacterDevice {
        /// At most 4095.
        major: u32,
        /// At most 1048575.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// At most 4095.
        major: u32,
        /// At most 1048575.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl<B: ?Sized> Clone for Kind<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: ?Sized> Copy for Kind<'_, B> {}

/// The file `~end<n>` that says how many entries stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Number of the ramdisk in its image, from 0.
    pub ramdisk: u32,
    /// Seconds since 1970.
    pub mtime: u32,
}

/// What every entry has. A symlink's permissions are always written as 0777.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// At most 0o7777.
    pub permissions: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: u32,
}

/// A hard-link group of which paths are still to come.
#[derive(Debug)]
struct Group {
    ino: u32,
    links: u32,
    missing: u32,
    metadata: Metadata,
}

/// Writes a canonical archive into a sink.
pub struct Writer<S, B: ?Sized> {
    sink: S,
    position: u64,
    entries: u64,
    inodes: u32,
    previous: Vec<u8>,
    ancestors: Ancestors,
    groups: BTreeMap<u64, Group>,
    failed: bool,
    body: PhantomData<fn(&B)>,
}

impl<S, B: ?Sized> fmt::Debug for Writer<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("position", &self.position)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

/// What is written after the header and the name.
enum Content<'a, B: ?Sized> {
    None,
    Body(&'a B),
    Bytes(&'a [u8]),
}

/// The largest device numbers that the kernel can encode.
const LARGEST_DEVICE: (u32, u32) = (0xfff, 0xf_ffff);
/// The longest symlink target.
const LONGEST_TARGET: usize = 4095;

impl<S: Sink<B>, B: Body + ?Sized> Writer<S, B> {
    /// An empty archive that goes into `sink`.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            position: 0,
            entries: 0,
            inodes: 0,
            previous: Vec::new(),
            ancestors: Ancestors::default(),
            groups: BTreeMap::new(),
            failed: false,
            body: PhantomData,
        }
    }

    /// Entries written so far.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes written so far.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Writes an entry.
    ///
    /// # Errors
    ///
    /// Every [`WriteError`] but `GroupIncomplete`. Unless it is `Sink` or `Failed`, nothing was
    /// written and the writer goes on.
    pub fn entry(
        &mut self,
        path: &[u8],
        metadata: Metadata,
        kind: Kind<'_, B>,
    ) -> Result<(), WriteError<S::Error>> {
        self.check_place(path, metadata)?;
        let mut header = blank_header();
        header.mode = u32::from(metadata.permissions);
        header.uid = metadata.uid;
        header.gid = metadata.gid;
        header.mtime = metadata.mtime;
        let content = describe(&mut header, path, &kind)?;
        header.ino = self.number(path, metadata, &kind)?;
        self.ancestors.advance(path);
        if matches!(kind, Kind::Directory) {
            self.ancestors.push(path);
        }
        self.write(path, header, &content)?;
        self.entries = self.entries.saturating_add(1);
        path.clone_into(&mut self.previous);
        Ok(())
    }

    /// Ends the archive: the marker `~end<n>` of ramdisk *n* if one is wanted, the trailer, and
    /// zeros to a multiple of 512 bytes.
    ///
    /// # Errors
    ///
    /// [`WriteError::GroupIncomplete`], [`WriteError::Order`] when an entry stands behind the
    /// marker's place, and those of the sink.
    pub fn finish(mut self, marker: Option<Marker>) -> Result<S, WriteError<S::Error>> {
        if let Some((group, open)) = self.groups.first_key_value() {
            return Err(WriteError::GroupIncomplete {
                group: *group,
                missing: open.missing,
            });
        }
        if let Some(marker) = marker {
            self.write_marker(marker)?;
        }
        self.write(TRAILER, blank_header(), &Content::None)?;
        self.pad(512)?;
        Ok(self.sink)
    }

    fn write_marker(&mut self, marker: Marker) -> Result<(), WriteError<S::Error>> {
        let Marker { ramdisk, mtime } = marker;
        let path = format!("~end{ramdisk}").into_bytes();
        let metadata = Metadata {
            permissions: 0o444,
            uid: 0,
            gid: 0,
            mtime,
        };
        self.check_place(&path, metadata)?;
        let count = self.entries.to_string();
        let mut header = blank_header();
        header.ino = self.next_inode(&path)?;
        header.mode = FileType::Regular.mode_bits() | u32::from(metadata.permissions);
        header.mtime = mtime;
        header.size = u32::try_from(count.len()).unwrap_or(u32::MAX);
        self.write(&path, header, &Content::Bytes(count.as_bytes()))
    }

    /// Checks what does not depend on the kind.
    fn check_place(&mut self, path: &[u8], metadata: Metadata) -> Result<(), WriteError<S::Error>> {
        if self.failed {
            return Err(WriteError::Failed);
        }
        let name = || path.to_vec();
        check_path(path).map_err(|rule| WriteError::Path { path: name(), rule })?;
        if path <= self.previous.as_slice() {
            return Err(WriteError::Order {
                path: name(),
                previous: self.previous.clone(),
            });
        }
        if !self.ancestors.has_parent(path) {
            return Err(WriteError::Parent { path: name() });
        }
        if metadata.permissions > 0o7777 {
            return Err(WriteError::Permissions {
                path: name(),
                found: metadata.permissions,
            });
        }
        Ok(())
    }

    /// The inode number of the entry: a new one, or that of its group.
    fn number(
        &mut self,
        path: &[u8],
        metadata: Metadata,
        kind: &Kind<'_, B>,
    ) -> Result<u32, WriteError<S::Error>> {
        match *kind {
            Kind::LinkFirst { links, group, .. } => {
                let new = Group {
                    ino: 0,
                    links,
                    missing: links,
                    metadata,
                };
                self.open_group(path, group, new)
            }
            Kind::LinkNext { links, group } => self.join_group(path, group, (links, metadata)),
            Kind::Directory
            | Kind::File { .. }
            | Kind::Symlink(_)
            | Kind::CharacterDevice { .. }
            | Kind::BlockDevice { .. }
            | Kind::Fifo
            | Kind::Socket => self.next_inode(path),
        }
    }

    fn open_group(
        &mut self,
        path: &[u8],
        group: u64,
        mut new: Group,
    ) -> Result<u32, WriteError<S::Error>> {
        if self.groups.contains_key(&group) {
            let path = path.to_vec();
            return Err(WriteError::GroupOpen { path, group });
        }
        let Some(missing) = new.missing.checked_sub(1) else {
            let path = path.to_vec();
            return Err(WriteError::GroupEmpty { path, group });
        };
        let ino = self.next_inode(path)?;
        if missing > 0 {
            (new.ino, new.missing) = (ino, missing);
            self.groups.insert(group, new);
        }
        Ok(ino)
    }

    fn join_group(
        &mut self,
        path: &[u8],
        group: u64,
        expected: (u32, Metadata),
    ) -> Result<u32, WriteError<S::Error>> {
        let Some(open) = self.groups.get_mut(&group) else {
            let path = path.to_vec();
            return Err(WriteError::GroupNotOpen { path, group });
        };
        if (open.links, open.metadata) != expected {
            let path = path.to_vec();
            return Err(WriteError::GroupDiffers { path, group });
        }
        let ino = open.ino;
        open.missing = open.missing.saturating_sub(1);
        if open.missing == 0 {
            self.groups.remove(&group);
        }
        Ok(ino)
    }

    fn next_inode(&mut self, path: &[u8]) -> Result<u32, WriteError<S::Error>> {
        let next = self.inodes.checked_add(1);
        self.inodes = next.ok_or_else(|| WriteError::Inodes {
            path: path.to_vec(),
        })?;
        Ok(self.inodes)
    }

    fn write(
        &mut self,
        path: &[u8],
        mut header: Header,
        content: &Content<'_, B>,
    ) -> Result<(), WriteError<S::Error>> {
        let name_size = path.len().saturating_add(1);
        header.name_size = u32::try_from(name_size).unwrap_or(u32::MAX);
        let mut start = header.encode().to_vec();
        start.extend_from_slice(path);
        start.push(0);
        while !start.len().is_multiple_of(4) {
            start.push(0);
        }
        self.put(&start)?;
        match *content {
            Content::None => {}
            Content::Bytes(bytes) => self.put(bytes)?,
            Content::Body(body) => {
                let outcome = self.sink.body(body);
                self.note(outcome, body.len())?;
            }
        }
        self.pad(4)
    }

    fn pad(&mut self, unit: u64) -> Result<(), WriteError<S::Error>> {
        let count = usize::try_from(padding(self.position, unit)).unwrap_or(0);
        match [0; 512].get(..count) {
            Some(zeros) if count > 0 => self.put(zeros),
            _ => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError<S::Error>> {
        if self.failed {
            return Err(WriteError::Failed);
        }
        let outcome = self.sink.bytes(bytes);
        self.note(outcome, Body::len(bytes))
    }

    fn note(
        &mut self,
        outcome: Result<(), S::Error>,
        count: u64,
    ) -> Result<(), WriteError<S::Error>> {
        self.failed |= outcome.is_err();
        self.position = self.position.saturating_add(count);
        outcome.map_err(WriteError::Sink)
    }
}

/// The trailer's header but for its name size: all zero but one link.
const fn blank_header() -> Header {
    Header {
        magic: Magic::Newc,
        ino: 0,
        mode: 0,
        uid: 0,
        gid: 0,
        nlink: 1,
        mtime: 0,
        size: 0,
        dev: (0, 0),
        rdev: (0, 0),
        name_size: 0,
        check: 0,
    }
}

/// Puts what the kind decides into the header, and gives the content.
fn describe<'a, B: Body + ?Sized, E>(
    header: &mut Header,
    path: &[u8],
    kind: &Kind<'a, B>,
) -> Result<Content<'a, B>, WriteError<E>> {
    let (file_type, content) = match *kind {
        Kind::Directory => {
            header.nlink = 2;
            (FileType::Directory, Content::None)
        }
        Kind::File { body } => (FileType::Regular, Content::Body(body)),
        Kind::LinkFirst { body, links, .. } => {
            header.nlink = links;
            (FileType::Regular, Content::Body(body))
        }
        Kind::LinkNext { links, .. } => {
            header.nlink = links;
            (FileType::Regular, Content::None)
        }
        Kind::Symlink(target) => {
            check_target(path, target)?;
            header.mode = 0o777;
            (FileType::Symlink, Content::Bytes(target))
        }
        Kind::CharacterDevice { major, minor } => {
            header.rdev = device(path, major, minor)?;
            (FileType::CharacterDevice, Content::None)
        }
        Kind::BlockDevice { major, minor } => {
            header.rdev = device(path, major, minor)?;
            (FileType::BlockDevice, Content::None)
        }
        Kind::Fifo => (FileType::Fifo, Content::None),
        Kind::Socket => (FileType::Socket, Content::None),
    };
    header.mode |= file_type.mode_bits();
    let size = match content {
        Content::None => 0,
        Content::Body(body) => body.len(),
        Content::Bytes(bytes) => Body::len(bytes),
    };
    header.size = u32::try_from(size).map_err(|_| WriteError::FileSize {
        path: path.to_vec(),
        size,
    })?;
    Ok(content)
}

fn check_target<E>(path: &[u8], target: &[u8]) -> Result<(), WriteError<E>> {
    let path = || path.to_vec();
    if target.is_empty() || target.len() > LONGEST_TARGET {
        let length = target.len();
        return Err(WriteError::TargetSize {
            path: path(),
            length,
        });
    }
    if target.contains(&0) {
        return Err(WriteError::TargetNul { path: path() });
    }
    Ok(())
}

fn device<E>(path: &[u8], major: u32, minor: u32) -> Result<(u32, u32), WriteError<E>> {
    if major > LARGEST_DEVICE.0 || minor > LARGEST_DEVICE.1 {
        let path = path.to_vec();
        return Err(WriteError::Device { path, major, minor });
    }
    Ok((major, minor))
}
