//! `enclair build`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use enclair_build::{
    AwsLc, BuildOptions, BuildRequest, Built, Compression, Content, Freshness, ImageLayout,
    LockChange, LockFile, Locking, Outcome, Process, Provenance, Report, Rule, Surroundings,
    Threads, Tools, build, obtain_image,
};
use enclair_configuration::Access;
use enclair_digest::Limits;
use enclair_recipe::{ImageReference, NoSupply, Supply};

use super::{escape, human_size, open_project, print_findings};
use crate::arguments::{
    Build, CompressArgument, Direct, GrantArgument, LayoutArgument, NormalizeArgument,
    SurroundingsArguments,
};
use crate::environment;
use crate::printer::Printer;
use crate::progress::progress;
use crate::supply;

/// Bytes of an image from which on compression is worth its time.
const ADVISED: u64 = 200_000_000;

/// Builds an image and says what it measures to.
pub(crate) fn run(arguments: &Build, printer: &Printer) -> anyhow::Result<ExitCode> {
    match &arguments.direct.image {
        Some(image) => of_image(image, arguments, printer)?,
        None => of_project(arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// From a recipe and its lock.
fn of_project(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let project = open_project(&arguments.project)?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe.settings), printer)?;
    let options = BuildOptions {
        locking: locking(arguments),
        freshness: if arguments.again {
            Freshness::Always
        } else {
            Freshness::Stamp
        },
        threads: Threads::from(&arguments.threads),
        program: environment::program(),
        epoch: environment::epoch()?,
    };
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
    };
    let built = project.build(&options, &arguments.output, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let path = project.path.display();
    let built = match built.with_context(|| format!("`{path}` was not built"))? {
        Outcome::UpToDate(lock) => {
            tell_lock(&lock, LockChange::Kept, options.epoch, printer);
            return up_to_date(arguments, printer);
        }
        Outcome::Built(built) => built,
    };
    let Built {
        report,
        lock,
        change,
    } = *built;
    supply::remember(fetcher.store(), &lock, printer);
    tell_lock(&lock, change, options.epoch, printer);
    finish(&report, arguments, printer)
}

fn locking(arguments: &Build) -> Locking {
    if arguments.locked || environment::is_ci() {
        Locking::Locked
    } else {
        Locking::Update
    }
}

/// What is there is printed as it is; no register of it was computed.
fn up_to_date(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let read = |name| {
        let path = arguments.output.join(name);
        std::fs::read_to_string(&path)
            .with_context(|| format!("`{}` cannot be read", path.display()))
    };
    printer.note("up to date (not measured again)");
    let name = if arguments.json {
        "measurements.json"
    } else {
        "enclave.pcrs"
    };
    Ok(printer.result(&read(name)?)?)
}

fn tell_lock(
    lock: &LockFile,
    change: LockChange,
    epoch: Option<enclair_build::Epoch>,
    printer: &Printer,
) {
    let path = lock.path.display();
    match change {
        LockChange::Kept => {}
        LockChange::Created => printer.note(&format!("locked  `{path}` is new; commit it")),
        LockChange::Updated => printer.note(&format!("locked  `{path}` has changed; commit it")),
    }
    for note in lock.lock.notes() {
        printer.note(&format!("note: {}", escape(&note)));
    }
    if let (Some(asked), enclair_recipe::Epoch::Seconds(locked)) = (epoch, lock.lock.epoch)
        && asked.0 != locked
    {
        printer.note(&format!(
            "note: SOURCE_DATE_EPOCH is {}, and the lock says {locked}: the lock wins",
            asked.0
        ));
    }
}

/// From a container image alone.
fn of_image(image: &ImageReference, arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let is_elsewhere = matches!(
        image,
        ImageReference::Registry(_) | ImageReference::DockerDaemon { .. }
    );
    let fetcher = is_elsewhere
        .then(|| supply::fetcher(&arguments.supply, None, printer))
        .transpose()?;
    let request = |root| request(root, &arguments.direct, Threads::from(&arguments.threads));
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: fetcher
            .as_ref()
            .map_or(&NoSupply as &dyn Supply, |fetcher| fetcher),
        progress: progress.as_ref(),
    };
    let place = (arguments.output.as_path(), arguments.direct.max_unpacked);
    let cannot = || format!("`{image}` cannot be built");
    let wanted = (image, arguments.direct.arch, locking(arguments));
    let root = obtain_image(wanted, place, &tools).with_context(cannot)?;
    let built = build(&request(root)?, &arguments.output, &tools);
    drop(progress);
    if let Some(fetcher) = &fetcher {
        supply::report(fetcher, printer);
    }
    finish(&built.with_context(cannot)?, arguments, printer)
}

