//! Tables for people: what `inspect` prints at a terminal.

use std::fmt::Write as _;

use enclair_eif::Pcr;
use enclair_inspect::{Inspection, ListedEntry, Ramdisk};

use crate::commands::{escape, human_size};

/// An image: header, sections, registers, metadata, ramdisks.
pub(crate) fn eif_table(inspection: &Inspection, pcr8: Option<&str>) -> String {
    let mut text = String::new();
    header(&mut text, inspection);
    sections(&mut text, inspection);
    registers(&mut text, inspection, pcr8);
    metadata(&mut text, inspection);
    for (index, ramdisk) in inspection.ramdisks.iter().enumerate() {
        let _ = write!(text, "\nramdisk {index}: ");
        text.push_str(&ramdisk_table(ramdisk));
    }
    text
}

// Writing to a String cannot fail: the results of `writeln!` below have nothing to say.

fn header(text: &mut String, inspection: &Inspection) {
    let header = inspection.eif.header();
    let size = human_size(inspection.eif.file_size());
    let crc32 = inspection.scanned.crc32;
    let _ = writeln!(
        text,
        "EIF version {}, {}, {size}, CRC {crc32:08x} (valid)",
        header.version,
        header.arch()
    );
    let command_line = escape(&String::from_utf8_lossy(&inspection.command_line));
    let _ = writeln!(text, "command line  {command_line}");
    if let Some(kernel) = &inspection.kernel {
        let version = kernel.version.as_deref().unwrap_or("of unknown version");
        let _ = writeln!(text, "kernel        {} {}", kernel.kind, escape(version));
    }
    let signature = match &inspection.signature {
        Some(_) => "present (parsed, not verified)",
        None => "none",
    };
    let _ = writeln!(text, "signature     {signature}");
}

fn sections(text: &mut String, inspection: &Inspection) {
    let _ = writeln!(
        text,
        "\n #  section       {:>12} {:>12}  SHA-384",
        "offset", "size"
    );
    for (section, digest) in inspection
        .eif
        .sections()
        .iter()
        .zip(&inspection.scanned.measured.sections)
    {
        let name = match section.ramdisk {
            Some(index) => format!("{} {index}", section.kind),
            None => section.kind.to_string(),
        };
        let (index, offset, size) = (section.index, section.data_offset, section.size);
        let _ = writeln!(
            text,
            "{index:2}  {name:12} {offset:>13} {size:>12}  {digest}"
        );
    }
}

fn registers(text: &mut String, inspection: &Inspection, pcr8: Option<&str>) {
    let measurements = &inspection.scanned.measured.measurements;
    let application = if measurements.pcr2 == Pcr::EMPTY {
        "nothing: the image has one ramdisk, this is the empty constant"
    } else {
        "is this the application?"
    };
    let _ = writeln!(text, "\nPCR0  {}  is this the image?", measurements.pcr0);
    let _ = writeln!(
        text,
        "PCR1  {}  is this the boot environment?",
        measurements.pcr1
    );
    let _ = writeln!(text, "PCR2  {}  {application}", measurements.pcr2);
    if let Some(pcr8) = pcr8 {
        let _ = writeln!(text, "PCR8  {pcr8}  who signed it?");
    }
}

fn metadata(text: &mut String, inspection: &Inspection) {
    let Some(metadata) = &inspection.metadata else {
        return;
    };
    let build = &metadata.build_metadata;
    let _ = writeln!(text, "\nmetadata (not measured)");
    for (name, value) in [
        ("name", &metadata.image_name),
        ("version", &metadata.image_version),
        ("build time", &build.build_time),
        ("build tool", &build.build_tool),
        ("tool version", &build.build_tool_version),
        ("system", &build.operating_system),
        ("kernel", &build.kernel_version),
    ] {
        let _ = writeln!(text, "  {name:13} {}", escape(value));
    }
    for (name, value) in [
        ("docker info", &metadata.docker_info),
        ("custom", &metadata.custom_metadata),
    ] {
        if !value.is_null() {
            let _ = writeln!(text, "  {name:13} {}", escape(&value.to_string()));
        }
    }
}

/// A ramdisk: counts and segments.
pub(crate) fn ramdisk_table(ramdisk: &Ramdisk) -> String {
    let mut text = format!("{} entries\n", ramdisk.entries);
    for segment in &ramdisk.segments {
        let _ = writeln!(
            text,
            "  at {}: {}, {} archive(s), {} entries",
            segment.offset, segment.container, segment.archives, segment.entries
        );
    }
    if let Some(problem) = &ramdisk.problem {
        let _ = writeln!(text, "  cannot be read to its end: {}", escape(problem));
    }
    text
}

/// The entries of a ramdisk where they were asked for, in pieces: a long list need not be in memory
/// a second time.
pub(crate) fn listing(ramdisk: &Ramdisk) -> impl Iterator<Item = String> {
    ramdisk
        .listing
        .chunks(64)
        .map(|entries| entries.iter().map(entry_line).collect())
}

fn entry_line(entry: &ListedEntry) -> String {
    let ListedEntry {
        path,
        mode,
        uid,
        gid,
        size,
        rdev,
        target,
        ..
    } = entry;
    let path = escape(&String::from_utf8_lossy(path));
    let size = match mode & 0o170_000 {
        0o020_000 | 0o060_000 => format!("{}, {}", rdev.0, rdev.1),
        _ => size.to_string(),
    };
    let target = target.as_deref().map_or_else(String::new, |target| {
        format!(" -> {}", escape(&String::from_utf8_lossy(target)))
    });
    format!(
        "  {} {uid:>5} {gid:>5} {size:>10}  {path}{target}\n",
        mode_text(*mode)
    )
}

/// A mode as `ls` shows it.
fn mode_text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_ls_shows_them() {
        assert_eq!(mode_text(0o100_644), "-rw-r--r--");
        assert_eq!(mode_text(0o104_755), "-rwsr-xr-x");
        assert_eq!(mode_text(0o041_777), "drwxrwxrwt");
        assert_eq!(mode_text(0o102_644), "-rw-r-Sr--");
        assert_eq!(mode_text(0o120_777), "lrwxrwxrwx");
    }
}
