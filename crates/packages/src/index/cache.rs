//! An index as bytes that are read faster than `Packages`.
//!
//! Private to the machine: nothing in a lock or an image depends on these bytes, and another
//! version of this program makes others. All integers are little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 16 | `enclair index`, NUL, version (u16) |
//! | 32 | SHA-256 of the file `Packages` that was read |
//! | 4 | CRC-32 of everything behind it |
//! | 4 | number of packages |
//! | .. | packages: SHA-256, size (u64), installed size + 1 or 0 (u64), flags, texts |
//!
//! Flags are a byte each for priority and Multi-Arch, and one with bits 0 essential, 1 important.
//! Texts are name, version, architecture, source, section, file name and the relations in the
//! order of [`super::RelationKind::ALL`], each behind its length (u32).
//!
//! A cache is read as suspiciously as `Packages` itself: everything goes through the same checks.
//! The CRC is against accidents. That the content is what the archive signed is not checked again,
//! so a cache belongs where only its owner writes; and the digests of packages in it are believed
//! just as far as the lock that they end up in is reviewed.

use enclair_digest::Sha256;
use thiserror::Error;

use super::build::Builder;
use super::fields::Fields;
use super::package::RELATIONS;
use super::{Index, IndexError, MultiArch, Package, Priority};

/// The version of the layout, and of what is kept of a package.
pub const CACHE_VERSION: u16 = 1;

const MAGIC: &[u8; 14] = b"enclair index\0";
const HEADER: usize = 16 + 32 + 4;

/// Bytes that are no cache of the index that was asked for. None of this is worth a message: the
/// index is read again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Something else, or written by another version.
    #[error("the bytes are no index of version {CACHE_VERSION}")]
    Version,
    /// The cache of another file.
    #[error("the cache is that of sha256:{found}, not of sha256:{expected}")]
    Stale {
        /// The digest that was asked for.
        expected: Sha256,
        /// The digest in the cache.
        found: Sha256,
    },
    /// Bytes that changed since they were written.
    #[error("the cache is damaged")]
    Damaged,
    /// The cache ends early, goes on, or has text that is none.
    #[error("package {number} of the cache cannot be read")]
    Malformed {
        /// Which package, from 0.
        number: u32,
    },
    /// Content that no index can have.
    #[error("the cache has what no index can have")]
    Content(#[source] Box<IndexError>),
}

impl Index {
    /// The index as bytes for [`from_bytes`](Self::from_bytes). `packages` is the digest of the
    /// file that it was read from, decompressed or not, whichever the caller looks it up by.
    pub fn to_bytes(&self, packages: &Sha256) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.text.len().saturating_mul(2));
        put_u32(&mut body, self.len());
        for package in self.packages() {
            put_package(&mut body, &package);
        }
        let mut bytes = Vec::with_capacity(body.len().saturating_add(HEADER));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&CACHE_VERSION.to_le_bytes());
        bytes.extend_from_slice(packages.as_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.append(&mut body);
        bytes
    }

    /// The index in bytes that [`to_bytes`](Self::to_bytes) gave for the same digest.
    ///
    /// # Errors
    ///
    /// When the bytes are anything else. The index has then to be read from `Packages` again.
    pub fn from_bytes(bytes: &[u8], packages: &Sha256) -> Result<Self, CacheError> {
        let mut input = Input(bytes);
        let magic = input.array::<14>().ok_or(CacheError::Version)?;
        let version = input.array().map(u16::from_le_bytes);
        if magic != *MAGIC || version != Some(CACHE_VERSION) {
            return Err(CacheError::Version);
        }
        let found = Sha256::from_bytes(input.array().ok_or(CacheError::Damaged)?);
        if found != *packages {
            let expected = *packages;
            return Err(CacheError::Stale { expected, found });
        }
        let crc = input.array().map(u32::from_le_bytes);
        if crc != Some(crc32fast::hash(input.0)) {
            return Err(CacheError::Damaged);
        }
        read(input)
    }
}

fn read(mut input: Input<'_>) -> Result<Index, CacheError> {
    let count = input.u32().ok_or(CacheError::Damaged)?;
    let mut builder = Builder::default();
    for number in 0..count {
        let malformed = CacheError::Malformed { number };
        let fields = input.package().ok_or(malformed)?;
        builder.add(&fields).map_err(|(field, problem)| {
            CacheError::Content(Box::new(IndexError::Field {
                line: number,
                package: fields.name.chars().take(100).collect(),
                field,
                problem,
            }))
        })?;
    }
    if !input.0.is_empty() {
        return Err(CacheError::Malformed { number: count });
    }
    builder
        .finish()
        .map_err(|error| CacheError::Content(Box::new(error)))
}

fn put_u32(bytes: &mut Vec<u8>, number: usize) {
    // Everything that is counted here lies in an index, whose text is shorter than this.
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_package(bytes: &mut Vec<u8>, package: &Package<'_>) {
    let fields = package.fields();
    let digest = fields
        .sha256
        .unwrap_or(Sha256::from_bytes([0; Sha256::LEN]));
    bytes.extend_from_slice(digest.as_bytes());
    bytes.extend_from_slice(&fields.size.to_le_bytes());
    let installed = fields.installed.map_or(0, |size| size.saturating_add(1));
    bytes.extend_from_slice(&installed.to_le_bytes());
    bytes.push(match fields.priority {
        Priority::Required => 0,
        Priority::Important => 1,
        Priority::Standard => 2,
        Priority::Optional => 3,
        Priority::Extra => 4,
    });
    bytes.push(match fields.multi_arch {
        MultiArch::No => 0,
        MultiArch::Same => 1,
        MultiArch::Foreign => 2,
        MultiArch::Allowed => 3,
    });
    bytes.push(u8::from(fields.essential) | (u8::from(fields.important) << 1));
    let texts = [
        fields.name,
        fields.version,
        fields.architecture,
        fields.source,
        fields.section,
        fields.filename,
    ];
    for text in texts.into_iter().chain(fields.relations) {
        put_u32(bytes, text.len());
        bytes.extend_from_slice(text.as_bytes());
    }
}

/// What is still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        str::from_utf8(text).ok()
    }

    fn package(&mut self) -> Option<Fields<'a>> {
        let sha256 = Sha256::from_bytes(self.array()?);
        let size = self.array().map(u64::from_le_bytes)?;
        let installed = self.array().map(u64::from_le_bytes)?.checked_sub(1);
        let [priority, multi_arch, flags] = self.array()?;
        let mut fields = Fields {
            sha256: Some(sha256),
            size,
            installed,
            priority: priority_of(priority)?,
            multi_arch: multi_arch_of(multi_arch)?,
            essential: flags & 1 != 0,
            important: flags & 2 != 0,
            name: self.text()?,
            version: self.text()?,
            architecture: self.text()?,
            source: self.text()?,
            section: self.text()?,
            filename: self.text()?,
            relations: [""; RELATIONS],
        };
        for text in &mut fields.relations {
            *text = self.text()?;
        }
        Some(fields).filter(|_| flags < 4)
    }
}

fn priority_of(byte: u8) -> Option<Priority> {
    Some(match byte {
        0 => Priority::Required,
        1 => Priority::Important,
        2 => Priority::Standard,
        3 => Priority::Optional,
        4 => Priority::Extra,
        _ => return None,
    })
}

fn multi_arch_of(byte: u8) -> Option<MultiArch> {
    Some(match byte {
        0 => MultiArch::No,
        1 => MultiArch::Same,
        2 => MultiArch::Foreign,
        3 => MultiArch::Allowed,
        _ => return None,
    })
}
