//! What a file is, by how it begins: whether it is run, and whether anybody can read it.
//!
//! A file that was compiled or packed before it came into the project is something that an
//! outsider takes on trust, however often the image is built again. It is named and not refused.
//! This is a label for honest projects and no proof of absence: whoever wants to hide a program
//! writes it as text.

use schemars::JsonSchema;
use serde::Serialize;

/// Why a file has to be taken on trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Opaque {
    /// An `ar` archive: static libraries, Debian packages.
    Ar,
    /// A bzip2 stream.
    Bzip2,
    /// A Java class.
    Class,
    /// A `compress` stream.
    Compress,
    /// A cpio archive.
    Cpio,
    /// Dalvik bytecode.
    Dex,
    /// A program, shared object, object file or kernel module of Linux.
    Elf,
    /// A gzip stream.
    Gzip,
    /// A zip archive that begins with a manifest of Java.
    Jar,
    /// LLVM's intermediate code.
    LlvmBitcode,
    /// An lz4 frame.
    Lz4,
    /// An lzip stream.
    Lzip,
    /// A program or library of Apple's systems.
    MachO,
    /// A program or library of Windows, or a DOS program.
    Pe,
    /// Compiled Python.
    Pyc,
    /// A RAR archive.
    Rar,
    /// A package of RPM.
    Rpm,
    /// A 7-Zip archive.
    SevenZip,
    /// A squashfs file system.
    Squashfs,
    /// A tar archive.
    Tar,
    /// WebAssembly.
    Wasm,
    /// An xz stream.
    Xz,
    /// A zip archive, also behind a `#!` line.
    Zip,
    /// A zstd frame.
    Zstd,
}

const ELF: &[u8] = b"\x7fELF";

/// What needs no more than a look at the first bytes.
const BEGINNINGS: &[(&[u8], Opaque)] = &[
    (ELF, Opaque::Elf),
    (b"!<arch>\n", Opaque::Ar),
    (b"!<thin>\n", Opaque::Ar),
    (b"\xfe\xed\xfa\xce", Opaque::MachO),
    (b"\xfe\xed\xfa\xcf", Opaque::MachO),
    (b"\xce\xfa\xed\xfe", Opaque::MachO),
    (b"\xcf\xfa\xed\xfe", Opaque::MachO),
    (b"\xca\xfe\xba\xbf", Opaque::MachO),
    (b"\0asm", Opaque::Wasm),
    (b"BC\xc0\xde", Opaque::LlvmBitcode),
    (b"\xde\xc0\x17\x0b", Opaque::LlvmBitcode),
    (b"dex\n0", Opaque::Dex),
    (b"\x1f\x8b", Opaque::Gzip),
    (b"\x1f\x9d", Opaque::Compress),
    (b"\xfd7zXZ\0", Opaque::Xz),
    (b"\x28\xb5\x2f\xfd", Opaque::Zstd),
    (b"\x04\x22\x4d\x18", Opaque::Lz4),
    (b"LZIP\x01", Opaque::Lzip),
    (b"7z\xbc\xaf\x27\x1c", Opaque::SevenZip),
    (b"Rar!\x1a\x07", Opaque::Rar),
    (b"\xed\xab\xee\xdb", Opaque::Rpm),
    (b"hsqs", Opaque::Squashfs),
    (b"070701", Opaque::Cpio),
    (b"070702", Opaque::Cpio),
    (b"070707", Opaque::Cpio),
];

/// Whether a file that begins with `head` is run: an ELF file or a script.
pub(super) fn is_program(head: &[u8]) -> bool {
    head.starts_with(ELF) || head.starts_with(b"#!")
}

/// What a file that begins with `head` is, when it cannot be read.
pub(super) fn kind_of(head: &[u8]) -> Option<Opaque> {
    let found = BEGINNINGS
        .iter()
        .find(|(beginning, _)| head.starts_with(beginning));
    found
        .map(|(_, kind)| *kind)
        .or_else(|| zip(head))
        .or_else(|| java_or_fat(head))
        .or_else(|| windows(head))
        .or_else(|| bzip2(head))
        .or_else(|| python(head))
        .or_else(|| tar(head))
}

