//! Kernel images: which kind they are and which version they say.
//!
//! The two kinds that the hypervisor boots, by the boot protocols in the kernel's documentation
//! (`Documentation/arch/x86/boot.rst`, `Documentation/arch/arm64/booting.rst`), little-endian:
//!
//! | kind | offset | content |
//! |---|---|---|
//! | bzImage | 0x1f1 | u8 number of setup sectors (0 means 4) |
//! | | 0x1fe | `55 aa` |
//! | | 0x202 | `HdrS` |
//! | | 0x20e | u16 offset of the version text, counted from 0x200 |
//! | | 0x248, 0x24c | u32 offset (behind the setup sectors) and size of the compressed kernel |
//! | Image | 0x08 | u64 text offset |
//! | | 0x38 | `ARMd` |
//!
//! The x86 version text is in the setup sectors, uncompressed. An arm64 `Image` says it in its
//! banner, `Linux version VERSION (`, somewhere in its data.

use std::fmt;

use enclair_compress::Format;
use enclair_eif::Arch;
use thiserror::Error;

/// The form of a kernel image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelKind {
    /// x86: setup sectors and a compressed kernel.
    BzImage,
    /// arm64: the kernel as it lies in memory.
    Image,
}

impl KernelKind {
    /// The architecture that boots this kind.
    pub const fn arch(self) -> Arch {
        match self {
            Self::BzImage => Arch::X86_64,
            Self::Image => Arch::Aarch64,
        }
    }
}

impl fmt::Display for KernelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BzImage => "bzImage",
            Self::Image => "Image",
        })
    }
}

/// Why bytes are no kernel that an enclave boots.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A compressed file where the hypervisor wants the kernel itself.
    #[error("the kernel is compressed with {format}; expected a bzImage or an arm64 Image")]
    Compressed {
        /// The compression.
        format: &'static str,
    },
    /// An ELF file: `vmlinux`, or a program by mistake.
    #[error("the kernel is an ELF file; expected a bzImage or an arm64 Image")]
    Elf,
    /// None of the known forms.
    #[error(
        "the kernel is neither a bzImage (`HdrS` at 0x202) nor an arm64 Image (`ARMd` at 0x38)"
    )]
    Unknown,
}

impl KernelError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Compressed { .. } => Some("decompress it first: arm64 boots the plain `Image`"),
            Self::Elf => Some("take `arch/x86/boot/bzImage`, not `vmlinux`"),
            Self::Unknown => None,
        }
    }
}

/// What a kernel image says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its form, and so its architecture.
    pub kind: KernelKind,
    /// The release, as `uname -r` would give it; `None` when it cannot be read.
    pub version: Option<String>,
    /// Where the compressed kernel lies in a bzImage: offset and size in bytes.
    pub payload: Option<(u64, u64)>,
    /// The text offset of an arm64 Image.
    pub text_offset: Option<u64>,
}

/// Bytes at the start of a kernel that [`parse_kernel`] wants to see for a bzImage: the largest
/// setup area there can be.
pub const KERNEL_HEAD: usize = 256 * 512;

/// Reads what `bytes`, a kernel's start or the whole of it, says about itself.
///
/// The version of an arm64 Image is found only if the banner is within `bytes`.
///
/// # Errors
///
/// [`KernelError`] when it is of no kind that an enclave boots.
pub fn parse_kernel(bytes: &[u8]) -> Result<Kernel, KernelError> {
    if bytes.get(0x1fe..0x200) == Some(&[0x55, 0xaa]) && bytes.get(0x202..0x206) == Some(b"HdrS") {
        return Ok(parse_bzimage(bytes));
    }
    if bytes.get(0x38..0x3c) == Some(b"ARMd") {
        return Ok(Kernel {
            kind: KernelKind::Image,
            version: banner_version(bytes),
            payload: None,
            text_offset: little_endian(bytes, 0x08, 8),
        });
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(KernelError::Elf);
    }
    Err(
        Format::detect(bytes).map_or(KernelError::Unknown, |format| KernelError::Compressed {
            format: format.name(),
        }),
    )
}