fn finish(report: &Report, arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    print_findings(&report.findings, printer);
    if arguments.json {
        return printer.json(report);
    }
    Ok(printer.result(&summary(report, &arguments.output))?)
}

fn request(
    root: enclair_build::RootSource,
    direct: &Direct,
    threads: Threads,
) -> anyhow::Result<BuildRequest> {
    let file = |path: &Option<PathBuf>| path.clone().map(Content::File);
    let epoch = match direct.epoch {
        Some(epoch) => Some(epoch),
        None => environment::epoch()?,
    };
    Ok(BuildRequest {
        root,
        files: Vec::new(),
        process: Process::default(),
        kernel: file(&direct.kernel),
        init: file(&direct.init),
        module: file(&direct.nsm_module),
        ramdisks: direct.ramdisks.clone(),
        compression: match direct.compress {
            CompressArgument::None => Compression::None,
            CompressArgument::Gzip => Compression::Gzip,
            CompressArgument::Zstd => Compression::Zstd,
        },
        surroundings: surroundings(&direct.surroundings)?,
        command_line: direct.cmdline.clone(),
        arch: direct.arch,
        epoch: epoch.unwrap_or_default(),
        name: direct.name.clone(),
        version: direct.image_version.clone(),
        layout: match direct.layout {
            LayoutArgument::Enclair => ImageLayout::Enclair,
            LayoutArgument::Bootstrap => ImageLayout::Bootstrap,
        },
        rules: match direct.normalize {
            NormalizeArgument::Format => Rule::FORMAT.to_vec(),
            NormalizeArgument::None => Vec::new(),
        },
        allow: direct.allow.clone(),
        limits: Limits {
            unpacked_bytes: direct.max_unpacked,
            ..Limits::default()
        },
        threads,
        directory: PathBuf::from("."),
        provenance: Provenance::default(),
    })
}

fn surroundings(arguments: &SurroundingsArguments) -> anyhow::Result<Surroundings> {
    let mut limits = BTreeMap::new();
    for (resource, limit) in &arguments.limits {
        if limits.insert(*resource, *limit).is_some() {
            bail!("`--limit {resource}` is given more than once");
        }
    }
    let access = |grant| {
        if arguments.grant.contains(&grant) {
            Access::Allowed
        } else {
            Access::Denied
        }
    };
    Ok(Surroundings {
        hostname: arguments.hostname.clone(),
        limits,
        nsm: access(GrantArgument::Nsm),
        vsock: access(GrantArgument::Vsock),
    })
}

fn summary(report: &Report, output: &Path) -> String {
    let mut text = String::new();
    let eif = output.join("enclave.eif");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}  {}", eif.display(), human_size(report.eif.size));
    text.push_str(&report.measurements.to_lines());
    summarise_files(report, &mut text);
    for applied in report.normalised.iter().filter(|applied| applied.count > 0) {
        let _ = writeln!(
            text,
            "normalised  {}  {} x  {}",
            applied.rule, applied.count, applied.what
        );
        for path in &applied.removed {
            let _ = writeln!(text, "    removed `{}`", escape(path));
        }
    }
    let _ = writeln!(text, "memory  {} MiB or more", report.memory_mib);
    if report.compression.is_none() && report.eif.size > ADVISED {
        text.push_str("        less with zstd, which takes longer to boot\n");
    }
    text
}

/// What of the project went in, and what an outsider must take on trust of it.
fn summarise_files(report: &Report, text: &mut String) {
    let (files, left_out) = (&report.laid.files, &report.laid.left_out);
    let opaque: Vec<_> = files.iter().filter(|file| file.opaque.is_some()).collect();
    if !files.is_empty() {
        let _ = writeln!(text, "files  {} of the project", files.len());
    }
    if let Some(first) = opaque.first() {
        let more = match opaque.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let path = escape(&first.path);
        let _ = writeln!(
            text,
            "opaque  `{path}`{more}: taken as binaries, not built from source"
        );
    }
    if left_out.count > 0 {
        let _ = writeln!(text, "left out  {}: not tracked by git", left_out.count);
        for name in &left_out.first {
            let _ = writeln!(text, "    `{}`", escape(name));
        }
    }
}
