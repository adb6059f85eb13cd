//! Applies the effects that a lock lists to a root.
//!
//! First every effect's beginning, then the `preinst` and then the `postinst` scripts of all
//! packages in the order of installation, command by command, then every effect's end. All
//! packages are unpacked before: no script can tell, since none may depend on a package's absence.

use std::collections::BTreeSet;

use enclair_digest::Sha256;
use enclair_finding::Findings;
use enclair_tree::Spool;

use crate::deb;
use crate::findings::SCRIPT_NOT_REVIEWED;
use crate::root::{Installed, Root};
use crate::scripts::{Call, Command, Facts, Script, ScriptError};

use super::accounts::Accounts;
use super::filesystem::Filesystem;
use super::problem::{EffectError, Problem};
use super::reviewed;
use super::supplied::Supplied;
use super::version::EffectVersion;
use super::work::{Answer, Invocation, Site};
use super::{CATALOGUE, Effect};

/// How scripts are read, and which commands need nobody.
pub trait Reader {
    /// The commands of `script`, as [`crate::scripts::commands`] gives them.
    ///
    /// # Errors
    ///
    /// The script cannot be read.
    fn commands(
        &self,
        script: &[u8],
        call: &Call,
        facts: &dyn Facts,
    ) -> Result<Vec<Command>, ScriptError>;

    /// Why nothing needs to be done for `command` of `package`, if that was reviewed. Asked when
    /// no effect takes the command.
    fn ignored(&self, package: &str, command: &Command) -> Option<&'static str>;
}

/// What is applied.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The effects that the lock lists.
    pub effects: &'a [EffectVersion],
    /// The architecture of the system, as in `amd64`.
    pub architecture: &'a str,
    /// How scripts are read.
    pub reader: &'a dyn Reader,
    /// What the recipe supplies.
    pub supplied: &'a Supplied,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("effects", &self.effects)
            .field("architecture", &self.architecture)
            .finish_non_exhaustive()
    }
}

/// What became of the scripts of a root.
#[derive(Debug, Default)]
pub struct Applied {
    /// What became of every command, in the order in which they were read.
    pub commands: Vec<Outcome>,
    /// Scripts that could not be read, and of which nothing was done.
    pub unread: Vec<Unread>,
    /// `postinst` scripts that an effect stood for.
    pub replaced: Vec<Replacement>,
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The package, an index into [`Root::packages`].
    pub package: usize,
    /// The script.
    pub script: Script,
    /// The command.
    pub command: Command,
    /// What was answered. [`Answer::NotMine`] is the finding `script-not-run`.
    pub answer: Answer,
    /// Which effect answered; none for what the reader ignores, and for what nobody takes.
    pub effect: Option<&'static str>,
}

/// A script that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The package, an index into [`Root::packages`].
    pub package: usize,
    /// The script.
    pub script: Script,
    /// Why.
    pub error: ScriptError,
}

/// A `postinst` script that an effect stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The package, an index into [`Root::packages`].
    pub package: usize,
    /// The effect.
    pub effect: &'static str,
    /// The digest of the script, without comments and empty lines.
    pub digest: Sha256,
    /// Whether the effect was made from this script: what is not is the finding
    /// [`crate::findings::SCRIPT_NOT_REVIEWED`].
    pub review: Review,
}

/// Whether an effect was made from the script that it stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// It was made from it.
    Reviewed,
    /// It was made from another release of it.
    Unreviewed,
}

impl Applied {
    /// What this crate finds about scripts that effects stood for.
    pub fn findings(&self, packages: &[Installed]) -> Findings {
        let mut findings = Findings::new();
        for one in &self.replaced {
            let package = packages.get(one.package);
            let name = package.map_or("", |package| package.control.name());
            if one.review == Review::Unreviewed {
                findings.add(
                    &SCRIPT_NOT_REVIEWED,
                    format_args!("{name} postinst, {}", one.effect),
                );
            }
        }
        findings
    }
}

/// Applies effects to a root whose packages are unpacked.
///
/// # Errors
///
/// [`EffectError::Unknown`] and [`EffectError::Twice`] before anything is done;
/// [`EffectError::Failed`] when an effect cannot do what it has to.
pub fn apply(
    request: &Request<'_>,
    root: &mut Root,
    spool: &mut dyn Spool,
) -> Result<Applied, EffectError> {
    let mut run = Run {
        request,
        effects: selected(request.effects)?,
        site: Site {
            files: Filesystem::new(&mut root.tree, spool),
            packages: &root.packages,
            supplied: request.supplied,
        },
        applied: Applied::default(),
    };
    run.each(|effect, site| effect.work.start(site))?;
    for script in [Script::Preinst, Script::Postinst] {
        for (index, package) in root.packages.iter().enumerate() {
            run.script(index, package, script)?;
        }
    }
    run.each(|effect, site| effect.work.finish(site))?;
    Ok(run.applied)
}

/// The effects of the catalogue that `list` names, in the catalogue's order.
pub(super) fn selected(list: &[EffectVersion]) -> Result<Vec<&'static Effect>, EffectError> {
    let mut seen = BTreeSet::new();
    for wanted in list {
        let effect = wanted.clone();
        let known = CATALOGUE.iter().find(|known| known.id == wanted.id());
        let known = known.map(|known| known.version);
        if known != Some(wanted.version()) {
            return Err(EffectError::Unknown { effect, known });
        }
        if !seen.insert(wanted.id()) {
            return Err(EffectError::Twice { effect });
        }
    }
    let wanted = |effect: &&Effect| seen.contains(effect.id);
    Ok(CATALOGUE.iter().filter(wanted).collect())
}

