//! How a script is called.

use std::collections::BTreeMap;
use std::fmt;

/// Which of a package's scripts is called: those that a first installation calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    /// Debconf's questions, before anything is installed.
    Config,
    /// Before the package is unpacked.
    Preinst,
    /// When it is configured.
    Postinst,
}

impl Script {
    /// The name of its file in the control archive.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Preinst => "preinst",
            Self::Postinst => "postinst",
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One call of a script on a system on which nothing was installed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which script is called.
    pub script: Script,
    /// Name of the package, without its architecture.
    pub package: String,
    /// Architecture of the package, as in `amd64` or `all`.
    pub package_architecture: String,
    /// Architecture of the system, as in `amd64`.
    pub architecture: String,
    /// What debconf would answer to the package's questions: the defaults of `templates`, or what
    /// the `config` script set. A question that is not here has an answer that cannot be known.
    pub answers: BTreeMap<String, String>,
}

impl Call {
    /// The arguments that `dpkg` and debconf give on a first installation.
    pub fn arguments(&self) -> Vec<String> {
        let words: &[&str] = match self.script {
            Script::Preinst => &["install"],
            Script::Config | Script::Postinst => &["configure", ""],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}
