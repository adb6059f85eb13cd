//! What turns source and fragment into a kernel: environment, arguments, the last bytes.
//!
//! Whatever decides a byte of the kernel and is neither in the fragment nor in the lock is here,
//! so this file is one of the recorded inputs.
//!
//! The configuration starts from `allnoconfig`, not from a default one: what the fragment does not
//! name is off, also when a new version of Linux would switch it on.
//!
//! # The text offset of an arm64 Image
//!
//! | bytes | what |
//! |---|---|
//! | 8..16 | `text_offset`, little-endian |
//! | 56..60 | the magic, `ARM\x64` |
//!
//! Linux writes 0 since version 5.8, for "anywhere". The hypervisor of an enclave takes the number
//! at its word and loads the kernel to address 0, where there is no memory, so 2 MiB is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Architecture;
use super::lock::SourceLock;
use crate::error::Error;
use crate::{files, program};

/// Read by the build of Linux, or by the tools that it calls.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("HOME", "/"),
    ("KBUILD_BUILD_HOST", "x"),
    ("KBUILD_BUILD_TIMESTAMP", "1970-01-01 00:00:00 UTC"),
    ("KBUILD_BUILD_USER", "x"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("LC_ALL", "C"),
    ("PATH", program::SEARCH_PATH),
    ("SHELL", "/bin/sh"),
    ("TZ", "UTC"),
];

/// Optional tools whose versions Linux writes into its configuration when they are installed. They
/// make no byte of this kernel, and must not make two configurations of it.
const ABSENT: [&str; 2] = ["PAHOLE=absent", "RUSTC=absent"];

const TEXT_OFFSET: u64 = 2 << 20;

impl Architecture {
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &["ARCH=x86"],
            Self::Aarch64 => &["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"],
        }
    }

    const fn tool_prefix(self) -> &'static str {
        match self {
            Self::X86_64 => "",
            Self::Aarch64 => "aarch64-linux-gnu-",
        }
    }

    /// The target of make, and the file that it leaves.
    const fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::X86_64 => ("bzImage", "arch/x86/boot/bzImage"),
            Self::Aarch64 => ("Image", "arch/arm64/boot/Image"),
        }
    }
}

/// Compares the first line of each tool's `--version` with the lock.
pub(super) fn check_tools(architecture: Architecture, lock: &SourceLock) -> Result<(), Error> {
    let prefix = architecture.tool_prefix();
    let tools = [
        (format!("{prefix}gcc"), &lock.compiler),
        (format!("{prefix}ld"), &lock.linker),
        ("gzip".to_owned(), &lock.compressor),
    ];
    for (program, expected) in tools {
        let mut command = Command::new(&program);
        command.arg("--version").env_clear().envs(ENVIRONMENT);
        let found = program::first_line(&mut command)?;
        if &found != expected {
            return Err(Error::Tool {
                program,
                expected: expected.clone(),
                found,
            });
        }
    }
    Ok(())
}

/// The source of Linux, and what it is built for.
#[derive(Debug)]
pub(super) struct Recipe<'a> {
    architecture: Architecture,
    source: &'a Path,
}

impl<'a> Recipe<'a> {
    pub(super) const fn new(architecture: Architecture, source: &'a Path) -> Self {
        Self {
            architecture,
            source,
        }
    }

    fn make(&self) -> Command {
        let mut command = Command::new("make");
        command
            .arg("--silent")
            .args(self.architecture.arguments())
            .args(ABSENT)
            .current_dir(self.source)
            .env_clear()
            .envs(ENVIRONMENT);
        command
    }

    /// Compares the version that the source says with the lock's.
    pub(super) fn check_version(&self, expected: &str) -> Result<(), Error> {
        let found = program::first_line(self.make().arg("kernelversion"))?;
        if found == expected {
            return Ok(());
        }
        Err(Error::LinuxVersion {
            expected: expected.to_owned(),
            found,
        })
    }

    /// The full configuration that comes of a fragment.
    pub(super) fn configure(&self, fragment: &Path) -> Result<String, Error> {
        let mut command = self.make();
        command
            .arg("allnoconfig")
            .env("KCONFIG_ALLCONFIG", fragment);
        program::run(&mut command)?;
        files::read_text(&self.source.join(".config"))
    }

    /// Compiles the kernel; gives the bytes that boot.
    pub(super) fn compile(&self, jobs: Option<u16>) -> Result<Vec<u8>, Error> {
        let (target, path) = self.architecture.target();
        let jobs = jobs.map_or_else(available, usize::from);
        program::run(self.make().arg(format!("--jobs={jobs}")).arg(target))?;
        let path: PathBuf = self.source.join(path);
        let mut image = fs::read(&path).map_err(|source| Error::io(&path, source))?;
        if self.architecture == Architecture::Aarch64 {
            set_text_offset(&mut image).ok_or(Error::NotAnImage { path })?;
        }
        Ok(image)
    }
}

fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn set_text_offset(image: &mut [u8]) -> Option<()> {
    let is_image = image.get(56..60) == Some(b"ARM\x64".as_slice());
    let offset = image.get_mut(8..16).filter(|_| is_image)?;
    offset.copy_from_slice(&TEXT_OFFSET.to_le_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm64_image_gets_the_offset_and_nothing_else() {
        let mut image = vec![0xaa; 64];
        image[56..60].copy_from_slice(b"ARM\x64");
        let before = image.clone();
        set_text_offset(&mut image).unwrap();
        assert_eq!(image[8..16], [0, 0, 0x20, 0, 0, 0, 0, 0]);
        assert_eq!((&image[..8], &image[16..]), (&before[..8], &before[16..]));
    }

    #[test]
    fn what_is_no_image_is_left_alone() {
        for mut bytes in [vec![0; 64], vec![0; 59], Vec::new()] {
            let before = bytes.clone();
            assert_eq!(set_text_offset(&mut bytes), None);
            assert_eq!(bytes, before);
        }
    }

    #[test]
    fn another_compiler_than_the_locked_one_is_refused() {
        let lock = "package = \"p\"\nversion = \"1\"\nfile = \"f\"\nsize = \"1\"\n\
            sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n\
            archive = \"a\"\nlinux = \"1\"\ncompiler = \"gcc 1\"\nlinker = \"ld\"\n\
            compressor = \"gzip\"\n";
        let lock = SourceLock::parse(Path::new("source.lock"), lock).unwrap();
        match check_tools(Architecture::X86_64, &lock) {
            Err(Error::Tool { expected, .. }) => assert_eq!(expected, "gcc 1"),
            // A machine without a compiler has not the locked one either.
            Err(Error::Start { program, .. }) => assert_eq!(program, "gcc"),
            other => panic!("{other:?}"),
        }
    }
}
