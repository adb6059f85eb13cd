//! `cargo xtask guest`: the committed guest programs, from the sources of this workspace.
//!
//! The kit is `boot/guest/x86_64`: for each program the file, its digest, and the record of
//! everything that it is built from ([`crate::inputs`]). A program is linked with the linker that comes with the toolchain and
//! against the C library that comes with the target, so the toolchain is the only tool that
//! decides a byte. `rust-toolchain.toml` names it; another one is refused.
//!
//! Two things would otherwise bring the machine into the binary: the caller's environment, of
//! which cargo and rustc read a lot, and the paths of workspace and registry, which end up in
//! panic messages.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use enclair_digest::Sha256;

use crate::error::Error;
use crate::inputs::Record;
use crate::verdict::{Mode, Verdict};
use crate::{files, program, say};

const KIT: &str = "boot/guest/x86_64";
const TARGET: &str = "x86_64-unknown-linux-musl";

/// What decides the bytes of every program. The lock file and the manifest of the workspace hold
/// more than one needs; a needless build takes seconds.
const SHARED_INPUTS: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "crates/configuration/Cargo.toml",
    "crates/configuration/src",
    "crates/nsm/Cargo.toml",
    "crates/nsm/src",
    "crates/xtask/src/guest.rs",
    "rust-toolchain.toml",
];

/// A program of the kit.
struct Program {
    /// Its file's name.
    name: &'static str,
    package: &'static str,
    binary: &'static str,
    /// The program itself, its manifest and its sources.
    own_inputs: [&'static str; 3],
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "init",
        package: "enclair-guest",
        binary: "enclair-init",
        own_inputs: [
            "boot/guest/x86_64/init",
            "crates/guest/Cargo.toml",
            "crates/guest/src",
        ],
    },
    Program {
        name: "agent",
        package: "enclair-agent",
        binary: "enclair-agent",
        own_inputs: [
            "boot/guest/x86_64/agent",
            "crates/agent/Cargo.toml",
            "crates/agent/src",
        ],
    },
];

/// Where things are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The workspace.
    pub(crate) top: &'a Path,
    pub(crate) cargo_home: &'a Path,
    /// Where cargo may build.
    pub(crate) target: &'a Path,
}

/// Builds the programs and writes or compares them.
pub(crate) fn run(places: Places<'_>, mode: Mode) -> Result<Vec<Verdict>, Error> {
    let programs = PROGRAMS.iter();
    programs
        .map(|program| program.verdict(places, mode))
        .collect()
}

impl Program {
    fn verdict(&self, places: Places<'_>, mode: Mode) -> Result<Verdict, Error> {
        let top = places.top;
        let path = self.file(top, "");
        if mode == Mode::CheckIfChanged {
            let changed = self.changes(top)?;
            if changed.is_empty() {
                return Ok(Verdict::Unchanged { path });
            }
            say(&format!("not as recorded: `{}`", changed.join("`, `")));
        }
        check_toolchain(top)?;
        let built = files::read(&self.build(places)?)?;
        let digest = files::digest_of(&built);
        let sum = files::sum_line(digest, self.name);
        if mode != Mode::Write {
            return self.compare(top, digest, &sum);
        }
        files::write(&path, &built, 0o755)?;
        files::write(&self.file(top, ".sha256"), sum.as_bytes(), 0o644)?;
        Record::of(top, &self.inputs())?.write(&top.join(self.record()))?;
        Ok(Verdict::Written { path, digest })
    }

    /// A file of the kit: the program's, or one beside it.
    fn file(&self, top: &Path, extension: &str) -> PathBuf {
        top.join(format!("{KIT}/{}{extension}", self.name))
    }

    fn record(&self) -> String {
        format!("{KIT}/{}.inputs.sha256", self.name)
    }

    /// What decides its bytes, and the program.
    fn inputs(&self) -> Vec<&'static str> {
        SHARED_INPUTS.into_iter().chain(self.own_inputs).collect()
    }

    fn changes(&self, top: &Path) -> Result<Vec<String>, Error> {
        Record::changes_since(top, &self.record(), &self.inputs())
    }

    fn compare(&self, top: &Path, built: Sha256, sum: &str) -> Result<Verdict, Error> {
        let (path, recorded) = (self.file(top, ""), self.file(top, ".sha256"));
        let (committed, _) = files::digest(&path)?;
        let verdict = Verdict::compare(&path, committed, built);
        let differs = Verdict::compare_text(&recorded, &files::read_text(&recorded)?, sum);
        match differs {
            // Only of a program that is the built one: else its own difference is the news.
            Some(differs) if committed == built => Ok(differs),
            Some(_) | None => Ok(verdict.with_changes(self.changes(top)?)),
        }
    }

    fn build(&self, places: Places<'_>) -> Result<PathBuf, Error> {
        let target = places.target.join("guest");
        let mut command = cleaned("cargo", places.top);
        command
            .args(["build", "--locked", "--profile", "guest"])
            .args(["--package", self.package, "--bin", self.binary])
            .args(["--target", TARGET])
            .env("CARGO_TARGET_DIR", &target)
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                flags(places.top, places.cargo_home),
            );
        program::run(&mut command)?;
        Ok(target.join(TARGET).join("guest").join(self.binary))
    }
}

