//! Which sections a file has, and in which order.
//!
//! The measured order is kernel, command line, ramdisks. A file in another order would be measured
//! in file order by some readers and by kind in others, so it is refused, not interpreted. The
//! metadata section is not measured; every tool writes it third, and a reader takes it anywhere
//! before the signature.

use crate::Error;
use crate::section::{MAX_SECTIONS, MAX_SIGNATURE_SIZE, Section, SectionKind};

/// Where the metadata section may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataPosition {
    /// Behind the command line, as it is written.
    Third,
    /// Anywhere before the signature, as it is read.
    Anywhere,
}

/// Whether a file has to have a metadata section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataPresence {
    /// From version 4 on.
    Required,
    /// In versions 2 and 3.
    Optional,
}

pub(crate) fn check_count(found: usize) -> Result<(), Error> {
    if (1..=MAX_SECTIONS).contains(&found) {
        return Ok(());
    }
    Err(Error::SectionCount { found })
}

/// Checks kinds, their numbers and their order.
pub(crate) fn check_kinds(
    sections: &[Section],
    position: MetadataPosition,
    presence: MetadataPresence,
) -> Result<(), Error> {
    for (section, earlier) in with_earlier(sections) {
        check_one(section, earlier, position)?;
    }
    let mut required = vec![
        SectionKind::Kernel,
        SectionKind::CommandLine,
        SectionKind::Ramdisk,
    ];
    if presence == MetadataPresence::Required {
        required.push(SectionKind::Metadata);
    }
    let missing = |kind: &SectionKind| !sections.iter().any(|section| section.kind == *kind);
    match required.into_iter().find(missing) {
        Some(kind) => Err(Error::Missing { kind }),
        None => Ok(()),
    }
}

/// Each section with those before it.
fn with_earlier(sections: &[Section]) -> impl Iterator<Item = (&Section, &[Section])> {
    let earlier = (0..).map(|count| sections.get(..count).unwrap_or_default());
    sections.iter().zip(earlier)
}

fn check_one(
    section: &Section,
    earlier: &[Section],
    position: MetadataPosition,
) -> Result<(), Error> {
    let place = section.place();
    if section.kind == SectionKind::Signature && section.size > MAX_SIGNATURE_SIZE {
        let found = section.size;
        return Err(Error::SignatureSize { place, found });
    }
    let same = earlier.iter().find(|other| other.kind == section.kind);
    if let Some(first) = same.filter(|first| first.kind != SectionKind::Ramdisk) {
        let first = first.index;
        return Err(Error::Duplicate { place, first });
    }
    let late = |other: &&Section| is_late(section.kind, other.kind, position);
    earlier.iter().find(late).map_or(Ok(()), |other| {
        Err(Error::Order {
            place,
            other: other.index,
            other_kind: other.kind,
        })
    })
}

/// Whether `kind` may not come after `earlier`.
fn is_late(kind: SectionKind, earlier: SectionKind, position: MetadataPosition) -> bool {
    let concerns_metadata = [kind, earlier].contains(&SectionKind::Metadata);
    let free = position == MetadataPosition::Anywhere
        && concerns_metadata
        && earlier != SectionKind::Signature;
    !free && rank(kind) < rank(earlier)
}

/// The order in which every builder in the field writes.
const fn rank(kind: SectionKind) -> u8 {
    match kind {
        SectionKind::Kernel => 0,
        SectionKind::CommandLine => 1,
        SectionKind::Metadata => 2,
        SectionKind::Ramdisk => 3,
        SectionKind::Signature => 4,
    }
}
