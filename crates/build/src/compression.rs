//! Compression of the application's ramdisks.
//!
//! A ramdisk is one gzip member or one zstd frame: the kernel fails, with a word in its log only,
//! where a member ends in the middle of an entry. The encoder decides bytes and so belongs to the
//! format: its settings are fixed, it is fed pieces of one size, and it has a name with a version
//! (`gzip@1`). A golden digest for each guards against a library that changes its mind.
//!
//! The size of a compressed ramdisk is known only when it is compressed, and the header of the image
//! needs it first. So it goes to a spool, from where it is copied into the image.

use std::io::{self, Write};

use enclair_tree::{Body, Spool};
use flate2::{GzBuilder, write::GzEncoder};

use crate::spool::FileSpool;

/// Bytes that an encoder gets at once, whatever the archive's pieces are.
const PIECE: usize = 128 << 10;
/// The best level of zlib. Its output does not depend on the sizes of writes, others' do.
const GZIP_LEVEL: u32 = 9;
/// Most of what the highest levels save, at a tenth of their time.
const ZSTD_LEVEL: i32 = 9;
/// The operating system in a gzip header that means: unknown.
const NO_SYSTEM: u8 = 255;

/// How the application's ramdisks are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: no encoder decides a byte, and every kernel boots it.
    #[default]
    None,
    /// One gzip member.
    Gzip,
    /// One zstd frame. Kernels before 5.9 do not take it.
    Zstd,
}

impl Compression {
    /// Encoder and version, as in reports; nothing where nothing is encoded.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip@1"),
            Self::Zstd => Some("zstd@1"),
        }
    }
}

/// Compresses into a spool.
pub(crate) struct Encoder<'a> {
    codec: Codec<'a>,
    piece: Vec<u8>,
}

enum Codec<'a> {
    Gzip(GzEncoder<Appended<'a>>),
    Zstd(zstd::Encoder<'static, Appended<'a>>),
}

impl<'a> Encoder<'a> {
    /// Starts a member or frame for `size` bytes; `None` where nothing is to be compressed.
    ///
    /// # Errors
    ///
    /// When the library refuses to start.
    pub(crate) fn new(
        compression: Compression,
        size: u64,
        spool: &'a mut FileSpool,
    ) -> io::Result<Option<Self>> {
        let out = Appended::new(spool);
        let codec = match compression {
            Compression::None => return Ok(None),
            Compression::Gzip => Codec::Gzip(
                GzBuilder::new()
                    .operating_system(NO_SYSTEM)
                    .write(out, flate2::Compression::new(GZIP_LEVEL)),
            ),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.set_pledged_src_size(Some(size))?;
                encoder.include_checksum(true)?;
                Codec::Zstd(encoder)
            }
        };
        let piece = Vec::with_capacity(PIECE);
        Ok(Some(Self { codec, piece }))
    }

    fn encode_piece(&mut self) -> io::Result<()> {
        match &mut self.codec {
            Codec::Gzip(encoder) => encoder.write_all(&self.piece)?,
            Codec::Zstd(encoder) => encoder.write_all(&self.piece)?,
        }
        self.piece.clear();
        Ok(())
    }

    /// Ends the member or frame.
    ///
    /// # Errors
    ///
    /// Those of the spool.
    pub(crate) fn finish(mut self) -> io::Result<Body> {
        self.encode_piece()?;
        let out = match self.codec {
            Codec::Gzip(encoder) => encoder.finish()?,
            Codec::Zstd(encoder) => encoder.finish()?,
        };
        Ok(out.body())
    }
}

impl Write for Encoder<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece
            .extend_from_slice(bytes.get(..count).unwrap_or_default());
        if self.piece.len() == PIECE {
            self.encode_piece()?;
        }
        Ok(count)
    }

    /// Nothing: where an encoder is flushed decides bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of a spool as a writer, which knows what was written.
struct Appended<'a> {
    spool: &'a mut FileSpool,
    offset: u64,
    sum: crc32fast::Hasher,
}

impl<'a> Appended<'a> {
    fn new(spool: &'a mut FileSpool) -> Self {
        Self {
            offset: spool.position(),
            spool,
            sum: crc32fast::Hasher::new(),
        }
    }

    fn body(self) -> Body {
        Body::Spooled {
            offset: self.offset,
            len: self.spool.position() - self.offset,
            crc32: self.sum.finalize(),
        }
    }
}

impl Write for Appended<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.append(bytes)?;
        self.sum.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use enclair_compress::Stream;
    use enclair_digest::{Engine as _, Hasher as _};
    use enclair_tree::read_body;

    use super::*;
    use crate::engine::AwsLc;

    /// Text that compresses, but not to nothing.
    fn content() -> Vec<u8> {
        let mut state = 1_u32;
        let mut content = Vec::new();
        while content.len() < 3 * PIECE + 1234 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            content.extend(format!("entry {} of some text\n", state >> 22).bytes());
        }
        content
    }

    fn compress(compression: Compression, content: &[u8], piece: usize) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::create(directory.path()).unwrap();
        spool.append(b"before").unwrap();
        let mut encoder = Encoder::new(compression, content.len() as u64, &mut spool)
            .unwrap()
            .unwrap();
        for bytes in content.chunks(piece) {
            encoder.write_all(bytes).unwrap();
        }
        let body = encoder.finish().unwrap();
        read_body(&body, &spool).read_to_vec(1 << 30).unwrap()
    }

    /// The version of an encoder is these bytes: a library that writes others is another version.
    #[test]
    fn each_encoder_gives_the_bytes_of_its_version() {
        let content = content();
        for (compression, expected) in [
            (
                Compression::Gzip,
                "0acbb08377af134b18975127902cc8e87f07f21fd3141de98b7405dced2c71e0",
            ),
            (
                Compression::Zstd,
                "02cdd8711c1cbb9eaf4698ad74015056235c8222d4da2d03ba07008231336833",
            ),
        ] {
            let mut hasher = AwsLc.sha256();
            hasher.update(&compress(compression, &content, 4096));
            let name = compression.name().unwrap();
            assert_eq!(hasher.finish().to_string(), expected, "{name}");
        }
    }

    #[test]
    fn the_sizes_of_writes_decide_nothing_and_the_content_comes_back() {
        let content = content();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let expected = compress(compression, &content, usize::MAX);
            for piece in [1000, PIECE - 1, PIECE, PIECE + 1] {
                assert!(
                    compress(compression, &content, piece) == expected,
                    "{piece}"
                );
            }
            let format = enclair_compress::Format::detect(&expected).unwrap();
            let mut decoded = Vec::new();
            Stream::new(format, &expected[..])
                .unwrap()
                .read_to_end(&mut decoded)
                .unwrap();
            assert!(decoded == content);
        }
    }

    #[test]
    fn nothing_is_encoded_where_nothing_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::create(directory.path()).unwrap();
        assert!(
            Encoder::new(Compression::None, 1, &mut spool)
                .unwrap()
                .is_none()
        );
        assert_eq!(Compression::None.name(), None);
    }
}
