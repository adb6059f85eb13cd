//! Where packages are looked for.

use std::fmt;

use crate::index::Index;

/// How much a suite's packages are preferred, in the order of preference from below. Decided by two
/// fields of the suite's Release file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// `NotAutomatic: yes`: taken where no other suite has the package (priority 1).
    NotAutomatic,
    /// `NotAutomatic: yes` and `ButAutomaticUpgrades: yes`, as backports have it (priority 100).
    AutomaticUpgrades,
    /// Neither (priority 500).
    Normal,
}

/// One component of a suite, for one architecture.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Symbolic name of the suite, as in `debian:bookworm-security`.
    pub suite: &'a str,
    /// The component, as in `main`.
    pub component: &'a str,
    /// How much it is preferred.
    pub pin: Pin,
    /// Its packages.
    pub index: &'a Index,
}

impl Source<'_> {
    /// Whether a user means this suite by `name`: its whole name, or what is behind the colon.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let short = self.suite.split_once(':').map(|(_, short)| short);
        self.suite == name || short == Some(name)
    }
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.suite, self.component)
    }
}

/// All sources of packages.
#[derive(Debug, Clone, Default)]
pub struct Universe<'a> {
    sources: Vec<Source<'a>>,
}

impl<'a> Universe<'a> {
    /// A universe of these sources, whose order does not count.
    ///
    /// Where two sources of the same preference have the same version of a package, it is taken
    /// from the suite that sorts first by name.
    pub fn new(sources: impl IntoIterator<Item = Source<'a>>) -> Self {
        let mut sources: Vec<_> = sources.into_iter().collect();
        sources.sort_by_key(|source| (source.suite, source.component));
        Self { sources }
    }

    /// The sources, by suite and component.
    pub fn sources(&self) -> &[Source<'a>] {
        &self.sources
    }
}
