//! `ldconfig`: the cache by which the dynamic linker finds libraries, and the links beside them.
//!
//! The cache is the same bytes as the real tool's, but for one thing that is not decided there
//! either: of two files with the same soname whose names compare as equal (`a01`, `a1`) the real
//! tool takes the one that the file system names last.
//!
//! # What it is not
//!
//! Libraries of machines that no enclave has are left out of the cache; so are the directories
//! for capabilities of processors (`haswell`, `i686`) that glibc knew until 2.36: no package of
//! Debian 12 has them. The tool's own cache, `/var/cache/ldconfig/aux-cache`, is not written.
//!
//! Followed: glibc 2.36 and 2.41.

mod cache;
mod directories;
mod elf;
mod scan;
mod strings;
#[cfg(test)]
mod tests;

use enclair_tree::{Metadata, NodeKind};

use self::scan::Unmarked;
use super::filesystem::Filesystem;
use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};

const CACHE: &str = "/etc/ld.so.cache";

/// The effect.
pub(crate) struct LdSoCache;

impl Work for LdSoCache {
    /// Whoever asks for it: it is done when all packages are there.
    fn command(&self, _site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        match (call.program, call.arguments) {
            ("ldconfig", [] | ["-r", "" | "/"] | ["-X"]) => Ok(Answer::Emulated),
            _ => Ok(Answer::NotMine),
        }
    }

    fn finish(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        let program = ["/usr/sbin/ldconfig", "/sbin/ldconfig"];
        let generator = program.iter().find_map(|path| generator(&site.files, path));
        match generator {
            Some(generator) => update(&mut site.files, &generator),
            None => Ok(()),
        }
    }
}

/// Makes links and cache; `generator` is what the tool says about itself.
fn update(files: &mut Filesystem<'_>, generator: &str) -> Result<(), Problem> {
    let unmarked = match generator.rsplit_once("version 2.") {
        Some((_, minor)) if minor.parse::<u32>().is_ok_and(|minor| minor <= 36) => {
            Unmarked::AnyLibc
        }
        _ => Unmarked::ThisLibc,
    };
    let mut entries = Vec::new();
    let directories = directories::directories(files)?;
    for directory in &directories {
        entries.extend(scan::scan(files, directory, unmarked)?);
    }
    let names = directories.into_iter().filter_map(|one| one.subdirectory);
    let bytes = cache::write(entries, &names.collect(), generator).map_err(|_| Problem::Value {
        value: CACHE.to_owned(),
        what: "written: there are too many libraries",
    })?;
    files.make_directories("/etc", Metadata::new(0o755))?;
    files.put(CACHE, bytes, Metadata::new(0o644))
}

/// Bytes of a program that are searched. The real one has a megabyte.
const PROGRAM: u64 = 8 << 20;

/// What the tool writes into a cache about itself, as it stands in the tool.
fn generator(files: &Filesystem<'_>, path: &str) -> Option<String> {
    let NodeKind::File(body) = &files.node(path)?.kind else {
        return None;
    };
    if body.len() > PROGRAM {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(body.len()).ok()?];
    files.read_piece(body, 0, &mut bytes).ok()?;
    let texts = bytes.split(|byte| *byte == 0);
    let mut texts = texts.filter_map(|text| std::str::from_utf8(text).ok());
    let own = texts.find(|text| {
        text.starts_with("ldconfig (") && text.contains(" release version ") && text.len() < 256
    });
    own.map(str::to_owned)
}
