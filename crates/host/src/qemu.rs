//! Which QEMU there is and what it can do: asked of the program itself, never assumed.
//!
//! Distributions build QEMU without the machine `nitro-enclave`, which needs libcbor; most have
//! `microvm`. So a program that is found is asked for its machines before it is used.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::machine::MachineKind;
use crate::process::Child;

/// The program's name.
const PROGRAM: &str = "qemu-system-x86_64";
/// Where `.ci/qemu` puts the one that it builds.
const BUILT: &str = "/opt/qemu-nitro";
/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const MAX_ANSWER: u64 = 64 << 10;

/// Where QEMU is looked for. The environment is read by the caller.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The program that the user named: this one or none.
    pub program: Option<PathBuf>,
    /// A prefix, as of `ENCLAIR_QEMU`, with `bin/qemu-system-x86_64` in it: this one or none.
    pub prefix: Option<PathBuf>,
    /// The directories of `PATH`.
    pub path: Option<OsString>,
}

impl Search {
    /// Programs to try, the preferred first.
    fn candidates(&self) -> Vec<PathBuf> {
        let in_prefix = |prefix: &Path| prefix.join("bin").join(PROGRAM);
        if let Some(program) = &self.program {
            return vec![program.clone()];
        }
        if let Some(prefix) = &self.prefix {
            return vec![in_prefix(prefix)];
        }
        let built = in_prefix(Path::new(BUILT));
        let built = Some(built).filter(|program| program.is_file());
        self.on_path(PROGRAM).chain(built).collect()
    }

    /// Files of this name in the directories of `PATH`.
    pub(crate) fn on_path(&self, name: &'static str) -> impl Iterator<Item = PathBuf> {
        let path = self.path.as_deref().unwrap_or(OsStr::new(""));
        std::env::split_paths(path)
            // An empty element of `PATH` is the current directory, which is nobody's intention.
            .filter(|directory| directory.is_absolute())
            .map(move |directory| directory.join(name))
            .filter(|file| file.is_file())
    }

    /// Finds a program: the first that has the Nitro machine, else the first that can boot at all.
    ///
    /// # Errors
    ///
    /// When none is there, or none that was found answers.
    pub fn find(&self) -> Result<Qemu, Error> {
        let mut fallback = None;
        for program in self.candidates() {
            match Qemu::probe(&program) {
                Ok(qemu) if qemu.has(MachineKind::NitroEnclave) => return Ok(qemu),
                found => fallback = fallback.or(Some(found)),
            }
        }
        fallback.unwrap_or(Err(Error::QemuMissing))
    }
}

/// A QEMU that answered.
#[derive(Debug, Clone)]
pub struct Qemu {
    /// The program.
    pub program: PathBuf,
    /// Its version, as in `10.0.13`.
    pub version: String,
    machines: BTreeSet<String>,
}

impl Qemu {
    /// Asks a program for its version and its machines.
    ///
    /// # Errors
    ///
    /// When it cannot be started, fails, or does not answer as QEMU does.
    pub fn probe(program: &Path) -> Result<Self, Error> {
        let odd = || Error::QemuOdd {
            program: program.to_owned(),
        };
        let version = ask(program, &["--version"])?;
        let version = version
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("QEMU emulator version "))
            .and_then(|rest| rest.split(' ').next())
            .ok_or_else(odd)?
            .to_owned();
        let machines: BTreeSet<String> = ask(program, &["-M", "help"])?
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect();
        if machines.is_empty() {
            return Err(odd());
        }
        Ok(Self {
            program: program.to_owned(),
            version,
            machines,
        })
    }

    /// Whether it has a machine.
    pub fn has(&self, machine: MachineKind) -> bool {
        self.machines.contains(machine.name())
    }

    /// The best machine for an enclave.
    ///
    /// # Errors
    ///
    /// When it has none of them.
    pub fn best_machine(&self) -> Result<MachineKind, Error> {
        [MachineKind::NitroEnclave, MachineKind::Microvm]
            .into_iter()
            .find(|machine| self.has(*machine))
            .ok_or_else(|| Error::NoMachine {
                program: self.program.clone(),
                version: self.version.clone(),
            })
    }
}

/// What the program prints when it is asked something.
fn ask(program: &Path, arguments: &[&str]) -> Result<String, Error> {
    let failed = |source| Error::QemuStart {
        program: program.to_owned(),
        source,
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let mut child = Child::spawn(command, &[]).map_err(failed)?;
    let (sender, answer) = mpsc::channel();
    let output = child.take_output();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = output.map(|(out, _)| out.take(MAX_ANSWER).read_to_end(&mut text));
        drop(sender.send(read.map(|_| text)));
    });
    let text = answer.recv_timeout(PATIENCE).ok().flatten();
    let text = text.ok_or_else(|| Error::QemuSilent {
        program: program.to_owned(),
    })?;
    // Whether it succeeded does not matter: the answer does.
    child.end(Duration::from_secs(1)).map_err(failed)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
