//! `[enclave]`: names, architecture, epoch and command line.

use enclair_eif::Arch;

use crate::read::document::{Reader, Table};
use crate::read::keys::ENCLAVE;
use crate::read::text::{self, Checked};
use crate::recipe::{Enclave, Epoch};
use crate::span::Spanned;

/// `ImageName` of images that have no name.
pub(crate) const DEFAULT_NAME: &str = "enclave";
/// `ImageVersion` of images that have no version.
pub(crate) const DEFAULT_VERSION: &str = "0";
/// The architecture of images that ask for none.
pub(crate) const DEFAULT_ARCH: Arch = Arch::X86_64;
/// The time in images that have no epoch.
pub(crate) const DEFAULT_EPOCH: Epoch = Epoch::Seconds(0);

pub(crate) fn enclave(reader: &mut Reader, document: &Table<'_>) -> Enclave {
    let table = document
        .get("enclave")
        .and_then(|field| reader.table(&field, ENCLAVE));
    let Some(table) = table else {
        return unwritten();
    };
    let default = unwritten();
    let arches = [Arch::X86_64, Arch::Aarch64].map(|arch| (arch.as_str(), arch));
    let arch = table.get("arch");
    let arch = arch.and_then(|field| reader.choice(&field, &arches));
    let epoch = table.get("epoch").and_then(|field| {
        let expected = "seconds since 1970 or `\"commit\"`";
        reader.number_or(
            &field,
            expected,
            text::epoch_seconds,
            Some(text::epoch_word),
        )
    });
    let mut parsed = |key, parse: fn(&str) -> Checked<String>| {
        let field = table.get(key)?;
        reader.parsed(&field, parse)
    };
    Enclave {
        name: parsed("name", text::name).unwrap_or(default.name),
        version: parsed("version", text::name).unwrap_or(default.version),
        arch: arch.unwrap_or(default.arch),
        epoch: epoch.unwrap_or(default.epoch),
        cmdline: parsed("cmdline", text::command_line),
        cmdline_append: parsed("cmdline_append", text::command_line),
    }
}

fn unwritten() -> Enclave {
    Enclave {
        name: Spanned::unwritten(DEFAULT_NAME.to_owned()),
        version: Spanned::unwritten(DEFAULT_VERSION.to_owned()),
        arch: Spanned::unwritten(DEFAULT_ARCH),
        epoch: Spanned::unwritten(DEFAULT_EPOCH),
        cmdline: None,
        cmdline_append: None,
    }
}