fn parse_bzimage(bytes: &[u8]) -> Kernel {
    let sectors = match bytes.get(0x1f1).copied().unwrap_or_default() {
        0 => 4,
        sectors => u64::from(sectors),
    };
    let setup_size = sectors.saturating_add(1).saturating_mul(512);
    let payload = little_endian(bytes, 0x248, 4)
        .zip(little_endian(bytes, 0x24c, 4))
        .map(|(offset, size)| (setup_size.saturating_add(offset), size));
    let version = little_endian(bytes, 0x20e, 2)
        .filter(|offset| *offset != 0)
        .and_then(|offset| usize::try_from(offset.saturating_add(0x200)).ok())
        .and_then(|start| bytes.get(start..))
        .and_then(first_word);
    Kernel {
        kind: KernelKind::BzImage,
        version,
        payload,
        text_offset: None,
    }
}

/// The version in the banner that every kernel has in its data.
fn banner_version(bytes: &[u8]) -> Option<String> {
    const BANNER: &[u8] = b"Linux version ";
    bytes
        .windows(BANNER.len())
        .enumerate()
        .filter(|(_, window)| *window == BANNER)
        .filter_map(|(start, _)| bytes.get(start.saturating_add(BANNER.len())..))
        // The first occurrence can be the format string of the banner, `%s`.
        .find_map(|rest| {
            first_word(rest).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        })
}

/// The text up to a space or NUL, when it is short printable ASCII.
fn first_word(bytes: &[u8]) -> Option<String> {
    let word = bytes
        .iter()
        .take(128)
        .take_while(|byte| byte.is_ascii_graphic());
    let word: String = word.copied().map(char::from).collect();
    (!word.is_empty()).then_some(word)
}

fn little_endian(bytes: &[u8], offset: usize, size: usize) -> Option<u64> {
    let field = bytes.get(offset..offset.checked_add(size)?)?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |value, byte| (value << 8) | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bzimage(version: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x2000];
        bytes[0x1f1] = 3;
        bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&0x0300_u16.to_le_bytes());
        bytes[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
        bytes[0x24c..0x250].copy_from_slice(&1000_u32.to_le_bytes());
        bytes.splice(0x500..0x500, version.iter().copied());
        bytes
    }

    #[test]
    fn a_bzimage_tells_version_and_payload() {
        let kernel = parse_kernel(&bzimage(b"6.12.9-enclave (x@x) #1\0")).unwrap();
        assert_eq!(kernel.kind, KernelKind::BzImage);
        assert_eq!(kernel.version.as_deref(), Some("6.12.9-enclave"));
        assert_eq!(kernel.payload, Some((4 * 512 + 16, 1000)));
    }

    #[test]
    fn an_image_tells_version_and_text_offset() {
        let mut bytes = vec![0; 0x100];
        bytes[0x08..0x10].copy_from_slice(&0x20_0000_u64.to_le_bytes());
        bytes[0x38..0x3c].copy_from_slice(b"ARMd");
        bytes.extend(b"Linux version %s (%s)\0Linux version 6.6.1 (a@b)\0");
        let kernel = parse_kernel(&bytes).unwrap();
        assert_eq!(kernel.kind, KernelKind::Image);
        assert_eq!(kernel.version.as_deref(), Some("6.6.1"));
        assert_eq!(kernel.text_offset, Some(0x20_0000));
    }

    #[test]
    fn what_is_no_kernel_is_refused_by_name() {
        assert_eq!(parse_kernel(b"\x7fELF\x02"), Err(KernelError::Elf));
        assert_eq!(
            parse_kernel(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
            Err(KernelError::Compressed { format: "gzip" })
        );
        assert_eq!(parse_kernel(b""), Err(KernelError::Unknown));
    }

    #[test]
    fn hostile_offsets_give_no_version_and_no_panic() {
        let mut bytes = bzimage(b"");
        bytes[0x20e..0x210].copy_from_slice(&0xffff_u16.to_le_bytes());
        bytes[0x248..0x250].fill(0xff);
        let kernel = parse_kernel(&bytes).unwrap();
        assert_eq!(kernel.version, None);
        assert_eq!(parse_kernel(&bytes[..0x210]).unwrap().payload, None);
    }
}
