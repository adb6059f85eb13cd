//! Why a binary could not be built or compared. That it differs is a verdict, not an error.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use enclair_digest::{ParseDigestError, Sha256};
use thiserror::Error;

/// What ended a run without an answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("`{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{program}` cannot be started")]
    Start { program: String, source: io::Error },
    #[error("`{program}` failed: {status}")]
    Failed { program: String, status: ExitStatus },
    #[error("`{program}` failed: {status}\n{output}")]
    FailedSaying {
        program: String,
        status: ExitStatus,
        output: String,
    },
    #[error("`{}`, line {line}: expected `key = \"value\"`, found `{found}`", path.display())]
    LockLine {
        path: PathBuf,
        line: usize,
        found: String,
    },
    #[error("`{}`, line {line}: `{key}` is not a key of the lock, or is there twice", path.display())]
    LockKey {
        path: PathBuf,
        line: usize,
        key: String,
    },
    #[error("`{}`: `{key}` is missing", path.display())]
    LockMissing { path: PathBuf, key: &'static str },
    #[error("`{}`: `size` is not a number of bytes: `{found}`", path.display())]
    LockSize { path: PathBuf, found: String },
    #[error("`{}`: not a digest", path.display())]
    Digest {
        path: PathBuf,
        source: ParseDigestError,
    },
    #[error("`{}`, line {line}: expected a symbol that is set or unset, found `{found}`", path.display())]
    FragmentLine {
        path: PathBuf,
        line: usize,
        found: String,
    },
    #[error("`{}` asks for what the configuration did not take: {}", path.display(), unmet.join("; "))]
    Unmet { path: PathBuf, unmet: Vec<String> },
    #[error(
        "`{program}` is another version than the lock's: expected `{expected}`, found `{found}`"
    )]
    Tool {
        program: String,
        expected: String,
        found: String,
    },
    #[error(
        "the source version has left the mirror: `{package}` `{version}` (sha256 {sha256}) is in none of this machine's package sources"
    )]
    LeftTheMirror {
        package: String,
        version: String,
        sha256: Sha256,
        archive: String,
    },
    #[error("`{}`: expected {expected} bytes, found {found}", path.display())]
    PackageSize {
        path: PathBuf,
        expected: u64,
        found: u64,
    },
    #[error("`{}`: expected sha256 {expected}, found {found}", path.display())]
    PackageDigest {
        path: PathBuf,
        expected: Sha256,
        found: Sha256,
    },
    #[error("the source says that it is Linux `{found}`, the lock `{expected}`")]
    LinuxVersion { expected: String, found: String },
    #[error("`{}`: too short for the header of an arm64 Image, or without its magic", path.display())]
    NotAnImage { path: PathBuf },
    #[error("neither `--cargo-home` nor CARGO_HOME nor HOME is given")]
    CargoHome,
    #[error("`{}` names no channel", path.display())]
    Channel { path: PathBuf },
}

impl Error {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// What to do about it, where there is something to do.
    pub(crate) fn hint(&self) -> Option<String> {
        if let Self::LeftTheMirror { archive, .. } = self {
            return Some(format!(
                "if the package lists are old, run `apt-get update`; else fetch the file by its \
                 hash from <{archive}> and give it with `--package FILE`"
            ));
        }
        if let Self::Start { program, .. } = self {
            return Some(format!(
                "install what has `{program}`; docs/kernel.md lists the packages"
            ));
        }
        let is_package = matches!(self, Self::PackageDigest { .. } | Self::PackageSize { .. });
        let is_tool = matches!(self, Self::Tool { .. });
        let hint = match (is_package, is_tool) {
            (true, _) => "this is not the package that the lock names; nothing was built",
            (_, true) => {
                "another compiler gives another binary; docs/kernel.md names the right one"
            }
            (false, false) => return None,
        };
        Some(hint.to_owned())
    }
}

/// An error with its causes, in one line each.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_left_the_mirror_is_said_plainly_and_where_else_it_is() {
        let digest = Sha256::from_bytes([3; 32]);
        let error = Error::LeftTheMirror {
            package: "linux-source-6.12".to_owned(),
            version: "6.12.1-1".to_owned(),
            sha256: digest,
            archive: "https://snapshot.debian.org/file/abc".to_owned(),
        };
        let text = chain(&error);
        for part in ["has left the mirror", "6.12.1-1", &digest.to_string()] {
            assert!(text.contains(part), "`{part}` in `{text}`");
        }
        let hint = error.hint().unwrap();
        assert!(hint.contains("--package FILE"), "{hint}");
        assert!(hint.contains("snapshot.debian.org/file/abc"), "{hint}");
    }

    #[test]
    fn causes_follow_on_one_line() {
        let error = Error::io(Path::new("a"), io::Error::other("b"));
        assert_eq!(chain(&error), "`a`: b");
    }
}
