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
use std::io::{self, Write};
use std::path::Path;

use enclair_digest::Engine;
use enclair_finding::Findings;
use enclair_recipe::Supply;
use enclair_tree::Forecast;
use serde::Serialize;

use crate::compression::Compression;
use crate::configuration::complete;
use crate::error::Error;
use crate::further::MAX_RAMDISKS;
use crate::git::repository_of;
use crate::output::OutputFile;
use crate::packages::PackagesDocument;
use crate::parts::Parts;
use crate::plan::{Bodies, Planned, RamdiskSection};
use crate::progress::Progress;
use crate::ramdisk::{Ramdisk, lines};
use crate::report::{
    EifFile, FORMAT, NitroMeasurements, PartsReport, ProvenanceReport, Report, SCHEMA, memory_mib,
    section_reports,
};
use crate::request::{BuildRequest, ImageLayout};
use crate::root::{Root, times};
use crate::spool::FileSpool;

/// What a build works with and does not decide.
#[derive(Debug)]
pub struct Tools<'a, E> {
    /// What computes digests.
    pub engine: &'a E,
    /// Where blobs come from.
    pub supply: &'a dyn Supply,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// The time, in seconds since 1970: for what signatures of archives are judged when packages are
    /// chosen, and for nothing that is built.
    pub now: u64,
}

/// Builds into the directory `out`: `enclave.eif`, `measurements.json` and `enclave.pcrs`, and
/// `packages.json` for a root filesystem of packages.
///
/// # Errors
///
/// Everything in [`Error`]. The files of an earlier build are then as they were, unless the error
/// came from replacing them; a report never outlives the image it describes.
pub fn build<E: Engine>(
    request: &BuildRequest,
    out: &Path,
    tools: &Tools<'_, E>,
) -> Result<Report, Error> {
    let Tools {
        engine, progress, ..
    } = *tools;
    let target = out.join("enclave.eif");
    let write = |source| Error::Write {
        path: target.clone(),
        source,
    };
    let mut findings = Findings::new();
    let parts = Parts::read(request, tools.supply, &mut findings)?;
    fs::create_dir_all(out).map_err(|source| Error::Write {
        path: out.to_owned(),
        source,
    })?;
    let root = Root::read(request, &target, tools)?;
    findings.merge(root.findings.clone());

    let ramdisks = ramdisks(request, &parts, &root)?;
    let forecasts = forecasts(&ramdisks, &mut findings)?;
    stop_at(&findings, &request.allow)?;
    let bodies = Bodies {
        spool: &root.spool,
        progress,
    };
    let mut packed = FileSpool::create(out).map_err(write)?;
    let sections = pack(request, &ramdisks, &forecasts, (&bodies, &mut packed))
        .map_err(|error| error.at(&target))?;
    let planned = Planned::new(request.arch, &parts, sections)?;
    progress.stage("writing the image", Some(planned.layout.file_size()));
    let mut output = OutputFile::create(&target).map_err(write)?;
    output.reserve(planned.layout.file_size());
    let packed = Bodies {
        spool: &packed,
        progress,
    };
    let (written, sha256) = planned
        .write(output.file(), (engine, request.threads), [&bodies, &packed])
        .map_err(|error| error.at(&target))?;

    let report = Report {
        schema: SCHEMA,
        measurements: NitroMeasurements::from(&written.measured.measurements),
        format: FORMAT,
        architecture: request.arch.to_string(),
        layout: request.layout.name(),
        compression: request.compression.name(),
        eif: EifFile::new(written.file_size, sha256, written.crc32),
        sections: section_reports(planned.layout.sections(), &written.measured),
        memory_mib: memory_mib(written.file_size, root.memory()),
        parts: PartsReport::new(&parts, engine),
        source: root.source.clone(),
        packages: root.packages.as_ref().map(|all| all.packages.len()),
        laid: root.laid.clone(),
        provenance: ProvenanceReport::from(&request.provenance),
        normalised: root.normalised.clone(),
        findings,
        repository: repository_of(&request.directory),
    };
    commit(output, &Reports::of(&report, root.packages.as_ref())?, out)?;
    Ok(report)
}

