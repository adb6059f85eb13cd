//! Sparse files: the holes are not in the archive, a map says where the data belongs.
//!
//! | format | announced by | map | data in the archive |
//! |---|---|---|---|
//! | old GNU | type `S` | in the header, then blocks of 21 extents | the extents |
//! | PAX 0.0 | `GNU.sparse.size` | `GNU.sparse.offset` and `.numbytes`, in turn | the extents |
//! | PAX 0.1 | `GNU.sparse.size`, `.name` | `GNU.sparse.map`, with commas | the extents |
//! | PAX 1.0 | `GNU.sparse.major` 1, `.realsize`, `.name` | in front of the data | map and extents |
//!
//! A version 1.0 map is decimal numbers with a newline behind each: their count, then offset and
//! length in turn; zeros fill its last block. The extension blocks of type `S` are not counted in
//! the size of the entry, the map of version 1.0 is.
//!
//! Contents are written out with their holes as zeros, since a tree and a ramdisk have no holes.
//! A map that could be read in two ways is an error: extents must ascend without overlap, end
//! within the file, and add up to exactly the data that is there.

use super::header::{Header, field, number};
use super::number::parse_decimal;
use super::pax::SparseRecords;
use super::problem::{Part, SparseProblem, TarProblem};
use super::source::{BLOCK, Source};
use crate::body::BodyWriter;
use crate::budget::Budget;
use crate::error::Error;

/// A piece of data in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    offset: u64,
    len: u64,
}

/// A checked map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    extents: Vec<Extent>,
    /// Size of the file with its holes.
    pub(super) size: u64,
}

impl Map {
    fn check(extents: Vec<Extent>, size: u64, data: u64) -> Result<Self, SparseProblem> {
        let mut end = 0_u64;
        let mut sum = 0_u64;
        for extent in &extents {
            if extent.offset < end {
                let offset = extent.offset;
                return Err(SparseProblem::Overlap { offset, end });
            }
            end = extent.offset.saturating_add(extent.len);
            if end > size {
                return Err(SparseProblem::Beyond { end, size });
            }
            sum = sum.saturating_add(extent.len);
        }
        if sum != data {
            return Err(SparseProblem::Amount {
                expected: sum,
                found: data,
            });
        }
        Ok(Self { extents, size })
    }

    /// Copies the data from `source` to their places in `body`, with zeros between.
    pub(super) fn copy(
        &self,
        source: &mut Source<'_>,
        body: &mut BodyWriter<'_>,
    ) -> Result<(), Error> {
        let mut written = 0_u64;
        for extent in &self.extents {
            body.append_zeros(extent.offset.saturating_sub(written))?;
            source.content(extent.len, body)?;
            written = extent.offset.saturating_add(extent.len);
        }
        body.append_zeros(self.size.saturating_sub(written))
    }
}

/// How the sparse file of an entry is stored.
#[derive(Debug)]
pub(super) enum Layout {
    /// Not sparse.
    Dense,
    /// The map is known, the data follow.
    Mapped(Map),
    /// The map is in front of the data, for a file of `size` bytes.
    MapInFront {
        /// Size with the holes.
        size: u64,
    },
}

impl Layout {
    /// What the PAX records of an entry with `data` bytes in the archive say.
    pub(super) fn of_records(records: &SparseRecords, data: u64) -> Result<Self, SparseProblem> {
        if *records == SparseRecords::default() {
            return Ok(Self::Dense);
        }
        match (records.major, records.minor) {
            (Some(1), Some(0)) if !records.has_map() && records.size.is_none() => {
                let size = records.real_size.ok_or(SparseProblem::Version)?;
                Ok(Self::MapInFront { size })
            }
            (None, None) | (Some(0), Some(0 | 1)) => records.mapped(data).map(Self::Mapped),
            _ => Err(SparseProblem::Version),
        }
    }
}

impl SparseRecords {
    fn has_map(&self) -> bool {
        self.map.is_some() || self.count.is_some() || !self.offsets.is_empty()
    }

    fn mapped(&self, data: u64) -> Result<Map, SparseProblem> {
        let size = self.size.ok_or(SparseProblem::Version)?;
        if self.real_size.is_some() {
            return Err(SparseProblem::Version);
        }
        let numbers = match &self.map {
            Some(_) if !self.offsets.is_empty() => return Err(SparseProblem::Version),
            Some(map) if map.is_empty() => Vec::new(),
            Some(map) => parse_list(map.split(|byte| *byte == b','))?,
            None => {
                let pairs = self.offsets.iter().zip(&self.lengths);
                pairs.flat_map(|(offset, len)| [*offset, *len]).collect()
            }
        };
        if self.map.is_none() && self.offsets.len() != self.lengths.len() {
            return Err(SparseProblem::Map);
        }
        let extents = pair_up(&numbers)?;
        check_count(self.count.ok_or(SparseProblem::Version)?, &extents)?;
        Map::check(extents, size, data)
    }
}

fn parse_list<'a>(items: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u64>, SparseProblem> {
    items
        .map(|item| parse_decimal(item).ok_or(SparseProblem::Map))
        .collect()
}

