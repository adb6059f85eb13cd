//! `enclair build`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use enclair_build::{AwsLc, BuildRequest, ImageLayout, Normalization, Report, Threads, build};
use enclair_digest::Limits;

use super::{escape, human_size, print_findings};
use crate::arguments::{Build, LayoutArgument, NormalizeArgument};
use crate::printer::Printer;
use crate::progress::progress;

/// Builds an image and says what it measures to.
pub(crate) fn run(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let progress = progress(printer);
    let built = build(
        &request(arguments),
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

fn request(arguments: &Build) -> BuildRequest {
    BuildRequest {
        image: arguments.image.clone(),
        kernel: arguments.kernel.clone(),
        init: arguments.init.clone(),
        module: arguments.nsm_module.clone(),
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
    text
}
