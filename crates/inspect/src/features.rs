//! Whether a kernel has what an enclave needs, where its image tells.
//!
//! An enclave finds its devices only through `virtio_mmio.device=` on the command line, talks to
//! its parent over vsock, and attests through the NSM driver. A kernel built without one of them
//! boots and then does nothing, which is hard to see from outside.
//!
//! The answer is read from the configuration that `CONFIG_IKCONFIG` embeds, between `IKCFG_ST` and
//! `IKCFG_ED`, gzip-compressed. Kernels without it get an answer from texts that only the built-in
//! driver contains, and from the version: no kernel before 6.8 has an NSM driver of its own.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use enclair_compress::{Format, Member};
use enclair_digest::Bounded;
use enclair_finding::Findings;
use memchr::memmem;

use crate::findings::{KERNEL_LACKS_NSM, KERNEL_LACKS_VIRTIO_MMIO, KERNEL_LACKS_VSOCK};
use crate::kernel::{Kernel, KernelKind};

/// Something that a kernel must have to be of use in an enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// `AF_VSOCK` with the virtio transport.
    Vsock,
    /// The Nitro Secure Module's driver.
    Nsm,
    /// virtio-mmio devices by command line.
    VirtioMmioCommandLine,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vsock, Self::Nsm, Self::VirtioMmioCommandLine];

    /// The configuration option that builds it.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Vsock => "CONFIG_VIRTIO_VSOCKETS",
            Self::Nsm => "CONFIG_NSM",
            Self::VirtioMmioCommandLine => "CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES",
        }
    }

    /// A text in the kernel's data when the feature is built in, where there is a telling one.
    const fn evidence(self) -> Option<&'static [u8]> {
        match self {
            Self::Vsock => Some(b"AF_VSOCK"),
            Self::Nsm => None,
            Self::VirtioMmioCommandLine => Some(b"virtio-mmio-cmdline"),
        }
    }
}

/// How a feature is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Built in.
    BuiltIn,
    /// A module, which must then be in a ramdisk and be loaded.
    Module,
    /// Not built.
    Absent,
    /// The image does not tell.
    Unknown,
}

/// A decompressed kernel is read to this many bytes; real ones have 30 to 80 MB.
const MAX_KERNEL: u64 = 256 << 20;
/// An embedded configuration has about 250 kB.
const MAX_CONFIG: u64 = 4 << 20;
const CONFIG_START: &[u8] = b"IKCFG_ST";

/// Says for each feature how `kernel`, whose whole image is `bytes`, has it.
pub fn kernel_features(kernel: &Kernel, bytes: &[u8]) -> Vec<(Feature, Presence)> {
    let Some(found) = scan(kernel, bytes) else {
        return Feature::ALL
            .map(|feature| (feature, Presence::Unknown))
            .to_vec();
    };
    let presence = |feature: Feature| match &found.config {
        Some(options) => configured(options, feature),
        None => match feature.evidence() {
            Some(text) if found.texts.contains(&text) => Presence::BuiltIn,
            Some(_) => Presence::Absent,
            None if kernel.version.as_deref().is_some_and(is_before_nsm) => Presence::Absent,
            None => Presence::Unknown,
        },
    };
    Feature::ALL
        .map(|feature| (feature, presence(feature)))
        .to_vec()
}

/// Says for each feature how a kernel has it that was built from the configuration `config`.
pub fn configured_features(config: &str) -> Vec<(Feature, Presence)> {
    let options = options(config);
    Feature::ALL
        .map(|feature| (feature, configured(&options, feature)))
        .to_vec()
}

fn configured(options: &BTreeMap<String, String>, feature: Feature) -> Presence {
    match options.get(feature.option()).map(String::as_str) {
        Some("y") => Presence::BuiltIn,
        Some("m") => Presence::Module,
        Some(_) | None => Presence::Absent,
    }
}

/// Names what an enclave needs and `kernel`, whose whole image is `bytes`, lacks.
pub fn check_kernel(kernel: &Kernel, bytes: &[u8]) -> Findings {
    let mut findings = Findings::new();
    let version = kernel.version.as_deref().unwrap_or("kernel");
    for (feature, presence) in kernel_features(kernel, bytes) {
        let kind = match feature {
            Feature::Vsock => &KERNEL_LACKS_VSOCK,
            Feature::Nsm => &KERNEL_LACKS_NSM,
            Feature::VirtioMmioCommandLine => &KERNEL_LACKS_VIRTIO_MMIO,
        };
        match presence {
            Presence::BuiltIn | Presence::Unknown => (),
            Presence::Module => findings.add(kind, format_args!("{version}: a module")),
            Presence::Absent => findings.add(kind, version),
        }
    }
    findings
}

