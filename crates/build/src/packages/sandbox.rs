//! Scripts of which something is not done by effects, run in a sandbox: `script-sandbox@1`.
//!
//! Everything that effects do is done before, so a script finds the system as it would be behind the
//! packages before its own; what it does again changes nothing. Only scripts are run of which
//! something would be reported otherwise. dpkg does not run here: triggers that a script pulls are
//! followed behind the last of them, those of paths are effects, and what dpkg would lock or note is
//! taken away at the end.

use std::collections::BTreeSet;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_packages::deb;
use enclair_packages::findings::SCRIPT_RUN;
use enclair_packages::root::{Installed, Root, database};
use enclair_packages::scripts::{PackageReport, Script};
use enclair_sandbox::{Job, SandboxError};
use enclair_tree::{Body, Metadata, Node, NodeKind, Tree, TreePath};

use super::PackagesSource;
use super::error::PackagesError;
use crate::spool::FileSpool;

/// The name by which a lock says that scripts are run, and how.
pub(crate) const VERSION: &str = "script-sandbox@1";

/// What invoke-rc.d(8) asks before it starts a service. No service is started.
const POLICY: (&str, &[u8]) = ("usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n");
/// What dpkg's programs want to be there, and nobody else.
const DIRECTORIES: [&str; 3] = [
    "var/lib/dpkg/parts",
    "var/lib/dpkg/triggers",
    "var/lib/dpkg/updates",
];
/// What programs leave that says when and how they ran.
const LEFT: [&str; 10] = [
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/passwords.dat",
    "var/cache/debconf/templates.dat-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/statoverride-old",
    "var/log/alternatives.log",
    "var/log/dpkg.log",
];

/// Runs what `reports` say is not done, and puts what comes of it in place of the tree.
pub(super) fn run(
    source: &PackagesSource,
    (reports, time): (&[PackageReport], i64),
    root: &mut Root,
    (limits, spool): (&Limits, &mut FileSpool),
) -> Result<(), PackagesError> {
    let (scripts, findings) = scripts_of(&root.packages, reports);
    if scripts.is_empty() {
        return Ok(());
    }
    if source.architecture != "amd64" {
        return Err(PackagesError::Sandbox(SandboxError::Foreign {
            image: source.architecture.clone(),
            machine: std::env::consts::ARCH,
        }));
    }
    let job = Job {
        scripts,
        time,
        limit: limits.unpacked_bytes,
        entries: limits.entries,
    };
    let made = prepare(&mut root.tree).map_err(PackagesError::Base)?;
    let failed = PackagesError::Sandbox;
    let program = std::env::current_exe().map_err(|error| failed(SandboxError::Start(error)))?;
    let mut tree = enclair_sandbox::run(&program, &job, (&root.tree, spool)).map_err(failed)?;
    for path in made.iter().chain(&LEFT.map(path_of)) {
        tree.remove(path);
    }
    root.tree = tree;
    root.findings.merge(findings);
    Ok(())
}

fn path_of(text: &str) -> TreePath {
    // The paths of this module are good ones.
    TreePath::from_archive(text.as_bytes()).unwrap_or_default()
}

/// The scripts that are run, in the order of installation, each as dpkg would call it.
fn scripts_of(
    packages: &[Installed],
    reports: &[PackageReport],
) -> (Vec<enclair_sandbox::Script>, Findings) {
    let (mut scripts, mut findings) = (Vec::new(), Findings::new());
    for (package, report) in packages.iter().zip(reports) {
        let not_run = report.not_run.iter().map(|one| one.script);
        let not_read = report.not_read.iter().map(|one| one.script);
        let undone: Vec<Script> = not_run.chain(not_read).collect();
        // Questions are asked by the postinst that wants answers.
        let asks = undone.contains(&Script::Config);
        for (script, is_run) in [
            (Script::Preinst, undone.contains(&Script::Preinst)),
            (Script::Postinst, asks || undone.contains(&Script::Postinst)),
        ] {
            if is_run {
                findings.add(&SCRIPT_RUN, format_args!("{} {script}", report.package));
                let arguments: &[&str] = match script {
                    Script::Preinst => &["install"],
                    Script::Config | Script::Postinst => &["configure", ""],
                };
                scripts.push(call(package, script, arguments));
            }
        }
    }
    let pulled = pulled(reports);
    for package in packages {
        let names = interests(package).filter(|name| pulled.contains(name));
        let names: Vec<&str> = names.collect();
        if !names.is_empty() && package.scripts.contains_key(&deb::Script::Postinst) {
            let name = package.control.name();
            findings.add(&SCRIPT_RUN, format_args!("{name} postinst, triggered"));
            let arguments = ["triggered", &names.join(" ")];
            scripts.push(call(package, Script::Postinst, &arguments));
        }
    }
    (scripts, findings)
}

