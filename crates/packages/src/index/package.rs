//! One package of an index.

use enclair_digest::Sha256;

use super::fields::Fields;
use super::{Index, Span};
use crate::relation::{RelationError, Relations};
use crate::version::{Parts, Version};

/// What an index keeps of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: Span,
    pub(super) version: Span,
    pub(super) architecture: Span,
    pub(super) source: Span,
    pub(super) section: Span,
    pub(super) filename: Span,
    pub(super) relations: [Span; RELATIONS],
    pub(super) size: u64,
    /// In KiB.
    pub(super) installed: Option<u64>,
    pub(super) sha256: Sha256,
    pub(super) priority: Priority,
    pub(super) multi_arch: MultiArch,
    pub(super) essential: bool,
    pub(super) important: bool,
}

/// How many fields of relations are kept.
pub(super) const RELATIONS: usize = 7;

/// Whether and how a package can be installed for several architectures at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum MultiArch {
    /// It serves packages of its own architecture only.
    #[default]
    No,
    /// It can be installed for several architectures at once, in the same version.
    Same,
    /// It serves packages of every architecture.
    Foreign,
    /// It serves packages of every architecture that ask for `NAME:any`.
    Allowed,
}

/// How much a package belongs to a system, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// `required`
    Required,
    /// `important`
    Important,
    /// `standard`
    Standard,
    /// `optional`
    Optional,
    /// `extra`, and what is unknown or missing.
    #[default]
    Extra,
}

/// A package of an index.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    index: &'a Index,
    record: &'a Record,
}

impl<'a> Package<'a> {
    pub(super) const fn new(index: &'a Index, record: &'a Record) -> Self {
        Self { index, record }
    }

    /// Everything that is kept of it.
    pub(super) fn fields(&self) -> Fields<'a> {
        Fields {
            name: self.name(),
            version: self.version(),
            architecture: self.architecture(),
            source: self.source_text(),
            section: self.section(),
            filename: self.filename(),
            relations: RelationKind::ALL.map(|kind| self.relations_text(kind)),
            size: self.record.size,
            installed: self.record.installed,
            sha256: Some(self.record.sha256),
            priority: self.record.priority,
            multi_arch: self.record.multi_arch,
            essential: self.record.essential,
            important: self.record.important,
        }
    }

    /// The package's name.
    pub fn name(&self) -> &'a str {
        self.index.text_of(self.record.name)
    }

    /// The version as it is written. It is a valid one.
    pub fn version(&self) -> &'a str {
        self.index.text_of(self.record.version)
    }

    pub(crate) fn version_parts(&self) -> Parts<'a> {
        Parts::split(self.version())
    }

    /// The architecture, as in `amd64` or `all`.
    pub fn architecture(&self) -> &'a str {
        self.index.text_of(self.record.architecture)
    }

    /// The source package's name and version.
    pub fn source(&self) -> (&'a str, &'a str) {
        match split_source(self.source_text()) {
            ("", _) => (self.name(), self.version()),
            (name, version) => (name, version.unwrap_or_else(|| self.version())),
        }
    }

    /// The field `Source` as it is written.
    fn source_text(&self) -> &'a str {
        self.index.text_of(self.record.source)
    }

    /// The part of the archive, as in `libs`; empty when it is not said.
    pub fn section(&self) -> &'a str {
        self.index.text_of(self.record.section)
    }

    /// The path of the package's file, below the archive's root: relative, without `..`, `.`,
    /// empty parts, control characters and backslashes.
    pub fn filename(&self) -> &'a str {
        self.index.text_of(self.record.filename)
    }

    /// The size of the package's file in bytes.
    pub const fn size(&self) -> u64 {
        self.record.size
    }

    /// What the package takes once it is unpacked, in KiB, by its own account.
    pub const fn installed_size(&self) -> Option<u64> {
        self.record.installed
    }

    /// The digest of the package's file.
    pub const fn sha256(&self) -> Sha256 {
        self.record.sha256
    }

    /// How much it belongs to a system.
    pub const fn priority(&self) -> Priority {
        self.record.priority
    }

    /// How it goes together with other architectures.
    pub const fn multi_arch(&self) -> MultiArch {
        self.record.multi_arch
    }

    /// Whether every system has it, so that nobody names it as a dependency.
    pub const fn is_essential(&self) -> bool {
        self.record.essential
    }

    /// Whether it says `Important: yes`: preferred before others that provide the same.
    pub const fn is_important(&self) -> bool {
        self.record.important
    }

    /// The relations of a kind, as they are written; empty when there are none.
    pub fn relations_text(&self, kind: RelationKind) -> &'a str {
        let span = self.record.relations.get(kind.place());
        self.index.text_of(span.copied().unwrap_or_default())
    }

    /// The relations of a kind.
    ///
    /// # Errors
    ///
    /// When the field is no list of relations. `Provides` was checked when the index was read.
    pub fn relations(&self, kind: RelationKind) -> Result<Relations, RelationError> {
        Relations::parse(self.relations_text(kind))
    }

    /// The version.
    pub fn parsed_version(&self) -> Version {
        Version::checked(self.version())
    }
}

/// Name and version in a field `Source`, as in `glibc (2.36-9)`.
pub(super) fn split_source(text: &str) -> (&str, Option<&str>) {
    match text.split_once(' ') {
        None => (text, None),
        Some((name, rest)) => {
            let version = rest.trim().strip_prefix('(');
            // Without brackets it is the whole text, which has a blank and so is no version.
            let version = version.and_then(|version| version.strip_suffix(')'));
            (name, Some(version.unwrap_or(text)))
        }
    }
}

/// The fields of relations that an index keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// Has to be installed completely before this one is unpacked.
    PreDepends,
    /// Has to be installed.
    Depends,
    /// Is installed too, unless that is not wanted.
    Recommends,
    /// Other names by which it can be asked for.
    Provides,
    /// Cannot be installed at the same time.
    Conflicts,
    /// Cannot be installed at the same time; weaker while unpacking.
    Breaks,
    /// May have files that this one has too.
    Replaces,
}

impl RelationKind {
    /// Every kind, in the order in which a package's relations are looked at.
    pub const ALL: [Self; RELATIONS] = [
        Self::PreDepends,
        Self::Depends,
        Self::Recommends,
        Self::Provides,
        Self::Conflicts,
        Self::Breaks,
        Self::Replaces,
    ];

    /// The name of the field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::PreDepends => "Pre-Depends",
            Self::Depends => "Depends",
            Self::Recommends => "Recommends",
            Self::Provides => "Provides",
            Self::Conflicts => "Conflicts",
            Self::Breaks => "Breaks",
            Self::Replaces => "Replaces",
        }
    }

    /// Its place in a record.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::PreDepends => 0,
            Self::Depends => 1,
            Self::Recommends => 2,
            Self::Provides => 3,
            Self::Conflicts => 4,
            Self::Breaks => 5,
            Self::Replaces => 6,
        }
    }
}

impl std::fmt::Display for RelationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.field())
    }
}
