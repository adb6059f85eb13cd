//! `enclair extract`.

use anyhow::Context as _;
use enclair_build::{extract_section, extract_to_directory, extract_to_tar};
use enclair_digest::Limits;
use enclair_finding::Findings;

use super::print_findings;
use crate::arguments::Extract;
use crate::printer::Printer;

/// Takes an image apart.
pub(crate) fn run(arguments: &Extract, printer: &Printer) -> anyhow::Result<()> {
    let Extract {
        file,
        directory,
        tar,
        section,
        output,
        max_unpacked,
    } = arguments;
    let limits = Limits {
        unpacked_bytes: *max_unpacked,
        ..Limits::default()
    };
    let extracted = match (directory, tar, section, output) {
        (Some(directory), ..) => extract_to_directory(file, directory, &limits),
        (_, Some(tar), ..) => extract_to_tar(file, tar, &limits),
        (_, _, Some(section), Some(output)) => {
            extract_section(file, *section, output).map(|()| Findings::new())
        }
        (None, None, None | Some(_), _) => anyhow::bail!("give -C DIR, --tar FILE or --section N"),
    };
    let findings =
        extracted.with_context(|| format!("`{}` cannot be extracted", file.display()))?;
    print_findings(&findings, printer);
    Ok(())
}
