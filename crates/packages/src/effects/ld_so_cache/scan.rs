//! What `ldconfig` finds in one directory, and the links it makes there.
//!
//! A library has the name of its file (`libz.so.1.2.13`) and the one that programs ask for
//! (`libz.so.1`, its soname). Of several files with one soname the newest counts, files before
//! symlinks. A symlink `SONAME -> FILE` is made where it is missing or leads elsewhere; a symlink
//! with `.so.` in its name that leads nowhere is removed.

use std::collections::BTreeMap;

use enclair_tree::NodeKind;

use super::cache::{Entry, compare_names};
use super::directories::Directory;
use super::elf::{self, Libc, Machine, SharedObject};
use crate::effects::filesystem::Filesystem;
use crate::effects::problem::Problem;

/// How a release of glibc marks 32-bit libraries of x86 that do not say which C library they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmarked {
    /// As for any C library, until 2.36.
    AnyLibc,
    /// As for its own.
    ThisLibc,
}

/// A library of a directory.
struct Found {
    /// The name of the file, or of the symlink that counts as one.
    name: String,
    link: Link,
    flags: u32,
    isa_level: u16,
}

/// Whether a name is a symlink that is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Yes,
    No,
}

/// The libraries of `directory`, as entries of the cache; its links are made.
pub(super) fn scan(
    files: &mut Filesystem<'_>,
    directory: &Directory,
    unmarked: Unmarked,
) -> Result<Vec<Entry>, Problem> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for name in files.text_names(&directory.path) {
        if !looks_like_a_library(&name) {
            continue;
        }
        let path = format!("{}/{name}", directory.path);
        if is_stale(files, &path) {
            if name.contains(".so.") {
                files.remove(&path)?;
            }
            continue;
        }
        if let Some((soname, library)) = read(files, &path, &name, unmarked) {
            keep_the_newer(&mut found, soname, library);
        }
    }
    let mut entries = Vec::new();
    for (soname, library) in found {
        let file = match directory.subdirectory {
            None => {
                if library.link == Link::No {
                    link(files, &directory.path, &library.name, &soname)?;
                }
                soname.clone()
            }
            // Nothing is linked there: the cache leads to the files themselves.
            Some(_) => library.name,
        };
        entries.push(Entry {
            path: format!("{}/{file}", directory.path),
            soname,
            flags: library.flags,
            isa_level: library.isa_level,
            subdirectory: directory.subdirectory.clone(),
        });
    }
    Ok(entries)
}

fn looks_like_a_library(name: &str) -> bool {
    (name.starts_with("lib") || name.starts_with("ld-")) && name.contains(".so")
}

fn is_stale(files: &Filesystem<'_>, path: &str) -> bool {
    files.is_symlink(path) && !files.exists(path)
}

fn read(
    files: &Filesystem<'_>,
    path: &str,
    name: &str,
    unmarked: Unmarked,
) -> Option<(String, Found)> {
    let NodeKind::File(body) = &files.node(path)?.kind else {
        return None;
    };
    let object = elf::read(files, body)?;
    let soname = match &object.soname {
        Some(soname) => String::from_utf8(soname.clone()).ok()?,
        None => name.to_owned(),
    };
    // A symlink counts as one when it has the soname, or is the one that compilers use.
    let short = name.ends_with(".so") && soname.starts_with(name);
    let link = files.is_symlink(path) && (name == soname || short);
    let found = Found {
        name: name.to_owned(),
        link: if link { Link::Yes } else { Link::No },
        flags: flags(&object, unmarked),
        isa_level: object.isa_level,
    };
    Some((if link { name.to_owned() } else { soname }, found))
}

fn flags(object: &SharedObject, unmarked: Unmarked) -> u32 {
    match object.machine {
        Machine::X86_64 => 0x0303,
        Machine::X32 => 0x0803,
        Machine::Aarch64 => 0x0a03,
        Machine::I386 if object.libc == Libc::Unknown && unmarked == Unmarked::AnyLibc => 0x0001,
        Machine::I386 => 0x0003,
    }
}

fn keep_the_newer(found: &mut BTreeMap<String, Found>, soname: String, new: Found) {
    if let Some(old) = found.get(&soname) {
        let newer = match (old.link, new.link) {
            (Link::Yes, Link::No) => true,
            (Link::No, Link::Yes) => false,
            _ => compare_names(old.name.as_bytes(), new.name.as_bytes()).is_lt(),
        };
        if !newer {
            return;
        }
    }
    found.insert(soname, new);
}

/// Makes `SONAME -> NAME`, unless that is where the soname leads, or it is no symlink.
fn link(
    files: &mut Filesystem<'_>,
    directory: &str,
    name: &str,
    soname: &str,
) -> Result<(), Problem> {
    let (file, link) = (
        format!("{directory}/{name}"),
        format!("{directory}/{soname}"),
    );
    // A soname is a name in the file, and may be anything.
    if soname.is_empty()
        || soname.contains('/')
        || soname == ".."
        || files.real(&link) == files.real(&file)
    {
        return Ok(());
    }
    if files.own_node(&link).is_some() && !files.is_symlink(&link) {
        return Ok(());
    }
    files.symlink(&link, name)
}