struct Run<'a, 'r> {
    request: &'r Request<'r>,
    effects: Vec<&'static Effect>,
    site: Site<'a>,
    applied: Applied,
}

impl Run<'_, '_> {
    fn each(
        &mut self,
        work: impl Fn(&Effect, &mut Site<'_>) -> Result<(), Problem>,
    ) -> Result<(), EffectError> {
        for effect in &self.effects {
            work(effect, &mut self.site).map_err(|problem| failed(effect, problem))?;
        }
        Ok(())
    }

    fn script(
        &mut self,
        index: usize,
        package: &Installed,
        script: Script,
    ) -> Result<(), EffectError> {
        let Some(text) = package.scripts.get(&member(script)) else {
            return Ok(());
        };
        if script == Script::Postinst && self.replaced(index, package, text)? {
            return Ok(());
        }
        let call = Call {
            script,
            package: package.control.name().to_owned(),
            package_architecture: package.control.architecture().to_owned(),
            architecture: self.request.architecture.to_owned(),
            answers: std::collections::BTreeMap::new(),
        };
        let commands = self.request.reader.commands(text, &call, &self.site);
        match commands {
            Ok(commands) => {
                for command in commands {
                    self.command(index, script, command)?;
                }
            }
            Err(error) => self.applied.unread.push(Unread {
                package: index,
                script,
                error,
            }),
        }
        Ok(())
    }

    /// Whether an effect stands for the whole `postinst`, which it has done then.
    fn replaced(
        &mut self,
        index: usize,
        package: &Installed,
        text: &[u8],
    ) -> Result<bool, EffectError> {
        let name = package.control.name();
        let mut replaced = false;
        for effect in &self.effects {
            let mut all = effect.work.replaces().iter();
            let Some(one) = all.find(|one| one.package == name) else {
                continue;
            };
            replaced = true;
            let work = effect.work.configure(&mut self.site, name);
            work.map_err(|problem| failed(effect, problem))?;
            let digest = reviewed::digest(text);
            let known = one.reviewed.contains(&digest.to_string().as_str());
            self.applied.replaced.push(Replacement {
                package: index,
                effect: effect.id,
                digest,
                review: if known {
                    Review::Reviewed
                } else {
                    Review::Unreviewed
                },
            });
        }
        Ok(replaced)
    }

    fn command(
        &mut self,
        index: usize,
        script: Script,
        command: Command,
    ) -> Result<(), EffectError> {
        let package = self.site.packages.get(index);
        let package = package
            .map_or("", |package| package.control.name())
            .to_owned();
        let (mut answer, effect) = self.ask(&package, &command)?;
        if answer == Answer::NotMine
            && let Some(reason) = self.request.reader.ignored(&package, &command)
        {
            answer = Answer::Ignored(reason);
        }
        self.applied.commands.push(Outcome {
            package: index,
            script,
            command,
            answer,
            effect,
        });
        Ok(())
    }

    /// Asks every effect in turn; a command with an unknown word is nobody's.
    fn ask(
        &mut self,
        package: &str,
        command: &Command,
    ) -> Result<(Answer, Option<&'static str>), EffectError> {
        let (Some(program), Some(arguments)) = (command.program(), command.known_arguments())
        else {
            return Ok((Answer::NotMine, None));
        };
        let call = Invocation {
            package,
            program,
            arguments: &arguments,
            certainty: command.certainty,
            command,
        };
        for effect in &self.effects {
            let answer = effect.work.command(&mut self.site, &call);
            match answer.map_err(|problem| failed(effect, problem))? {
                Answer::NotMine => {}
                answer @ (Answer::Emulated | Answer::Ignored(_)) => {
                    return Ok((answer, Some(effect.id)));
                }
            }
        }
        Ok((Answer::NotMine, None))
    }
}

fn failed(effect: &Effect, problem: Problem) -> EffectError {
    EffectError::Failed {
        effect: effect.effect_version(),
        problem,
    }
}

fn member(script: Script) -> deb::Script {
    match script {
        Script::Config => deb::Script::Config,
        Script::Preinst => deb::Script::Preinst,
        Script::Postinst => deb::Script::Postinst,
    }
}

/// What scripts may ask of the tree as it is now.
impl Facts for Site<'_> {
    fn exists(&self, path: &str) -> bool {
        self.files.exists(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.files.is_directory(path)
    }

    fn is_executable(&self, path: &str) -> bool {
        self.files.is_executable(path)
    }

    fn is_file(&self, path: &str) -> bool {
        self.files.is_file(path)
    }

    fn is_symlink(&self, path: &str) -> bool {
        self.files.is_symlink(path)
    }

    fn names(&self, directory: &str) -> Vec<String> {
        self.files.text_names(directory)
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        self.files.read(path).ok().flatten()
    }

    fn has_user(&self, name: &str) -> Option<bool> {
        let accounts = Accounts::read(&self.files).ok()?;
        Some(accounts.user(name).is_some())
    }

    fn has_group(&self, name: &str) -> Option<bool> {
        let accounts = Accounts::read(&self.files).ok()?;
        Some(accounts.group(name).is_some())
    }
}
