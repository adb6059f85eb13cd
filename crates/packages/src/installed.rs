//! Which packages a root filesystem says that it has: dpkg's `status`, and the directory `status.d`
//! of images that were made without dpkg.
//!
//! Not here: whether that is true. Whoever made the image wrote these files, and a package that is
//! named here need not be there; what is locked is the package of that name and version in an archive
//! that was believed.
//!
//! | `Status:` | what it means | here |
//! |---|---|---|
//! | `.. .. not-installed`, `config-files` | no file of the package is there, or only configuration | left out |
//! | `.. .. installed`, `triggers-awaited`, `triggers-pending` | it is there | [`State::Installed`] |
//! | `.. .. unpacked`, `half-configured`, `half-installed` | it is there, as far as dpkg came | [`State::Unfinished`] |
//! | missing, in `status.d` | it is there | [`State::Installed`] |

use std::fmt;

use thiserror::Error;

use crate::control::{Control, ControlError, Paragraph, Paragraphs};

/// Where a list of packages is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `var/lib/dpkg/status`: every paragraph has a state.
    Status,
    /// A file of `var/lib/dpkg/status.d`: what is there is installed.
    StatusD,
}

/// How far a package was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Completely.
    Installed,
    /// Its files are there, perhaps not all of them.
    Unfinished,
}

/// A package that a root filesystem says that it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its version as it is written; dpkg leaves out an epoch of zero.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// How far it was installed.
    pub state: State,
}

impl fmt::Display for InstalledPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.architecture)
    }
}

/// A list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InstalledError {
    /// Text that is no list of packages.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A state that dpkg does not have.
    #[error("line {line}: `{found}` is no state of a package")]
    State {
        /// The line, from 1.
        line: u32,
        /// What it says, or its beginning.
        found: Box<str>,
    },
}

/// The packages of a list, in its order.
///
/// Size is the caller's to bound.
///
/// # Errors
///
/// Text that breaks the rules of control files, a package without a name, version or architecture
/// that one can have, and a state that dpkg does not have.
pub fn parse_installed(
    text: &[u8],
    source: Source,
) -> Result<Vec<InstalledPackage>, InstalledError> {
    let mut packages = Vec::new();
    for paragraph in Paragraphs::new(text) {
        let paragraph = paragraph?;
        let Some(state) = state_of(&paragraph, source)? else {
            continue;
        };
        let control = Control::from_paragraph(&paragraph)?;
        packages.push(InstalledPackage {
            name: control.name().to_owned(),
            version: control.version().as_str().to_owned(),
            architecture: control.architecture().to_owned(),
            state,
        });
    }
    Ok(packages)
}

/// The state of a package; `None` for one that is not there.
fn state_of(paragraph: &Paragraph<'_>, source: Source) -> Result<Option<State>, InstalledError> {
    let field = match source {
        Source::Status => paragraph.require("Status")?,
        Source::StatusD => match paragraph.find("Status") {
            Some(field) => field,
            None => return Ok(Some(State::Installed)),
        },
    };
    // Three words: what is wanted, whether an error was seen, and how it is.
    match field.value().split_ascii_whitespace().nth(2) {
        Some("not-installed" | "config-files") => Ok(None),
        Some("installed" | "triggers-awaited" | "triggers-pending") => Ok(Some(State::Installed)),
        Some("unpacked" | "half-configured" | "half-installed") => Ok(Some(State::Unfinished)),
        Some(_) | None => Err(InstalledError::State {
            line: field.line(),
            found: field.value().chars().take(100).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(name: &str, status: &str) -> String {
        format!(
            "Package: {name}\nStatus: {status}\nArchitecture: amd64\nVersion: 1:2-3\n\
             Conffiles:\n /etc/{name} 0123 obsolete\nDescription: x\n .\n y\n\n"
        )
    }

    #[test]
    fn what_is_there_is_listed_and_what_is_not_is_left_out() {
        let words = [
            ("a", "install ok installed"),
            ("b", "deinstall ok config-files"),
            ("c", "hold ok triggers-awaited"),
            ("d", "install reinstreq half-installed"),
            ("e", "unknown ok not-installed"),
            ("f", "install ok unpacked"),
        ];
        let text: String = words.map(|(name, status)| paragraph(name, status)).concat();
        // dpkg keeps what it only heard of without a version.
        let text = format!("{text}Package: g\nStatus: unknown ok not-installed\n");
        let found = parse_installed(text.as_bytes(), Source::Status).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|package| (package.name.as_str(), package.state))
            .collect();
        assert_eq!(
            found,
            [
                ("a", State::Installed),
                ("c", State::Installed),
                ("d", State::Unfinished),
                ("f", State::Unfinished),
            ]
        );
    }

    #[test]
    fn only_status_d_may_leave_the_state_out() {
        let text = b"Package: a\nVersion: 1\nArchitecture: all\n";
        let found = parse_installed(text, Source::StatusD).unwrap();
        assert_eq!(found.first().unwrap().to_string(), "a 1 all");
        assert!(matches!(
            parse_installed(text, Source::Status),
            Err(InstalledError::Control(ControlError::Missing {
                field: "Status",
                ..
            }))
        ));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_refused() {
        for status in ["installed", "install ok", "install ok broken", ""] {
            let text = paragraph("a", status);
            let found = parse_installed(text.as_bytes(), Source::Status);
            assert!(
                matches!(found, Err(InstalledError::State { line: 2, .. })),
                "{status}: {found:?}"
            );
        }
        for text in [
            "Package: a\nStatus: install ok installed\nVersion: 1\n",
            "Package: ../a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
            "Package: a\nPackage: b\n",
            "a",
        ] {
            assert!(parse_installed(text.as_bytes(), Source::Status).is_err());
        }
        assert_eq!(parse_installed(b"", Source::Status), Ok(Vec::new()));
    }
}
