//! Writes a planned file in one forward pass: bytes, measurements and CRC come from the same
//! buffers.
//!
//! The CRC stands in the header and covers what follows it. [`Crc::Patched`] writes it last, by
//! seeking back; [`Crc::Known`] takes it from
//! [`Layout::crc32_of_parts`] so that the output is a pure stream that can be digested on its
//! way, and compares it at the end.

use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};

use crc32fast::Hasher as Crc32;

use crate::header::{CRC_OFFSET, crc_covered};
use crate::layout::FIRST_SECTION;
use crate::{Error, Layout, Measure, Measured, Section};

/// When the CRC is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crc {
    /// Only at the end: zero is written, and replaced by seeking back.
    Patched,
    /// From the start: written at once, and compared with that of what was really written.
    Known(u32),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Registers and section digests.
    pub measured: Measured,
    /// The CRC in the header.
    pub crc32: u32,
    /// Size of the file in bytes.
    pub file_size: u64,
}

/// Puts a CRC into the header that was written at a position.
type Patch<W> = fn(&mut W, u64, u32) -> io::Result<()>;

/// Writes the sections of a [`Layout`], one after the other.
///
/// Call [`Writer::section`] for each, then write its data; [`Writer::finish`] at the end. Data
/// goes to the inner writer in the pieces in which it comes: give large ones.
pub struct Writer<W, M> {
    out: W,
    layout: Layout,
    measure: M,
    running: Crc32,
    /// The CRC in the header, if it is there already.
    known: Option<u32>,
    /// Where the file starts in `out`, and how to get back there.
    start: u64,
    patch: Patch<W>,
    /// Sections that were started.
    started: usize,
    /// Bytes of the current section's data so far.
    written: u64,
}

impl<W, M> fmt::Debug for Writer<W, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("layout", &self.layout)
            .field("known", &self.known)
            .field("started", &self.started)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl<W: Write + Seek, M: Measure> Writer<W, M> {
    /// Writes the header. The file starts where `out` stands.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(mut out: W, layout: Layout, crc: Crc, measure: M) -> Result<Self, Error> {
        let Crc::Known(crc32) = crc else {
            let start = out.stream_position().map_err(|e| Error::io(0, e))?;
            let mut writer = Self::start(out, layout, None, measure)?;
            writer.start = start;
            writer.patch = patch_by_seeking;
            return Ok(writer);
        };
        Self::forward(out, layout, crc32, measure)
    }
}

fn patch_by_seeking<W: Write + Seek>(out: &mut W, start: u64, crc32: u32) -> io::Result<()> {
    let end = out.stream_position()?;
    out.seek(SeekFrom::Start(start.saturating_add(CRC_OFFSET)))?;
    out.write_all(&crc32.to_be_bytes())?;
    out.seek(SeekFrom::Start(end)).map(drop)
}

impl<W: Write, M: Measure> Writer<W, M> {
    /// Like [`Writer::new`] with [`Crc::Known`], for an output that cannot seek.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn forward(out: W, layout: Layout, crc32: u32, measure: M) -> Result<Self, Error> {
        Self::start(out, layout, Some(crc32), measure)
    }

    fn start(mut out: W, layout: Layout, known: Option<u32>, measure: M) -> Result<Self, Error> {
        let header = layout.encode_header(known.unwrap_or_default());
        out.write_all(&header).map_err(|e| Error::io(0, e))?;
        let mut running = Crc32::new();
        running.update(crc_covered(&header));
        Ok(Self {
            out,
            layout,
            measure,
            running,
            known,
            start: 0,
            patch: |_, _, _| Ok(()),
            started: 0,
            written: 0,
        })
    }

    fn current(&self) -> Option<&Section> {
        let index = self.started.checked_sub(1)?;
        self.layout.sections().get(index)
    }

    /// File offset of the next byte.
    fn position(&self) -> u64 {
        self.current().map_or(FIRST_SECTION, |section| {
            section.data_offset.saturating_add(self.written)
        })
    }

    fn check_complete(&self) -> Result<(), Error> {
        match self.current() {
            Some(section) if section.size != self.written => Err(Error::SectionShort {
                place: section.place(),
                expected: section.size,
                found: self.written,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Starts the next section of the layout and gives it.
    ///
    /// # Errors
    ///
    /// The section before it is not complete, there is no further section, or the output fails.
    pub fn section(&mut self) -> Result<&Section, Error> {
        self.check_complete()?;
        let (index, offset) = (self.started, self.position());
        let planned = self.layout.sections().len();
        let next = self.layout.sections().get(index);
        let section = next.ok_or(Error::NoSection { index, planned })?;
        let header = section.encode_header();
        self.out
            .write_all(&header)
            .map_err(|e| Error::io(offset, e))?;
        self.running.update(&header);
        self.measure.section(section.kind);
        self.started = index.saturating_add(1);
        self.written = 0;
        Ok(section)
    }

    /// Completes the file and flushes the output.
    ///
    /// # Errors
    ///
    /// A section that is short or missing, an output that fails, and [`Error::Crc`] when the CRC
    /// that was given as known is not the CRC of what was written.
    pub fn finish(mut self) -> Result<(W, Written), Error> {
        self.check_complete()?;
        let expected = self.layout.sections().len();
        if self.started != expected {
            let found = self.started;
            return Err(Error::SectionsMissing { expected, found });
        }
        let crc32 = self.running.clone().finalize();
        if let Some(found) = self.known.filter(|known| *known != crc32) {
            let expected = crc32;
            return Err(Error::Crc { expected, found });
        }
        (self.patch)(&mut self.out, self.start, crc32).map_err(|e| Error::io(CRC_OFFSET, e))?;
        let file_size = self.layout.file_size();
        self.out.flush().map_err(|e| Error::io(file_size, e))?;
        let written = Written {
            measured: self.measure.finish(),
            crc32,
            file_size,
        };
        Ok((self.out, written))
    }

    /// Whether the current section has room for `count` more bytes.
    fn check_room(&self, count: usize) -> Result<(), Error> {
        let Some(section) = self.current() else {
            return Err(Error::NoSection {
                index: 0,
                planned: self.layout.sections().len(),
            });
        };
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let found = self.written.saturating_add(count);
        if found > section.size {
            return Err(Error::SectionOverrun {
                place: section.place(),
                expected: section.size,
                found,
            });
        }
        Ok(())
    }
}

/// The data of the current section. An error of this crate travels inside the [`io::Error`]; get
/// it back with [`Error::of`].
impl<W: Write, M: Measure> Write for Writer<W, M> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_room(bytes.len())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let count = self.out.write(bytes)?;
        let taken = bytes.get(..count).unwrap_or(bytes);
        self.running.update(taken);
        self.measure.update(taken);
        let taken = u64::try_from(taken.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(taken);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
