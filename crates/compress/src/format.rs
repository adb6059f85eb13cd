//! The compressed formats, and the magic by which each is recognised.
//!
//! | format | first bytes | also known by |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 |
//! | zstd | `28 b5 2f fd` | RFC 8878 |
//! | xz | `fd 37 7a 58 5a 00` | the .xz file format |
//! | lzma | `5d 00 00` | .lzma, "lzma alone" |
//! | bzip2 | `42 5a 68` (`BZh`) | |
//! | lz4 | `04 22 4d 18` | the LZ4 frame format |
//! | lz4-legacy | `02 21 4c 18` | `lz4 -l`, what a kernel unpacks |
//! | lzo | `89 4c 5a 4f` | lzop; recognised, never decoded |
//!
//! The surprise: lzma has no magic. `5d` are the properties that every encoder uses by default,
//! and the two zero bytes are the low half of a dictionary size that is a multiple of 64 KiB. That
//! is what kernels look for too. A skippable zstd or lz4 frame is not a format of its own, since
//! both formats use the same magics for it.

use std::fmt;

/// A compressed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// RFC 1952, with CRC-32 and size.
    Gzip,
    /// RFC 8878, with an optional checksum.
    Zstd,
    /// The .xz file format, with CRC-32, CRC-64, SHA-256 or no check.
    Xz,
    /// The older .lzma format. It has no checksum: damage that still decodes is not noticed.
    Lzma,
    /// bzip2, with CRC-32.
    Bzip2,
    /// The LZ4 frame format, with optional checksums.
    Lz4,
    /// The older LZ4 format that kernels unpack. It has neither a checksum nor an end marker.
    Lz4Legacy,
    /// lzop. It is recognised so that it can be named, and it cannot be decoded.
    Lzo,
}

impl Format {
    /// How many bytes [`detect`](Self::detect) wants to see.
    pub const MAGIC_LEN: usize = 6;

    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Gzip,
        Self::Zstd,
        Self::Xz,
        Self::Lzma,
        Self::Bzip2,
        Self::Lz4,
        Self::Lz4Legacy,
        Self::Lzo,
    ];

    /// The format whose magic `prefix` begins with.
    pub fn detect(prefix: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| prefix.starts_with(format.magic()))
    }

    /// The bytes with which every member of the format begins.
    pub const fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => &[0x1f, 0x8b],
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            Self::Xz => &[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
            Self::Lzma => &[0x5d, 0x00, 0x00],
            Self::Bzip2 => b"BZh",
            Self::Lz4 => &[0x04, 0x22, 0x4d, 0x18],
            Self::Lz4Legacy => &[0x02, 0x21, 0x4c, 0x18],
            Self::Lzo => &[0x89, 0x4c, 0x5a, 0x4f],
        }
    }

    /// The name in lower case, as in `lz4-legacy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
            Self::Lz4Legacy => "lz4-legacy",
            Self::Lzo => "lzo",
        }
    }

    /// Whether a further member may begin with `byte`.
    pub(crate) fn continues_with(self, byte: u8) -> bool {
        let skippable = matches!(self, Self::Zstd | Self::Lz4) && byte & 0xf0 == 0x50;
        skippable || self.magic().first() == Some(&byte)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magic_is_found_and_fits_the_promised_prefix() {
        for format in Format::ALL {
            assert!(format.magic().len() <= Format::MAGIC_LEN);
            let mut prefix = format.magic().to_vec();
            assert_eq!(Format::detect(&prefix), Some(format));
            prefix.pop();
            assert_eq!(Format::detect(&prefix), None);
        }
    }

    #[test]
    fn an_archive_a_kernel_and_nothing_are_no_format() {
        for prefix in [&b""[..], b"070701", b"MZ\xea\x07", &[0; 6], b"\x7fELF"] {
            assert_eq!(Format::detect(prefix), None);
        }
    }
}
