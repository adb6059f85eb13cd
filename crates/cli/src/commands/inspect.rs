//! `enclair inspect`.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use anyhow::Context as _;
use enclair_build::{AwsLc, Measurer, Threads};
use enclair_digest::Limits;
use enclair_inspect::{Listing, Ramdisk, inspect_eif, inspect_ramdisk};

use super::print_findings;
use crate::arguments::Inspect;
use crate::documents::{InspectDocument, RamdiskFileDocument};
use crate::printer::Printer;
use crate::tables::{eif_table, listing, ramdisk_table};

/// Shows an image or a ramdisk.
pub(crate) fn run(arguments: &Inspect, printer: &Printer) -> anyhow::Result<()> {
    let path = arguments.file.display();
    let detail = if arguments.files {
        Listing::Entries
    } else {
        Listing::Counts
    };
    let cannot = || format!("`{path}` cannot be inspected");
    let mut file = File::open(&arguments.file).with_context(cannot)?;
    let mut magic = [0; 6];
    let count = file.read(&mut magic).with_context(cannot)?;
    file.seek(SeekFrom::Start(0)).with_context(cannot)?;
    let magic = magic.get(..count).unwrap_or_default();
    if is_ramdisk(magic) {
        let mut data = BufReader::with_capacity(256 << 10, file);
        let (ramdisk, findings) = inspect_ramdisk(&mut data, Limits::default(), detail);
        print_findings(&findings, printer);
        if arguments.json {
            return printer.json(&RamdiskFileDocument::new(ramdisk, findings));
        }
        printer.result(&ramdisk_table(&ramdisk))?;
        return print_listing(&[ramdisk], printer);
    }
    let measurer = Measurer::new(&AwsLc, Threads::from(&arguments.threads));
    let inspection =
        inspect_eif(&mut file, measurer, Limits::default(), detail).with_context(cannot)?;
    print_findings(&inspection.findings, printer);
    let pcr8 = inspection
        .signature
        .as_ref()
        .map(|signature| signature.pcr8(&AwsLc).to_string());
    if arguments.json {
        return printer.json(&InspectDocument::new(inspection, pcr8));
    }
    printer.result(&eif_table(&inspection, pcr8.as_deref()))?;
    print_listing(&inspection.ramdisks, printer)
}

fn print_listing(ramdisks: &[Ramdisk], printer: &Printer) -> anyhow::Result<()> {
    for (index, ramdisk) in ramdisks.iter().enumerate() {
        if !ramdisk.listing.is_empty() {
            printer.result(&format!("\nfiles of ramdisk {index}\n"))?;
        }
        for piece in listing(ramdisk) {
            printer.result(&piece)?;
        }
    }
    Ok(())
}

/// Whether a file begins like a ramdisk: an archive, or a compressed one.
fn is_ramdisk(magic: &[u8]) -> bool {
    magic.starts_with(b"0707") || enclair_compress::Format::detect(magic).is_some()
}
