//! What a run found, apart from errors: a build that differs is an answer, not a failure.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use enclair_digest::Sha256;

/// What is done with a new build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It replaces the committed binary.
    Write,
    /// It is compared with the committed binary.
    Check,
    /// The same, unless the kit is the recorded one: then nothing is built.
    CheckIfChanged,
}

/// The end of a run that could answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The binary was written, with its digest and its inputs.
    Written { path: PathBuf, digest: Sha256 },
    /// Built again, with the same bytes.
    Identical { path: PathBuf, digest: Sha256 },
    /// Built again from inputs that are not the recorded ones, with the same bytes.
    Unrecorded { path: PathBuf, changed: Vec<String> },
    /// Nothing was built: the kit is the recorded one.
    Unchanged { path: PathBuf },
    /// Built again, with other bytes.
    Differs {
        path: PathBuf,
        committed: Sha256,
        built: Sha256,
    },
    /// A text that the build derives from its inputs is not the committed one.
    Text {
        path: PathBuf,
        line: usize,
        committed: String,
        derived: String,
    },
}

impl Verdict {
    /// Compares two digests of `path`.
    pub(crate) fn compare(path: &Path, committed: Sha256, built: Sha256) -> Self {
        let path = path.to_owned();
        if committed == built {
            Self::Identical {
                path,
                digest: built,
            }
        } else {
            Self::Differs {
                path,
                committed,
                built,
            }
        }
    }

    /// Says of an identical binary that these of its inputs are not the recorded ones.
    pub(crate) fn with_changes(self, changed: Vec<String>) -> Self {
        match self {
            Self::Identical { path, .. } if !changed.is_empty() => {
                Self::Unrecorded { path, changed }
            }
            Self::Written { .. }
            | Self::Identical { .. }
            | Self::Unrecorded { .. }
            | Self::Unchanged { .. }
            | Self::Differs { .. }
            | Self::Text { .. } => self,
        }
    }

    /// Compares two texts line by line; nothing when they are the same.
    pub(crate) fn compare_text(path: &Path, committed: &str, derived: &str) -> Option<Self> {
        if committed == derived {
            return None;
        }
        let mut old = committed.lines();
        let mut new = derived.lines();
        let mut line = 1;
        loop {
            let (committed, derived) = (old.next(), new.next());
            if committed != derived || committed.is_none() {
                return Some(Self::Text {
                    path: path.to_owned(),
                    line,
                    committed: committed.unwrap_or("the end").to_owned(),
                    derived: derived.unwrap_or("the end").to_owned(),
                });
            }
            line += 1;
        }
    }

    /// That of the worst.
    pub(crate) fn exit_code(verdicts: &[Self]) -> ExitCode {
        ExitCode::from(verdicts.iter().map(Self::status).max().unwrap_or(0))
    }

    fn status(&self) -> u8 {
        match self {
            Self::Written { .. }
            | Self::Identical { .. }
            | Self::Unrecorded { .. }
            | Self::Unchanged { .. } => 0,
            Self::Differs { .. } | Self::Text { .. } => 1,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written { path, digest } => {
                write!(f, "written: `{}`, sha256 {digest}", path.display())
            }
            Self::Identical { path, digest } => {
                write!(
                    f,
                    "identical: `{}`, built again, sha256 {digest}",
                    path.display()
                )
            }
            Self::Unrecorded { path, changed } => write!(
                f,
                "identical: `{}`, built again from inputs that are not the recorded ones: `{}`\n\
                 hint: run without `--check` to record them, so that they are not built each time",
                path.display(),
                changed.join("`, `")
            ),
            Self::Unchanged { path } => write!(
                f,
                "not built: `{}` and its inputs are the recorded ones",
                path.display()
            ),
            Self::Differs {
                path,
                committed,
                built,
            } => write!(
                f,
                "differs: `{}`\n  committed sha256 {committed}\n  built     sha256 {built}",
                path.display()
            ),
            Self::Text {
                path,
                line,
                committed,
                derived,
            } => write!(
                f,
                "differs: `{}`, line {line}\n  committed `{committed}`\n  derived   `{derived}`",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "boot/kernel/x86_64/bzImage";

    #[test]
    fn equal_digests_are_identical_and_end_with_0() {
        let digest = Sha256::from_bytes([7; 32]);
        let verdict = Verdict::compare(Path::new(PATH), digest, digest);
        assert_eq!(verdict.status(), 0);
        assert!(verdict.to_string().starts_with("identical: "), "{verdict}");
    }

    #[test]
    fn other_digests_are_both_named_and_end_with_1() {
        let (old, new) = (Sha256::from_bytes([1; 32]), Sha256::from_bytes([2; 32]));
        let verdict = Verdict::compare(Path::new(PATH), old, new);
        assert_eq!(verdict.status(), 1);
        let text = verdict.to_string();
        for part in [PATH, &old.to_string(), &new.to_string()] {
            assert!(text.contains(part), "`{part}` in `{text}`");
        }
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        let compare = |old, new| Verdict::compare_text(Path::new(PATH), old, new);
        assert_eq!(compare("a\nb\n", "a\nb\n"), None);
        let at = |old, new| match compare(old, new) {
            Some(Verdict::Text {
                line,
                committed,
                derived,
                ..
            }) => (line, committed, derived),
            other => panic!("{other:?}"),
        };
        assert_eq!(at("a\nb\n", "a\nc\n"), (2, "b".to_owned(), "c".to_owned()));
        assert_eq!(
            at("a\n", "a\nc\n"),
            (2, "the end".to_owned(), "c".to_owned())
        );
        assert_eq!(
            at("a\nb\n", "a\n"),
            (2, "b".to_owned(), "the end".to_owned())
        );
        // A missing newline at the end is a difference that no line shows.
        assert_eq!(at("a\n", "a").0, 2);
    }
}
