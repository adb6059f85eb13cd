//! What a careful reader does with a file: structure, one pass, then the two JSON and CBOR parts.

use std::io::{BufRead, Cursor, Read};

use enclair_digest::{Limits, PureRust};
use enclair_eif::{
    Eif, Error, Inline, Metadata, ScanError, Scanned, Section, SectionKind, SignatureSection,
    check_command_line, read_structure,
};
use enclair_finding::Findings;

pub(crate) struct Examined {
    pub(crate) eif: Eif,
    pub(crate) scanned: Scanned,
    pub(crate) findings: Findings,
}

/// Reads everything that this crate can read of a file.
pub(crate) fn examine(file: &[u8]) -> Result<Examined, Error> {
    let mut source = Cursor::new(file);
    let eif = read_structure(&mut source)?;
    let mut findings = eif.findings();
    let visit = |section: &Section, data: &mut dyn BufRead| {
        visit(section, data).map(|more| findings.merge(more))
    };
    let scanned = eif
        .scan(&mut source, Inline::new(&PureRust), visit)
        .map_err(|error| match error {
            ScanError::File(error) => error,
            ScanError::Visit { source, .. } => source,
        })?;
    Ok(Examined {
        eif,
        scanned,
        findings,
    })
}

fn visit(section: &Section, data: &mut dyn BufRead) -> Result<Findings, Error> {
    let mut bytes = Vec::new();
    if section.kind != SectionKind::Kernel && section.kind != SectionKind::Ramdisk {
        data.take(1 << 16).read_to_end(&mut bytes).unwrap();
    }
    match section.kind {
        SectionKind::Kernel | SectionKind::Ramdisk => Ok(Findings::new()),
        SectionKind::CommandLine => Ok(check_command_line(&bytes)),
        SectionKind::Metadata => Ok(Metadata::parse(&bytes, &Limits::default())?.1),
        SectionKind::Signature => Ok(SignatureSection::parse(&bytes)?.findings().clone()),
    }
}

/// The text of the error that a file gives.
pub(crate) fn refusal(file: &[u8]) -> String {
    match examine(file) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}