fn pair_up(numbers: &[u64]) -> Result<Vec<Extent>, SparseProblem> {
    let pairs = numbers.chunks(2).map(|pair| match *pair {
        [offset, len] => Ok(Extent { offset, len }),
        _ => Err(SparseProblem::Map),
    });
    pairs.collect()
}

fn check_count(expected: u64, extents: &[Extent]) -> Result<(), SparseProblem> {
    let found = u64::try_from(extents.len()).unwrap_or(u64::MAX);
    if found == expected {
        return Ok(());
    }
    Err(SparseProblem::Count { expected, found })
}

/// Reads the map of version 1.0 from the front of the `stored` bytes of an entry.
pub(super) fn read_map_in_front(
    source: &mut Source<'_>,
    budget: &Budget,
    size: u64,
    stored: u64,
) -> Result<Map, Error> {
    let start = source.offset;
    let refuse = |problem: SparseProblem| Error::tar(start, problem.into());
    let part = Part::SparseMap;
    let mut text = MapText::default();
    let mut used = 0_u64;
    while !text.is_complete().map_err(refuse)? {
        used = used.saturating_add(512);
        budget.check_document(start, used)?;
        if used > stored {
            return Err(refuse(SparseProblem::Map));
        }
        let block = source.block(part)?;
        let block = block.ok_or(Error::tar(start, TarProblem::Truncated { part }))?;
        text.push(&block).map_err(refuse)?;
    }
    let extents = pair_up(text.extents()).map_err(refuse)?;
    Map::check(extents, size, stored.saturating_sub(used)).map_err(refuse)
}

/// The numbers of a version 1.0 map, as far as it was read.
#[derive(Debug, Default)]
struct MapText {
    numbers: Vec<u64>,
    line: Vec<u8>,
}

impl MapText {
    fn push(&mut self, block: &[u8]) -> Result<(), SparseProblem> {
        for byte in block {
            if self.is_complete()? {
                break;
            }
            if *byte == b'\n' {
                let number = parse_decimal(&self.line).ok_or(SparseProblem::Map)?;
                self.numbers.push(number);
                self.line.clear();
            } else if self.line.len() < 20 {
                self.line.push(*byte);
            } else {
                return Err(SparseProblem::Map);
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> Result<bool, SparseProblem> {
        let Some(count) = self.numbers.first() else {
            return Ok(false);
        };
        let wanted = usize::try_from(*count)
            .ok()
            .and_then(|count| count.checked_mul(2))
            .ok_or(SparseProblem::Map)?;
        Ok(self.extents().len() >= wanted)
    }

    fn extents(&self) -> &[u64] {
        self.numbers.get(1..).unwrap_or_default()
    }
}

/// Reads the map of type `S` from the header and the blocks behind it.
pub(super) fn read_old_map(
    source: &mut Source<'_>,
    budget: &Budget,
    header: &Header<'_>,
    stored: u64,
) -> Result<Map, Error> {
    let start = source.offset;
    let refuse = |problem: TarProblem| Error::tar(start, problem);
    let (fields, mut more, size) = header.sparse();
    let mut extents = Vec::new();
    let mut open = push_extents(fields, &mut extents).map_err(refuse)?;
    let mut used = 0_u64;
    while more {
        used = used.saturating_add(512);
        budget.check_document(start, used)?;
        let part = Part::SparseMap;
        let block = source.block(part)?;
        let block = block.ok_or(refuse(TarProblem::Truncated { part }))?;
        if !open {
            return Err(refuse(SparseProblem::Map.into()));
        }
        open = push_extents(field(&block, 0, 504), &mut extents).map_err(refuse)?;
        more = field(&block, 504, 1) != [0];
    }
    let size = unsigned("realsize", size).map_err(refuse)?;
    let size = size.ok_or(refuse(SparseProblem::Version.into()))?;
    Map::check(extents, size, stored).map_err(|problem| refuse(problem.into()))
}

/// Adds the extents of `fields` up to the first empty one; says whether there was none.
fn push_extents(fields: &[u8], extents: &mut Vec<Extent>) -> Result<bool, TarProblem> {
    for pair in fields.chunks_exact(24) {
        let (offset, len) = pair.split_at_checked(12).unwrap_or_default();
        let offset = unsigned("sparse offset", offset)?;
        let len = unsigned("sparse length", len)?;
        match (offset, len) {
            (Some(offset), Some(len)) => extents.push(Extent { offset, len }),
            (None, None) => return Ok(false),
            _ => return Err(SparseProblem::Map.into()),
        }
    }
    Ok(true)
}

fn unsigned(name: &'static str, raw: &[u8]) -> Result<Option<u64>, TarProblem> {
    let Some(found) = number(name, raw)? else {
        return Ok(None);
    };
    let value = i64::try_from(found)
        .ok()
        .and_then(|value| u64::try_from(value).ok());
    value
        .map(Some)
        .ok_or(TarProblem::Range { field: name, found })
}

const _: () = assert!(BLOCK == 512, "maps are counted in blocks of 512 bytes");
