//! Why a text names no image.

use enclair_digest::ParseDigestError;
use thiserror::Error;

use super::{MAX_NAME, MAX_TAG};

/// Text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseReferenceError {
    /// Nothing at all.
    #[error("the reference of an image is empty")]
    Empty,
    /// A URL.
    #[error("`{0}` is a URL, not the reference of an image")]
    Scheme(String),
    /// A mistyped transport.
    #[error("`{reference}`: `{found}:` is no transport, `{meant}:` is one")]
    Transport {
        /// The reference as it was given.
        reference: String,
        /// What is before the colon.
        found: String,
        /// What it is near to.
        meant: &'static str,
    },
    /// Nothing follows the transport.
    #[error("`{0}` names no file or directory")]
    Path(String),
    /// Nothing follows `docker-daemon:`.
    #[error("`{0}` names no image of the daemon")]
    DaemonName(String),
    /// What is before the first slash is no host.
    #[error("`{reference}`: `{host}` is no host name with an optional port")]
    Host {
        /// The reference as it was given.
        reference: String,
        /// The part that should be a host.
        host: String,
    },
    /// A repository with upper-case letters.
    #[error("`{reference}`: the repository `{repository}` has upper-case letters")]
    UpperCase {
        /// The reference as it was given.
        reference: String,
        /// The repository in it.
        repository: String,
    },
    /// Another repository that no registry can have.
    #[error(
        "`{reference}`: the repository `{repository}` has another part than `a-z` and `0-9` with \
         `.`, `_`, `__` or `-` between them"
    )]
    Repository {
        /// The reference as it was given.
        reference: String,
        /// The repository in it.
        repository: String,
    },
    /// A longer name than registries have.
    #[error("`{reference}`: the name has {found} bytes, and at most {MAX_NAME} are allowed")]
    Length {
        /// The reference as it was given.
        reference: String,
        /// Bytes of host and repository.
        found: usize,
    },
    /// A tag that no image can have.
    #[error(
        "`{reference}`: the tag `{tag}` is not 1 to {MAX_TAG} letters, digits, `_`, `.` and `-`"
    )]
    Tag {
        /// The reference as it was given.
        reference: String,
        /// The tag in it.
        tag: String,
    },
    /// A digest of another algorithm.
    #[error("`{reference}`: the digest does not begin with `sha256:`")]
    Algorithm {
        /// The reference as it was given.
        reference: String,
    },
    /// A digest that is none.
    #[error("`{reference}`: the digest cannot be read")]
    Digest {
        /// The reference as it was given.
        reference: String,
        /// Why.
        #[source]
        source: ParseDigestError,
    },
    /// A tag and a digest at once.
    #[error("`{reference}` has a tag and a digest")]
    TagAndDigest {
        /// The reference as it was given.
        reference: String,
    },
    /// A repository that looks like an image id.
    #[error("`{0}` looks like the id of an image, which no registry knows")]
    ImageId(String),
}

impl ParseReferenceError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty | Self::Scheme(_) => Some(
                "write `HOST/NAME:TAG`, or begin with `oci:`, `oci-archive:`, `docker-archive:` \
                 or `docker-daemon:`",
            ),
            Self::Transport { .. } => {
                Some("an image of a registry with that name is `docker.io/library/NAME:TAG`")
            }
            Self::Path(_) => Some("write the path behind the colon, as in `oci:build/layout:v1`"),
            Self::DaemonName(_) => Some("write the image's name, as in `docker-daemon:app:latest`"),
            Self::UpperCase { .. } => Some("repositories are written in lower case"),
            Self::TagAndDigest { .. } => Some("leave the tag out: the digest alone decides"),
            Self::ImageId(_) => Some("write `docker-daemon:` and the id, or a name with a tag"),
            Self::Algorithm { .. } => Some("write `NAME@sha256:` and 64 hexadecimal digits"),
            Self::Host { .. }
            | Self::Repository { .. }
            | Self::Length { .. }
            | Self::Tag { .. }
            | Self::Digest { .. } => None,
        }
    }
}
