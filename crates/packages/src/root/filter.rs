//! Paths of packages that are left out: dpkg's `path-exclude` and `path-include`.
//!
//! Rules are asked in their order, and the last that matches decides. A directory or symlink that
//! is excluded comes nevertheless when it lies where an inclusion begins: `/usr/share/doc/tini` is
//! there for the sake of `/usr/share/doc/*/copyright`, and so is every other directory under
//! `/usr/share/doc`. dpkg does the same, and like dpkg the lists of a package's files keep what
//! was left out.

use enclair_tree::TreePath;

use super::pattern::{Pattern, PatternError};

/// What a rule does with a path that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leaves it out.
    Exclude,
    /// Lets it come.
    Include,
}

/// Which paths of packages come into the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathFilter {
    rules: Vec<(Action, Pattern)>,
}

/// The rules of `path-exclude@1`. Licences ask for their text to stay with the files.
const MINIMAL: [(Action, &str); 10] = [
    (Action::Exclude, "/usr/share/doc/*"),
    (Action::Exclude, "/usr/share/doc-base/*"),
    (Action::Exclude, "/usr/share/gnome/help/*"),
    (Action::Exclude, "/usr/share/help/*"),
    (Action::Exclude, "/usr/share/info/*"),
    (Action::Exclude, "/usr/share/lintian/*"),
    (Action::Exclude, "/usr/share/locale/*"),
    (Action::Exclude, "/usr/share/man/*"),
    (Action::Include, "/usr/share/doc/*/copyright"),
    (Action::Include, "/usr/share/locale/locale.alias"),
];

impl PathFilter {
    /// The name by which a lock lists [`PathFilter::minimal`]. Another list is another version.
    pub const MINIMAL_VERSION: &'static str = "path-exclude@1";

    /// Documentation, manuals, translations and what checks packages are left out; the copyright
    /// of each package stays.
    pub fn minimal() -> Self {
        let rules = MINIMAL
            .into_iter()
            .filter_map(|(action, text)| Some((action, text.parse().ok()?)));
        Self {
            rules: rules.collect(),
        }
    }

    /// Adds a rule behind those that are there.
    ///
    /// # Errors
    ///
    /// [`PatternError`] when `pattern` is none.
    pub fn add(&mut self, action: Action, pattern: &str) -> Result<(), PatternError> {
        self.rules.push((action, pattern.parse()?));
        Ok(())
    }

    /// Whether `path` is left out. `kind` is what it is in its package.
    pub(super) fn excludes(&self, path: &TreePath, kind: Kind) -> bool {
        let name = [b"/", path.as_bytes()].concat();
        let decides = |(_, pattern): &&(Action, Pattern)| pattern.matches(&name);
        match self.rules.iter().rev().find(decides) {
            None | Some((Action::Include, _)) => false,
            Some((Action::Exclude, _)) => kind == Kind::Content || !self.leads_on(&name),
        }
    }

    /// Whether an inclusion begins at a directory that `name` is or lies under.
    fn leads_on(&self, name: &[u8]) -> bool {
        let inclusions = self.rules.iter().filter(|rule| rule.0 == Action::Include);
        inclusions
            .filter_map(|(_, pattern)| name.strip_prefix(pattern.literal_directory()))
            .any(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
}

/// What stands at a path, as far as it matters for leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Other paths may lead through it.
    Way,
    /// A file.
    Content,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(path: &str, kind: Kind) -> bool {
        PathFilter::minimal().excludes(&TreePath::parse(path.as_bytes()).unwrap(), kind)
    }

    #[test]
    fn every_pattern_of_the_preset_is_one() {
        assert_eq!(PathFilter::minimal().rules.len(), MINIMAL.len());
    }

    /// What dpkg 1.21 does with the same rules.
    #[test]
    fn the_last_rule_decides_and_ways_to_inclusions_stay() {
        for (path, kind, expected) in [
            ("usr/share/doc", Kind::Way, false),
            ("usr/share/doc/a", Kind::Way, false),
            ("usr/share/doc/a/sub", Kind::Way, false),
            ("usr/share/doc/a/sub/f", Kind::Content, true),
            ("usr/share/doc/a/README", Kind::Content, true),
            ("usr/share/doc/a/copyright", Kind::Content, false),
            ("usr/share/docs/a", Kind::Content, false),
            ("usr/share/man", Kind::Way, false),
            ("usr/share/man/man1", Kind::Way, true),
            ("usr/share/man/man1/x.1", Kind::Content, true),
            ("usr/share/locale/de", Kind::Way, false),
            ("usr/share/locale/locale.alias", Kind::Content, false),
            ("usr/bin/man", Kind::Content, false),
        ] {
            assert_eq!(excludes(path, kind), expected, "{path}");
        }
    }

    #[test]
    fn a_rule_that_was_added_comes_last() {
        let mut filter = PathFilter::minimal();
        filter.add(Action::Include, "/usr/share/doc/a/*").unwrap();
        filter
            .add(Action::Exclude, "/usr/share/doc/a/secret")
            .unwrap();
        let path = |text: &str| TreePath::parse(text.as_bytes()).unwrap();
        assert!(!filter.excludes(&path("usr/share/doc/a/README"), Kind::Content));
        assert!(filter.excludes(&path("usr/share/doc/a/secret"), Kind::Content));
        assert!(filter.add(Action::Include, "relative").is_err());
    }
}
