//! PCR0, PCR1, PCR2 and a digest of every section, in one pass.
//!
//! ```text
//! PCRn = SHA384(48 zero bytes || SHA384(content))
//! PCR0: kernel || command line || ramdisk0 || ramdisk1 || ...
//! PCR1: kernel || command line || ramdisk0
//! PCR2: ramdisk1 || ramdisk2 || ...
//! ```
//!
//! PCR0 and PCR2 are two long streams. [`WholeLane`] and [`ApplicationLane`] carry one each, see
//! the same calls, and share nothing, so each can have a thread of its own. What can be had by
//! copying a digest's state is not computed twice: PCR1 is a prefix of PCR0, the kernel's digest
//! is a prefix of both, and ramdisk1's is a prefix of PCR2. So with two ramdisks no measured byte
//! is digested more than twice, and the kernel once.

use std::fmt;
use std::str::FromStr;

use enclair_digest::{Engine, Hasher, ParseDigestError, Sha384};
use serde::{Deserialize, Serialize};

use crate::SectionKind;

/// The value of a platform configuration register: 48 bytes.
///
/// A type of its own, because a register is *not* the digest of its content but that digest
/// extended into a register of zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pcr(Sha384);

impl Pcr {
    /// The register whose content is empty: PCR2 of an image with one ramdisk.
    pub const EMPTY: Self = Self(Sha384::from_bytes([
        0x21, 0xb9, 0xef, 0xbc, 0x18, 0x48, 0x07, 0x66, 0x2e, 0x96, 0x6d, 0x34, 0xf3, 0x90, 0x82,
        0x13, 0x09, 0xee, 0xac, 0x68, 0x02, 0x30, 0x97, 0x98, 0x82, 0x62, 0x96, 0xbf, 0x3e, 0x8b,
        0xec, 0x7c, 0x10, 0xed, 0xb3, 0x09, 0x48, 0xc9, 0x0b, 0xa6, 0x73, 0x10, 0xf7, 0xb9, 0x64,
        0xfc, 0x50, 0x0a,
    ]));

    /// What a debug-mode enclave reports: no measurement at all.
    pub const ZERO: Self = Self(Sha384::from_bytes([0; Sha384::LEN]));

    /// A value that a document or a signature states. Measured values come from [`Measure`].
    pub const fn from_bytes(bytes: [u8; Sha384::LEN]) -> Self {
        Self(Sha384::from_bytes(bytes))
    }

    /// The value in binary.
    pub const fn as_bytes(&self) -> &[u8; Sha384::LEN] {
        self.0.as_bytes()
    }

    /// A register of zeros that was extended once, with the digest of its content.
    pub fn extend_once<E: Engine>(engine: &E, content: Sha384) -> Self {
        let mut hasher = engine.sha384();
        hasher.update(&[0; Sha384::LEN]);
        hasher.update(content.as_bytes());
        Self(hasher.finish())
    }
}

impl fmt::Display for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Pcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pcr:{self}")
    }
}

impl FromStr for Pcr {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The three registers that an image decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurements {
    /// Kernel, command line and all ramdisks.
    #[serde(rename = "PCR0")]
    pub pcr0: Pcr,
    /// Kernel, command line and the first ramdisk.
    #[serde(rename = "PCR1")]
    pub pcr1: Pcr,
    /// All ramdisks but the first.
    #[serde(rename = "PCR2")]
    pub pcr2: Pcr,
}

/// What one pass over the sections gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The registers.
    pub measurements: Measurements,
    /// SHA-384 of each section's data, in file order, with metadata and signature. The registers
    /// do not bind where one section ends and the next begins; these do.
    pub sections: Vec<Sha384>,
}

/// Receives the data of all sections in file order.
///
/// The caller keeps the order kernel, command line, ramdisks; [`Layout`](crate::Layout) and
/// [`read_structure`](crate::read_structure) see to it.
pub trait Measure {
    /// The next section starts, and the one before it is complete.
    fn section(&mut self, kind: SectionKind);
    /// More data of the current section, in pieces of any size.
    fn update(&mut self, bytes: &[u8]);
    /// The last section is complete.
    fn finish(self) -> Measured;
}

/// PCR0, PCR1 and the digest of the kernel.
#[derive(Debug, Clone)]
pub struct WholeLane<E: Engine> {
    engine: E,
    pcr0: E::Sha384,
    pcr1: Option<E::Sha384>,
    kernel: Option<E::Sha384>,
    current: Option<SectionKind>,
}

/// What [`WholeLane`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeDigests {
    pcr0: Pcr,
    pcr1: Pcr,
    kernel: Sha384,
}

impl<E: Engine> WholeLane<E> {
    /// A lane that has seen nothing.
    pub fn new(engine: &E) -> Self {
        Self {
            engine: engine.clone(),
            pcr0: engine.sha384(),
            pcr1: None,
            kernel: None,
            current: None,
        }
    }

    /// See [`Measure::section`].
    pub fn section(&mut self, kind: SectionKind) {
        self.close();
        self.current = Some(kind);
    }

    /// See [`Measure::update`].
    pub fn update(&mut self, bytes: &[u8]) {
        if self.current.is_some_and(SectionKind::is_measured) {
            self.pcr0.update(bytes);
        }
    }

