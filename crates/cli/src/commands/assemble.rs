//! `enclair assemble`.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use enclair_build::{Assembly, AwsLc, NitroMeasurements, Threads, assemble};
use enclair_eif::{BuildMetadata, Metadata};
use serde_json::Value;

use crate::arguments::Assemble;
use crate::documents::AssembleDocument;
use crate::printer::Printer;
use crate::progress::progress;

/// Writes an image from sections and prints its registers.
pub(crate) fn run(arguments: &Assemble, printer: &Printer) -> anyhow::Result<()> {
    let assembly = Assembly {
        arch: arguments.arch,
        kernel: arguments.kernel.clone(),
        command_line: arguments.cmdline.clone(),
        ramdisks: arguments.ramdisks.clone(),
        metadata: metadata(arguments)?,
        threads: Threads::from(&arguments.threads),
    };
    let progress = progress(printer);
    let assembled = assemble(&assembly, &arguments.output, &AwsLc, progress.as_ref());
    drop(progress);
    let (layout, written) = assembled
        .with_context(|| format!("`{}` cannot be assembled", arguments.output.display()))?;
    if arguments.json {
        return printer.json(&AssembleDocument::new(&layout, &written));
    }
    let measurements = NitroMeasurements::from(&written.measured.measurements);
    Ok(printer.result(&measurements.to_lines())?)
}

fn metadata(arguments: &Assemble) -> anyhow::Result<Metadata> {
    let custom_metadata = arguments.metadata.as_deref().map(read_json).transpose()?;
    Ok(Metadata {
        image_name: arguments.name.clone(),
        image_version: arguments.image_version.clone(),
        build_metadata: BuildMetadata {
            build_time: arguments.build_time.clone(),
            build_tool: arguments.build_tool.clone(),
            build_tool_version: arguments.build_tool_version.clone(),
            operating_system: arguments.os.clone(),
            kernel_version: arguments.kernel_version.clone(),
        },
        docker_info: Value::Null,
        custom_metadata: custom_metadata.unwrap_or_default(),
    })
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    let file =
        File::open(path).with_context(|| format!("`{}` cannot be opened", path.display()))?;
    serde_json::from_reader(std::io::BufReader::new(file))
        .with_context(|| format!("`{}` is not a JSON document", path.display()))
}
