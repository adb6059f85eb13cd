//! A package file: an ar archive with a control archive and a data archive (deb(5)).
//!
//! Stricter than dpkg, which was written for whatever a maintainer built: a package has exactly
//! the members that the format names, in their order, and nothing behind them. What dpkg would
//! make from a doubtful package, and what another tool would, need not be the same.
//!
//! | in a package | dpkg | here |
//! |---|---|---|
//! | members behind the data archive | passed over | only names with `_` in front, with a finding |
//! | `debian-binary` of another minor version | read | refused |
//! | absolute names in an archive | taken as relative | refused |
//! | two entries of one path | the later counts | refused |
//! | devices, pipes | made | refused |
//! | hard link to a file of another package | made | refused |
//! | set-user-id and set-group-id | kept | kept |

mod ar;
mod control;
mod data;
mod error;
mod read;

use std::collections::BTreeMap;
use std::fmt;

pub use control::CONTROL_LIMITS;
pub use error::{ArProblem, ControlProblem, DebError, EntryProblem, Expected};
pub use read::{Sink, read, read_control};

use crate::findings::MEMBER_IGNORED;

use enclair_tree::tar::Entry;

use crate::control::Control;

/// One package file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The member `control`.
    pub control: Control,
    /// The maintainer scripts.
    pub scripts: BTreeMap<Script, Vec<u8>>,
    /// Every other member of the control archive by its name: `conffiles`, `md5sums`, `triggers`,
    /// `templates`, `shlibs`, `symbols`.
    pub members: BTreeMap<String, Vec<u8>>,
    /// The entries of the data archive in its order; contents are in the spool that it was read
    /// into.
    pub entries: Vec<Entry>,
}

impl Package {
    /// Whether this is the package that a lock or an index names.
    ///
    /// # Errors
    ///
    /// [`DebError::Identity`] for the first field that differs.
    pub fn check_identity(
        &self,
        name: &str,
        version: &str,
        architecture: &str,
    ) -> Result<(), DebError> {
        let control = &self.control;
        for (field, found, expected) in [
            ("Package", control.name(), name),
            ("Version", control.version().as_str(), version),
            ("Architecture", control.architecture(), architecture),
        ] {
            if found != expected {
                return Err(DebError::Identity {
                    field,
                    expected: expected.to_owned(),
                    found: found.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// A program of the control archive that dpkg runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    /// Asks debconf's questions.
    Config,
    /// Runs after unpacking.
    Postinst,
    /// Runs after removal.
    Postrm,
    /// Runs before unpacking.
    Preinst,
    /// Runs before removal.
    Prerm,
}

impl Script {
    /// Every script, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Config,
        Self::Postinst,
        Self::Postrm,
        Self::Preinst,
        Self::Prerm,
    ];

    /// The name of the member, as in `postinst`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Postinst => "postinst",
            Self::Postrm => "postrm",
            Self::Preinst => "preinst",
            Self::Prerm => "prerm",
        }
    }

    /// The script whose member is called `name`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|script| script.name() == name)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
