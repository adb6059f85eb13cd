//! PAX extended headers (POSIX.1-2001, "pax Header Block"): `LENGTH KEYWORD=VALUE\n`, where the
//! length counts the whole record with itself and the newline.
//!
//! | keyword | here |
//! |---|---|
//! | `path`, `linkpath`, `size`, `uid`, `gid`, `uname`, `gname`, `mtime` | replace the header's field |
//! | `SCHILY.devmajor`, `SCHILY.devminor` | replace the header's field |
//! | `SCHILY.xattr.NAME` | extended attribute, value as it is |
//! | `LIBARCHIVE.xattr.NAME` | the same, name percent-encoded, value in base64 |
//! | `GNU.sparse.*` | see [`super::sparse`] |
//! | `hdrcharset` | UTF-8 and BINARY; others are an error |
//! | `atime`, `ctime`, `comment` | read over: nothing in a tree depends on them |
//! | `SCHILY.dev`, `SCHILY.ino`, `SCHILY.nlink` | read over: they describe another disk |
//! | `SCHILY.realsize` | an error: a sparse layout that is not known here |
//! | anything else | finding `tar-field-dropped` with the keyword |
//!
//! Where a keyword comes twice the later one counts, but two values for one extended attribute are
//! an error. POSIX lets an empty value undo a record; only an extended attribute may be empty here.
//! Global records (`g`) may set owners, times and attributes. One that names all files the same is
//! an error.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use enclair_finding::Findings;

use super::header::not_a_number;
use super::number::{parse_decimal, parse_seconds};
use super::problem::{SparseProblem, TarProblem};
use crate::findings::TAR_FIELD_DROPPED;
use crate::node::Xattrs;
use crate::path::shown;

/// libarchive writes no padding, the format's description has it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// For which entries records hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The next one.
    Next,
    /// All that follow.
    Global,
}

/// What the records of an extended header say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link_path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) user: Option<Vec<u8>>,
    pub(super) group: Option<Vec<u8>>,
    pub(super) mtime: Option<i64>,
    pub(super) major: Option<u32>,
    pub(super) minor: Option<u32>,
    pub(super) xattrs: Xattrs,
    pub(super) sparse: SparseRecords,
}

/// The `GNU.sparse` records, not yet understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SparseRecords {
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) real_size: Option<u64>,
    pub(super) count: Option<u64>,
    /// Version 0.1: numbers with commas between them.
    pub(super) map: Option<Vec<u8>>,
    /// Version 0.0: offsets and lengths, one record each.
    pub(super) offsets: Vec<u64>,
    pub(super) lengths: Vec<u64>,
}

impl Records {
    /// Parses the content of an extended header.
    pub(super) fn parse(
        document: &[u8],
        scope: Scope,
        findings: &mut Findings,
    ) -> Result<Self, TarProblem> {
        let mut records = Self::default();
        let mut rest = document;
        while !rest.is_empty() {
            let position = document.len().saturating_sub(rest.len());
            let (keyword, value, behind) =
                split_record(rest).ok_or(TarProblem::Record { position })?;
            check_scope(keyword, scope)?;
            records.set(keyword, value, findings)?;
            rest = behind;
        }
        Ok(records)
    }

