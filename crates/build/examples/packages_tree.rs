//! Unpacks package files of a directory and writes the tree as a tar archive: what
//! `.ci/packages-tree` compares with a root that dpkg made.
//!
//! ```text
//! packages_tree DIRECTORY ORDER ARCHITECTURE OUT [minimal]
//! ```
//!
//! ORDER is a file with a package's name and version a line, in the order of installation; the
//! files of DIRECTORY are called as apt calls them.

#![allow(
    clippy::print_stderr,
    reason = "a program of its own, for scripts: it says what it found"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use enclair_build::packages::{PackagesRoot, PackagesSource, unpack_packages};
use enclair_build::{AwsLc, FileSpool, Silent, Tools};
use enclair_digest::{Engine as _, Hasher as _, Limits, Sha256};
use enclair_packages::effects::{self, Supplied};
use enclair_packages::root::PathFilter;
use enclair_packages::scripts::OnNotRun;
use enclair_recipe::{Blob, LockedPackage, NoSupply, Sha1Hint, Supply, SupplyError, Wanted};
use enclair_tree::{TreePath, write_tar};

type Failure = Box<dyn Error + Send + Sync>;

/// Files of a directory by their digest.
#[derive(Debug, Default)]
struct Directory(BTreeMap<Sha256, PathBuf>);

impl Directory {
    fn add(&mut self, path: &Path) -> Result<Blob, Failure> {
        let mut hasher = AwsLc.sha256();
        let content = std::fs::read(path)?;
        hasher.update(&content);
        let blob = Blob {
            sha256: hasher.finish(),
            size: u64::try_from(content.len())?,
        };
        self.0.insert(blob.sha256, path.to_owned());
        Ok(blob)
    }
}

impl Supply for Directory {
    fn obtain(&self, wanted: &[Wanted]) -> Result<(), SupplyError> {
        NoSupply.obtain(wanted)
    }

    fn open(&self, sha256: &Sha256) -> Result<Box<dyn Read + Send>, SupplyError> {
        let path = self.0.get(sha256).ok_or("no such file")?;
        Ok(Box::new(File::open(path)?))
    }

    fn keep(&self, content: &mut dyn Read) -> Result<Blob, SupplyError> {
        NoSupply.keep(content)
    }

    fn set_aside(&self, sha256: &Sha256) -> Result<(), SupplyError> {
        NoSupply.set_aside(sha256)
    }

    fn resolve_image(&self, name: &str, arch: enclair_eif::Arch) -> Result<Blob, SupplyError> {
        NoSupply.resolve_image(name, arch)
    }

    fn resolve_url(&self, url: &str, limit: u64) -> Result<Blob, SupplyError> {
        NoSupply.resolve_url(url, limit)
    }

    fn resolve_archive_file(
        &self,
        archive: &str,
        path: &str,
        limit: u64,
    ) -> Result<Blob, SupplyError> {
        NoSupply.resolve_archive_file(archive, path, limit)
    }

    fn derived(&self, _: &str, _: &Sha256) -> Option<Vec<u8>> {
        None
    }

    fn keep_derived(&self, _: &str, _: &Sha256, _: &[u8]) {}

    fn save_daemon_image(&self, name: &str, archive: &mut dyn Write) -> Result<(), SupplyError> {
        NoSupply.save_daemon_image(name, archive)
    }
}

/// The packages of ORDER, found in DIRECTORY.
fn locked(
    directory: &Path,
    order: &Path,
    supply: &mut Directory,
) -> Result<Vec<LockedPackage>, Failure> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let parts: Vec<String> = name
            .split('_')
            .map(|part| part.replace("%3a", ":"))
            .collect();
        if let [name, version, architecture] = parts.as_slice() {
            files.insert(
                (name.clone(), version.clone()),
                (architecture.clone(), path),
            );
        }
    }
    let mut packages = Vec::new();
    for line in std::fs::read_to_string(order)?.lines() {
        let (name, version) = line.split_once(' ').ok_or("a line is `NAME VERSION`")?;
        let key = (name.to_owned(), version.to_owned());
        let (architecture, path) = files
            .get(&key)
            .ok_or_else(|| format!("no file of {line}"))?;
        packages.push(LockedPackage {
            name: key.0,
            version: key.1,
            arch: architecture.clone(),
            from: String::new(),
            file: String::new(),
            blob: supply.add(path)?,
            sha1: Sha1Hint::default(),
            asked: false,
        });
    }
    Ok(packages)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, directory, order, architecture, out, rest @ ..] = arguments.as_slice() else {
        return Err("packages_tree DIRECTORY ORDER ARCHITECTURE OUT [minimal]".into());
    };
    let filter = match rest {
        [] => PathFilter::default(),
        [word] if word == "minimal" => PathFilter::minimal(),
        _ => return Err("`minimal` or nothing".into()),
    };
    let mut supply = Directory::default();
    let packages = locked(Path::new(directory), Path::new(order), &mut supply)?;
    let source = PackagesSource {
        packages,
        architecture: architecture.clone(),
        filter,
        effects: effects::current(),
        supplied: Supplied::default(),
        on_not_run: OnNotRun::Warn,
    };
    let threads = NonZeroUsize::new(2).ok_or("no threads")?;
    let limits = Limits::default();
    let tools = Tools {
        engine: &AwsLc,
        supply: &supply,
        progress: &Silent,
        now: 0,
    };
    let mut spool = FileSpool::create(Path::new(out).parent().ok_or("OUT is no file")?)?;
    let PackagesRoot { tree, findings, .. } =
        unpack_packages(&source, (threads, &limits), &tools, &mut spool)?;
    for finding in findings.iter() {
        eprintln!(
            "{}: {} ({})",
            finding.kind.id,
            finding.count,
            finding.examples.join(", ")
        );
    }
    let mut out = BufWriter::new(File::create(out)?);
    write_tar(&tree, &TreePath::root(), &spool, &mut out)?;
    out.flush()?;
    Ok(())
}
