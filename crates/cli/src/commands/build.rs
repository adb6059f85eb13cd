//! `enclair build`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use enclair_build::{
    AwsLc, BuildRequest, Compression, ImageLayout, Normalization, Report, Surroundings, Threads,
    build,
};
use enclair_configuration::Access;
use enclair_digest::Limits;

use super::{escape, human_size, print_findings};
use crate::arguments::{
    Build, CompressArgument, GrantArgument, LayoutArgument, NormalizeArgument,
    SurroundingsArguments,
};
use crate::printer::Printer;
use crate::progress::progress;

/// Bytes of an image from which on compression is worth its time.
const ADVISED: u64 = 200_000_000;

/// Builds an image and says what it measures to.
pub(crate) fn run(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let surroundings = surroundings(&arguments.surroundings)?;
    let progress = progress(printer);
    let built = build(
        &request(arguments, surroundings),
        &arguments.output,
        &AwsLc,
        progress.as_ref(),
    );
    drop(progress);
    let report = built.with_context(|| format!("`{}` cannot be built", arguments.image))?;
    print_findings(&report.findings, printer);
    if arguments.json {
        return printer.json(&report);
    }
    Ok(printer.result(&summary(&report, &arguments.output))?)
}

fn request(arguments: &Build, surroundings: Surroundings) -> BuildRequest {
    BuildRequest {
        image: arguments.image.clone(),
        kernel: arguments.kernel.clone(),
        init: arguments.init.clone(),
        module: arguments.nsm_module.clone(),
        ramdisks: arguments.ramdisks.clone(),
        compression: match arguments.compress {
            CompressArgument::None => Compression::None,
            CompressArgument::Gzip => Compression::Gzip,
            CompressArgument::Zstd => Compression::Zstd,
        },
        surroundings,
        command_line: arguments.cmdline.clone(),
        arch: arguments.arch,
        epoch: arguments.epoch,
        name: arguments.name.clone(),
        version: arguments.image_version.clone(),
        layout: match arguments.layout {
            LayoutArgument::Enclair => ImageLayout::Enclair,
            LayoutArgument::Bootstrap => ImageLayout::Bootstrap,
        },
        normalization: match arguments.normalize {
            NormalizeArgument::Format => Normalization::Format,
            NormalizeArgument::None => Normalization::None,
        },
        allow: arguments.allow.clone(),
        limits: Limits {
            unpacked_bytes: arguments.max_unpacked,
            ..Limits::default()
        },
        threads: Threads::from(&arguments.threads),
        directory: PathBuf::from("."),
    }
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
        text.push_str("        less with `--compress zstd`, which takes longer to boot\n");
    }
    text
}
