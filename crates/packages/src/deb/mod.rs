//! A package file: an ar archive with a control archive and a data archive (deb(5)).

use std::collections::BTreeMap;
use std::fmt;

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
