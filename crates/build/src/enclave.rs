//! The main job: a container image and a kernel become a measured enclave image.
//!
//! ```text
//! image -> tree (layers) -> configuration -> normalise -> ramdisks -> forecast (size, CRC)
//!       -> one forward pass: file, SHA-256, CRC, PCRs, section digests -> report
//! ```
//!
//! The forecast makes the header final before the first section is written, so the image goes out
//! as a stream that can be digested as it passes. What was written is compared with the forecast.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::Path;

use enclair_cpio::Sink;
use enclair_digest::{Engine, Hasher, Sha256};
use enclair_eif::{Arch, Layout, Measure, SectionCrc, SectionKind, Writer, Written};
use enclair_finding::Findings;
use enclair_tree::{Body, Spool, read_body};

use crate::assemble::write_section;
use crate::error::Error;
use crate::measure::{Measurer, Threads};
use crate::output::OutputFile;
use crate::parts::Parts;
use crate::progress::Progress;
use crate::ramdisk::{Ramdisk, lines};
use crate::report::{
    EifFile, FORMAT, NitroMeasurements, Report, SCHEMA, memory_mib, section_reports,
};
use crate::repository::repository_of;
use crate::request::{BuildRequest, ImageLayout};
use crate::root::{Root, times};

/// Bytes that are read from the spool, and written to the image, at once. Headers of an archive
/// are a hundred bytes, and most files of an image are small.
const BUFFER: usize = 256 << 10;

/// Builds into the directory `out`: `enclave.eif`, `measurements.json` and `enclave.pcrs`.
///
/// # Errors
///
/// Everything in [`Error`]. The files of an earlier build are then as they were, unless the error
/// came from replacing them; a report never outlives the image it describes.
pub fn build<E: Engine>(
    request: &BuildRequest,
    out: &Path,
    engine: &E,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let target = out.join("enclave.eif");
    let mut findings = Findings::new();
    let parts = Parts::read(request, &mut findings)?;
    fs::create_dir_all(out).map_err(|source| Error::Write {
        path: out.to_owned(),
        source,
    })?;
    let root = Root::read(request, &target, engine, progress)?;
    findings.merge(root.findings.clone());

    let ramdisks = ramdisks(request, &parts, &root)?;
    let planned = Planned::new(request.arch, &parts, &ramdisks, &mut findings)?;
    stop_at(&findings, &request.allow)?;
    progress.stage("writing the image", Some(planned.layout.file_size()));
    let write = |source| Error::Write {
        path: target.clone(),
        source,
    };
    let mut output = OutputFile::create(&target).map_err(write)?;
    let bodies = Bodies {
        spool: &root.spool,
        progress,
    };
    let (written, sha256) = planned
        .write(output.file(), (engine, request.threads), (&parts, &bodies))
        .map_err(|error| error.at(&target))?;

    let report = Report {
        schema: SCHEMA,
        measurements: NitroMeasurements::from(&written.measured.measurements),
        format: FORMAT,
        architecture: request.arch.to_string(),
        layout: request.layout.name(),
        eif: EifFile::new(written.file_size, sha256, written.crc32),
        sections: section_reports(planned.layout.sections(), &written.measured),
        memory_mib: memory_mib(written.file_size),
        source: root.source.clone(),
        normalised: root.normalised.clone(),
        findings,
        repository: repository_of(&request.directory),
    };
    commit(output, &report, out)?;
    Ok(report)
}

/// Gives the image and its reports their names.
///
/// All three are on the disk before one of them is named. Reports of an earlier image go first:
/// whatever happens in between, no report stands beside an image that it does not describe. The
/// lock keeps two builds into one directory apart.
fn commit(image: OutputFile, report: &Report, out: &Path) -> Result<(), Error> {
    let write = |source| Error::Write {
        path: out.to_owned(),
        source,
    };
    let mut json =
        serde_json::to_vec_pretty(report).map_err(|source| Error::Serialize { source })?;
    json.push(b'\n');
    let lines = report.measurements.to_lines().into_bytes();
    let reports = [("measurements.json", json), ("enclave.pcrs", lines)];
    let mut prepared = Vec::new();
    for (name, content) in &reports {
        let mut file = OutputFile::create(&out.join(name)).map_err(write)?;
        file.file().write_all(content).map_err(write)?;
        file.sync().map_err(write)?;
        prepared.push(file);
    }
    image.sync().map_err(write)?;

    let directory = File::open(out).map_err(write)?;
    directory.lock().map_err(write)?;
    for (name, _) in &reports {
        match fs::remove_file(out.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(write(error)),
            Ok(()) | Err(_) => (),
        }
    }
    image.commit().map_err(write)?;
    prepared
        .into_iter()
        .try_for_each(OutputFile::commit)
        .map_err(write)
}

