//! The recipe as a type: what `enclair.toml` says, with every default filled in.
//!
//! Values are typed and checked as far as text alone can be checked: whether a rule or a finding
//! exists, and whether a file does, is for later stages. What this release reads and cannot build
//! is kept like everything else; [`Recipe::not_built_yet`] lists it.

use std::collections::BTreeMap;

use enclair_configuration::{Attestation, EgressRule, Ingress, Limit, Ready, Resource, Services};
use enclair_digest::{Engine, Hasher, PureRust, Sha256};
use enclair_eif::Arch;

use crate::canonical::canonical_json;
use crate::diagnostic::Diagnostics;
use crate::packages::{Distribution, PackageArchive, Packages};
use crate::path::leaves_project;
use crate::read::{ROOT, read_document, read_recipe};
use crate::reference::ImageReference;
use crate::settings::Settings;
use crate::span::{Span, Spanned};

/// What an enclave image is made from. See the table of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The image as a whole.
    pub enclave: Enclave,
    /// The root filesystem.
    pub source: Source,
    /// Files laid over the source, in order.
    pub overlay: Vec<FileEntry>,
    /// How the application is started.
    pub run: Run,
    /// What comes in, and what may go out.
    pub network: Network,
    /// How documents of the security module are given out; `None` where they are not.
    pub attestation: Option<Attestation>,
    /// Where the application's output goes.
    pub logs: Spanned<LogTarget>,
    /// `[clock]`.
    pub clock: Spanned<ClockSource>,
    /// The boot environment.
    pub boot: Boot,
    /// How ramdisks behind the first are compressed.
    pub compression: Spanned<RamdiskCompression>,
    /// Which normalisation rules are applied.
    pub normalize: Normalize,
    /// Ids of findings that shall not stop the build.
    pub allow: Vec<Spanned<String>>,
    /// How the image is signed; not built yet.
    pub sign: Option<Spanned<Sign>>,
    /// Bytes that are unpacked at most.
    pub unpacked: Spanned<u64>,
    /// Where content is fetched from.
    pub settings: Settings,
}

/// `[enclave]`: the image as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclave {
    /// `ImageName` of the metadata.
    pub name: Spanned<String>,
    /// `ImageVersion` of the metadata.
    pub version: Spanned<String>,
    /// Architecture of everything in the image.
    pub arch: Spanned<Arch>,
    /// The one time in the image.
    pub epoch: Spanned<Epoch>,
    /// The whole kernel command line, instead of the architecture's own.
    pub cmdline: Option<Spanned<String>>,
    /// Words behind the command line, after one space.
    pub cmdline_append: Option<Spanned<String>>,
}

/// The one time in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Epoch {
    /// Seconds since 1970.
    Seconds(u32),
    /// The committer's time of the commit that is checked out, `"commit"`.
    Commit,
}

/// `[source]`: where the root filesystem comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A container image.
    Image(Spanned<ImageReference>),
    /// A tar archive of a root filesystem.
    Archive(Spanned<Artifact>),
    /// Files of the project, and nothing else.
    Files(Spanned<Vec<FileEntry>>),
    /// A Dockerfile, by its path; not built yet.
    Dockerfile(Spanned<String>),
    /// Distribution packages.
    Packages(Box<Spanned<Packages>>),
}

/// A file from somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// A file on this machine.
    File {
        /// Relative to the recipe, or absolute.
        path: Spanned<String>,
    },
    /// A file over HTTP.
    Url {
        /// `http` or `https`.
        url: Spanned<String>,
        /// The file of that name in the archive that is there.
        path: Option<Spanned<String>>,
        /// What must be found: the digest of what is at the URL.
        sha256: Option<Spanned<Sha256>>,
    },
    /// A file of a container image.
    Image {
        /// The image.
        reference: Spanned<ImageReference>,
        /// The file's path in it.
        path: Spanned<String>,
    },
    /// A file of a distribution package.
    Package {
        /// The package, as in `install` of packages.
        name: Spanned<String>,
        /// The file's path in it, or in the one of its dependencies that has it. `*` stands for
        /// any text without a slash.
        path: Spanned<String>,
        /// Where the package is chosen from; `None` for where those of the source are.
        archive: Option<Box<PackageArchive>>,
    },
}

