//! A file inside of something: of a tar archive, a Debian package, a container image.
//!
//! The container is unpacked into a tree like any root filesystem, so that links inside of it lead
//! where they would lead there, and nowhere else.

use std::io::{self, Read};
use std::path::Path;

use enclair_digest::{Engine, Limits};
use enclair_finding::Findings;
use enclair_recipe::{Blob, LockedImage};
use enclair_tree::{NodeKind, Tree, TreePath, read_body};

use super::error::ProjectError;
use crate::enclave::Tools;
use crate::error::Error;
use crate::image::{Image, Unpacking};
use crate::request::Content;
use crate::spool::FileSpool;

/// Names of Debian's member with the files: `data.tar`, `data.tar.xz` and the like.
const DEB_DATA: &[u8] = b"data.tar";
const AR_MAGIC: &[u8; 8] = b"!<arch>\n";
/// Members before the data in a package are a few lines and a small archive.
const MOST_MEMBERS: usize = 16;

/// Where the file is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Container<'a> {
    /// A tar archive, compressed or not, or a Debian package; a blob of the store.
    Archive(Blob, &'a str),
    /// A container image whose blobs are in the store.
    Image(&'a LockedImage, enclair_eif::Arch),
}

/// A container that was unpacked.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) tree: Tree,
    pub(super) spool: FileSpool,
}

/// What opening a container needs.
#[derive(Debug)]
pub(super) struct Opening<'a, E> {
    /// Where contents lie meanwhile.
    pub(super) scratch: &'a Path,
    pub(super) limits: &'a Limits,
    pub(super) tools: &'a Tools<'a, E>,
}

impl<E: Engine> Opening<'_, E> {
    /// Unpacks a container.
    ///
    /// # Errors
    ///
    /// One that cannot be unpacked.
    pub(super) fn open(&self, container: Container<'_>) -> Result<Opened, ProjectError> {
        let mut spool = FileSpool::create(self.scratch).map_err(|source| Error::Write {
            path: self.scratch.to_owned(),
            source,
        })?;
        let tree = unpack(container, self.limits, &mut spool, self.tools)?;
        Ok(Opened { tree, spool })
    }

    /// Brings the file at `path` into the store; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(super) fn keep(&self, opened: &Opened, path: &str) -> Result<Option<Blob>, ProjectError> {
        let Ok(inner) = TreePath::parse(path.trim_start_matches('/').as_bytes()) else {
            return Ok(None);
        };
        let Some(NodeKind::File(body)) = opened.tree.lookup(&inner).map(|node| &node.kind) else {
            return Ok(None);
        };
        let kept = self.tools.supply.keep(&mut read_body(body, &opened.spool));
        kept.map(Some)
            .map_err(|source| ProjectError::Supply { source })
    }
}

/// Brings the file `path` of `container` into the store.
///
/// # Errors
///
/// A container that cannot be unpacked, and one without such a file.
pub(super) fn keep_inside<E: Engine>(
    container: Container<'_>,
    path: &str,
    (scratch, limits): (&Path, &Limits),
    tools: &Tools<'_, E>,
) -> Result<Blob, ProjectError> {
    let opening = Opening {
        scratch,
        limits,
        tools,
    };
    let opened = opening.open(container)?;
    opening
        .keep(&opened, path)?
        .ok_or_else(|| ProjectError::NotInside {
            path: path.to_owned(),
            container: match container {
                Container::Archive(_, name) => name.to_owned(),
                Container::Image(image, _) => image.from.to_string(),
            },
        })
}

fn unpack<E: Engine>(
    container: Container<'_>,
    limits: &Limits,
    spool: &mut FileSpool,
    tools: &Tools<'_, E>,
) -> Result<Tree, Error> {
    let unpacking = Unpacking {
        engine: tools.engine,
        limits: *limits,
        progress: tools.progress,
    };
    let mut findings = Findings::new();
    match container {
        Container::Image(image, arch) => {
            let image = Image::locked(image, arch, tools.supply)?;
            unpacking.unpack(&image, spool, &mut findings)
        }
        Container::Archive(blob, name) => {
            let content = Content::Blob {
                blob,
                name: name.to_owned(),
            };
            let stored = content.open(tools.supply)?;
            let files = files_of(stored).map_err(|source| Error::Read {
                name: name.to_owned(),
                source,
            })?;
            unpacking.unpack_archive((name, files), spool, &mut findings)
        }
    }
}

/// The tar archive that `stored` is, or that the package `stored` has its files in.
fn files_of(mut stored: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut magic = Vec::new();
    stored.by_ref().take(8).read_to_end(&mut magic)?;
    if magic != AR_MAGIC {
        return Ok(Box::new(io::Cursor::new(magic).chain(stored)));
    }
    for _ in 0..MOST_MEMBERS {
        let (name, size) = member(&mut stored)?;
        if name.starts_with(DEB_DATA) {
            return Ok(Box::new(LastMember(stored.take(size))));
        }
        let padded = size.saturating_add(size & 1);
        io::copy(&mut stored.by_ref().take(padded), &mut io::sink())?;
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "the package has no member `data.tar`",
    ))
}

/// The header of an ar member: a name of 16 bytes, 32 bytes that do not matter, a size of 10 decimal
/// digits, two bytes at the end.
fn member(stored: &mut dyn Read) -> io::Result<([u8; 16], u64)> {
    let (mut name, mut other, mut size, mut end) = ([0; 16], [0; 32], [0; 10], [0; 2]);
    stored.read_exact(&mut name)?;
    stored.read_exact(&mut other)?;
    stored.read_exact(&mut size)?;
    stored.read_exact(&mut end)?;
    let size = std::str::from_utf8(&size).ok();
    let size = size.and_then(|text| text.trim_ascii_end().parse().ok());
    match size {
        Some(size) if end == *b"`\n" => Ok((name, size)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the package has a broken member header",
        )),
    }
}

/// A member, and at its end whatever follows: the digest of the whole is compared at the end of the
/// whole.
struct LastMember(io::Take<Box<dyn Read + Send>>);

impl Read for LastMember {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            if self.0.limit() > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            io::copy(self.0.get_mut(), &mut io::sink())?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, size: usize) -> Vec<u8> {
        format!("{name:<16}{:<32}{size:<10}`\n", "0").into_bytes()
    }

    fn read(stored: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        files_of(Box::new(io::Cursor::new(stored)))?.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn the_files_of_a_package_are_found_and_anything_else_is_passed_on() {
        let mut package = AR_MAGIC.to_vec();
        package.extend(header("debian-binary", 5));
        package.extend(b"2.0\n!\n");
        package.extend(header("data.tar.xz", 3));
        package.extend(b"abc\n");
        assert_eq!(read(package.clone()).unwrap(), b"abc");
        assert_eq!(read(b"no package".to_vec()).unwrap(), b"no package");
        assert_eq!(read(b"x".to_vec()).unwrap(), b"x");
        package.truncate(package.len() - 2);
        assert!(read(package).is_err());
        let mut none = AR_MAGIC.to_vec();
        none.extend(header("debian-binary", 0));
        assert!(read(none).is_err());
        let mut broken = AR_MAGIC.to_vec();
        broken.extend([b' '; 60]);
        assert!(read(broken).is_err());
    }
}