/// Whether a release is older than 6.8, the first with an NSM driver.
fn is_before_nsm(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (6, 8),
        _ => false,
    }
}

/// What was found in a kernel's data.
#[derive(Debug, Default)]
struct Found {
    config: Option<BTreeMap<String, String>>,
    texts: Vec<&'static [u8]>,
}

/// Reads through the decompressed kernel once; `None` when it cannot be decompressed.
fn scan(kernel: &Kernel, bytes: &[u8]) -> Option<Found> {
    match kernel.kind {
        KernelKind::Image => search(bytes),
        KernelKind::BzImage => {
            let payload = payload(kernel, bytes)?;
            let member = Member::new(Format::detect(payload)?, payload).ok()?;
            search(Bounded::new(member, MAX_KERNEL))
        }
    }
}

/// The compressed kernel of a bzImage. The kernel's build appends the decompressed size to it, in
/// four bytes, for all formats but gzip, which has one of its own.
fn payload<'a>(kernel: &Kernel, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (offset, size) = kernel.payload?;
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    let payload = bytes.get(start..end)?;
    if Format::detect(payload)? == Format::Gzip {
        return Some(payload);
    }
    payload.get(..payload.len().checked_sub(4)?)
}

/// Searches a stream for the embedded configuration and the telling texts.
fn search(mut kernel: impl Read) -> Option<Found> {
    const BLOCK: u64 = 1 << 20;
    /// Kept from the block before, so that a text across two blocks is found.
    const OVERLAP: usize = 64;
    let mut found = Found::default();
    let mut window = Vec::new();
    loop {
        let kept = window.len().saturating_sub(OVERLAP);
        window.drain(..kept);
        let count = kernel.by_ref().take(BLOCK).read_to_end(&mut window).ok()?;
        if count == 0 {
            return Some(found);
        }
        if let Some(at) = memmem::find(&window, CONFIG_START) {
            let rest = window.get(at.saturating_add(CONFIG_START.len())..)?;
            found.config = parse_config(rest.chain(&mut kernel));
            return Some(found);
        }
        for text in Feature::ALL.into_iter().filter_map(Feature::evidence) {
            if !found.texts.contains(&text) && memmem::find(&window, text).is_some() {
                found.texts.push(text);
            }
        }
    }
}

/// The options that are set in a gzip-compressed configuration.
fn parse_config(compressed: impl Read) -> Option<BTreeMap<String, String>> {
    let member = Member::new(Format::Gzip, BufReader::new(compressed)).ok()?;
    let mut text = String::new();
    Bounded::new(member, MAX_CONFIG)
        .read_to_string(&mut text)
        .ok()?;
    Some(options(&text))
}

/// The options that are set in the text of a configuration.
fn options(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| line.starts_with("CONFIG_"));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(data: &[u8], version: &str) -> (Kernel, Vec<u8>) {
        let kernel = Kernel {
            kind: KernelKind::Image,
            version: Some(version.to_owned()),
            payload: None,
            text_offset: None,
        };
        (kernel, data.to_vec())
    }

    fn presences(data: &[u8], version: &str) -> Vec<Presence> {
        let (kernel, bytes) = image(data, version);
        kernel_features(&kernel, &bytes)
            .into_iter()
            .map(|(_, presence)| presence)
            .collect()
    }

    #[test]
    fn texts_of_built_in_drivers_are_found_across_blocks() {
        let mut data = vec![b'a'; (1 << 20) - 4];
        data.extend(b"AF_VSOCK");
        assert_eq!(
            presences(&data, "6.1.0-9-cloud-amd64"),
            [Presence::BuiltIn, Presence::Absent, Presence::Absent]
        );
        assert_eq!(
            presences(b"virtio-mmio-cmdline", "6.12.9"),
            [Presence::Absent, Presence::Unknown, Presence::BuiltIn]
        );
    }

    #[test]
    fn versions_before_the_driver_are_told_apart() {
        for (version, before) in [
            ("6.7.12", true),
            ("5.10", true),
            ("6.8.0", false),
            ("6.12-rc1", false),
            ("x", false),
        ] {
            assert_eq!(is_before_nsm(version), before, "{version}");
        }
    }

    #[test]
    fn an_embedded_configuration_that_cannot_be_read_falls_back_to_unknown() {
        let data = [CONFIG_START, &b"not gzip"[..]].concat();
        assert_eq!(presences(&data, "6.12.9")[1], Presence::Unknown);
    }

    #[test]
    fn a_payload_outside_the_file_is_unknown() {
        let kernel = Kernel {
            kind: KernelKind::BzImage,
            version: None,
            payload: Some((u64::MAX, 10)),
            text_offset: None,
        };
        let features = kernel_features(&kernel, b"short");
        assert!(
            features
                .iter()
                .all(|(_, presence)| *presence == Presence::Unknown)
        );
    }
}