/// Sizes and CRCs of the archives, and what they cannot carry.
fn forecasts(ramdisks: &[Ramdisk<'_>], findings: &mut Findings) -> Result<Vec<Forecast>, Error> {
    let forecasts = ramdisks.iter().map(|ramdisk| ramdisk.forecast(findings));
    forecasts.collect()
}

/// The sections of the ramdisks. The first is never compressed: PCR1 does not depend on an encoder.
fn pack<'a>(
    request: &BuildRequest,
    ramdisks: &'a [Ramdisk<'a>],
    forecasts: &[Forecast],
    (bodies, packed): (&Bodies<'_>, &mut FileSpool),
) -> Result<Vec<RamdiskSection<'a>>, Error> {
    if request.compression != Compression::None {
        let total = forecasts.iter().skip(1).map(Forecast::len).sum();
        bodies.progress.stage("compressing ramdisks", Some(total));
    }
    let mut sections = Vec::new();
    for (index, (ramdisk, forecast)) in ramdisks.iter().zip(forecasts).enumerate() {
        sections.push(match (index, request.compression) {
            (0, _) | (_, Compression::None) => RamdiskSection::plain(ramdisk, forecast),
            (_, compression) => {
                RamdiskSection::packed(ramdisk, forecast, compression, (bodies, packed))?
            }
        });
    }
    Ok(sections)
}

/// The files beside an image that tell of it.
struct Reports {
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Reports {
    /// Everything that a build may leave: what an image has not, an earlier one may have had.
    const NAMES: [&'static str; 3] = ["measurements.json", "enclave.pcrs", "packages.json"];

    fn of(report: &Report, packages: Option<&PackagesDocument>) -> Result<Self, Error> {
        let lines = report.measurements.to_lines().into_bytes();
        let mut files = vec![
            ("measurements.json", json(report)?),
            ("enclave.pcrs", lines),
        ];
        if let Some(packages) = packages {
            files.push(("packages.json", json(packages)?));
        }
        Ok(Self { files })
    }
}

fn json(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut json =
        serde_json::to_vec_pretty(document).map_err(|source| Error::Serialize { source })?;
    json.push(b'\n');
    Ok(json)
}

/// Gives the image and its reports their names.
///
/// All are on the disk before one of them is named. Reports of an earlier image go first: whatever
/// happens in between, no report stands beside an image that it does not describe. The lock keeps
/// two builds into one directory apart.
fn commit(image: OutputFile, reports: &Reports, out: &Path) -> Result<(), Error> {
    let write = |source| Error::Write {
        path: out.to_owned(),
        source,
    };
    let mut prepared = Vec::new();
    for (name, content) in &reports.files {
        let mut file = OutputFile::create(&out.join(name)).map_err(write)?;
        file.file().write_all(content).map_err(write)?;
        file.sync().map_err(write)?;
        prepared.push(file);
    }
    image.sync().map_err(write)?;

    let directory = File::open(out).map_err(write)?;
    directory.lock().map_err(write)?;
    for name in Reports::NAMES {
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
) -> Result<Vec<Ramdisk<'a>>, Error> {
    let count = root.further.len().saturating_add(2);
    if count > MAX_RAMDISKS {
        let most = MAX_RAMDISKS;
        return Err(Error::TooManyRamdisks { count, most });
    }
    let (epoch, times) = (request.epoch.0, times(request));
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let module = parts.module.as_deref();
    let mut ramdisks = match request.layout {
        ImageLayout::Enclair => {
            let configuration = root.configuration.clone();
            let json = complete(configuration, &request.surroundings, number(count))
                .to_canonical_json()?;
            vec![
                Ramdisk::boot(&parts.init, parts.agent.as_deref(), module),
                Ramdisk::application(&json, &root.tree, epoch, times),
            ]
        }
        ImageLayout::Bootstrap => {
            let command = lines("an argument", &root.configuration.argv)?;
            let environment = lines("a variable", &root.configuration.env)?;
            let tree = &root.tree;
            vec![
                Ramdisk::bootstrap_boot(&parts.init, module),
                Ramdisk::bootstrap_application(&command, &environment, tree, (epoch, times)),
            ]
        }
    };
    for (tree, index) in root.further.iter().zip(2..) {
        let marker = (request.layout == ImageLayout::Enclair).then(|| number(index));
        ramdisks.push(Ramdisk::further(tree, (epoch, times), marker));
    }
    Ok(ramdisks)
}