    /// These records, and those of `global` where these say nothing.
    pub(super) fn or(mut self, global: &Self) -> Self {
        self.uid = self.uid.or(global.uid);
        self.gid = self.gid.or(global.gid);
        self.user = self.user.or_else(|| global.user.clone());
        self.group = self.group.or_else(|| global.group.clone());
        self.mtime = self.mtime.or(global.mtime);
        for (name, value) in &global.xattrs {
            self.xattrs
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
        self
    }

    /// Adds a later global header to these.
    pub(super) fn update(&mut self, later: Self) {
        let earlier = std::mem::take(self);
        *self = later.or(&earlier);
    }

    fn set(
        &mut self,
        keyword: &[u8],
        value: &[u8],
        findings: &mut Findings,
    ) -> Result<(), TarProblem> {
        if let Some(name) = keyword.strip_prefix(b"SCHILY.xattr.") {
            // GNU tar would decode these two, others would not.
            if name.windows(3).any(|code| matches!(code, b"%3D" | b"%25")) {
                return Err(TarProblem::Xattr {
                    keyword: shown(keyword),
                });
            }
            return self.add_xattr(keyword, name.to_vec(), value.to_vec());
        }
        if let Some(name) = keyword.strip_prefix(b"LIBARCHIVE.xattr.") {
            let malformed = || TarProblem::Xattr {
                keyword: shown(keyword),
            };
            let name = percent_decode(name).ok_or_else(malformed)?;
            let value = BASE64.decode(value).map_err(|_| malformed())?;
            return self.add_xattr(keyword, name, value);
        }
        if let Some(name) = keyword.strip_prefix(b"GNU.sparse.") {
            return self.sparse.set(name, value);
        }
        match keyword {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link_path = Some(value.to_vec()),
            b"size" => self.size = Some(decimal("size", value)?),
            b"uid" => self.uid = Some(id("uid", value)?),
            b"gid" => self.gid = Some(id("gid", value)?),
            b"uname" => self.user = Some(value.to_vec()),
            b"gname" => self.group = Some(value.to_vec()),
            b"SCHILY.devmajor" => self.major = Some(id("SCHILY.devmajor", value)?),
            b"SCHILY.devminor" => self.minor = Some(id("SCHILY.devminor", value)?),
            b"mtime" => {
                let seconds = parse_seconds(value).ok_or_else(|| not_a_number("mtime", value))?;
                self.mtime = Some(seconds);
            }
            b"hdrcharset" if is_known_charset(value) => {}
            b"hdrcharset" => {
                return Err(TarProblem::Charset {
                    found: shown(value),
                });
            }
            b"SCHILY.realsize" => return Err(SparseProblem::Star.into()),
            b"atime" | b"ctime" | b"comment" | b"SCHILY.dev" | b"SCHILY.ino" | b"SCHILY.nlink" => {}
            unknown => findings.add(&TAR_FIELD_DROPPED, shown(unknown)),
        }
        Ok(())
    }

    fn add_xattr(
        &mut self,
        keyword: &[u8],
        name: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<(), TarProblem> {
        if name.is_empty() || name.contains(&0) {
            return Err(TarProblem::Xattr {
                keyword: shown(keyword),
            });
        }
        match self.xattrs.get(&name) {
            Some(other) if *other != value => Err(TarProblem::XattrConflict { name: shown(&name) }),
            Some(_) => Ok(()),
            None => {
                self.xattrs.insert(name, value);
                Ok(())
            }
        }
    }
}

impl SparseRecords {
    fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), TarProblem> {
        match name {
            b"major" => self.major = Some(decimal("GNU.sparse.major", value)?),
            b"minor" => self.minor = Some(decimal("GNU.sparse.minor", value)?),
            b"size" => self.size = Some(decimal("GNU.sparse.size", value)?),
            b"realsize" => self.real_size = Some(decimal("GNU.sparse.realsize", value)?),
            b"numblocks" => self.count = Some(decimal("GNU.sparse.numblocks", value)?),
            b"offset" => self.offsets.push(decimal("GNU.sparse.offset", value)?),
            b"numbytes" => self.lengths.push(decimal("GNU.sparse.numbytes", value)?),
            b"name" => self.name = Some(value.to_vec()),
            b"map" => self.map = Some(value.to_vec()),
            _ => return Err(SparseProblem::Version.into()),
        }
        // An offset and its length come in turn; otherwise it is open which belong together.
        let ahead = self.offsets.len().checked_sub(self.lengths.len());
        if matches!(ahead, Some(0 | 1)) {
            return Ok(());
        }
        Err(SparseProblem::Map.into())
    }
}

fn check_scope(keyword: &[u8], scope: Scope) -> Result<(), TarProblem> {
    let one_entry = matches!(
        keyword,
        b"path" | b"linkpath" | b"size" | b"SCHILY.devmajor" | b"SCHILY.devminor"
    ) || keyword.starts_with(b"GNU.sparse.");
    if scope == Scope::Global && one_entry {
        let keyword = shown(keyword);
        return Err(TarProblem::Global { keyword });
    }
    Ok(())
}

fn split_record(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = rest.iter().take(20).position(|byte| *byte == b' ')?;
    let length = parse_decimal(rest.get(..space)?)?;
    let (record, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let record = record
        .get(space..)?
        .strip_prefix(b" ")?
        .strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (keyword, value) = record.split_at_checked(equals)?;
    if keyword.is_empty() {
        return None;
    }
    Some((keyword, value.strip_prefix(b"=")?, behind))
}

fn decimal(field: &'static str, value: &[u8]) -> Result<u64, TarProblem> {
    let number = parse_decimal(value).ok_or_else(|| not_a_number(field, value))?;
    if i64::try_from(number).is_err() {
        let found = i128::from(number);
        return Err(TarProblem::Range { field, found });
    }
    Ok(number)
}

fn id(field: &'static str, value: &[u8]) -> Result<u32, TarProblem> {
    let number = decimal(field, value)?;
    u32::try_from(number).map_err(|_| TarProblem::Range {
        field,
        found: i128::from(number),
    })
}

fn is_known_charset(value: &[u8]) -> bool {
    matches!(value, b"BINARY" | b"UTF-8" | b"ISO-IR 10646 2000 UTF-8")
}

fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let high = char::from(*rest.next()?).to_digit(16)?;
        let low = char::from(*rest.next()?).to_digit(16)?;
        decoded.push(u8::try_from((high << 4) | low).ok()?);
    }
    Some(decoded)
}
