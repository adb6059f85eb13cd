//! The image before it is written: every section with its size and CRC.
//!
//! The header of an image has sizes and a CRC over everything. Both are known before the first byte
//! goes out, so the image is written as a stream that is digested as it passes; what was written is
//! compared with the plan. A compressed ramdisk has no size until it is compressed, so it lies in a
//! spool of its own by then.

use std::io::{self, Read as _, Write};

use enclair_cpio::Sink;
use enclair_digest::{Engine, Hasher, Sha256};
use enclair_eif::{Arch, Layout, SectionCrc, SectionKind, Writer, Written};
use enclair_finding::Findings;
use enclair_tree::{Body, Forecast, Spool, read_body};

use crate::assemble::write_section;
use crate::blocks::BlockWriter;
use crate::compression::{Compression, Encoder};
use crate::error::Error;
use crate::measure::{Measurer, Threads};
use crate::parts::Parts;
use crate::progress::Progress;
use crate::ramdisk::Ramdisk;
use crate::spool::FileSpool;

/// Bytes that are read from a spool at once.
const BUFFER: usize = 256 << 10;

/// A ramdisk's section.
#[derive(Debug)]
pub(crate) struct RamdiskSection<'a> {
    data: Data<'a>,
    known: SectionCrc,
}

/// Where the bytes of a section come from.
#[derive(Debug)]
enum Data<'a> {
    /// Written when the image is.
    Archive(&'a Ramdisk<'a>),
    /// Compressed before, in a spool for that.
    Packed(Body),
}

impl<'a> RamdiskSection<'a> {
    /// A ramdisk as it is.
    pub(crate) fn plain(ramdisk: &'a Ramdisk<'a>, forecast: &Forecast) -> Self {
        Self {
            data: Data::Archive(ramdisk),
            known: SectionCrc {
                crc32: forecast.crc32(),
                size: forecast.len(),
            },
        }
    }

    /// A ramdisk compressed into `packed`, or as it is where nothing is to be compressed.
    ///
    /// # Errors
    ///
    /// Those of both spools.
    pub(crate) fn packed(
        ramdisk: &'a Ramdisk<'a>,
        forecast: &Forecast,
        compression: Compression,
        (bodies, packed): (&Bodies<'_>, &mut FileSpool),
    ) -> Result<Self, Error> {
        let output = |source| Error::Output { source };
        let encoder = Encoder::new(compression, forecast.len(), packed).map_err(output)?;
        let Some(mut encoder) = encoder else {
            return Ok(Self::plain(ramdisk, forecast));
        };
        let sink = ContentSink {
            out: &mut encoder,
            bodies,
            buffer: &mut vec![0; BUFFER],
        };
        // The forecast has reported what the archive cannot carry.
        ramdisk.write(sink, &mut Findings::new())?;
        let body = encoder.finish().map_err(output)?;
        Ok(Self {
            known: SectionCrc {
                crc32: body.crc32(),
                size: body.len(),
            },
            data: Data::Packed(body),
        })
    }
}

/// An image whose sizes and CRC are known before a byte of it is written.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) layout: Layout,
    crc32: u32,
    parts: &'a Parts,
    ramdisks: Vec<RamdiskSection<'a>>,
}

impl<'a> Planned<'a> {
    /// Lays out the sections.
    ///
    /// # Errors
    ///
    /// More of them, or larger ones, than an image can have.
    pub(crate) fn new(
        arch: Arch,
        parts: &'a Parts,
        ramdisks: Vec<RamdiskSection<'a>>,
    ) -> Result<Self, Error> {
        let mut known: Vec<SectionCrc> = parts.sections().map(section_crc).into();
        known.extend(ramdisks.iter().map(|ramdisk| ramdisk.known));
        let kinds = [
            SectionKind::Kernel,
            SectionKind::CommandLine,
            SectionKind::Metadata,
        ];
        let kinds = kinds
            .into_iter()
            .chain(std::iter::repeat(SectionKind::Ramdisk));
        let sizes: Vec<_> = kinds
            .zip(known.iter().map(|section| section.size))
            .collect();
        let layout = Layout::new(arch, &sizes)?;
        let crc32 = layout.crc32_of_parts(&known);
        Ok(Self {
            layout,
            crc32,
            parts,
            ramdisks,
        })
    }

    /// Writes the image, and measures it on the way. `bodies` has the files, `packed` what was
    /// compressed.
    ///
    /// # Errors
    ///
    /// An output that fails, and anything that is not as it was planned.
    pub(crate) fn write<E: Engine>(
        &self,
        out: impl Write,
        (engine, threads): (&E, Threads),
        [bodies, packed]: [&Bodies<'_>; 2],
    ) -> Result<(Written, Sha256), Error> {
        let measurer = Measurer::new(engine, threads);
        let digested = Digested {
            out,
            hasher: engine.sha256(),
        };
        let out = BlockWriter::new(digested);
        let mut writer = Writer::forward(out, self.layout.clone(), self.crc32, measurer)?;
        for bytes in self.parts.sections() {
            write_section(&mut writer, bytes)?;
        }
        let mut buffer = vec![0; BUFFER];
        for ramdisk in &self.ramdisks {
            writer.section()?;
            let mut sink = ContentSink {
                out: &mut writer,
                bodies,
                buffer: &mut buffer,
            };
            match &ramdisk.data {
                Data::Archive(ramdisk) => {
                    ramdisk.write(sink, &mut Findings::new())?;
                }
                Data::Packed(body) => {
                    sink.bodies = packed;
                    sink.body(body)?;
                }
            }
        }
        let (out, written) = writer.finish()?;
        // Nothing is left in the buffer: the writer has flushed it.
        Ok((written, out.into_inner().hasher.finish()))
    }
}

fn section_crc(bytes: &[u8]) -> SectionCrc {
    SectionCrc {
        crc32: crc32fast::hash(bytes),
        size: bytes.len() as u64,
    }
}

/// Digests what goes through to a file.
#[derive(Debug)]
struct Digested<W, H> {
    out: W,
    hasher: H,
}

impl<W: Write, H: Hasher> Write for Digested<W, H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Where the contents of files come from.
#[derive(Clone, Copy)]
pub(crate) struct Bodies<'a> {
    pub(crate) spool: &'a dyn Spool,
    pub(crate) progress: &'a dyn Progress,
}

/// Writes an archive, with the contents of its files, to the section of an image or to an encoder.
struct ContentSink<'a, W> {
    out: &'a mut W,
    bodies: &'a Bodies<'a>,
    buffer: &'a mut [u8],
}

impl<W: Write> Sink<Body> for ContentSink<'_, W> {
    type Error = Error;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(Error::of_section)
    }

    fn body(&mut self, body: &Body) -> Result<(), Error> {
        // The reader compares the CRC that was taken when the content was spooled.
        let mut content = read_body(body, self.bodies.spool);
        loop {
            let count = match content.read(self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::of_section(error)),
            };
            let piece = self.buffer.get(..count).unwrap_or_default();
            self.out.write_all(piece).map_err(Error::of_section)?;
        }
        self.bodies.progress.advance(body.len());
        Ok(())
    }
}