/// The triggers that scripts pull by name.
fn pulled(reports: &[PackageReport]) -> BTreeSet<&str> {
    let commands = reports.iter().flat_map(|report| &report.not_run);
    let pulls = commands.filter_map(|one| {
        let mut words = one.command.split_whitespace();
        (words.next() == Some("dpkg-trigger")).then_some(words)
    });
    // Options of dpkg-trigger(1) that have a value write it behind a `=`.
    pulls
        .filter_map(|mut words| words.rfind(|word| !word.starts_with('-')))
        .collect()
}

/// The triggers that a package waits for: deb-triggers(5).
fn interests(package: &Installed) -> impl Iterator<Item = &str> {
    let text = package
        .members
        .get("triggers")
        .map_or(&[][..], Vec::as_slice);
    let lines = std::str::from_utf8(text).unwrap_or_default().lines();
    lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_interest = words
            .next()
            .is_some_and(|word| word.starts_with("interest"));
        is_interest.then(|| words.next())?
    })
}

fn call(package: &Installed, script: Script, arguments: &[&str]) -> enclair_sandbox::Script {
    let (name, architecture) = (package.control.name(), package.control.architecture());
    let environment = [
        ("DPKG_MAINTSCRIPT_PACKAGE", name),
        ("DPKG_MAINTSCRIPT_ARCH", architecture),
        ("DPKG_MAINTSCRIPT_NAME", &script.to_string()),
        ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
        ("DPKG_ADMINDIR", "/var/lib/dpkg"),
        ("DPKG_ROOT", ""),
    ];
    enclair_sandbox::Script {
        name: format!("{name} {script}"),
        path: format!("/{}", database::path_of_script(package, script)),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    }
}

/// Puts in what scripts need and an image does not; the paths that were not there before.
fn prepare(tree: &mut Tree) -> Result<Vec<TreePath>, enclair_tree::Error> {
    let mut made = Vec::new();
    let policy = Node::new(Metadata::new(0o755), NodeKind::File(Body::from(POLICY.1)));
    let directory = Node::new(Metadata::new(0o755), NodeKind::Directory);
    let all = DIRECTORIES.map(|path| (path_of(path), directory.clone()));
    for (path, node) in all.into_iter().chain([(path_of(POLICY.0), policy)]) {
        let parent = path.parent().unwrap_or_default();
        if tree.get(&path).is_none() && tree.get(&parent).is_some_and(Node::is_directory) {
            tree.insert(path.clone(), node)?;
            made.push(path);
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use enclair_packages::scripts::{NotRun, Standing};

    use super::*;

    #[test]
    fn triggers_are_those_that_scripts_pull_by_name() {
        let command = |command: &str| NotRun {
            script: Script::Postinst,
            line: 1,
            command: command.to_owned(),
        };
        let report = PackageReport {
            package: "a".to_owned(),
            standing: Standing::Reported,
            effects: Vec::new(),
            ignored: 0,
            not_run: vec![
                command("dpkg-trigger --no-await --by-package=a one"),
                command("dpkg-trigger two"),
                command("dpkg-trigger --check-supported"),
                command("echo dpkg-trigger three"),
            ],
            not_read: Vec::new(),
        };
        let pulled: Vec<_> = pulled(std::slice::from_ref(&report)).into_iter().collect();
        assert_eq!(pulled, ["one", "two"]);
    }
}
