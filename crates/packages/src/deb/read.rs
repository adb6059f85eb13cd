//! Reads a package file in one pass: contents of its files go to a spool, nothing is kept twice.

use std::io::{BufRead, Read};

use enclair_compress::{Format, Stream};
use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::tar::{Names, Reader};
use enclair_tree::{Error as TreeError, Escaped, MemorySpool, Spool};

use super::ar::{Archive, Header};
use super::control::ControlArchive;
use super::data::DataArchive;
use super::error::{ArProblem, DebError, Expected};
use super::{MEMBER_IGNORED, Package};
use crate::control::Control;

const VERSION: &[u8] = b"2.0\n";
/// Compressions of the control archive, by what stands behind `control.tar`.
const CONTROL_FORMATS: &[(&str, Option<Format>)] = &[
    ("", None),
    (".gz", Some(Format::Gzip)),
    (".xz", Some(Format::Xz)),
    (".zst", Some(Format::Zstd)),
];
/// Compressions of the data archive.
const DATA_FORMATS: &[(&str, Option<Format>)] = &[
    ("", None),
    (".gz", Some(Format::Gzip)),
    (".xz", Some(Format::Xz)),
    (".zst", Some(Format::Zstd)),
    (".bz2", Some(Format::Bzip2)),
    (".lzma", Some(Format::Lzma)),
];

/// Where what is read goes.
#[allow(missing_debug_implementations, reason = "a spool has none")]
pub struct Sink<'a> {
    /// Contents of files.
    pub spool: &'a mut dyn Spool,
    /// What is found.
    pub findings: &'a mut Findings,
}

/// Reads `package` to its very end, so that a digest of it can be compared behind it.
///
/// `limits` hold for the data archive and for all that is in the spool; the control archive has
/// [limits of its own](super::CONTROL_LIMITS).
///
/// # Errors
///
/// [`DebError`] for everything that is not a well-formed package of format 2.0. The spool then has
/// contents that nothing names.
pub fn read(
    package: &mut dyn BufRead,
    limits: &Limits,
    sink: &mut Sink<'_>,
) -> Result<Package, DebError> {
    let mut archive = Archive::open(package)?;
    read_version(&mut archive)?;
    let mut control = ControlArchive::default();
    let (header, format) = next(&mut archive, Expected::Control, CONTROL_FORMATS, sink)?;
    read_member(&mut archive, (&header, format), |content| {
        control.read(&header.name, content, sink.findings)
    })?;
    let mut data = DataArchive::default();
    let (header, format) = next(&mut archive, Expected::Data, DATA_FORMATS, sink)?;
    read_member(&mut archive, (&header, format), |content| {
        let reader = Reader::new(content, *limits).with_names(Names::Relative);
        data.read(&header.name, reader, sink)
    })?;
    read_end(&mut archive, sink)?;
    control.into_package(data.entries)
}

/// Reads the control file of `package` alone, and goes on to its very end, so that a digest of it can
/// be compared. What is behind the control archive is passed over and not looked at.
///
/// # Errors
///
/// [`DebError`] for what is not the beginning of a package, or has no good control file.
pub fn read_control(package: &mut dyn BufRead) -> Result<Control, DebError> {
    let (mut spool, mut findings) = (MemorySpool::new(), Findings::new());
    let mut sink = Sink {
        spool: &mut spool,
        findings: &mut findings,
    };
    let mut archive = Archive::open(package)?;
    read_version(&mut archive)?;
    let mut control = ControlArchive::default();
    let (header, format) = next(&mut archive, Expected::Control, CONTROL_FORMATS, &mut sink)?;
    read_member(&mut archive, (&header, format), |content| {
        control.read(&header.name, content, sink.findings)
    })?;
    let offset = archive.offset();
    std::io::copy(package, &mut std::io::sink())
        .map_err(|source| DebError::Read { offset, source })?;
    Ok(control.into_package(Vec::new())?.control)
}

