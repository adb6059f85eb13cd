//! One pass over a file: every byte is read once, and measured, checked and shown from the same
//! buffer.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crc32fast::Hasher as Crc32;

use crate::header::crc_covered;
use crate::{Eif, Error, Measure, Measured, ScanError, Section};

/// Bytes that are read at a time.
const BUFFER_SIZE: usize = 256 << 10;

/// What a scan gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Registers and section digests.
    pub measured: Measured,
    /// The CRC of the content, equal to that in the header.
    pub crc32: u32,
}

impl Eif {
    /// Reads the whole file once, in file order.
    ///
    /// `visit` gets each section with a reader of its data. It may stop anywhere: what it leaves
    /// is read and measured all the same. The headers are compared with those that
    /// [`read_structure`](crate::read_structure) saw, so that a file that changes in between is
    /// noticed.
    ///
    /// What `visit` sees is not yet known to be undamaged: the CRC is compared at the end.
    ///
    /// # Errors
    ///
    /// [`ScanError::Visit`] when `visit` fails, [`ScanError::File`] when the file cannot be read,
    /// has changed, or has another CRC than its header says.
    pub fn scan<R, M, F, X>(
        &self,
        source: &mut R,
        mut measure: M,
        mut visit: F,
    ) -> Result<Scanned, ScanError<X>>
    where
        R: Read + Seek,
        M: Measure,
        F: FnMut(&Section, &mut dyn BufRead) -> Result<(), X>,
    {
        source
            .seek(SeekFrom::Start(0))
            .map_err(|e| Error::io(0, e))?;
        let mut crc = Crc32::new();
        let header = self.header().encode();
        read_same(source, &header, 0)?;
        crc.update(crc_covered(&header));
        let mut buffer = vec![0; BUFFER_SIZE];
        for section in self.sections() {
            let header = section.encode_header();
            read_same(source, &header, section.header_offset)?;
            crc.update(&header);
            measure.section(section.kind);
            let mut data = SectionData {
                source,
                section,
                buffer: &mut buffer,
                shown: 0,
                filled: 0,
                left: section.size,
                crc: &mut crc,
                measure: &mut measure,
            };
            visit(section, &mut data).map_err(|source| ScanError::Visit {
                place: section.place(),
                source,
            })?;
            data.drain()?;
        }
        read_end(source, self.file_size())?;
        let crc32 = self.check_crc(crc)?;
        Ok(Scanned {
            measured: measure.finish(),
            crc32,
        })
    }

    /// A scan in which nobody looks at the sections.
    ///
    /// # Errors
    ///
    /// As [`Eif::scan`].
    pub fn measure<R: Read + Seek, M: Measure>(
        &self,
        source: &mut R,
        measure: M,
    ) -> Result<Scanned, Error> {
        let scanned = self.scan(
            source,
            measure,
            |_, _| Ok::<_, std::convert::Infallible>(()),
        );
        scanned.map_err(|error| match error {
            ScanError::File(error) => error,
            ScanError::Visit { source, .. } => match source {},
        })
    }

    fn check_crc(&self, crc: Crc32) -> Result<u32, Error> {
        let (expected, found) = (crc.finalize(), self.header().crc32);
        if expected == found {
            return Ok(expected);
        }
        Err(Error::Crc { expected, found })
    }
}

/// Reads a header again and compares it with the one that was accepted.
fn read_same<R: Read>(source: &mut R, expected: &[u8], offset: u64) -> Result<(), Error> {
    let mut found = vec![0; expected.len()];
    source
        .read_exact(&mut found)
        .map_err(|e| Error::io(offset, e))?;
    if found == expected {
        return Ok(());
    }
    Err(Error::Changed { offset })
}

/// Checks that the file still ends where it ended.
fn read_end<R: Read>(source: &mut R, offset: u64) -> Result<(), Error> {
    let mut beyond = source.take(1);
    match io::copy(&mut beyond, &mut io::sink()) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::Changed { offset }),
        Err(error) => Err(Error::io(offset, error)),
    }
}

/// The data of one section; what is buffered has been measured.
struct SectionData<'a, R, M> {
    source: &'a mut R,
    section: &'a Section,
    buffer: &'a mut [u8],
    /// Bytes of the buffer that the visitor has taken.
    shown: usize,
    /// Bytes of the buffer that are valid.
    filled: usize,
    /// Bytes of the section that are not read yet.
    left: u64,
    crc: &'a mut Crc32,
    measure: &'a mut M,
}

impl<R: Read, M: Measure> SectionData<'_, R, M> {
    fn refill(&mut self) -> io::Result<()> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(self.buffer.len());
        let window = self.buffer.get_mut(..most).unwrap_or_default();
        let count = loop {
            match self.source.read(window) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?.min(most),
            }
        };
        if count == 0 {
            return Err(self.truncated());
        }
        let fresh = self.buffer.get(..count).unwrap_or_default();
        self.crc.update(fresh);
        self.measure.update(fresh);
        (self.shown, self.filled) = (0, count);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
        Ok(())
    }

    fn truncated(&self) -> io::Error {
        let error = Error::SectionTruncated {
            place: self.section.place(),
            expected: self.section.size,
            found: self.section.size.saturating_sub(self.left),
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, error)
    }

    /// Reads what the visitor left.
    fn drain(&mut self) -> Result<(), Error> {
        while self.left > 0 {
            self.refill()
                .map_err(|error| Error::io(self.position(), error))?;
        }
        Ok(())
    }

    /// File offset of the next byte of the source.
    fn position(&self) -> u64 {
        let end = self.section.data_offset.saturating_add(self.section.size);
        end.saturating_sub(self.left)
    }
}

impl<R: Read, M: Measure> BufRead for SectionData<'_, R, M> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.shown == self.filled && self.left > 0 {
            self.refill()?;
        }
        Ok(self.buffer.get(self.shown..self.filled).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.shown = self.shown.saturating_add(count).min(self.filled);
    }
}

impl<R: Read, M: Measure> Read for SectionData<'_, R, M> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(bytes)?;
        self.consume(count);
        Ok(count)
    }
}
