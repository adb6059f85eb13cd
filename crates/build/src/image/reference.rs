//! How a user names an image: `TRANSPORT:PATH[:NAME]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Where and in which form an image lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `oci:DIR[:TAG]`, a directory in OCI image layout.
    OciLayout,
    /// `oci-archive:FILE[:TAG]`, such a directory in a tar archive.
    OciArchive,
    /// `docker-archive:FILE[:NAME:TAG]`, as `docker save` writes it.
    DockerArchive,
}

impl Transport {
    const ALL: [Self; 3] = [Self::OciLayout, Self::OciArchive, Self::DockerArchive];

    const fn name(self) -> &'static str {
        match self {
            Self::OciLayout => "oci",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
        }
    }
}

/// A parsed image reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// The form of the image.
    pub transport: Transport,
    /// The directory or file.
    pub path: PathBuf,
    /// Which image in it: a tag, or a name with a tag. `None` when there is only one.
    pub name: Option<String>,
}

/// Text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseReferenceError {
    /// The part before the first colon is no transport.
    #[error("`{0}` does not begin with `oci:`, `oci-archive:` or `docker-archive:`")]
    Transport(String),
    /// Nothing follows the transport.
    #[error("`{0}` names no file or directory")]
    Path(String),
}

impl FromStr for ImageReference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, rest) = text.split_once(':').unwrap_or((text, ""));
        let transport = Transport::ALL
            .into_iter()
            .find(|transport| transport.name() == prefix)
            .ok_or_else(|| ParseReferenceError::Transport(text.to_owned()))?;
        // The path ends at the first colon, as in the field's other tools.
        let (path, name) = match rest.split_once(':') {
            Some((path, name)) if !name.is_empty() => (path, Some(name.to_owned())),
            Some((path, _)) => (path, None),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(ParseReferenceError::Path(text.to_owned()));
        }
        Ok(Self {
            transport,
            path: PathBuf::from(path),
            name,
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.path.display())?;
        self.name
            .as_ref()
            .map_or(Ok(()), |name| write!(f, ":{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Transport, String, Option<String>), ParseReferenceError> {
        let reference: ImageReference = text.parse()?;
        assert_eq!(reference.to_string(), text.trim_end_matches(':'));
        Ok((
            reference.transport,
            reference.path.display().to_string(),
            reference.name,
        ))
    }

    #[test]
    fn transport_path_and_name_are_taken_apart() {
        assert_eq!(
            parse("oci:dir/layout:v1"),
            Ok((Transport::OciLayout, "dir/layout".into(), Some("v1".into())))
        );
        assert_eq!(
            parse("oci:dir"),
            Ok((Transport::OciLayout, "dir".into(), None))
        );
        assert_eq!(
            parse("oci:dir:"),
            Ok((Transport::OciLayout, "dir".into(), None))
        );
        assert_eq!(
            parse("docker-archive:a.tar:example/app:1.2"),
            Ok((
                Transport::DockerArchive,
                "a.tar".into(),
                Some("example/app:1.2".into())
            ))
        );
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["app.tar", "docker:app", "", "http://x"] {
            assert!(
                matches!(parse(text), Err(ParseReferenceError::Transport(_))),
                "{text}"
            );
        }
        assert!(matches!(parse("oci:"), Err(ParseReferenceError::Path(_))));
        assert!(matches!(
            parse("oci::tag"),
            Err(ParseReferenceError::Path(_))
        ));
    }
}