impl Artifact {
    /// Whether nobody else can get it: a file or image outside of the project, or an image of the
    /// local Docker daemon.
    pub fn is_private(&self) -> bool {
        match self {
            Self::File { path } => leaves_project(path),
            Self::Image { reference, path: _ } => reference.is_private(),
            Self::Url { .. } | Self::Package { .. } => false,
        }
    }
}

/// A file, a directory or a symlink that the project puts into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// What is put there.
    pub content: Content,
    /// Absolute path in the image.
    pub to: Spanned<String>,
    /// Who owns it.
    pub owner: Spanned<Owner>,
    /// Permissions of files; without them, 0755 for programs and 0644 for the rest.
    pub mode: Option<Spanned<Mode>>,
    /// Permissions of directories.
    pub dir_mode: Spanned<Mode>,
    /// Whether files are taken that git does not track.
    pub untracked: Spanned<bool>,
}

/// What a file entry puts at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file or directory of the project, `from`.
    Project(Spanned<String>),
    /// A file from elsewhere, `from` with a table: at a URL, of a container image or of a package.
    Artifact(Spanned<Artifact>),
    /// A symlink with this target, `link`.
    Link(Spanned<String>),
}

/// Who owns a file in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Principal,
    /// The group; without one, the user's own.
    pub group: Option<Principal>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// By number.
    Id(u32),
    /// By a name of the image's own `/etc/passwd` or `/etc/group`.
    Name(String),
}

/// Permission bits, at most 7777 in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode(u16);

impl Mode {
    /// What directories have without a mode of their own.
    pub const DIRECTORY: Self = Self(0o755);

    /// The bits; `None` for more than 7777.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits > 0o7777 {
            return None;
        }
        Some(Self(bits))
    }

    /// The bits.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

/// `[run]`: how the application is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Program and arguments, instead of the image's.
    pub command: Option<Spanned<Vec<Spanned<String>>>>,
    /// Variables, `NAME=value`.
    pub env: Vec<Spanned<String>>,
    /// As USER of a Dockerfile, instead of the image's.
    pub user: Option<Spanned<String>>,
    /// Absolute, instead of the image's.
    pub workdir: Option<Spanned<String>>,
    /// The host's name inside.
    pub hostname: Spanned<String>,
    /// What the application may use.
    pub grant: Vec<Spanned<Grant>>,
    /// Resource limits.
    pub limits: BTreeMap<Resource, Spanned<Limit>>,
    /// How often it is started again when it fails.
    pub restart: Spanned<u32>,
}

impl Run {
    /// Whether the application may use `grant`.
    pub fn grants(&self, grant: Grant) -> bool {
        self.grant.iter().any(|given| **given == grant)
    }
}

/// What an application may use of the enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// `/dev/nsm`, the security module.
    Nsm,
    /// vsock, the way to the parent.
    Vsock,
}

/// `[network]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Ports at which connections from outside arrive; no vsock port twice.
    pub ingress: Vec<Spanned<Ingress>>,
    /// What may be reached, in the order in which it is asked.
    pub egress: Vec<Spanned<EgressRule>>,
    /// When the application is ready; `None` for as soon as every port of `ingress` is open.
    pub ready: Option<Spanned<Ready>>,
}

/// Who says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ClockSource {
    /// The machine, when it starts, and nobody after that.
    #[default]
    None,
    /// The hypervisor where it can be asked, else the host.
    Host,
}

/// Where the application's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogTarget {
    /// Nowhere.
    #[default]
    None,
    /// To the host.
    Host,
}

/// `[boot]`: the boot environment. `None` is what Enclair carries, or nothing where it carries
/// none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boot {
    /// The kernel.
    pub kernel: Option<Spanned<Artifact>>,
    /// PID 1.
    pub init: Option<Spanned<Artifact>>,
    /// The agent, in images that have one.
    pub agent: Option<Spanned<Artifact>>,
    /// The driver module of the security module.
    pub nsm_module: Option<Spanned<Artifact>>,
}

