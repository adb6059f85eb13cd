//! What an effect is made of: when it is asked, what it is given, and what it may answer.

use crate::deb::Script;
use crate::root::Installed;
use crate::scripts::{Certainty, Command};

use super::filesystem::Filesystem;
use super::problem::Problem;
use super::supplied::Supplied;

/// The tree and the packages in it, for one run of all effects.
#[derive(Debug)]
pub struct Site<'a> {
    /// The tree.
    pub(crate) files: Filesystem<'a>,
    /// The packages, in the order of installation.
    pub(crate) packages: &'a [Installed],
    /// What the recipe supplies.
    pub(crate) supplied: &'a Supplied,
}

impl Site<'_> {
    /// The package `name`, if it is installed.
    pub(crate) fn package(&self, name: &str) -> Option<&Installed> {
        let mut packages = self.packages.iter();
        packages.find(|package| package.control.name() == name)
    }

    /// The text of a script of the package `name`.
    pub(crate) fn script(&self, name: &str, script: Script) -> Option<&str> {
        let text = self.package(name)?.scripts.get(&script)?;
        std::str::from_utf8(text).ok()
    }
}

/// A command of a script whose words are all known.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    /// The package whose script it is in.
    pub package: &'a str,
    /// The program's name without its directory.
    pub program: &'a str,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// Whether it is known to be run.
    pub certainty: Certainty,
    /// The whole command, with its redirections.
    pub command: &'a Command,
}

/// What an effect says to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What it does is done, or will be done when all scripts are read.
    Emulated,
    /// It does nothing that an enclave needs, for this reviewed reason.
    Ignored(&'static str),
    /// Another effect may know it.
    NotMine,
}

/// An effect that stands for a whole script instead of its commands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replaced {
    /// The package.
    pub(crate) package: &'static str,
    /// Digests of the scripts that the effect was made from; see [`super::reviewed`].
    pub(crate) reviewed: &'static [&'static str],
}

/// What an effect does. Each function has nothing to do unless an effect says so.
pub(crate) trait Work: Sync {
    /// Before any package's scripts.
    fn start(&self, _site: &mut Site<'_>) -> Result<(), Problem> {
        Ok(())
    }

    /// The `postinst` scripts that are not read because this effect does what they do.
    fn replaces(&self) -> &'static [Replaced] {
        &[]
    }

    /// Does what the `postinst` of `package` would do, one of [`Work::replaces`].
    fn configure(&self, _site: &mut Site<'_>, _package: &str) -> Result<(), Problem> {
        Ok(())
    }

    /// One command of a script that nobody stands for.
    fn command(&self, _site: &mut Site<'_>, _call: &Invocation<'_>) -> Result<Answer, Problem> {
        Ok(Answer::NotMine)
    }

    /// After all scripts: what dpkg's triggers would do.
    fn finish(&self, _site: &mut Site<'_>) -> Result<(), Problem> {
        Ok(())
    }
}