    /// Keeps the state where a prefix of PCR0 ends. Only the first section of a kind counts.
    fn close(&mut self) {
        let state = match self.current {
            Some(SectionKind::Kernel) => &mut self.kernel,
            Some(SectionKind::Ramdisk) => &mut self.pcr1,
            _ => return,
        };
        state.get_or_insert_with(|| self.pcr0.clone());
    }

    /// See [`Measure::finish`].
    pub fn finish(mut self) -> WholeDigests {
        self.close();
        let Self {
            engine,
            pcr0,
            pcr1,
            kernel,
            ..
        } = self;
        let pcr1 = pcr1.unwrap_or_else(|| pcr0.clone());
        WholeDigests {
            pcr0: Pcr::extend_once(&engine, pcr0.finish()),
            pcr1: Pcr::extend_once(&engine, pcr1.finish()),
            kernel: kernel.unwrap_or_else(|| engine.sha384()).finish(),
        }
    }
}

/// PCR2 and the digests of all sections but the kernel.
#[derive(Debug, Clone)]
pub struct ApplicationLane<E: Engine> {
    engine: E,
    pcr2: E::Sha384,
    current: Current<E>,
    ramdisks: u32,
    sections: Vec<Option<Sha384>>,
}

/// What becomes of the data of the current section.
#[derive(Debug, Clone)]
enum Current<E: Engine> {
    /// No section yet.
    None,
    /// The kernel: the other lane has its digest.
    Kernel,
    /// The first application ramdisk: PCR2's state at its end gives its digest.
    FirstApplication,
    /// A later one: a digest of its own beside PCR2.
    Application(E::Sha384),
    /// Not part of PCR2.
    Other(E::Sha384),
}

/// What [`ApplicationLane`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationDigests {
    pcr2: Pcr,
    /// `None` for the kernel.
    sections: Vec<Option<Sha384>>,
}

impl<E: Engine> ApplicationLane<E> {
    /// A lane that has seen nothing.
    pub fn new(engine: &E) -> Self {
        Self {
            engine: engine.clone(),
            pcr2: engine.sha384(),
            current: Current::None,
            ramdisks: 0,
            sections: Vec::new(),
        }
    }

    /// See [`Measure::section`].
    pub fn section(&mut self, kind: SectionKind) {
        self.close();
        let own = || self.engine.sha384();
        self.current = match (kind, self.ramdisks) {
            (SectionKind::Kernel, _) => Current::Kernel,
            (SectionKind::Ramdisk, 0) => Current::Other(own()),
            (SectionKind::Ramdisk, 1) => Current::FirstApplication,
            (SectionKind::Ramdisk, _) => Current::Application(own()),
            (SectionKind::CommandLine | SectionKind::Metadata | SectionKind::Signature, _) => {
                Current::Other(own())
            }
        };
        if kind == SectionKind::Ramdisk {
            self.ramdisks = self.ramdisks.saturating_add(1);
        }
    }

    /// See [`Measure::update`].
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.current {
            Current::None | Current::Kernel => {}
            Current::FirstApplication => self.pcr2.update(bytes),
            Current::Application(own) => {
                self.pcr2.update(bytes);
                own.update(bytes);
            }
            Current::Other(own) => own.update(bytes),
        }
    }

    fn close(&mut self) {
        let digest = match std::mem::replace(&mut self.current, Current::None) {
            Current::None => return,
            Current::Kernel => None,
            Current::FirstApplication => Some(self.pcr2.clone().finish()),
            Current::Application(own) | Current::Other(own) => Some(own.finish()),
        };
        self.sections.push(digest);
    }

    /// See [`Measure::finish`].
    pub fn finish(mut self) -> ApplicationDigests {
        self.close();
        ApplicationDigests {
            pcr2: Pcr::extend_once(&self.engine, self.pcr2.finish()),
            sections: self.sections,
        }
    }
}

/// Puts together what the two lanes computed. Both must have seen the same calls.
pub fn join(whole: WholeDigests, application: ApplicationDigests) -> Measured {
    let digests = application.sections.into_iter();
    Measured {
        measurements: Measurements {
            pcr0: whole.pcr0,
            pcr1: whole.pcr1,
            pcr2: application.pcr2,
        },
        sections: digests.map(|own| own.unwrap_or(whole.kernel)).collect(),
    }
}

/// Both lanes in the calling thread.
#[derive(Debug, Clone)]
pub struct Inline<E: Engine> {
    whole: WholeLane<E>,
    application: ApplicationLane<E>,
}

impl<E: Engine> Inline<E> {
    /// A measurement that has seen nothing.
    pub fn new(engine: &E) -> Self {
        Self {
            whole: WholeLane::new(engine),
            application: ApplicationLane::new(engine),
        }
    }
}

impl<E: Engine> Measure for Inline<E> {
    fn section(&mut self, kind: SectionKind) {
        self.whole.section(kind);
        self.application.section(kind);
    }

    fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        self.application.update(bytes);
    }

    fn finish(self) -> Measured {
        join(self.whole.finish(), self.application.finish())
    }
}
