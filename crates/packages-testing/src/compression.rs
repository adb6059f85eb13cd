//! Compression of archives and indexes.

use std::io::Write as _;

use flate2::GzBuilder;
use lzma_rust2::{XzOptions, XzWriter};

/// How something is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// xz, as Debian's packages.
    #[default]
    Xz,
    /// zstd, as Ubuntu's packages.
    Zstd,
}

impl Compression {
    /// What a file's name ends with.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }

    /// Compresses `bytes`.
    ///
    /// # Panics
    ///
    /// When an encoder fails, which memory does not make it do.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let level = flate2::Compression::fast();
                let mut writer = GzBuilder::new().write(Vec::new(), level);
                writer.write_all(bytes).expect("memory takes it");
                writer.finish().expect("memory takes it")
            }
            Self::Xz => {
                let options = XzOptions::with_preset(1);
                let mut writer = XzWriter::new(Vec::new(), options).expect("a preset");
                writer.write_all(bytes).expect("memory takes it");
                writer.finish().expect("memory takes it")
            }
            Self::Zstd => zstd::encode_all(bytes, 3).expect("memory takes it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_magic() {
        for (compression, magic) in [
            (Compression::None, &b"abc"[..]),
            (Compression::Gzip, b"\x1f\x8b"),
            (Compression::Xz, b"\xfd7zXZ\0"),
            (Compression::Zstd, b"\x28\xb5\x2f\xfd"),
        ] {
            assert!(
                compression.compress(b"abc").starts_with(magic),
                "{compression:?}"
            );
        }
    }
}
