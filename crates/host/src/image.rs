//! An image that has been checked and measured, and is held open from then on.
//!
//! QEMU is given the open file, so a file that is renamed over it in between is not booted. It is
//! not copied: who can write into the file can still change it under QEMU, which then measures
//! what it reads.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStringExt as _;

use enclair_eif::{Arch, Eif, Measurements, Section};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::error::Error;

/// The longest command line that is passed on; the kernel takes 2048 bytes.
const MAX_COMMAND_LINE: u64 = 64 << 10;

/// An image that can be booted.
#[derive(Debug)]
pub struct Image {
    file: File,
    eif: Eif,
    measurements: Measurements,
}

/// The parts of an image, in files without names.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) kernel: File,
    pub(crate) ramdisk: File,
    pub(crate) command_line: OsString,
}

impl Image {
    /// Takes a file that was read to its end, with what was found: `eif` and `measurements` are
    /// those of `file`.
    ///
    /// # Errors
    ///
    /// An architecture that cannot be run here.
    pub fn new(file: File, eif: Eif, measurements: Measurements) -> Result<Self, Error> {
        let found = eif.header().arch();
        if found != Arch::X86_64 {
            return Err(Error::Architecture { found });
        }
        Ok(Self {
            file,
            eif,
            measurements,
        })
    }

    /// Its registers.
    pub const fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Copies the parts out, for a machine that cannot read an image.
    pub(crate) fn parts(&self) -> Result<Parts, Error> {
        let copied = |source| Error::Parts { source };
        let kernel = unnamed("kernel").map_err(copied)?;
        self.copy(self.eif.kernel(), &kernel).map_err(copied)?;
        let ramdisk = unnamed("ramdisk").map_err(copied)?;
        for section in self.eif.ramdisks() {
            self.copy(section, &ramdisk).map_err(copied)?;
        }
        let mut bytes = Vec::new();
        self.data(self.eif.command_line())
            .and_then(|data| data.take(MAX_COMMAND_LINE).read_to_end(&mut bytes))
            .map_err(copied)?;
        // An argument cannot hold it; the kernel would read up to there.
        if bytes.contains(&0) {
            return Err(Error::CommandLine);
        }
        Ok(Parts {
            kernel,
            ramdisk,
            command_line: OsString::from_vec(bytes),
        })
    }

    fn data(&self, section: &Section) -> io::Result<io::Take<&File>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(section.data_offset))?;
        Ok(file.take(section.size))
    }

    fn copy(&self, section: &Section, mut to: &File) -> io::Result<()> {
        let copied = io::copy(&mut self.data(section)?, &mut to)?;
        if copied == section.size {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// A file in memory.
pub(crate) fn unnamed(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}
