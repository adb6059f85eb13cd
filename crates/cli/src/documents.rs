//! The JSON documents that commands print. Each has a schema number and a JSON schema
//! (`enclair schema NAME`, committed under `docs/reference/schemas`).

use std::collections::BTreeMap;

use enclair_build::{NitroMeasurements, SectionReport, section_reports};
use enclair_eif::{Layout, Metadata, Written};
use enclair_finding::Findings;
use enclair_inspect::{Inspection, ListedEntry, Ramdisk};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Version of the documents below.
const SCHEMA: u32 = 1;

/// `assemble --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AssembleDocument {
    /// Version of this document.
    schema: u32,
    /// The registers, in the form of `nitro-cli`.
    #[serde(rename = "Measurements")]
    measurements: NitroMeasurements,
    /// Size of the file in bytes.
    size: u64,
    /// CRC-32 in the header, in hexadecimal.
    crc32: String,
    /// The sections in file order.
    sections: Vec<SectionReport>,
}

impl AssembleDocument {
    pub(crate) fn new(layout: &Layout, written: &Written) -> Self {
        Self {
            schema: SCHEMA,
            measurements: NitroMeasurements::from(&written.measured.measurements),
            size: written.file_size,
            crc32: format!("{:08x}", written.crc32),
            sections: section_reports(layout.sections(), &written.measured),
        }
    }
}

/// `inspect --json` of an image: the fields of `nitro-cli describe-eif` (in its spelling), and
/// this project's own in lower case.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InspectDocument {
    /// Version of this document.
    schema: u32,
    /// Version of the format.
    #[serde(rename = "EifVersion")]
    eif_version: u16,
    /// Registers by name, and the algorithm as `nitro-cli` writes it.
    #[serde(rename = "Measurements")]
    measurements: BTreeMap<String, String>,
    /// Whether there is a signature section.
    #[serde(rename = "IsSigned")]
    is_signed: bool,
    /// Always true: a file with another CRC is an error.
    #[serde(rename = "CheckCRC")]
    check_crc: bool,
    /// Name in the metadata.
    #[serde(rename = "ImageName", skip_serializing_if = "Option::is_none")]
    image_name: Option<String>,
    /// Version in the metadata.
    #[serde(rename = "ImageVersion", skip_serializing_if = "Option::is_none")]
    image_version: Option<String>,
    /// The builder's word about the build.
    #[serde(rename = "Metadata", skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataDocument>,
    /// Architecture in the header, which is not measured.
    architecture: String,
    /// Size of the file in bytes.
    size: u64,
    /// CRC-32, in hexadecimal.
    crc32: String,
    /// Kernel command line; bytes that are not UTF-8 are replaced.
    command_line: String,
    /// What the kernel says about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<KernelDocument>,
    /// The sections in file order.
    sections: Vec<SectionReport>,
    /// The ramdisks in order.
    ramdisks: Vec<RamdiskDocument>,
    /// The signature, where there is one. It is not verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureDocument>,
    /// What there is to know.
    #[schemars(with = "Vec<Value>")]
    findings: Findings,
}

/// Metadata in the flat form of `nitro-cli`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct MetadataDocument {
    build_time: String,
    build_tool: String,
    build_tool_version: String,
    operating_system: String,
    kernel_version: String,
    docker_info: Value,
    custom_metadata: Value,
}

/// What a kernel says about itself.
#[derive(Debug, Serialize, JsonSchema)]
struct KernelDocument {
    /// `bzImage` or `Image`.
    kind: String,
    /// The release, where it can be read.
    version: Option<String>,
}

/// A signature section, parsed.
#[derive(Debug, Serialize, JsonSchema)]
struct SignatureDocument {
    /// Size of the certificate in DER, in bytes.
    certificate_bytes: usize,
    /// Always false: `inspect` parses a signature and does not verify it.
    verified: bool,
}

/// One ramdisk.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RamdiskDocument {
    /// Entries in all archives.
    entries: u64,
    /// Archives in order, with their compression.
    segments: Vec<SegmentDocument>,
    /// Why reading stopped before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The entries, with `--files`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<EntryDocument>,
}

/// A run of archives in a ramdisk.
#[derive(Debug, Serialize, JsonSchema)]
struct SegmentDocument {
    /// `newc`, or the compression around it.
    container: &'static str,
    /// Where it begins in the ramdisk.
    offset: u64,
    /// Archives in it.
    archives: u32,
    /// Entries in them.
    entries: u64,
}

