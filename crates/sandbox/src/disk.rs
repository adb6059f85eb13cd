//! The root filesystem as files: written from entries, and sent back as entries.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::fs::{chown, lchown, symlink};
use std::path::{Path, PathBuf};

use crate::stream::{Entry, Kind, hex, read_line, unhex, write_line};

/// By what a file that was not touched is known. Whatever is done to a file changes the time of its
/// last change, which nobody can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The stamps of files, by their path below the root.
pub(crate) type Stamps = BTreeMap<Vec<u8>, Stamp>;

fn place(root: &Path, path: &[u8]) -> PathBuf {
    if path.is_empty() {
        return root.to_owned();
    }
    root.join(OsStr::from_bytes(path))
}

/// Copies exactly `size` bytes.
fn copy_exactly(input: &mut dyn Read, out: &mut dyn Write, size: u64) -> io::Result<()> {
    if io::copy(&mut input.take(size), out)? == size {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Makes the entries of `input` below `root`, which is an empty directory, up to its end.
pub(crate) fn fill(root: &Path, input: &mut dyn BufRead) -> io::Result<Stamps> {
    let mut files = Vec::new();
    while let Some(entry) = read_line::<Entry>(input)? {
        let path = unhex(&entry.path)?;
        let at = place(root, &path);
        create(root, &at, &entry, input)?;
        if matches!(entry.kind, Kind::File(_) | Kind::Link(_)) {
            files.push(path);
        }
    }
    // Behind the last: a further name is a change of the first.
    let stamps = files.into_iter().map(|path| {
        let metadata = fs::symlink_metadata(place(root, &path))?;
        Ok((path, Stamp::of(&metadata)))
    });
    stamps.collect()
}

fn create(root: &Path, at: &Path, entry: &Entry, input: &mut dyn BufRead) -> io::Result<()> {
    let (uid, gid) = (Some(entry.uid), Some(entry.gid));
    match &entry.kind {
        Kind::Directory if entry.path.is_empty() => {}
        Kind::Directory => fs::create_dir(at)?,
        Kind::File(size) => {
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            copy_exactly(input, &mut options.open(at)?, *size)?;
        }
        Kind::Link(first) => return fs::hard_link(place(root, &unhex(first)?), at),
        Kind::Symlink(target) => {
            symlink(OsStr::from_bytes(&unhex(target)?), at)?;
            return lchown(at, uid, gid);
        }
        Kind::Kept | Kind::Fifo | Kind::Socket => return Err(io::ErrorKind::InvalidData.into()),
    }
    // The owner first: a change of it takes set-id bits away.
    chown(at, uid, gid)?;
    fs::set_permissions(at, Permissions::from_mode(u32::from(entry.mode)))
}

/// Sends everything below `root`, in the order of names.
pub(crate) fn send(root: &Path, stamps: &Stamps, out: &mut dyn Write) -> io::Result<()> {
    let mut sending = Sending {
        root,
        stamps,
        first: BTreeMap::new(),
        device: fs::symlink_metadata(root)?.dev(),
    };
    sending.send(&[], out)
}

struct Sending<'a> {
    root: &'a Path,
    stamps: &'a Stamps,
    /// The first path of each file, by its inode.
    first: BTreeMap<u64, Vec<u8>>,
    device: u64,
}

impl Sending<'_> {
    fn send(&mut self, path: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let at = place(self.root, path);
        let metadata = fs::symlink_metadata(&at)?;
        let kind = metadata.file_type();
        if metadata.dev() != self.device {
            let problem = format!("a script left `{}` mounted", at.display());
            return Err(io::Error::other(problem));
        }
        let entry = |kind| Entry {
            path: hex(path),
            mode: u16::try_from(metadata.mode() & 0o7777).unwrap_or_default(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            kind,
        };
        if kind.is_symlink() {
            let target = fs::read_link(&at)?;
            let target = hex(target.as_os_str().as_bytes());
            return write_line(out, &entry(Kind::Symlink(target)));
        }
        if kind.is_fifo() {
            return write_line(out, &entry(Kind::Fifo));
        }
        if kind.is_socket() {
            return write_line(out, &entry(Kind::Socket));
        }
        if kind.is_file() {
            if let Some(first) = self.first.get(&metadata.ino()) {
                return write_line(out, &entry(Kind::Link(hex(first))));
            }
            self.first.insert(metadata.ino(), path.to_owned());
            if self.stamps.get(path) == Some(&Stamp::of(&metadata)) {
                return write_line(out, &entry(Kind::Kept));
            }
            write_line(out, &entry(Kind::File(metadata.size())))?;
            return copy_exactly(&mut File::open(&at)?, out, metadata.size());
        }
        if !kind.is_dir() {
            // No user namespace allows to make one.
            return Err(io::Error::other(format!("`{}` is a device", at.display())));
        }
        write_line(out, &entry(Kind::Directory))?;
        let mut names = Vec::new();
        for item in fs::read_dir(&at)? {
            names.push(item?.file_name());
        }
        names.sort_unstable();
        for name in names {
            let mut below = path.to_owned();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(name.as_bytes());
            self.send(&below, out)?;
        }
        Ok(())
    }
}
