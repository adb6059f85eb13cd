//! Everything that can stop a build, an assembly or an extraction.

mod hint;

use std::io;
use std::path::{Path, PathBuf};

use enclair_cpio::WriteError;
use enclair_digest::{ParseDigestError, Sha256};
use enclair_eif::Arch;
use enclair_finding::Finding;
use enclair_inspect::{KernelError, KernelKind};
use enclair_recipe::SupplyError;
use enclair_tree::{CpioError, PathError};
use thiserror::Error;

use crate::packages::PackagesError;

/// A build that cannot be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory cannot be opened.
    #[error("`{path}` cannot be opened", path = path.display())]
    Open {
        /// As the user wrote it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that must have content has none.
    #[error("`{path}` is empty", path = path.display())]
    Empty {
        /// As the user wrote it.
        path: PathBuf,
    },
    /// Packages do not become a root filesystem.
    #[error(transparent)]
    Packages(Box<PackagesError>),
    /// An output cannot be written.
    #[error("`{path}` cannot be written", path = path.display())]
    Write {
        /// As the user wrote it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The output cannot be written; the path is added further out.
    #[error("the output cannot be written")]
    Output {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Content that nobody supplies.
    #[error("an input cannot be had")]
    Supply {
        /// Which, and why.
        #[source]
        source: SupplyError,
    },
    /// An image that is elsewhere.
    #[error("`{reference}` is not on this disk, and was not locked")]
    NotOnThisDisk {
        /// As the user wrote it.
        reference: String,
    },
    /// The manifest does not list what the lock says it lists.
    #[error(
        "the lock and the manifest of `{reference}` do not agree about configuration and layers"
    )]
    LockedImage {
        /// The image, as the lock names it.
        reference: String,
    },
    /// The reference's digest does not lead to the manifest.
    #[error("`{reference}` does not list the manifest sha256:{manifest}")]
    NotInIndex {
        /// The image.
        reference: String,
        /// The manifest that was resolved or locked.
        manifest: Sha256,
    },
    /// Files of the project cannot be laid into the root filesystem.
    #[error(transparent)]
    Files {
        /// Which, and why.
        source: crate::files::Error,
    },
    /// Part of an image cannot be read, or is not what its digest says.
    #[error("`{name}` cannot be read")]
    Read {
        /// The blob or document.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is held in memory is too large for that.
    #[error("`{name}` has more than {limit} bytes")]
    TooLarge {
        /// The file.
        name: String,
        /// Bytes that are allowed.
        limit: u64,
    },
    /// A document of an image is not what the specification says.
    #[error("`{name}` is not the document that belongs there")]
    Document {
        /// Its name in the image.
        name: String,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A blob's name or a member's name is not in the archive.
    #[error("`{name}` is not in `{path}`", path = path.display())]
    NoMember {
        /// The archive.
        path: PathBuf,
        /// The member.
        name: String,
    },
    /// A digest that is not SHA-256.
    #[error("`{digest}` is not a SHA-256 digest; no other algorithm is supported")]
    DigestAlgorithm {
        /// As the image has it.
        digest: String,
    },
    /// A digest that is not well formed.
    #[error("`{digest}` is not a digest")]
    Digest {
        /// As the image has it.
        digest: String,
        /// Why.
        #[source]
        source: ParseDigestError,
    },
    /// The name is not in the layout or archive.
    #[error("there is no image `{name}`; {there}", there = listed(available))]
    NoSuchImage {
        /// What was asked for.
        name: String,
        /// What there is.
        available: Vec<String>,
    },
    /// Several images, and no name to choose by.
    #[error("which image is not said; {there}", there = listed(available))]
    AmbiguousImage {
        /// What there is.
        available: Vec<String>,
    },
    /// No manifest for the architecture.
    #[error("the image has no manifest for linux/{architecture}")]
    NoPlatform {
        /// In the image's terms.
        architecture: &'static str,
    },
    /// The configuration is for something else.
    #[error("the image is for {found}, expected {expected}")]
    Platform {
        /// What the enclave needs.
        expected: String,
        /// What the configuration says.
        found: String,
    },
    /// Something in the place of a manifest.
    #[error("sha256:{digest} has media type `{found}`, expected an image manifest or index")]
    MediaType {
        /// The blob.
        digest: Sha256,
        /// Its media type.
        found: String,
    },
    /// Indexes in indexes.
    #[error("the image index is nested more than {limit} deep")]
    IndexDepth {
        /// Levels that are followed.
        limit: usize,
    },
    /// Manifest and configuration disagree.
    #[error("the manifest has {manifest} layers, the configuration has {config} diff IDs")]
    LayerCount {
        /// Layers in the manifest.
        manifest: usize,
        /// Diff IDs in the configuration.
        config: usize,
    },
    /// A layer cannot be applied.
    #[error("layer {index} cannot be unpacked")]
    Layer {
        /// Its position, from 0, lowest first.
        index: usize,
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// A layer cannot be decompressed.
    #[error("`{name}` cannot be decompressed")]
    Decode {
        /// The blob.
        name: String,
        /// Why.
        #[source]
        source: enclair_compress::Error,
    },
    /// The root filesystem.
    #[error(transparent)]
    Tree {
        /// What is wrong with it.
        source: enclair_tree::Error,
    },
    /// An entry that a ramdisk cannot carry.
    #[error(transparent)]
    Archive {
        /// Which, and why.
        source: Box<CpioError<Self>>,
    },
    /// A path that is none.
    #[error("a path of the layout is not one")]
    Path {
        /// Why.
        #[source]
        source: PathError,
    },
    /// The container.
    #[error(transparent)]
    Eif {
        /// What is wrong with it.
        source: enclair_eif::Error,
    },
    /// Neither ENTRYPOINT nor CMD.
    #[error("there is no program to run: ENTRYPOINT and CMD are empty")]
    NoProgram,
    /// WORKDIR is not absolute.
    #[error("the working directory `{path}` is not absolute")]
    RelativeDirectory {
        /// As the image has it.
        path: String,
    },
    /// An argument or variable that no process can have.
    #[error("an argument or variable contains a NUL: {text:?}")]
    NulInProcess {
        /// The text.
        text: String,
    },
    /// USER names nobody.
    #[error("the image's /etc/passwd has no user `{name}`")]
    UnknownUser {
        /// The name.
        name: String,
    },
    /// USER names no group.
    #[error("the image's /etc/group has no group `{name}`")]
    UnknownGroup {
        /// The name.
        name: String,
    },
    /// The vendor's init reads one item a line.
    #[error("the bootstrap layout cannot carry a newline in {what}: {text:?}")]
    NewlineInBootstrap {
        /// An argument or a variable.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Nothing is carried for the architecture.
    #[error("this program carries no {what} for {arch}")]
    NotCarried {
        /// `kernel` or `init`.
        what: &'static str,
        /// What the enclave needs.
        arch: Arch,
    },
    /// The bootstrap layout is for an init program that this program does not have.
    #[error("the bootstrap layout is for the vendor's init, which is not carried here")]
    NoBootstrapInit,
    /// An agent in an image that has nothing for one to do.
    #[error("an agent is given, and the image has no ingress, no egress and no attestation")]
    IdleAgent,
    /// The vendor's init reads no measured configuration.
    #[error(
        "the bootstrap layout cannot carry a grant, a host name, a resource limit, ingress, egress or attestation"
    )]
    BootstrapSurroundings,
    /// The measured configuration breaks a rule of its own.
    #[error("the measured configuration cannot be written")]
    Configuration {
        /// Which key, and why.
        #[source]
        source: enclair_configuration::Error,
    },
    /// A further ramdisk cannot be read.
    #[error("`{path}` cannot be unpacked", path = path.display())]
    Further {
        /// The archive.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// A further ramdisk names what belongs to init.
    #[error("`{path}` has an entry `{entry}`, expected all of them to be below `rootfs/`", path = path.display())]
    OutsideRoot {
        /// The archive.
        path: PathBuf,
        /// Its entry, escaped.
        entry: String,
    },
    /// More ramdisks than a signed image has room for.
    #[error("the image would have {count} ramdisks, at most {most} are possible")]
    TooManyRamdisks {
        /// With the two that every image has.
        count: usize,
        /// Sections of an image without those that are none, and with a signature.
        most: usize,
    },
    /// The kernel is none.
    #[error("`{path}` is no kernel for an enclave", path = path.display())]
    Kernel {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KernelError,
    },
    /// The kernel is for something else.
    #[error("`{path}` is a kernel for {found} ({kind}), expected {expected}", path = path.display(), found = kind.arch())]
    KernelArch {
        /// The file.
        path: PathBuf,
        /// Its form.
        kind: KernelKind,
        /// What the enclave needs.
        expected: Arch,
    },
    /// The command line would change what is measured unseen.
    #[error("the kernel command line contains {what}")]
    CommandLine {
        /// A NUL or a newline.
        what: &'static str,
    },
    /// Findings that stop a build.
    #[error("findings that stop a build: {}", summary(findings))]
    Blocked {
        /// Those that are not allowed by name.
        findings: Vec<Finding>,
    },
    /// A file changed its size between being measured for the plan and being read.
    #[error("`{path}` had {expected} bytes when it was opened and has {found} now", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Bytes at first.
        expected: u64,
        /// Bytes that were read; at most one more than expected is looked at.
        found: u64,
    },
    /// A report cannot be serialised.
    #[error("a report cannot be written as JSON")]
    Serialize {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An archive member cannot be put into the directory.
    #[error("`{path}` cannot be extracted")]
    Extract {
        /// Where in the output.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `--section` is beyond the image.
    #[error("there is no section {index}; the image has {count}")]
    NoSection {
        /// What was asked for, from 0.
        index: usize,
        /// Sections in the file.
        count: usize,
    },
    /// A ramdisk cannot be unpacked.
    #[error("ramdisk {index} cannot be unpacked")]
    Ramdisk {
        /// Its number, from 0.
        index: usize,
        /// Why.
        #[source]
        source: Box<Self>,
    },
}

fn summary(findings: &[Finding]) -> String {
    let row = |Finding {
                   kind,
                   count,
                   examples,
               }: &Finding| {
        let more = if *count > examples.len() as u64 {
            ", ..."
        } else {
            ""
        };
        format!("{} ({count}: `{}`{more})", kind.id, examples.join("`, `"))
    };
    findings.iter().map(row).collect::<Vec<_>>().join("; ")
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none has a name".to_owned(),
        [name] => format!("there is `{name}`"),
        names => format!("there are `{}`", names.join("`, `")),
    }
}

impl Error {
    /// Names the output in an error of writing it: whoever writes a section knows no path.
    pub(crate) fn at(self, target: &Path) -> Self {
        if let Self::Output { source }
        | Self::Eif {
            source: enclair_eif::Error::Io { source, .. },
        } = self
        {
            return Self::Write {
                path: target.to_owned(),
                source,
            };
        }
        self
    }

    /// An error of a section's writer: the container's own errors travel inside.
    pub(crate) fn of_section(source: io::Error) -> Self {
        match source.downcast::<enclair_eif::Error>() {
            Ok(source) => Self::Eif { source },
            Err(source) => Self::Output { source },
        }
    }
}

impl From<enclair_eif::Error> for Error {
    fn from(source: enclair_eif::Error) -> Self {
        Self::Eif { source }
    }
}

impl From<enclair_tree::Error> for Error {
    fn from(source: enclair_tree::Error) -> Self {
        Self::Tree { source }
    }
}

impl From<enclair_configuration::Error> for Error {
    fn from(source: enclair_configuration::Error) -> Self {
        Self::Configuration { source }
    }
}

impl From<crate::files::Error> for Error {
    fn from(source: crate::files::Error) -> Self {
        Self::Files { source }
    }
}

impl From<PathError> for Error {
    fn from(source: PathError) -> Self {
        Self::Path { source }
    }
}

/// The sink's own error is handed back as it was.
impl From<CpioError<Self>> for Error {
    fn from(source: CpioError<Self>) -> Self {
        if let CpioError::Archive(WriteError::Sink(own)) = source {
            return own;
        }
        Self::Archive {
            source: Box::new(source),
        }
    }
}
