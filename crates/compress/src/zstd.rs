//! One zstd frame, RFC 8878, or one skippable frame, which has no content.
//!
//! The window is compared with the limit before it is allocated. A frame may declare its content
//! size and a checksum; both are compared here, because the library leaves that to its user. So is
//! the reserved bit of the frame header, which a decoder has to refuse.

use std::fmt;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::error::Rule;
use crate::pull::Source;
use crate::{Error, Format, MEMORY_LIMIT};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Blocks,
    End,
}

pub(crate) struct Zstd {
    decoder: FrameDecoder,
    state: State,
    declared: Option<u64>,
    produced: u64,
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd")
            .field("state", &self.state)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// Bits 7-6 of the frame header descriptor: size of the content size field.
const CONTENT_SIZE: u8 = 0b1100_0000;
/// Bit 5: the frame is one segment, which always declares its size.
const SINGLE_SEGMENT: u8 = 0b0010_0000;
/// Bit 3, which must be zero.
const RESERVED: u8 = 0b0000_1000;

impl Zstd {
    pub(crate) fn new() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MEMORY_LIMIT);
        Self {
            decoder,
            state: State::Header,
            declared: None,
            produced: 0,
        }
    }

    /// Decoded bytes; 0 at the end of the frame. `output` is not empty.
    pub(crate) fn read(
        &mut self,
        input: &mut impl BufRead,
        output: &mut [u8],
    ) -> io::Result<usize> {
        let mut source = Source::new(input, Format::Zstd);
        loop {
            match self.state {
                State::Header => self.read_header(&mut source)?,
                State::Blocks => {
                    let count = self.decoder.read(output)?;
                    if count > 0 {
                        let read = u64::try_from(count).unwrap_or(u64::MAX);
                        self.produced = self.produced.saturating_add(read);
                        return Ok(count);
                    }
                    self.read_block(&mut source)?;
                }
                State::End => return Ok(0),
            }
        }
    }

    fn read_header<R: BufRead>(&mut self, source: &mut Source<'_, R>) -> io::Result<()> {
        let magic: [u8; 4] = source.array()?;
        if is_skippable(magic) {
            let size = u32::from_le_bytes(source.array()?);
            source.skip(size.into())?;
            self.state = State::End;
            return Ok(());
        }
        if magic != Format::Zstd.magic() {
            return Err(Error::corrupt(Format::Zstd, Rule::Magic).into());
        }
        let [descriptor] = source.array()?;
        if descriptor & RESERVED != 0 {
            return Err(Error::corrupt(Format::Zstd, Rule::Header).into());
        }
        let start = [magic.as_slice(), &[descriptor]].concat();
        if let Err(error) = self.decoder.reset(start.as_slice().chain(&mut *source)) {
            return Err(source.explain(decode_error(error)));
        }
        self.declared = (descriptor & (CONTENT_SIZE | SINGLE_SEGMENT) != 0)
            .then(|| self.decoder.content_size());
        self.state = State::Blocks;
        Ok(())
    }

    /// Decodes one block, or checks the frame when the last one has been handed out.
    fn read_block<R: BufRead>(&mut self, source: &mut Source<'_, R>) -> io::Result<()> {
        if self.decoder.is_finished() {
            self.check_end()?;
            self.state = State::End;
            return Ok(());
        }
        match self
            .decoder
            .decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1))
        {
            Ok(_) => Ok(()),
            Err(error) => Err(source.explain(decode_error(error))),
        }
    }

    fn check_end(&self) -> Result<(), Error> {
        if let Some(expected) = self.declared.filter(|size| *size != self.produced) {
            let found = self.produced;
            let rule = Rule::ContentSize { found, expected };
            return Err(Error::corrupt(Format::Zstd, rule));
        }
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(Error::corrupt(Format::Zstd, Rule::ContentChecksum));
        }
        Ok(())
    }
}

/// Whether `magic` begins a frame that both zstd and lz4 decoders pass over.
pub(crate) fn is_skippable(magic: [u8; 4]) -> bool {
    u32::from_le_bytes(magic) & 0xffff_fff0 == 0x184d_2a50
}

fn decode_error(error: FrameDecoderError) -> Error {
    let format = Format::Zstd;
    if matches!(
        error,
        FrameDecoderError::WindowSizeTooBig { .. }
            | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. })
    ) {
        let limit = MEMORY_LIMIT;
        return Error::Memory { format, limit };
    }
    if matches!(error, FrameDecoderError::DictNotProvided { .. }) {
        return Error::corrupt(format, Rule::Dictionary);
    }
    Error::corrupt(format, error)
}