/// One entry of a ramdisk.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryDocument {
    /// Name as stored; bytes that are not UTF-8 are replaced.
    path: String,
    /// Type and permissions, in octal.
    mode: String,
    uid: u32,
    gid: u32,
    size: u32,
    mtime: u32,
    /// Major and minor number of a device.
    rdev: (u32, u32),
    /// Where a symlink leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// `inspect --json` of a ramdisk on its own.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RamdiskFileDocument {
    /// Version of this document.
    schema: u32,
    /// What it holds.
    ramdisk: RamdiskDocument,
    /// What there is to know.
    #[schemars(with = "Vec<Value>")]
    findings: Findings,
}

impl InspectDocument {
    pub(crate) fn new(inspection: Inspection, pcr8: Option<String>) -> Self {
        let Inspection {
            eif,
            scanned,
            command_line,
            kernel,
            metadata,
            signature,
            ramdisks,
            findings,
        } = inspection;
        let NitroMeasurements {
            hash_algorithm,
            pcr0,
            pcr1,
            pcr2,
        } = NitroMeasurements::from(&scanned.measured.measurements);
        let registers = [
            ("PCR0", Some(pcr0)),
            ("PCR1", Some(pcr1)),
            ("PCR2", Some(pcr2)),
        ];
        let registers = registers.into_iter().chain([("PCR8", pcr8)]);
        let measurements = registers
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .chain([("HashAlgorithm".to_owned(), hash_algorithm.into_owned())])
            .collect();
        Self {
            schema: SCHEMA,
            eif_version: eif.header().version,
            measurements,
            is_signed: signature.is_some(),
            check_crc: true,
            image_name: metadata
                .as_ref()
                .map(|metadata| metadata.image_name.clone()),
            image_version: metadata
                .as_ref()
                .map(|metadata| metadata.image_version.clone()),
            metadata: metadata.map(MetadataDocument::from),
            architecture: eif.header().arch().to_string(),
            size: eif.file_size(),
            crc32: format!("{:08x}", scanned.crc32),
            command_line: String::from_utf8_lossy(&command_line).into_owned(),
            kernel: kernel.map(|kernel| KernelDocument {
                kind: kernel.kind.to_string(),
                version: kernel.version,
            }),
            sections: section_reports(eif.sections(), &scanned.measured),
            ramdisks: ramdisks.into_iter().map(RamdiskDocument::from).collect(),
            signature: signature.map(|signature| SignatureDocument {
                certificate_bytes: signature.certificate_der.len(),
                verified: false,
            }),
            findings,
        }
    }
}

impl RamdiskFileDocument {
    pub(crate) fn new(ramdisk: Ramdisk, findings: Findings) -> Self {
        Self {
            schema: SCHEMA,
            ramdisk: ramdisk.into(),
            findings,
        }
    }
}

impl From<Metadata> for MetadataDocument {
    fn from(metadata: Metadata) -> Self {
        let build = metadata.build_metadata;
        Self {
            build_time: build.build_time,
            build_tool: build.build_tool,
            build_tool_version: build.build_tool_version,
            operating_system: build.operating_system,
            kernel_version: build.kernel_version,
            docker_info: metadata.docker_info,
            custom_metadata: metadata.custom_metadata,
        }
    }
}

impl From<Ramdisk> for RamdiskDocument {
    fn from(ramdisk: Ramdisk) -> Self {
        let segments = ramdisk.segments.into_iter();
        Self {
            entries: ramdisk.entries,
            segments: segments
                .map(|segment| SegmentDocument {
                    container: segment.container,
                    offset: segment.offset,
                    archives: segment.archives,
                    entries: segment.entries,
                })
                .collect(),
            problem: ramdisk.problem,
            files: ramdisk
                .listing
                .into_iter()
                .map(EntryDocument::from)
                .collect(),
        }
    }
}

impl From<ListedEntry> for EntryDocument {
    fn from(entry: ListedEntry) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            path: text(&entry.path),
            mode: format!("{:06o}", entry.mode),
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            mtime: entry.mtime,
            rdev: entry.rdev,
            target: entry.target.as_deref().map(text),
        }
    }
}

/// `explain --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainDocument {
    /// Version of this document.
    pub(crate) schema: u32,
    /// What is explained.
    pub(crate) entries: Vec<ExplainEntry>,
}

/// One explanation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainEntry {
    /// A register or the id of a finding.
    pub(crate) id: &'static str,
    /// `register`, or the severity of a finding.
    pub(crate) kind: String,
    /// In one line.
    pub(crate) title: &'static str,
    /// Why it matters.
    pub(crate) text: &'static str,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<&'static str>,
}

impl ExplainDocument {
    pub(crate) const fn new(entries: Vec<ExplainEntry>) -> Self {
        Self {
            schema: SCHEMA,
            entries,
        }
    }
}
