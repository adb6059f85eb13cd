//! Unpacks packages, applies every effect, and compares the tree with a root that dpkg made.
//!
//! ```text
//! effects DIRECTORY ORDER ARCHITECTURE ROOT.tar
//! ```
//!
//! DIRECTORY has the package files, ORDER their names, a line each, in the order of installation.
//! A line is printed for each path that differs, and for each command that was not done:
//!
//! ```text
//! only-here /etc/x
//! only-there /etc/y
//! differs /etc/z mode 0644 0600
//! script name postinst line 12: sed -i ...
//! ```

#![allow(
    clippy::print_stdout,
    reason = "a program of its own, for `.ci/packages-effects`: it says what it found"
)]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_packages::deb::{self, Package, Sink};
use enclair_packages::effects::{self, Request, Supplied, apply, merge_usr};
use enclair_packages::root::database::{self, System};
use enclair_packages::root::{Accounts, PathFilter, Root, Settings, unpack};
use enclair_packages::scripts::{ScriptReader, diversions, late_diversions, report};
use enclair_tree::{
    MemorySpool, Metadata, Node, NodeKind, Spool, Tree, TreePath, apply_layer, read_body,
};

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, order, architecture, real] = arguments.as_slice() else {
        return Err("DIRECTORY ORDER ARCHITECTURE ROOT.tar expected".into());
    };
    let mut spool = MemorySpool::new();
    let root = make(
        Path::new(directory),
        &std::fs::read_to_string(order)?,
        architecture,
        &mut spool,
    )?;
    let mut other = MemorySpool::new();
    let mut tree = Tree::new(Metadata::new(0o755));
    let tar = BufReader::new(File::open(real)?);
    apply_layer(
        &mut tree,
        tar,
        &mut other,
        &Limits::default(),
        &mut Findings::new(),
    )?;
    compare((&root.tree, &spool), (&tree, &other))
}

fn make(
    directory: &Path,
    order: &str,
    architecture: &str,
    spool: &mut MemorySpool,
) -> Result<Root, Failure> {
    let mut packages: Vec<Package> = Vec::new();
    for name in order.lines() {
        let mut file = BufReader::new(File::open(directory.join(name))?);
        let mut sink = Sink {
            spool,
            findings: &mut Findings::new(),
        };
        packages.push(deb::read(&mut file, &Limits::default(), &mut sink)?);
    }
    let mut base = Tree::new(Metadata::new(0o755));
    merge_usr(&mut base, architecture)?;
    let mut diversions = diversions(&packages, architecture);
    let settings = Settings {
        filter: &PathFilter::default(),
        diversions: &diversions,
        accounts: &Accounts::default(),
    };
    let mut root = unpack(base, packages, &settings, spool)?;
    let reader = ScriptReader::new(&root.packages);
    let request = Request {
        effects: &effects::current(),
        architecture,
        reader: &reader,
        supplied: &Supplied::default(),
    };
    let applied = apply(&request, &mut root, spool)?;
    for one in report(&root.packages, &applied) {
        one.not_run
            .iter()
            .for_each(|command| println!("script {} {command}", one.package));
        one.not_read
            .iter()
            .for_each(|script| println!("script {} {script}", one.package));
    }
    for one in &applied.replaced {
        let package = &root.packages[one.package].control;
        println!(
            "replaced {} {:?} {}",
            package.name(),
            one.review,
            one.digest
        );
    }
    diversions.extend(late_diversions(&root.packages, &applied));
    let system = System {
        architecture,
        diversions: &diversions,
    };
    database::write(&mut root, &system, spool)?;
    Ok(root)
}

type Side<'a> = (&'a Tree, &'a dyn Spool);

fn compare(here: Side<'_>, there: Side<'_>) -> Result<(), Failure> {
    let paths = here.0.iter().chain(there.0.iter()).map(|(path, _, _)| path);
    let paths: BTreeSet<&TreePath> = paths.collect();
    for path in paths {
        match (here.0.get(path), there.0.get(path)) {
            (Some(_), None) => println!("only-here /{path}"),
            (None, Some(_)) => println!("only-there /{path}"),
            (Some(one), Some(other)) => {
                if let Some(what) = difference((one, here.1), (other, there.1))? {
                    println!("differs /{path} {what}");
                }
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn difference(
    (one, spool): (&Node, &dyn Spool),
    (other, other_spool): (&Node, &dyn Spool),
) -> Result<Option<String>, Failure> {
    let (a, b) = (one.metadata, other.metadata);
    let symlink = matches!(one.kind, NodeKind::Symlink(_));
    if a.permissions != b.permissions && !symlink {
        return Ok(Some(format!(
            "mode {:04o} {:04o}",
            a.permissions, b.permissions
        )));
    }
    if (a.uid, a.gid) != (b.uid, b.gid) {
        return Ok(Some(format!(
            "owner {}:{} {}:{}",
            a.uid, a.gid, b.uid, b.gid
        )));
    }
    match (&one.kind, &other.kind) {
        (NodeKind::File(a), NodeKind::File(b)) => {
            let a = read_body(a, spool).read_to_vec(1 << 31)?;
            let b = read_body(b, other_spool).read_to_vec(1 << 31)?;
            Ok((a != b).then(|| format!("content {} {} bytes", a.len(), b.len())))
        }
        (a, b) => Ok((a != b).then(|| format!("{a:?} {b:?}"))),
    }
}
