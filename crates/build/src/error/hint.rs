//! What a user can do about each error.

use std::io;

use enclair_digest::ContentError;

use super::Error;

/// What to do about a place that cannot be written to.
fn hint_of_output(kind: io::ErrorKind) -> Option<&'static str> {
    if kind == io::ErrorKind::AlreadyExists {
        return Some("`-o` names a directory, and there is a file of that name");
    }
    (kind == io::ErrorKind::DirectoryNotEmpty).then_some("give a new or empty directory")
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchImage { available, .. } | Self::AmbiguousImage { available } => {
                Some(hint_of_name(available.is_empty()))
            }
            Self::Packages(source) => source.hint(),
            Self::NoPlatform { .. } | Self::Platform { .. } => {
                Some("choose the architecture with `--arch`, or build the image for this one")
            }
            Self::NoProgram => {
                Some("give `run.command` in the recipe, or the image an ENTRYPOINT or CMD")
            }
            Self::UnknownUser { .. } | Self::UnknownGroup { .. } => {
                Some("add the account to the image, or use a number in `run.user` or USER")
            }
            Self::NewlineInBootstrap { .. } => Some("use the default layout, which keeps newlines"),
            Self::NotCarried { .. } => Some(
                "give both: `--kernel` and `--init`, or in a recipe `boot.kernel` and `boot.init`",
            ),
            Self::BootstrapSurroundings => Some("use the default layout, or leave them out"),
            Self::IdleAgent => Some("leave it out, or say what it is for"),
            Self::NoBootstrapInit => Some("give it with `--init`"),
            Self::OutsideRoot { .. } => Some(
                "the kernel would unpack it over the boot ramdisk, whose register would not change; \
                 make the archive in a directory that has nothing but `rootfs`",
            ),
            Self::TooManyRamdisks { .. } => Some("put what is in several archives into one"),
            Self::KernelArch { .. } => Some("give a kernel for the architecture in `--arch`"),
            Self::CommandLine { .. } => Some("write it on one line, without a newline at the end"),
            Self::Blocked { .. } => {
                Some("`enclair explain ID` says why; `--allow ID` builds all the same")
            }
            Self::Changed { .. } => Some("something writes to the file; run again when it is done"),
            Self::LayerCount { .. } => Some("the image is damaged; export it again"),
            Self::Open { path, .. } if path.ends_with("index.json") => {
                Some("an OCI layout has an `index.json`; is this one?")
            }
            Self::Read { source, .. } if ContentError::of(source).is_some() => {
                Some("the image is damaged or was changed; export or fetch it again")
            }
            Self::Write { source, .. } => hint_of_output(source.kind()),
            Self::RelativeDirectory { .. } => Some("give WORKDIR a leading `/`"),
            Self::LockedImage { .. } => {
                Some("the lock was edited or merged by hand; `enclair lock --update source`")
            }
            Self::NotInIndex { .. } => Some(
                "the lock was edited, or the index is one of indexes: name the manifest's own digest",
            ),
            Self::Files { source } => source.hint(),
            Self::Layer { source, .. }
            | Self::Ramdisk { source, .. }
            | Self::Further { source, .. } => source.hint(),
            Self::Decode { source, .. } => source.hint(),
            Self::Kernel { source, .. } => source.hint(),
            Self::Tree { source } => source.hint(),
            Self::Archive { source } => source.hint(),
            Self::Eif { source } => source.hint(),
            Self::Open { .. }
            | Self::Supply { .. }
            | Self::NotOnThisDisk { .. }
            | Self::Empty { .. }
            | Self::Output { .. }
            | Self::Read { .. }
            | Self::TooLarge { .. }
            | Self::Document { .. }
            | Self::NoMember { .. }
            | Self::DigestAlgorithm { .. }
            | Self::Digest { .. }
            | Self::MediaType { .. }
            | Self::IndexDepth { .. }
            | Self::Path { .. }
            | Self::Configuration { .. }
            | Self::NulInProcess { .. }
            | Self::Serialize { .. }
            | Self::Extract { .. }
            | Self::NoSection { .. } => None,
        }
    }
}

/// How an image of several is named; `nameless` if none of them has a name.
const fn hint_of_name(nameless: bool) -> &'static str {
    if nameless {
        "give the images names: `skopeo copy` takes one behind the path"
    } else {
        "name one behind the path: `oci:DIR:TAG`, `docker-archive:FILE:NAME:TAG`"
    }
}