/// A zip archive may stand behind a line that names its interpreter.
fn zip(head: &[u8]) -> Option<Opaque> {
    let archive = if head.starts_with(b"#!") {
        let end = head.iter().position(|byte| *byte == b'\n')?;
        head.get(end.checked_add(1)?..)?
    } else {
        head
    };
    let begins = |signature: &[u8]| archive.starts_with(signature);
    if begins(b"PK\x05\x06") || begins(b"PK\x07\x08") {
        return Some(Opaque::Zip);
    }
    if !begins(b"PK\x03\x04") {
        return None;
    }
    // Behind the local header of the first member stands its name.
    let name = archive.get(30..).unwrap_or_default();
    Some(if name.starts_with(b"META-INF/") {
        Opaque::Jar
    } else {
        Opaque::Zip
    })
}

/// Java's classes and Apple's programs for several processors begin alike. What follows is a
/// version from 45 on, or a number of processors.
fn java_or_fat(head: &[u8]) -> Option<Opaque> {
    let rest = head.strip_prefix(b"\xca\xfe\xba\xbe")?;
    let number = u32::from_be_bytes(*rest.first_chunk()?);
    Some(if number & 0xffff < 45 && number >> 16 == 0 {
        Opaque::MachO
    } else {
        Opaque::Class
    })
}

/// `MZ`, and either what it points to or a NUL: two letters are also the start of a text.
fn windows(head: &[u8]) -> Option<Opaque> {
    let header = head.get(..64).unwrap_or(head);
    (header.starts_with(b"MZ") && header.contains(&0)).then_some(Opaque::Pe)
}

/// `BZh`, a level, and the number pi or that of an empty stream.
fn bzip2(head: &[u8]) -> Option<Opaque> {
    let (level, rest) = head.strip_prefix(b"BZh")?.split_first()?;
    let begins = rest.starts_with(b"\x31\x41\x59\x26\x53\x59")
        || rest.starts_with(b"\x17\x72\x45\x38\x50\x90");
    (matches!(level, b'1'..=b'9') && begins).then_some(Opaque::Bzip2)
}

/// A number that grows with Python's versions, then the end of a line.
fn python(head: &[u8]) -> Option<Opaque> {
    let ([low, high], rest) = head.split_first_chunk()?;
    let version = u16::from_le_bytes([*low, *high]);
    let known = matches!(version, 3000..=4999 | 50_000..=63_000);
    (known && rest.starts_with(b"\r\n")).then_some(Opaque::Pyc)
}

fn tar(head: &[u8]) -> Option<Opaque> {
    head.get(257..)
        .is_some_and(|magic| magic.starts_with(b"ustar"))
        .then_some(Opaque::Tar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let jar = [b"PK\x03\x04".as_slice(), &[0; 26], b"META-INF/"].concat();
        let behind = [b"#!/usr/bin/env python3\n".as_slice(), b"PK\x03\x04"].concat();
        let program = [b"MZ\x90\0".as_slice(), &[0; 60], b"PE\0\0"].concat();
        let cases: [(&[u8], Opaque); 16] = [
            (b"\x7fELF\x02\x01", Opaque::Elf),
            (b"!<arch>\ndebian-binary", Opaque::Ar),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", Opaque::Class),
            (b"\xca\xfe\xba\xbe\xff\xff\0\x41", Opaque::Class),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", Opaque::MachO),
            (b"\xcf\xfa\xed\xfe\x07", Opaque::MachO),
            (&program, Opaque::Pe),
            (b"\0asm\x01\0\0\0", Opaque::Wasm),
            (&jar, Opaque::Jar),
            (b"PK\x03\x04\x14\0", Opaque::Zip),
            (&behind, Opaque::Zip),
            (b"\xcb\x0d\r\n\0\0\0\0", Opaque::Pyc),
            (b"\x03\xf3\r\n", Opaque::Pyc),
            (b"\x1f\x8b\x08\0", Opaque::Gzip),
            (b"BZh91AY&SY", Opaque::Bzip2),
            (&tar, Opaque::Tar),
        ];
        for (head, kind) in cases {
            assert_eq!(kind_of(head), Some(kind), "{head:?}");
        }
    }

    #[test]
    fn text_is_not_opaque() {
        for text in [
            "",
            "M",
            "MZ is how this letter begins",
            "BZh9 is no stream",
            "#!/bin/sh\necho PK\n",
            "#!",
            "ab\r\n",
            "\u{7f}EL",
            "{\"a\": 1}",
        ] {
            assert_eq!(kind_of(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(kind_of(b"\xca\xfe\xba\xbe"), None);
    }

    #[test]
    fn programs_are_elf_files_and_scripts() {
        assert!(is_program(b"\x7fELF") && is_program(b"#!/bin/sh"));
        assert!(!is_program(b"") && !is_program(b"#") && !is_program(b"\x7fEL"));
    }
}
