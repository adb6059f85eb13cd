//! What a root filesystem says of its packages: of a container image, of a tar archive, of a
//! directory.
//!
//! Three files count, and the tree that they are in is a stranger's: links in it lead nowhere
//! outside.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Limits};
use enclair_eif::Arch;
use enclair_finding::Findings;
use enclair_packages::installed::{InstalledPackage, Source, parse_installed};
use enclair_recipe::ImageReference;
use enclair_tree::{NodeKind, Tree, TreePath, read_body};

use super::listing::ListingError;
use super::os_release::Release;
use crate::content::open_file;
use crate::enclave::Tools;
use crate::error::Error;
use crate::image::{Image, Scratch, Unpacking};
use crate::project::error::ProjectError;
use crate::project::image::obtain_image;
use crate::project::locked::Locking;
use crate::request::RootSource;
use crate::spool::FileSpool;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d";
/// The first is a link to the second nearly everywhere.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];
/// Bytes of one of the files. A desktop's has 5 MB.
const MOST: u64 = 64 << 20;
/// Files in `status.d`.
const MOST_FILES: usize = 1 << 16;

/// A root filesystem somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rootfs {
    /// A container image.
    Image(ImageReference),
    /// A directory.
    Directory(PathBuf),
    /// A tar archive, compressed or not.
    Archive(PathBuf),
}

impl Rootfs {
    /// What a text names: what is on this disk comes before images without a transport.
    ///
    /// # Errors
    ///
    /// A text that is neither there nor the reference of an image.
    pub fn of(text: &str) -> Result<Self, enclair_recipe::ParseReferenceError> {
        let path = PathBuf::from(text);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self::Directory(path)),
            Ok(_) => Ok(Self::Archive(path)),
            Err(_) => text.parse().map(Self::Image),
        }
    }
}

impl std::fmt::Display for Rootfs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(reference) => reference.fmt(f),
            Self::Directory(path) | Self::Archive(path) => path.display().fmt(f),
        }
    }
}

/// What a root filesystem says.
#[derive(Debug)]
pub(super) struct Said {
    /// Each package once, sorted.
    pub(super) packages: Vec<InstalledPackage>,
    pub(super) release: Option<Release>,
}

/// What reading one needs.
#[derive(Debug)]
pub(super) struct Reading<'a, E> {
    pub(super) arch: Arch,
    pub(super) limits: Limits,
    /// Where contents lie meanwhile.
    pub(super) scratch: &'a Path,
    pub(super) tools: &'a Tools<'a, E>,
}

impl<E: Engine> Reading<'_, E> {
    /// Reads what `rootfs` says of its packages.
    ///
    /// # Errors
    ///
    /// One that cannot be had or read, that has no list of packages, or one that is none.
    pub(super) fn read(&self, rootfs: &Rootfs) -> Result<Said, ProjectError> {
        let files: Box<dyn Files> = match rootfs {
            Rootfs::Directory(path) => Box::new(Directory::open(path)?),
            Rootfs::Archive(path) => Box::new(self.archive(path)?),
            Rootfs::Image(reference) => Box::new(self.image(reference)?),
        };
        said(&*files, &rootfs.to_string())
    }

    fn spool(&self) -> Result<FileSpool, Error> {
        FileSpool::create(self.scratch).map_err(|source| Error::Write {
            path: self.scratch.to_owned(),
            source,
        })
    }

    fn unpacking(&self) -> Unpacking<'_, E, dyn crate::progress::Progress + '_> {
        Unpacking {
            engine: self.tools.engine,
            limits: self.limits,
            progress: self.tools.progress,
        }
    }

    fn archive(&self, path: &Path) -> Result<Unpacked, Error> {
        let file = open_file(path).map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })?;
        let mut spool = self.spool()?;
        let name = path.display().to_string();
        self.tools.progress.stage("unpacking", None);
        let (stored, mut findings) = (Box::new(file), Findings::new());
        let tree = self
            .unpacking()
            .unpack_archive((&name, stored), &mut spool, &mut findings)?;
        Ok(Unpacked { tree, spool })
    }

    fn image(&self, reference: &ImageReference) -> Result<Unpacked, ProjectError> {
        let limit = self.limits.unpacked_bytes;
        let wanted = (reference, self.arch, Locking::Update);
        let source = obtain_image(wanted, (self.scratch, limit), self.tools)?;
        let directory = self.scratch;
        let image = if let RootSource::Locked(locked) = &source {
            Image::locked(locked, self.arch, self.tools.supply)?
        } else {
            Image::open(reference, self.arch, &Scratch { directory, limit })?
        };
        let mut spool = self.spool()?;
        self.tools.progress.stage("unpacking", None);
        let mut findings = Findings::new();
        let tree = self.unpacking().unpack(&image, &mut spool, &mut findings)?;
        Ok(Unpacked { tree, spool })
    }
}

fn said(files: &dyn Files, root: &str) -> Result<Said, ProjectError> {
    let read = |file: &str| {
        files.read(file).map_err(|source| ListingError::RootFile {
            root: root.to_owned(),
            file: file.to_owned(),
            source,
        })
    };
    let parse = |file: &str, text: &[u8], source| {
        parse_installed(text, source).map_err(|source| ListingError::Status {
            root: root.to_owned(),
            file: file.to_owned(),
            source,
        })
    };
    let mut packages = Vec::new();
    let status = read(STATUS)?;
    if let Some(text) = &status {
        packages.extend(parse(STATUS, text, Source::Status)?);
    }
    let names = files
        .names(STATUS_D)
        .map_err(|source| ListingError::RootFile {
            root: root.to_owned(),
            file: STATUS_D.to_owned(),
            source,
        })?;
    for name in names.iter().flatten() {
        let file = format!("{STATUS_D}/{name}");
        if let Some(text) = read(&file)? {
            packages.extend(parse(&file, &text, Source::StatusD)?);
        }
    }
    if status.is_none() && names.is_none() {
        let root = root.to_owned();
        return Err(ListingError::NoStatus { root }.into());
    }
    packages.sort();
    packages.dedup();
    let mut release = None;
    for file in OS_RELEASE {
        let text = read(file)?.unwrap_or_default();
        release = release.or_else(|| Release::parse(&String::from_utf8_lossy(&text)));
    }
    Ok(Said { packages, release })
}

