//! The header block: 512 bytes in front of every entry.
//!
//! | offset | size | field | v7 | ustar | GNU |
//! |---|---|---|---|---|---|
//! | 0 | 100 | name | x | x | x |
//! | 100 | 8 | mode | x | x | x |
//! | 108 | 8 | uid | x | x | x |
//! | 116 | 8 | gid | x | x | x |
//! | 124 | 12 | size | x | x | x |
//! | 136 | 12 | mtime | x | x | x |
//! | 148 | 8 | checksum, taken as spaces in the sum | x | x | x |
//! | 156 | 1 | type flag | x | x | x |
//! | 157 | 100 | link target | x | x | x |
//! | 257 | 8 | magic and version | zeros | `ustar\0` `00` | `ustar  \0` |
//! | 265 | 32 + 32 | user and group name, which packages go by and layers do not | | x | x |
//! | 329 | 8 + 8 | device major and minor | | x | x |
//! | 345 | 155 | prefix of the name | | x | |
//! | 386 | 96 | four sparse extents | | | type `S` |
//! | 482 | 1 | more extents follow | | | type `S` |
//! | 483 | 12 | size of the file with its holes | | | type `S` |
//!
//! star's variant of ustar ends in `tar\0` and has times behind a prefix of 131 bytes.
//!
//! Old writers added the bytes up as signed ones. Both sums are taken: a block that has either by
//! chance is not more likely to be mistaken for a header.

use super::number::{NotANumber, parse_number};
use super::problem::TarProblem;
use super::source::{BLOCK, Block};
use crate::node::Metadata;
use crate::path::Escaped;

/// Which fields a header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header whose checksum and magic are right. Fields are parsed when they are asked for: a
/// header that only announces records need not have an owner.
#[derive(Debug)]
pub(super) struct Header<'a> {
    block: &'a Block,
    pub(super) dialect: Dialect,
}

impl<'a> Header<'a> {
    pub(super) fn parse(block: &'a Block) -> Result<Self, TarProblem> {
        check_sum(block)?;
        let magic = field(block, 257, 8);
        let dialect = if magic.iter().all(|byte| *byte == 0) {
            Dialect::V7
        } else if magic == b"ustar  \0" {
            Dialect::Gnu
        } else if magic.starts_with(b"ustar\0") && field(block, 508, 4) == b"tar\0" {
            Dialect::Star
        } else if magic.starts_with(b"ustar\0") {
            Dialect::Ustar
        } else {
            let found = Escaped(magic).to_string();
            return Err(TarProblem::Magic { found });
        };
        Ok(Self { block, dialect })
    }

    pub(super) fn type_flag(&self) -> u8 {
        field(self.block, 156, 1)
            .first()
            .copied()
            .unwrap_or_default()
    }

    /// Bytes that follow the header, without padding; `None` for an empty field, which writers
    /// leave on entries that have no content.
    pub(super) fn size(&self) -> Result<Option<u64>, TarProblem> {
        let Some(found) = number("size", field(self.block, 124, 12))? else {
            return Ok(None);
        };
        let size = i64::try_from(found).ok();
        let size = size.and_then(|size| u64::try_from(size).ok());
        let field = "size";
        size.map(Some).ok_or(TarProblem::Range { field, found })
    }

    /// Whether the type is one of regular files.
    pub(super) fn has_content(&self) -> bool {
        matches!(self.type_flag(), b'0' | b'7' | 0 | b'S')
    }

    /// The size of an entry that has content.
    pub(super) fn content_size(&self) -> Result<u64, TarProblem> {
        self.size()?
            .ok_or_else(|| not_a_number("size", field(self.block, 124, 12)))
    }

    pub(super) fn metadata(&self) -> Result<Metadata, TarProblem> {
        let mode = self.number_as::<u16>("mode", 100, 8)?;
        let mtime = number("mtime", field(self.block, 136, 12))?.unwrap_or(0);
        Ok(Metadata {
            // Some writers repeat the type of the file in the upper four bits.
            permissions: mode & 0o7777,
            uid: self.number_as("uid", 108, 8)?,
            gid: self.number_as("gid", 116, 8)?,
            mtime: i64::try_from(mtime).map_err(|_| TarProblem::Range {
                field: "mtime",
                found: mtime,
            })?,
        })
    }

    /// Names of owner and group, empty where there are none.
    pub(super) fn owner_names(&self) -> (&'a [u8], &'a [u8]) {
        if self.dialect == Dialect::V7 {
            return (&[], &[]);
        }
        (
            text(field(self.block, 265, 32)),
            text(field(self.block, 297, 32)),
        )
    }

    pub(super) fn device(&self) -> Result<(u32, u32), TarProblem> {
        if self.dialect == Dialect::V7 {
            return Err(TarProblem::Type {
                found: Escaped(&[self.type_flag()]).to_string(),
                name: "a device in a v7 header, which has no numbers for it",
            });
        }
        Ok((
            self.number_as("devmajor", 329, 8)?,
            self.number_as("devminor", 337, 8)?,
        ))
    }

    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(field(self.block, 0, 100));
        let prefix = match self.dialect {
            Dialect::V7 | Dialect::Gnu => &[],
            Dialect::Ustar => text(field(self.block, 345, 155)),
            Dialect::Star => text(field(self.block, 345, 131)),
        };
        if prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    pub(super) fn link_target(&self) -> &'a [u8] {
        text(field(self.block, 157, 100))
    }

    /// Extents, whether more follow, and the size of a sparse file of type `S`.
    pub(super) fn sparse(&self) -> (&'a [u8], bool, &'a [u8]) {
        let more = field(self.block, 482, 1) != [0];
        (field(self.block, 386, 96), more, field(self.block, 483, 12))
    }

    fn number_as<T: TryFrom<i128> + Default>(
        &self,
        name: &'static str,
        start: usize,
        len: usize,
    ) -> Result<T, TarProblem> {
        let found = number(name, field(self.block, start, len))?.unwrap_or(0);
        T::try_from(found).map_err(|_| TarProblem::Range { field: name, found })
    }
}

/// `len` bytes of a block.
pub(super) fn field(block: &Block, start: usize, len: usize) -> &[u8] {
    let end = start.saturating_add(len);
    block.get(start..end).unwrap_or_default()
}

pub(super) fn number(name: &'static str, raw: &[u8]) -> Result<Option<i128>, TarProblem> {
    parse_number(raw).map_err(|NotANumber| not_a_number(name, raw))
}

pub(super) fn not_a_number(field: &'static str, raw: &[u8]) -> TarProblem {
    TarProblem::Number {
        field,
        found: crate::path::shown(raw),
    }
}

/// A string that ends at its first NUL or with its field.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn check_sum(block: &Block) -> Result<(), TarProblem> {
    let raw = field(block, 148, 8);
    let found = number("checksum", raw)?.ok_or_else(|| not_a_number("checksum", raw))?;
    let spaces = u32::from(b' ').saturating_mul(8);
    let mut unsigned = spaces;
    let mut signed = i64::from(spaces);
    for (position, byte) in block.iter().enumerate() {
        if !(148..156).contains(&position) {
            unsigned = unsigned.saturating_add(u32::from(*byte));
            signed = signed.saturating_add(i64::from(byte.cast_signed()));
        }
    }
    if found == i128::from(unsigned) || found == i128::from(signed) {
        return Ok(());
    }
    Err(TarProblem::Checksum {
        found,
        expected: unsigned,
    })
}

const _: () = assert!(
    BLOCK == 512,
    "the offsets above are those of blocks of 512 bytes"
);