fn read_version(archive: &mut Archive<'_>) -> Result<(), DebError> {
    let Some(header) = archive.next_header()? else {
        let expected = Expected::Version;
        return Err(DebError::ar(
            archive.offset(),
            ArProblem::Missing { expected },
        ));
    };
    if header.name != "debian-binary" {
        return Err(misplaced(&header, Expected::Version));
    }
    let limit = 64;
    if header.size > limit {
        let problem = ArProblem::Large {
            name: header.name,
            found: header.size,
            limit,
        };
        return Err(DebError::ar(header.offset, problem));
    }
    let mut version = Vec::new();
    archive
        .content(&header)
        .read_to_end(&mut version)
        .map_err(|source| unreadable(&header, source))?;
    if version != VERSION {
        let found = Escaped(&version).to_string();
        return Err(DebError::ar(header.offset, ArProblem::Version { found }));
    }
    archive.finish(&header)
}

/// The next member that counts. deb(5) lets later formats put members whose name begins with `_`
/// before the archives and says that they may be passed over.
fn next(
    archive: &mut Archive<'_>,
    expected: Expected,
    formats: &[(&str, Option<Format>)],
    sink: &mut Sink<'_>,
) -> Result<(Header, Option<Format>), DebError> {
    let stem = match expected {
        Expected::Data => "data.tar",
        Expected::Version | Expected::Control | Expected::End => "control.tar",
    };
    while let Some(header) = archive.next_header()? {
        if header.name.starts_with('_') {
            skip(archive, &header, sink)?;
            continue;
        }
        let suffix = header.name.strip_prefix(stem);
        let known = formats.iter().find(|(known, _)| suffix == Some(known));
        let Some((_, format)) = known else {
            return Err(misplaced(&header, expected));
        };
        return Ok((header, *format));
    }
    Err(DebError::ar(
        archive.offset(),
        ArProblem::Missing { expected },
    ))
}

fn read_end(archive: &mut Archive<'_>, sink: &mut Sink<'_>) -> Result<(), DebError> {
    while let Some(header) = archive.next_header()? {
        if !header.name.starts_with('_') {
            return Err(misplaced(&header, Expected::End));
        }
        skip(archive, &header, sink)?;
    }
    Ok(())
}

fn skip(archive: &mut Archive<'_>, header: &Header, sink: &mut Sink<'_>) -> Result<(), DebError> {
    sink.findings.add(&MEMBER_IGNORED, &header.name);
    std::io::copy(&mut archive.content(header), &mut std::io::sink())
        .map_err(|source| unreadable(header, source))?;
    archive.finish(header)
}

/// Hands the decompressed content of a member to `read`, which takes all of it.
fn read_member(
    archive: &mut Archive<'_>,
    (header, format): (&Header, Option<Format>),
    read: impl FnOnce(&mut dyn Read) -> Result<(), DebError>,
) -> Result<(), DebError> {
    let mut content = archive.content(header);
    match format {
        None => read(&mut content)?,
        Some(format) => {
            let mut decoded =
                Stream::new(format, content).map_err(|error| unreadable(header, error.into()))?;
            read(&mut decoded)?;
        }
    }
    archive.finish(header)
}

fn misplaced(header: &Header, expected: Expected) -> DebError {
    let found = header.name.clone();
    DebError::ar(header.offset, ArProblem::Order { found, expected })
}

fn unreadable(header: &Header, source: std::io::Error) -> DebError {
    DebError::Content {
        member: header.name.clone(),
        source,
    }
}

/// An error of the archive in `member`. What the decoder says is about the member's own bytes.
pub(super) fn archive_error(member: &str, error: TreeError) -> DebError {
    let member = member.to_owned();
    if let TreeError::Read { source, .. } = error {
        return DebError::Content { member, source };
    }
    DebError::Archive {
        member,
        source: error,
    }
}

#[cfg(test)]
mod tests {
    use enclair_packages_testing::Deb;

    use super::*;

    #[test]
    fn the_control_file_is_read_and_the_rest_is_passed_over() {
        let package = Deb::new("hello", "1:2.10-3", "amd64")
            .file("./usr/bin/hello", "#!/bin/sh\n")
            .build();
        let mut rest = &*package;
        let control = read_control(&mut rest).unwrap();
        assert_eq!(control.name(), "hello");
        assert_eq!(control.version().as_str(), "1:2.10-3");
        assert!(rest.is_empty(), "a digest is compared at the end");
        let cut = package.get(..100).unwrap();
        assert!(read_control(&mut &*cut).is_err());
        assert!(read_control(&mut &b"no package"[..]).is_err());
    }
}
