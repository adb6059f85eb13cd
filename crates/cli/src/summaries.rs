//! What a build tells a person.

use std::fmt::Write as _;
use std::path::Path;

use enclair_build::{Epoch, LockChange, LockFile, Report};

use crate::commands::{escape, human_size};
use crate::printer::Printer;

/// Bytes of an image from which on compression is worth its time.
const ADVISED: u64 = 200_000_000;

/// What became of the lock, and what an outsider should know of it.
pub(crate) fn tell_lock(
    lock: &LockFile,
    change: LockChange,
    epoch: Option<Epoch>,
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

/// The image, its registers, and what was done on the way.
pub(crate) fn summary(report: &Report, output: &Path) -> String {
    let mut text = String::new();
    let eif = output.join("enclave.eif");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}  {}", eif.display(), human_size(report.eif.size));
    text.push_str(&report.measurements.to_lines());
    if let Some(packages) = report.packages {
        let _ = writeln!(text, "packages  {packages}, listed in packages.json");
    }
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
