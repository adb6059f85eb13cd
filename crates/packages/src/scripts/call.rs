//! How a script is called.

use std::collections::BTreeMap;

use crate::deb::Script;

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
    /// The arguments that `dpkg` and debconf give on a first installation; `remove` for the
    /// scripts that are not called on one.
    pub fn arguments(&self) -> Vec<String> {
        let words: &[&str] = match self.script {
            Script::Preinst => &["install"],
            Script::Config | Script::Postinst => &["configure", ""],
            Script::Prerm | Script::Postrm => &["remove"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}