/// How ramdisks behind the first are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum RamdiskCompression {
    /// Not at all.
    #[default]
    None,
    /// As one gzip member.
    Gzip,
    /// As one zstd frame.
    Zstd,
}

/// `[normalize]`: which normalisation rules are applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Normalize {
    /// Ids of default rules that are not applied.
    pub keep: Vec<Spanned<String>>,
    /// Ids of rules that remove, and are applied when asked for.
    pub drop: Vec<Spanned<String>>,
}

/// `[sign]`; not built yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The certificate's file.
    pub certificate: Spanned<String>,
    /// The key: a file, or a URI of where it is kept.
    pub key: Spanned<String>,
}

/// Something that this release reads and cannot build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBuiltYet {
    /// The key, with the tables that it is in.
    pub key: String,
    /// Where its value stands.
    pub span: Span,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    ///
    /// Every problem that the document has, each with its place.
    pub fn parse(document: &str) -> Result<Self, Diagnostics> {
        read_document(document, ROOT, read_recipe)
    }

    /// The digest of everything that decides what is built.
    pub fn digest(&self) -> Sha256 {
        let mut hasher = PureRust.sha256();
        hasher.update(&canonical_json(self));
        hasher.finish()
    }

    /// What the agent does for the application.
    pub fn services(&self) -> Services {
        let Network {
            ingress,
            egress,
            ready,
        } = &self.network;
        Services {
            attestation: self.attestation,
            clock: *self.clock == ClockSource::Host,
            egress: egress.iter().map(|rule| rule.get().clone()).collect(),
            ingress: ingress.iter().map(|pair| **pair).collect(),
            logs: *self.logs == LogTarget::Host,
            ready: ready.as_ref().map(|ready| ready.get().clone()),
        }
    }

    /// Files that the project puts into the image: those of the source, then those of the overlay.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        let source = match &self.source {
            Source::Files(entries) => entries.get().as_slice(),
            Source::Image(_) | Source::Archive(_) | Source::Dockerfile(_) | Source::Packages(_) => {
                &[]
            }
        };
        source.iter().chain(&self.overlay)
    }

    /// Those of [`files`](Self::files) that are from elsewhere; a lock has an entry for each.
    pub fn file_artifacts(&self) -> impl Iterator<Item = &Spanned<Artifact>> {
        self.files().filter_map(|entry| match &entry.content {
            Content::Artifact(artifact) => Some(artifact),
            Content::Project(_) | Content::Link(_) => None,
        })
    }

    /// Every file from somewhere that is built in: of the boot environment, the archive of the
    /// source, and what is laid over it.
    pub fn artifacts(&self) -> impl Iterator<Item = &Spanned<Artifact>> {
        let boot = &self.boot;
        let parts = [&boot.kernel, &boot.init, &boot.agent, &boot.nsm_module];
        let archive = match &self.source {
            Source::Archive(artifact) => Some(artifact),
            Source::Image(_) | Source::Files(_) | Source::Dockerfile(_) | Source::Packages(_) => {
                None
            }
        };
        parts
            .into_iter()
            .flatten()
            .chain(archive)
            .chain(self.file_artifacts())
    }

    /// What this release reads and cannot build, in the order of the table of keys.
    pub fn not_built_yet(&self) -> Vec<NotBuiltYet> {
        let mut found = Vec::new();
        let mut add = |key: &str, span: Option<Span>| {
            found.extend(span.map(|span| NotBuiltYet {
                key: key.to_owned(),
                span,
            }));
        };
        match &self.source {
            Source::Dockerfile(path) => add("source.dockerfile", path.span()),
            Source::Packages(packages) => {
                let distribution = &packages.archive.distribution;
                if !is_built(**distribution) {
                    add("source.packages.distribution", distribution.span());
                }
            }
            Source::Image(_) | Source::Files(_) | Source::Archive(_) => {}
        }
        add("sign", self.sign.as_ref().and_then(Spanned::span));
        found
    }
}

/// Whether packages of `distribution` can be unpacked.
const fn is_built(distribution: Distribution) -> bool {
    matches!(distribution, Distribution::Debian | Distribution::Ubuntu)
}
