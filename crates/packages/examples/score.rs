//! What becomes of the scripts of packages, each installed with its dependencies on nothing: the
//! numbers of `docs/packages.md`.
//!
//! ```text
//! score PLANS ARCHIVES DETAILS > TABLE
//! ```
//!
//! A line of `PLANS` is `NAME: PACKAGE PACKAGE ..`, in the order of installation. `ARCHIVES` has
//! the package files, as `apt-get download` names them. `TABLE` has a line for each name, with
//! fields between tabs: name, standing, effects, ignored commands, reported commands. `DETAILS`
//! gets one line for each command that is not done, and `WHOLE` lines with the standing of the
//! worst package of each plan.
#![allow(clippy::print_stdout, reason = "a program for scripts")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_packages::deb::{self, Package, Sink};
use enclair_packages::effects::{self, Request, Supplied, merge_usr};
use enclair_packages::root::{Accounts, PathFilter, Root, Settings, unpack};
use enclair_packages::scripts::{PackageReport, ScriptReader, diversions, report};
use enclair_tree::{Metadata, Spool, Tree};

const ARCHITECTURE: &str = "amd64";

/// A spool in a file without a name.
struct Spooled {
    file: io::BufWriter<File>,
    position: u64,
}

impl Spool for Spooled {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += u64::try_from(bytes.len()).map_err(io::Error::other)?;
        self.file.write_all(bytes)
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.get_ref().read_at(buffer, offset)
    }
}

/// The package files of a directory, each read once.
struct Archives {
    files: BTreeMap<String, std::path::PathBuf>,
    read: BTreeMap<String, Package>,
    spool: Spooled,
}

impl Archives {
    fn open(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some((name, _)) = file.split_once('_') {
                files.insert(name.to_owned(), path.clone());
            }
        }
        Ok(Self {
            files,
            read: BTreeMap::new(),
            spool: Spooled {
                file: io::BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(directory)?),
                position: 0,
            },
        })
    }

    fn package(&mut self, name: &str) -> Result<Package, Box<dyn Error>> {
        if let Some(package) = self.read.get(name) {
            return Ok(package.clone());
        }
        let path = self
            .files
            .get(name)
            .ok_or_else(|| format!("{name}: no file"))?;
        let mut reader = BufReader::new(File::open(path)?);
        let limits = Limits {
            unpacked_bytes: u64::MAX,
            ..Limits::default()
        };
        let mut sink = Sink {
            spool: &mut self.spool,
            findings: &mut Findings::new(),
        };
        let package = deb::read(&mut reader, &limits, &mut sink)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        self.read.insert(name.to_owned(), package.clone());
        Ok(package)
    }
}

fn reports(archives: &mut Archives, plan: &[&str]) -> Result<Vec<PackageReport>, Box<dyn Error>> {
    let packages = plan.iter().map(|name| archives.package(name));
    let packages: Vec<Package> = packages.collect::<Result<_, _>>()?;
    archives.spool.file.flush()?;
    let mut base = Tree::new(Metadata::new(0o755));
    merge_usr(&mut base, ARCHITECTURE)?;
    let diverted = diversions(&packages, ARCHITECTURE);
    let settings = Settings {
        filter: &PathFilter::default(),
        diversions: &diverted,
        accounts: &Accounts::default(),
    };
    let mut root: Root = unpack(base, packages, &settings, &archives.spool)?;
    let reader = ScriptReader::new(&root.packages);
    let request = Request {
        effects: &effects::current(),
        architecture: ARCHITECTURE,
        reader: &reader,
        supplied: &Supplied::default(),
    };
    let applied = effects::apply(&request, &mut root, &mut archives.spool)?;
    Ok(report(&root.packages, &applied))
}

fn row(name: &str, plan: &[PackageReport]) -> Option<String> {
    let own = plan.iter().find(|one| one.package == name)?;
    let whole = plan.iter().map(|one| one.standing).max()?;
    let reported = own.not_run.len() + own.not_read.len();
    let effects = own.effects.join(",");
    Some(format!(
        "{name}\t{}\t{effects}\t{}\t{reported}\t{}\t{}",
        own.standing.name(),
        own.ignored,
        plan.len(),
        whole.name(),
    ))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plans, archives, details] = arguments.as_slice() else {
        return Err("usage: score PLANS ARCHIVES DETAILS".into());
    };
    let mut archives = Archives::open(Path::new(archives))?;
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for plan in fs::read_to_string(plans)?.lines() {
        let (name, packages) = plan.split_once(':').ok_or("a plan without a name")?;
        let packages: Vec<&str> = packages.split_whitespace().collect();
        let reports = match reports(&mut archives, &packages) {
            Ok(reports) => reports,
            Err(error) => {
                println!(
                    "{name}\tfailed: {error}\t\t0\t0\t{}\tfailed",
                    packages.len()
                );
                continue;
            }
        };
        if let Some(row) = row(name, &reports) {
            println!("{row}");
        }
        for report in reports {
            let mut text = String::new();
            for one in &report.not_run {
                writeln!(text, "{}: {one}", report.package)?;
            }
            for one in &report.not_read {
                writeln!(text, "{}: {one}", report.package)?;
            }
            lines.entry(report.package).or_insert(text);
        }
    }
    fs::write(details, lines.into_values().collect::<String>())?;
    Ok(())
}