/// Files of a root filesystem.
trait Files {
    /// The content of a file; `None` where there is none.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// The names of the files in a directory that may be lists of packages, sorted; `None` where there
    /// is no directory.
    fn names(&self, path: &str) -> io::Result<Option<Vec<String>>>;
}

/// Whether a file of `status.d` is a list of packages. Digests of their files lie beside them.
fn is_list(name: &str) -> bool {
    !name.ends_with(".md5sums")
}

struct Unpacked {
    tree: Tree,
    spool: FileSpool,
}

impl Files for Unpacked {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Ok(path) = TreePath::parse(path.as_bytes()) else {
            return Ok(None);
        };
        let Some(NodeKind::File(body)) = self.tree.lookup(&path).map(|node| &node.kind) else {
            return Ok(None);
        };
        read_body(body, &self.spool).read_to_vec(MOST).map(Some)
    }

    fn names(&self, path: &str) -> io::Result<Option<Vec<String>>> {
        let Ok(directory) = TreePath::parse(path.as_bytes()) else {
            return Ok(None);
        };
        if !self
            .tree
            .get(&directory)
            .is_some_and(enclair_tree::Node::is_directory)
        {
            return Ok(None);
        }
        let below = self.tree.iter().filter_map(|(found, _, _)| {
            let name = std::str::from_utf8(found.as_bytes()).ok()?;
            let name = name.strip_prefix(path)?.strip_prefix('/')?;
            (!name.contains('/') && is_list(name)).then(|| name.to_owned())
        });
        Ok(Some(below.take(MOST_FILES).collect()))
    }
}

struct Directory {
    /// Without links and `..`.
    root: PathBuf,
}

impl Directory {
    fn open(path: &Path) -> Result<Self, Error> {
        let root = path.canonicalize().map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { root })
    }

    /// Where a path of the root filesystem is; `None` where there is nothing.
    fn find(&self, path: &str) -> io::Result<Option<PathBuf>> {
        match self.root.join(path).canonicalize() {
            Ok(found) if found.starts_with(&self.root) => Ok(Some(found)),
            // Where it leads inside of the image, nobody here knows.
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a link leads out of the directory",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Files for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(found) = self.find(path)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        let file = open_file(&found)?;
        file.take(MOST.saturating_add(1))
            .read_to_end(&mut content)?;
        if content.len() as u64 > MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(content))
    }

    fn names(&self, path: &str) -> io::Result<Option<Vec<String>>> {
        let Some(found) = self.find(path)?.filter(|found| found.is_dir()) else {
            return Ok(None);
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(found)?.take(MOST_FILES) {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_list(&name) && !entry.file_type()?.is_dir() {
                names.push(name);
            }
        }
        names.sort();
        Ok(Some(names))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const PACKAGE: &str = "Package: a\nVersion: 1\nArchitecture: all\n";

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn read(root: &Path) -> Result<Said, ProjectError> {
        said(&Directory::open(root).unwrap(), "root")
    }

    #[test]
    fn lists_without_dpkg_are_read_and_each_package_is_there_once() {
        let status = format!("{PACKAGE}Status: install ok installed\n");
        let root = root(&[
            (STATUS, &status),
            ("var/lib/dpkg/status.d/a", PACKAGE),
            ("var/lib/dpkg/status.d/a.md5sums", "0123  usr/bin/a\n"),
            (
                "var/lib/dpkg/status.d/b",
                "Package: b\nVersion: 2\nArchitecture: amd64\n",
            ),
            (
                "usr/lib/os-release",
                "ID=debian\nVERSION_CODENAME=bookworm\n",
            ),
        ]);
        fs::create_dir(root.path().join("etc")).unwrap();
        symlink("../usr/lib/os-release", root.path().join("etc/os-release")).unwrap();
        let said = read(root.path()).unwrap();
        let names: Vec<_> = said.packages.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a 1 all", "b 2 amd64"]);
        assert_eq!(said.release.unwrap().codename, "bookworm");
    }

    #[test]
    fn links_do_not_lead_out_of_a_directory() {
        let outside = root(&[("status", "Package: x\n")]);
        let inside = root(&[("var/lib/dpkg/other", "")]);
        let link = inside.path().join(STATUS);
        symlink(outside.path().join("status"), &link).unwrap();
        let error = read(inside.path()).unwrap_err();
        let ProjectError::Listing { source } = &error else {
            panic!("{error}");
        };
        assert!(matches!(source, ListingError::RootFile { file, .. } if file == STATUS));
    }

    #[test]
    fn a_root_filesystem_without_a_list_is_refused() {
        let empty = root(&[("etc/os-release", "ID=alpine\n")]);
        let error = read(empty.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`root` has neither `var/lib/dpkg/status` nor `var/lib/dpkg/status.d`"
        );
        let broken = root(&[(STATUS, PACKAGE)]);
        let error = read(broken.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`var/lib/dpkg/status` of `root` is no list of packages"
        );
    }
}
