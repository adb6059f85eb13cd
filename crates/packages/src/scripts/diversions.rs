//! The diversions that packages declare: `dpkg-divert` in their `preinst` scripts.
//!
//! Diversions decide where files are unpacked, so they are needed before there is a tree: the
//! scripts are read here as on an empty system.

use enclair_tree::TreePath;

use super::call::{Call, Script};
use super::command::{Certainty, Command};
use super::facts::NoFacts;
use crate::deb;
use crate::effects::Applied;
use crate::root::{Diversion, Installed};

/// The diversions that the `preinst` scripts of `packages` declare, in their order.
///
/// A script that cannot be read declares none here; it is reported when effects are applied.
pub fn diversions(packages: &[deb::Package], architecture: &str) -> Vec<Diversion> {
    let mut declared = Vec::new();
    for package in packages {
        let Some(script) = package.scripts.get(&deb::Script::Preinst) else {
            continue;
        };
        let call = Call {
            script: Script::Preinst,
            package: package.control.name().to_owned(),
            package_architecture: package.control.architecture().to_owned(),
            architecture: architecture.to_owned(),
            answers: std::collections::BTreeMap::new(),
        };
        let commands = super::commands(script, &call, &NoFacts).unwrap_or_default();
        let certain = commands
            .iter()
            .filter(|command| command.certainty == Certainty::Always);
        declared.extend(certain.filter_map(|command| diversion(command, &call.package)));
    }
    declared
}

/// The diversions that `postinst` scripts have declared, in their order. Nothing is unpacked after
/// them, so only dpkg's record of them is left.
pub fn late_diversions(packages: &[Installed], applied: &Applied) -> Vec<Diversion> {
    let outcomes = applied.commands.iter().filter(|outcome| {
        outcome.script == Script::Postinst && outcome.command.certainty == Certainty::Always
    });
    let declared = outcomes.filter_map(|outcome| {
        let package = packages.get(outcome.package)?;
        diversion(&outcome.command, package.control.name())
    });
    declared.collect()
}

/// The diversion that a command of a script of `package` declares; `None` for any other command.
pub fn diversion(command: &Command, package: &str) -> Option<Diversion> {
    if command.program() != Some("dpkg-divert") {
        return None;
    }
    let arguments = command.known_arguments()?;
    let mut rest = arguments.into_iter();
    let (mut path, mut to, mut owner) = (None, None, Some(package));
    while let Some(argument) = rest.next() {
        match argument {
            "--add" | "--rename" | "--no-rename" | "--quiet" => {}
            "--package" => owner = Some(rest.next()?),
            "--divert" => to = Some(rest.next()?),
            "--local" => owner = None,
            option if option.starts_with('-') => return None,
            operand if path.is_none() => path = Some(operand),
            _ => return None,
        }
    }
    let path = path?;
    let to = to.map_or_else(|| format!("{path}.distrib"), str::to_owned);
    Some(Diversion {
        from: TreePath::from_archive(path.as_bytes()).ok()?,
        to: TreePath::from_archive(to.as_bytes()).ok()?,
        package: owner.map(str::to_owned),
    })
}
