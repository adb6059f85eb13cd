//! The open files that init hands over, by the names of `crates/guest/src/agent.rs`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;

use enclair_configuration::{Configuration, MAX_BYTES};

use crate::error::Error;
use crate::sys;

/// What init handed over and nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Inherited {
    files: Vec<(String, OwnedFd)>,
}

impl Inherited {
    /// Takes the files that the arguments name.
    pub(crate) fn take(arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let file = |argument: String| {
            let parts = argument.split_once('=');
            let file = parts.and_then(|(name, number)| {
                let file = sys::adopt(number.parse().ok()?)?;
                Some((name.to_owned(), file))
            });
            file.ok_or(Error::Argument { argument })
        };
        let files = arguments.map(file).collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// The file of that name, once.
    pub(crate) fn file(&mut self, name: &str) -> Option<OwnedFd> {
        let index = self.files.iter().position(|(known, _)| known == name)?;
        Some(self.files.remove(index).1)
    }

    /// The measured configuration.
    pub(crate) fn configuration(&mut self) -> Result<Configuration, Error> {
        let name = "configuration";
        let file = self.file(name).ok_or(Error::NotInherited { name })?;
        let mut document = Vec::new();
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        File::from(file)
            // One byte more than is allowed, so that a longer document is refused and not cut.
            .take(limit.saturating_add(1))
            .read_to_end(&mut document)
            .map_err(|source| Error::ConfigurationNotRead { source })?;
        Configuration::parse(&document).map_err(|source| Error::Configuration { source })
    }

    /// Tells init how the start went, once; init waits for it.
    pub(crate) fn say(&mut self, sentence: &str) {
        if let Some(started) = self.file("started") {
            // If init is gone, so is the machine.
            let _ = File::from(started).write_all(sentence.as_bytes());
        }
    }
}
