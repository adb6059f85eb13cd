//! The bare container: sections in, image out, byte for byte what the field's own writer makes.
//!
//! Nothing is padded, added or looked into. Each input is read once; sizes are taken when a file
//! is opened, and a file that has another size when it is read is an error.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use enclair_digest::Engine;
use enclair_eif::{Arch, Crc, Layout, Measure, Metadata, SectionKind, Writer, Written};

use crate::error::Error;
use crate::measure::{Measurer, Threads};
use crate::output::OutputFile;
use crate::progress::{Progress, Reported};

/// What to put together.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// The header's architecture flag.
    pub arch: Arch,
    /// The kernel.
    pub kernel: PathBuf,
    /// The kernel command line, taken as it is.
    pub command_line: String,
    /// The ramdisks, in order.
    pub ramdisks: Vec<PathBuf>,
    /// The metadata section.
    pub metadata: Metadata,
    /// How many threads measure.
    pub threads: Threads,
}

/// An input whose size is known.
#[derive(Debug)]
struct Input {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Error> {
        let open = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if !metadata.is_file() {
            // Its size would have to be known before it is read.
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(open(source));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            size: metadata.len(),
        })
    }

    /// Copies the whole file into the current section.
    fn copy(mut self, out: &mut impl Write, progress: &dyn Progress) -> Result<(), Error> {
        let read = |source| Error::Read {
            name: self.path.display().to_string(),
            source,
        };
        let limited = Read::by_ref(&mut self.file).take(self.size.saturating_add(1));
        let mut reader = Reported::new(limited, progress);
        let mut buffer = vec![0; 256 << 10];
        let mut copied = 0_u64;
        loop {
            let count = reader.read(&mut buffer).map_err(read)?;
            copied = copied.saturating_add(count as u64);
            if copied > self.size || (count == 0 && copied < self.size) {
                let Self {
                    path,
                    size: expected,
                    ..
                } = self;
                return Err(Error::Changed {
                    path,
                    expected,
                    found: copied,
                });
            }
            if count == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            out.write_all(bytes).map_err(Error::of_section)?;
        }
    }
}

/// Writes the image to `target` and returns its measurements.
///
/// # Errors
///
/// An input that cannot be read or changes, a combination that the format does not allow, an
/// output that cannot be written. `target` is then as it was before.
pub fn assemble<E: Engine>(
    assembly: &Assembly,
    target: &Path,
    engine: &E,
    progress: &dyn Progress,
) -> Result<(Layout, Written), Error> {
    let kernel = Input::open(&assembly.kernel)?;
    let ramdisks: Vec<Input> = assembly
        .ramdisks
        .iter()
        .map(|path| Input::open(path))
        .collect::<Result<_, _>>()?;
    let metadata = assembly.metadata.to_json();
    let command_line = assembly.command_line.as_bytes();
    let mut sections = vec![
        (SectionKind::Kernel, kernel.size),
        (SectionKind::CommandLine, command_line.len() as u64),
        (SectionKind::Metadata, metadata.len() as u64),
    ];
    sections.extend(
        ramdisks
            .iter()
            .map(|input| (SectionKind::Ramdisk, input.size)),
    );
    let layout = Layout::new(assembly.arch, &sections)?;
    progress.stage("writing the image", Some(layout.file_size()));

    let write = |source| Error::Write {
        path: target.to_owned(),
        source,
    };
    let mut output = OutputFile::create(target).map_err(write)?;
    let parts = (kernel, [command_line, &metadata], ramdisks);
    let measurer = Measurer::new(engine, assembly.threads);
    let written = write_image(output.file(), layout.clone(), measurer, parts, progress)
        .map_err(|error| error.at(target))?;
    output.commit().map_err(write)?;
    Ok((layout, written))
}

/// Writes the sections in file order.
fn write_image<M: Measure>(
    out: &mut File,
    layout: Layout,
    measurer: M,
    (kernel, small, ramdisks): (Input, [&[u8]; 2], Vec<Input>),
    progress: &dyn Progress,
) -> Result<Written, Error> {
    let mut writer = Writer::new(out, layout, Crc::Patched, measurer)?;
    writer.section()?;
    kernel.copy(&mut writer, progress)?;
    for bytes in small {
        write_section(&mut writer, bytes)?;
    }
    for ramdisk in ramdisks {
        writer.section()?;
        ramdisk.copy(&mut writer, progress)?;
    }
    Ok(writer.finish()?.1)
}

/// Writes a section that is in memory.
pub(crate) fn write_section<W, M>(writer: &mut Writer<W, M>, bytes: &[u8]) -> Result<(), Error>
where
    W: Write,
    M: Measure,
{
    writer.section()?;
    writer.write_all(bytes).map_err(Error::of_section)
}
