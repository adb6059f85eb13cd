//! Where an image's files are: a directory, members of a tar archive, or blobs of a store.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use enclair_compress::{Format, Stream};
use enclair_digest::{Bounded, Expected, Limits, Verified};
use enclair_finding::Findings;
use enclair_recipe::Supply;
use enclair_tree::tar::{EntryKind, Reader};
use enclair_tree::{NodeKind, Spool};
use serde::de::DeserializeOwned;

use crate::content::open_file;
use crate::engine::AwsLc;
use crate::error::Error;

/// Bytes read from an archive at once.
const BUFFER: usize = 256 << 10;
/// Bytes of a tar header.
const HEADER: u64 = 512;

/// Where a compressed archive may be decompressed, and to how many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scratch<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) limit: u64,
}

/// The files of an image, by name.
#[derive(Debug)]
pub(crate) enum Container<'a> {
    /// A directory.
    Directory(PathBuf),
    /// An archive with an index of its members.
    Archive(Archive),
    /// A store, which has blobs and no other names.
    Store(&'a dyn Supply),
}

/// A tar archive whose members can be opened in any order.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    file: Arc<File>,
    members: BTreeMap<String, Member>,
}

/// Where a member's content lies in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// Old archives of `docker save` refer to a layer that occurs twice by a symlink.
    Link {
        target: String,
    },
}

impl Container<'_> {
    /// The files below `path`. Nothing is opened yet.
    pub(crate) fn directory(path: &Path) -> Self {
        Self::Directory(path.to_owned())
    }

    /// Opens an archive and lists its members. One that is compressed as a whole is decompressed
    /// into a nameless file in `scratch` first.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no tar archive.
    pub(crate) fn archive(path: &Path, scratch: &Scratch<'_>) -> Result<Self, Error> {
        let open = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = open_file(path).map_err(open)?;
        let mut prefix = [0; Format::MAGIC_LEN];
        let count = file.read(&mut prefix).map_err(open)?;
        file.seek(SeekFrom::Start(0)).map_err(open)?;
        if let Some(format) = Format::detect(prefix.get(..count).unwrap_or_default()) {
            file = decompress(path, file, format, scratch)?;
        }
        let members = index(&file)?;
        Ok(Self::Archive(Archive {
            path: path.to_owned(),
            file: Arc::new(file),
            members,
        }))
    }

    /// Opens a file by the name that a document of the image gives it.
    pub(crate) fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, Error> {
        match self {
            Self::Directory(directory) => {
                let path = below(directory, name)?;
                match open_file(&path) {
                    Ok(file) => Ok(Box::new(file)),
                    Err(source) => Err(Error::Open { path, source }),
                }
            }
            Self::Archive(archive) => archive.open(name),
            Self::Store(supply) => open_blob(*supply, name),
        }
    }

    /// Reads a document whole, within a limit; compared with `expected` where that is known.
    pub(crate) fn read(&self, name: &str, expected: Option<Expected>) -> Result<Vec<u8>, Error> {
        let read = |source| Error::Read {
            name: name.to_owned(),
            source,
        };
        let limit = Limits::default().document_bytes;
        let mut bytes = Vec::new();
        let mut file: Box<dyn Read> = self.open(name)?;
        if let Some(expected) = expected {
            file = Box::new(Verified::new(file, &AwsLc, expected));
        }
        Bounded::new(file, limit)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        Ok(bytes)
    }

    /// Reads a JSON document.
    pub(crate) fn document<T: DeserializeOwned>(
        &self,
        name: &str,
        expected: Option<Expected>,
    ) -> Result<T, Error> {
        parse(name, &self.read(name, expected)?)
    }
}

/// Opens a blob by the name that an OCI layout gives it.
fn open_blob(supply: &dyn Supply, name: &str) -> Result<Box<dyn Read + Send>, Error> {
    let hex = name.strip_prefix("blobs/sha256/").unwrap_or(name);
    let sha256 = hex.parse().map_err(|source| Error::Digest {
        digest: name.to_owned(),
        source,
    })?;
    supply
        .open(&sha256)
        .map_err(|source| Error::Supply { source })
}

/// Parses a JSON document that was read from `name`.
pub(super) fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|source| Error::Document {
        name: name.to_owned(),
        source,
    })
}

