//! The two LZ4 containers: the frame format and the legacy format. Blocks are decoded by a
//! library; the framing is read here, because a member must end exactly where it ends, and
//! because truncation between two blocks must be noticed.
//!
//! Frame: magic, descriptor, blocks, end marker, checksum; all integers little-endian.
//!
//! | size | field |
//! |---|---|
//! | 4 | magic `04 22 4d 18` |
//! | 1 | flags: bits 7-6 version 1, 5 blocks independent, 4 block checksums, 3 content size, 2 content checksum, 1 zero, 0 dictionary |
//! | 1 | bits 6-4 largest block: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB; others zero |
//! | 8 | content size, when flagged |
//! | 1 | second byte of the XXH32 of the descriptor |
//! | 4 + n (+ 4) | a block: size, bit 31 = stored as it is; data; XXH32 of the data, when flagged |
//! | 4 | zero: the end |
//! | 4 | XXH32 of the content, when flagged |
//!
//! Legacy: magic `02 21 4c 18`, then blocks of a 4-byte size and data, each of at most 8 MiB once
//! decoded. There is no end marker. As a kernel does, this ends a member at the end of the input
//! or at a block size of zero (padding; the zero is taken), and reads on when the block size is
//! the magic again. Any other size that no block can have is an error.

use std::hash::Hasher;
use std::io::{self, BufRead, Read};

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

use crate::error::Rule;
use crate::pull::Source;
use crate::zstd::is_skippable;
use crate::{Error, Format};

/// How far back a match may reach.
const WINDOW: usize = 64 << 10;
/// Decoded size of a legacy block.
const LEGACY_BLOCK: usize = 8 << 20;
/// Largest compressed legacy block: incompressible data grows by 1/255 and 16 bytes.
const LEGACY_LIMIT: u32 = (8 << 20) + (8 << 20) / 255 + 16;

fn corrupt(format: Format, rule: Rule) -> io::Error {
    Error::corrupt(format, rule).into()
}

fn xxh32(bytes: &[u8]) -> u32 {
    XxHash32::oneshot(0, bytes)
}

/// A block, and how much of it has been handed out. The buffers are kept from block to block.
#[derive(Debug, Default)]
struct Block {
    compressed: Vec<u8>,
    decoded: Vec<u8>,
    end: usize,
    given: usize,
}

impl Block {
    /// The decoded block.
    fn content(&self) -> &[u8] {
        self.decoded.get(..self.end).unwrap_or_default()
    }

    fn give(&mut self, output: &mut [u8]) -> usize {
        let mut rest = self.content().get(self.given..).unwrap_or_default();
        let count = rest.read(output).unwrap_or_default();
        self.given = self.given.saturating_add(count);
        count
    }

    /// Reads `size` bytes, which the caller has compared with a limit.
    fn fetch<R: BufRead>(&mut self, source: &mut Source<'_, R>, size: u32) -> io::Result<()> {
        (self.end, self.given) = (0, 0);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.compressed.resize(size, 0);
        source.fill(&mut self.compressed)
    }

    /// Takes the block as it is stored.
    fn store(&mut self) {
        std::mem::swap(&mut self.decoded, &mut self.compressed);
        self.end = self.decoded.len();
    }

    fn decode(&mut self, format: Format, limit: usize, history: &[u8]) -> io::Result<()> {
        if self.decoded.len() < limit {
            self.decoded = vec![0; limit];
        }
        let space = self.decoded.get_mut(..limit).unwrap_or_default();
        let decoded = if history.is_empty() {
            decompress_into(&self.compressed, space)
        } else {
            decompress_into_with_dict(&self.compressed, space, history)
        };
        self.end = decoded.map_err(|cause| Error::corrupt(format, cause))?;
        Ok(())
    }
}

/// What the descriptor of a frame says.
#[derive(Debug, Clone, Copy)]
struct Descriptor {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    largest_block: u32,
}

impl Descriptor {
    fn read<R: BufRead>(source: &mut Source<'_, R>) -> io::Result<Self> {
        let [flags, sizes] = source.array()?;
        let header = |rule| Err(corrupt(Format::Lz4, rule));
        if flags & 0b1100_0010 != 0b0100_0000 || sizes & 0b1000_1111 != 0 {
            return header(Rule::Header);
        }
        let largest_block = match sizes >> 4 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return header(Rule::Header),
        };
        if flags & 1 != 0 {
            return header(Rule::Dictionary);
        }
        let mut descriptor = vec![flags, sizes];
        let content_size = if flags & 0b1000 == 0 {
            None
        } else {
            let bytes: [u8; 8] = source.array()?;
            descriptor.extend_from_slice(&bytes);
            Some(u64::from_le_bytes(bytes))
        };
        let [_, expected, ..] = xxh32(&descriptor).to_le_bytes();
        if source.array()? != [expected] {
            return header(Rule::HeaderChecksum);
        }
        Ok(Self {
            linked: flags & 0b0010_0000 == 0,
            block_checksums: flags & 0b0001_0000 != 0,
            content_checksum: flags & 0b0100 != 0,
            content_size,
            largest_block,
        })
    }
}

/// A frame that is being read.
#[derive(Debug)]
enum State {
    Header,
    Blocks(Descriptor),
    End,
}

/// One LZ4 frame, or one skippable frame, which has no content.
#[derive(Debug)]
pub(crate) struct Lz4 {
    state: State,
    block: Block,
    history: Vec<u8>,
    produced: u64,
    content: XxHash32,
}

