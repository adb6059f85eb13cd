//! `measurements.json`: what a build says about its result.
//!
//! The first object has the shape that `nitro-cli build-enclave` prints, so that scripts written
//! for it go on working; the rest is this project's, with a schema number. Everything in it is
//! computed from the bytes that were written, but for `repository`, which is a hint.

use std::borrow::Cow;
use std::fmt::Write as _;

use enclair_digest::{Engine, Hasher as _, Sha256};
use enclair_eif::{Measured, Measurements, Section, SectionKind};
use enclair_finding::Findings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::Laid;
use crate::git::Repository;
use crate::normalise::Applied;
use crate::parts::Parts;
use crate::request::Provenance;

/// Version of this document.
pub const SCHEMA: u32 = 1;
/// The format whose rules decided the bytes.
pub const FORMAT: u32 = 1;

/// The document.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "measurements.json")]
pub struct Report {
    /// Version of this document.
    pub schema: u32,
    /// The registers, in the form of `nitro-cli`.
    #[serde(rename = "Measurements")]
    pub measurements: NitroMeasurements,
    /// The format whose rules decided the bytes.
    pub format: u32,
    /// Architecture, as in `x86_64`.
    pub architecture: String,
    /// How the ramdisks are laid out: `enclair` or `bootstrap`.
    pub layout: &'static str,
    /// How the ramdisks behind the first are compressed: encoder and version, as in `zstd@1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// The file.
    pub eif: EifFile,
    /// The sections in file order. No register binds where one ends and the next begins.
    pub sections: Vec<SectionReport>,
    /// Memory in MiB that the enclave needs to boot.
    pub memory_mib: u64,
    /// What boots the image.
    pub parts: PartsReport,
    /// The container image that went in, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How many packages the root filesystem is made of; `packages.json` beside this lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<usize>,
    /// Files of the project that were laid into the root filesystem, and what was left out.
    #[serde(flatten)]
    pub laid: Laid,
    /// Where the image comes from: hints.
    #[serde(flatten)]
    pub provenance: ProvenanceReport,
    /// The rules that were applied.
    pub normalised: Vec<Applied>,
    /// What else there is to know.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub findings: Findings,
    /// The commit that was checked out where the build ran: a hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
}

/// Where an image comes from, as whoever built it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProvenanceReport {
    /// The recipe, relative to the top of its repository where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// SHA-256 of the lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// What an outsider should know, such as inputs that nobody else can get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl From<&Provenance> for ProvenanceReport {
    fn from(provenance: &Provenance) -> Self {
        Self {
            recipe: provenance.recipe.clone(),
            lock: provenance.lock.map(|digest| digest.to_string()),
            notes: provenance.notes.clone(),
        }
    }
}

/// Registers under the names and in the form of `nitro-cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NitroMeasurements {
    /// The constant text that `nitro-cli` prints.
    #[serde(rename = "HashAlgorithm")]
    pub hash_algorithm: Cow<'static, str>,
    /// The whole image.
    #[serde(rename = "PCR0")]
    pub pcr0: String,
    /// The boot environment.
    #[serde(rename = "PCR1")]
    pub pcr1: String,
    /// The application.
    #[serde(rename = "PCR2")]
    pub pcr2: String,
}

impl From<&Measurements> for NitroMeasurements {
    fn from(measurements: &Measurements) -> Self {
        Self {
            hash_algorithm: "Sha384 { ... }".into(),
            pcr0: measurements.pcr0.to_string(),
            pcr1: measurements.pcr1.to_string(),
            pcr2: measurements.pcr2.to_string(),
        }
    }
}

impl NitroMeasurements {
    /// `HEX PCRn` lines, one register a line.
    pub fn to_lines(&self) -> String {
        let mut text = String::new();
        for (index, register) in [&self.pcr0, &self.pcr1, &self.pcr2].iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{register} PCR{index}");
        }
        text
    }
}

/// The image file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EifFile {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// CRC-32 in its header, in hexadecimal.
    pub crc32: String,
}

impl EifFile {
    /// Describes a file that was written.
    pub fn new(size: u64, sha256: Sha256, crc32: u32) -> Self {
        Self {
            size,
            sha256: sha256.to_string(),
            crc32: format!("{crc32:08x}"),
        }
    }
}

/// What boots the image, by SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PartsReport {
    /// The kernel.
    pub kernel: String,
    /// PID 1.
    pub init: String,
    /// The driver module for the security module, where one is in the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
}

impl PartsReport {
    pub(crate) fn new<E: Engine>(parts: &Parts, engine: &E) -> Self {
        let digest = |bytes: &[u8]| {
            let mut hasher = engine.sha256();
            hasher.update(bytes);
            hasher.finish().to_string()
        };
        Self {
            kernel: digest(&parts.kernel),
            init: digest(&parts.init),
            module: parts.module.as_deref().map(digest),
        }
    }
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SectionReport {
    /// Position in the file, from 0.
    pub index: usize,
    /// `kernel`, `command-line`, `metadata`, `ramdisk` or `signature`.
    #[schemars(with = "String")]
    pub kind: SectionKind,
    /// Where its data begins, in bytes from the start of the file.
    pub offset: u64,
    /// Size of its data in bytes.
    pub size: u64,
    /// SHA-384 of its data.
    pub sha384: String,
}

/// Joins the sections of a file with their digests.
pub fn section_reports(sections: &[Section], measured: &Measured) -> Vec<SectionReport> {
    sections
        .iter()
        .zip(&measured.sections)
        .map(|(section, digest)| SectionReport {
            index: section.index,
            kind: section.kind,
            offset: section.data_offset,
            size: section.size,
            sha384: digest.to_string(),
        })
        .collect()
}

/// The container image that went in, by digest: no path and no name of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source {
    /// SHA-256 of the manifest, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// SHA-256 of the configuration: the image ID.
    pub config: String,
    /// SHA-256 of each layer's tar archive, lowest first.
    pub diff_ids: Vec<String>,
}

/// Memory in MiB that an enclave needs for an image of `eif_size` bytes, whose files take
/// `unpacked` bytes in memory ([`enclair_inspect::entry_memory`]).
///
/// The field's launcher refuses less than four times the file. The files lie in a memory file
/// system of half of what is left beside the ramdisks and the kernel (22 MiB were measured). An
/// enclave has at least 64 MiB.
pub fn memory_mib(eif_size: u64, unpacked: u64) -> u64 {
    const MIB: u64 = 1 << 20;
    const KERNEL: u64 = 32 * MIB;
    let launcher = eif_size.saturating_mul(4);
    let files = unpacked
        .saturating_mul(2)
        .saturating_add(eif_size)
        .saturating_add(KERNEL);
    launcher.max(files).div_ceil(MIB).max(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_the_launcher_asks_for_and_what_the_files_take() {
        assert_eq!(memory_mib(1, 1), 64);
        assert_eq!(memory_mib(300 << 20, 310 << 20), 1200);
        // Compressed to a fifth: the files decide.
        assert_eq!(memory_mib(60 << 20, 300 << 20), 692);
        assert_eq!(memory_mib(u64::MAX, u64::MAX), 1 << 44);
    }
}