/// A path below `directory`. Names come from documents: one that leads elsewhere is refused.
fn below(directory: &Path, name: &str) -> Result<PathBuf, Error> {
    let plain = |component| matches!(component, Component::Normal(_));
    if Path::new(name).components().all(plain) {
        return Ok(directory.join(name));
    }
    Err(Error::NoMember {
        path: directory.to_owned(),
        name: name.to_owned(),
    })
}

fn decompress(
    path: &Path,
    file: File,
    format: Format,
    scratch: &Scratch<'_>,
) -> Result<File, Error> {
    let read = |source| Error::Read {
        name: path.display().to_string(),
        source,
    };
    let name = || path.display().to_string();
    let stream = Stream::new(format, BufReader::with_capacity(BUFFER, file)).map_err(|source| {
        Error::Decode {
            name: name(),
            source,
        }
    })?;
    let mut plain = tempfile::tempfile_in(scratch.directory).map_err(read)?;
    let mut bounded = Bounded::new(stream, scratch.limit);
    io::copy(&mut bounded, &mut plain).map_err(read)?;
    plain.seek(SeekFrom::Start(0)).map_err(read)?;
    Ok(plain)
}

impl Archive {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, Error> {
        let missing = || Error::NoMember {
            path: self.path.clone(),
            name: name.to_owned(),
        };
        let mut member = self.members.get(name).ok_or_else(missing)?;
        if let Member::Link { target } = member {
            member = self.members.get(target).ok_or_else(missing)?;
        }
        match member {
            Member::File { offset, size } => {
                let file = Arc::clone(&self.file);
                Ok(Box::new(Slice {
                    file,
                    offset: *offset,
                    left: *size,
                }))
            }
            // One link to a file is all that is needed; chains and loops are refused.
            Member::Link { .. } => Err(missing()),
        }
    }
}

/// A member's content, read at its place in the archive: members can be read at the same time.
#[derive(Debug)]
struct Slice {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for Slice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self
            .file
            .read_at(buffer.get_mut(..length).unwrap_or_default(), self.offset)?;
        if count == 0 && length > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Lists the members of an archive in one pass. Contents are passed over.
fn index(file: &File) -> Result<BTreeMap<String, Member>, Error> {
    let mut file = BufReader::with_capacity(BUFFER, file);
    let limits = Limits {
        unpacked_bytes: u64::MAX,
        ..Limits::default()
    };
    let mut reader = Reader::new(&mut file, limits);
    let mut members = BTreeMap::new();
    while let Some(entry) = reader.next_entry(&mut Passed(0), &mut Findings::new())? {
        let Ok(name) = std::str::from_utf8(entry.path.as_bytes()) else {
            continue;
        };
        let member = match entry.kind {
            EntryKind::Node(NodeKind::File(body)) => {
                // The content is behind the one block of its header. A sparse member has more
                // there, and is then not what its digest promises.
                Member::File {
                    offset: entry.offset + HEADER,
                    size: body.len(),
                }
            }
            EntryKind::Node(NodeKind::Symlink(target)) => {
                let target = String::from_utf8_lossy(&target).into_owned();
                Member::Link {
                    target: relative_to(name, &target),
                }
            }
            EntryKind::HardLink(target) => Member::Link {
                target: String::from_utf8_lossy(target.as_bytes()).into_owned(),
            },
            EntryKind::Node(_) => continue,
        };
        members.insert(name.to_owned(), member);
    }
    Ok(members)
}

/// The member that a symlink at `name` leads to, as in `a/layer.tar -> ../b/layer.tar`.
fn relative_to(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => (),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A spool for contents that nobody will read: it only counts them.
#[derive(Debug)]
struct Passed(u64);

impl Spool for Passed {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.0
    }

    fn read_at(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_from_where_it_stands() {
        assert_eq!(relative_to("a/layer.tar", "../b/layer.tar"), "b/layer.tar");
        assert_eq!(relative_to("layer.tar", "x"), "x");
        assert_eq!(relative_to("a/b/c", "../../../../d"), "d");
    }

    #[test]
    fn a_name_that_leads_out_of_the_directory_is_refused() {
        for name in ["../x", "/etc/passwd", "a/../../x"] {
            assert!(
                matches!(below(Path::new("d"), name), Err(Error::NoMember { .. })),
                "{name}"
            );
        }
        assert!(below(Path::new("d"), "blobs/sha256/00").is_ok());
    }
}