fn stop_at(findings: &Findings, allowed: &[String]) -> Result<(), Error> {
    let blocking: Vec<_> = findings.blocking(allowed).cloned().collect();
    if blocking.is_empty() {
        return Ok(());
    }
    Err(Error::Blocked { findings: blocking })
}

/// The ramdisks of the layout that is asked for, in order.
fn ramdisks<'a>(
    request: &BuildRequest,
    parts: &Parts,
    root: &'a Root,
) -> Result<[Ramdisk<'a>; 2], Error> {
    let (epoch, times) = (request.epoch.0, times(request));
    let Root {
        tree,
        configuration,
        ..
    } = root;
    match request.layout {
        ImageLayout::Enclair => {
            let json = configuration.to_canonical_json()?;
            Ok([
                Ramdisk::boot(&parts.init),
                Ramdisk::application(&json, tree, epoch, times),
            ])
        }
        ImageLayout::Bootstrap => {
            let command = lines("an argument", &configuration.argv)?;
            let environment = lines("a variable", &configuration.env)?;
            Ok([
                Ramdisk::bootstrap_boot(&parts.init, parts.module.as_deref()),
                Ramdisk::bootstrap_application(&command, &environment, tree, (epoch, times)),
            ])
        }
    }
}

/// An image whose sizes and CRC are known before a byte of it is written.
#[derive(Debug)]
struct Planned<'a> {
    layout: Layout,
    crc32: u32,
    ramdisks: &'a [Ramdisk<'a>],
}

impl<'a> Planned<'a> {
    fn new(
        arch: Arch,
        parts: &Parts,
        ramdisks: &'a [Ramdisk<'a>],
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let mut crcs: Vec<SectionCrc> = parts.sections().map(section_crc).into();
        for ramdisk in ramdisks {
            let forecast = ramdisk.forecast(findings)?;
            crcs.push(SectionCrc {
                crc32: forecast.crc32(),
                size: forecast.len(),
            });
        }
        let kinds = [
            SectionKind::Kernel,
            SectionKind::CommandLine,
            SectionKind::Metadata,
        ];
        let kinds = kinds
            .into_iter()
            .chain(std::iter::repeat(SectionKind::Ramdisk));
        let sizes: Vec<_> = kinds.zip(crcs.iter().map(|section| section.size)).collect();
        let layout = Layout::new(arch, &sizes)?;
        let crc32 = layout.crc32_of_parts(&crcs);
        Ok(Self {
            layout,
            crc32,
            ramdisks,
        })
    }

    fn write<E: Engine>(
        &self,
        out: impl Write,
        (engine, threads): (&E, Threads),
        (parts, bodies): (&Parts, &Bodies<'_>),
    ) -> Result<(Written, Sha256), Error> {
        let measurer = Measurer::new(engine, threads);
        let digested = Digested {
            out,
            hasher: engine.sha256(),
        };
        let out = BufWriter::with_capacity(BUFFER, digested);
        let mut writer = Writer::forward(out, self.layout.clone(), self.crc32, measurer)?;
        for bytes in parts.sections() {
            write_section(&mut writer, bytes)?;
        }
        let mut buffer = vec![0; BUFFER];
        for ramdisk in self.ramdisks {
            writer.section()?;
            let sink = SectionSink {
                writer: &mut writer,
                bodies,
                buffer: &mut buffer,
            };
            // The forecast has reported what the archive cannot carry.
            ramdisk.write(sink, &mut Findings::new())?;
        }
        let (out, written) = writer.finish()?;
        // Nothing is left in the buffer: the writer has flushed it.
        let (digested, _) = out.into_parts();
        Ok((written, digested.hasher.finish()))
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

/// Where the contents of a ramdisk's files come from.
struct Bodies<'a> {
    spool: &'a dyn Spool,
    progress: &'a dyn Progress,
}

/// Writes an archive into the current section of an image.
struct SectionSink<'a, W, M> {
    writer: &'a mut Writer<W, M>,
    bodies: &'a Bodies<'a>,
    buffer: &'a mut [u8],
}

impl<W: Write, M: Measure> Sink<Body> for SectionSink<'_, W, M> {
    type Error = Error;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.writer.write_all(bytes).map_err(Error::of_section)
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
            self.writer.write_all(piece).map_err(Error::of_section)?;
        }
        self.bodies.progress.advance(body.len());
        Ok(())
    }
}