impl Lz4 {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Header,
            block: Block::default(),
            history: Vec::new(),
            produced: 0,
            content: XxHash32::with_seed(0),
        }
    }

    /// Decoded bytes; 0 at the end of the frame. `output` is not empty.
    pub(crate) fn read(
        &mut self,
        input: &mut impl BufRead,
        output: &mut [u8],
    ) -> io::Result<usize> {
        let mut source = Source::new(input, Format::Lz4);
        loop {
            let count = self.block.give(output);
            if count > 0 {
                return Ok(count);
            }
            self.state = match self.state {
                State::Header => Self::read_header(&mut source)?,
                State::Blocks(descriptor) => self.read_block(&mut source, descriptor)?,
                State::End => return Ok(0),
            };
        }
    }

    fn read_header<R: BufRead>(source: &mut Source<'_, R>) -> io::Result<State> {
        let magic: [u8; 4] = source.array()?;
        if is_skippable(magic) {
            let size = u32::from_le_bytes(source.array()?);
            source.skip(size.into())?;
            return Ok(State::End);
        }
        if magic != Format::Lz4.magic() {
            return Err(corrupt(Format::Lz4, Rule::Magic));
        }
        Descriptor::read(source).map(State::Blocks)
    }

    fn read_block<R: BufRead>(
        &mut self,
        source: &mut Source<'_, R>,
        descriptor: Descriptor,
    ) -> io::Result<State> {
        let word = u32::from_le_bytes(source.array()?);
        if word == 0 {
            self.check_end(source, descriptor)?;
            return Ok(State::End);
        }
        let (stored, size) = (word >> 31 == 1, word & 0x7fff_ffff);
        let limit = descriptor.largest_block;
        if size > limit {
            return Err(corrupt(Format::Lz4, Rule::BlockSize { found: size, limit }));
        }
        self.block.fetch(source, size)?;
        if descriptor.block_checksums
            && xxh32(&self.block.compressed).to_le_bytes() != source.array::<4>()?
        {
            return Err(corrupt(Format::Lz4, Rule::BlockChecksum));
        }
        if stored {
            self.block.store();
        } else {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            self.block.decode(Format::Lz4, limit, &self.history)?;
        }
        self.note(descriptor);
        Ok(State::Blocks(descriptor))
    }

    /// Counts the decoded block, and keeps what later blocks may refer to.
    fn note(&mut self, descriptor: Descriptor) {
        let decoded = self.block.content();
        let count = u64::try_from(decoded.len()).unwrap_or(u64::MAX);
        self.produced = self.produced.saturating_add(count);
        if descriptor.content_checksum {
            self.content.write(decoded);
        }
        if descriptor.linked {
            let excess = |length: usize| length.saturating_sub(WINDOW);
            let total = self.history.len().saturating_add(decoded.len());
            let stale = excess(total).min(self.history.len());
            self.history.drain(..stale);
            let recent = decoded.get(excess(decoded.len())..).unwrap_or_default();
            self.history.extend_from_slice(recent);
        }
    }

    fn check_end<R: BufRead>(
        &self,
        source: &mut Source<'_, R>,
        descriptor: Descriptor,
    ) -> io::Result<()> {
        let found = self.produced;
        if let Some(expected) = descriptor.content_size.filter(|size| *size != found) {
            return Err(corrupt(Format::Lz4, Rule::ContentSize { found, expected }));
        }
        if descriptor.content_checksum {
            let stored = u32::from_le_bytes(source.array()?);
            if u64::from(stored) != self.content.finish() {
                return Err(corrupt(Format::Lz4, Rule::ContentChecksum));
            }
        }
        Ok(())
    }
}

/// One member of the legacy format.
#[derive(Debug, Default)]
pub(crate) struct Lz4Legacy {
    block: Block,
    state: LegacyState,
}

#[derive(Debug, Default)]
enum LegacyState {
    #[default]
    Header,
    Blocks,
    End,
}

impl Lz4Legacy {
    /// Decoded bytes; 0 at the end of the member. `output` is not empty.
    pub(crate) fn read(
        &mut self,
        input: &mut impl BufRead,
        output: &mut [u8],
    ) -> io::Result<usize> {
        let mut source = Source::new(input, Format::Lz4Legacy);
        loop {
            let count = self.block.give(output);
            if count > 0 {
                return Ok(count);
            }
            self.state = match self.state {
                LegacyState::Header => {
                    if source.array::<4>()? != Format::Lz4Legacy.magic() {
                        return Err(corrupt(Format::Lz4Legacy, Rule::Magic));
                    }
                    LegacyState::Blocks
                }
                LegacyState::Blocks => self.read_block(&mut source)?,
                LegacyState::End => return Ok(0),
            };
        }
    }

    fn read_block<R: BufRead>(&mut self, source: &mut Source<'_, R>) -> io::Result<LegacyState> {
        let word = source.up_to_four()?;
        if word.iter().all(|byte| *byte == 0) {
            return Ok(LegacyState::End);
        }
        if word == Format::Lz4Legacy.magic() {
            return Ok(LegacyState::Blocks);
        }
        let format = Format::Lz4Legacy;
        let bytes = <[u8; 4]>::try_from(word).map_err(|_| Error::Truncated { format })?;
        let found = u32::from_le_bytes(bytes);
        let limit = LEGACY_LIMIT;
        if found > limit {
            return Err(corrupt(format, Rule::BlockSize { found, limit }));
        }
        self.block.fetch(source, found)?;
        self.block.decode(format, LEGACY_BLOCK, &[])?;
        Ok(LegacyState::Blocks)
    }
}