/// Compares the compiler with the one that `rust-toolchain.toml` names.
fn check_toolchain(top: &Path) -> Result<(), Error> {
    let path = top.join("rust-toolchain.toml");
    let text = files::read_text(&path)?;
    let expected = channel(&text).ok_or(Error::Channel { path })?;
    let found = program::first_line(cleaned("rustc", top).arg("--version"))?;
    if found.split(' ').nth(1) == Some(expected) {
        return Ok(());
    }
    Err(Error::Tool {
        program: "rustc".to_owned(),
        expected: expected.to_owned(),
        found,
    })
}

fn channel(text: &str) -> Option<&str> {
    let mut values = text
        .lines()
        .filter_map(|line| line.strip_prefix("channel = "));
    values.next()?.strip_prefix('"')?.strip_suffix('"')
}

/// A program of the toolchain, without what the caller's environment would tell it.
fn cleaned(program: &str, top: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(top);
    for (name, _) in std::env::vars_os() {
        if decides_bytes(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether cargo, rustc or a build script may take something from the variable that ends up in
/// the binary. Where to find things and how to reach the network stays.
fn decides_bytes(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_cargo = name.starts_with("CARGO")
        && name != "CARGO_HOME"
        && !name.starts_with("CARGO_HTTP_")
        && !name.starts_with("CARGO_NET_")
        && !name.starts_with("CARGO_REGISTRIES_")
        && !name.starts_with("CARGO_REGISTRY");
    let is_compiler = ["CC", "CFLAGS", "AR", "ARFLAGS", "LD", "LDFLAGS"]
        .iter()
        .any(|compiler| name == *compiler || name.starts_with(&format!("{compiler}_")));
    is_cargo
        || is_compiler
        || name.starts_with("RUSTC")
        || name.starts_with("RUSTDOC")
        || name == "RUSTFLAGS"
        || name == "RUSTUP_TOOLCHAIN"
        || name == "SOURCE_DATE_EPOCH"
}

/// The flags of rustc, in the form that allows a space in a path.
fn flags(top: &Path, cargo_home: &Path) -> OsString {
    let mut flags = OsString::from(
        "-Clinker=rust-lld\x1f-Clink-self-contained=yes\x1f-Crelocation-model=static",
    );
    for (path, name) in [(top, "/enclair"), (cargo_home, "/cargo")] {
        flags.push("\x1f--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_is_read_as_rustup_would() {
        let text = "[toolchain]\nchannel = \"1.95.0\"\nprofile = \"minimal\"\n";
        assert_eq!(channel(text), Some("1.95.0"));
        assert_eq!(channel("[toolchain]\n"), None);
        assert_eq!(channel("channel = 1\n"), None);
    }

    #[test]
    fn what_would_change_the_binary_is_not_passed_on() {
        let removed = [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_GUEST_OPT_LEVEL",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
            "CARGO_INCREMENTAL",
            "RUSTC_WRAPPER",
            "RUSTC_BOOTSTRAP",
            "RUSTUP_TOOLCHAIN",
            "CC_x86_64-unknown-linux-musl",
            "CFLAGS",
        ];
        for name in removed {
            assert!(decides_bytes(OsStr::new(name)), "{name}");
        }
        let kept = [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "CARGO_NET_OFFLINE",
            "CCC",
        ];
        for name in kept {
            assert!(!decides_bytes(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn paths_with_spaces_stay_one_flag() {
        let flags = flags(Path::new("/a b"), Path::new("/c"));
        let flags = flags.to_str().unwrap();
        let last: Vec<_> = flags.split('\x1f').skip(3).collect();
        let expected = [
            "--remap-path-prefix=/a b=/enclair",
            "--remap-path-prefix=/c=/cargo",
        ];
        assert_eq!(last, expected);
    }
}
