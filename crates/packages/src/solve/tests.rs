//! Small universes: a package is a line, `NAME VERSION; FIELD: VALUE; ..`.

use std::fmt::Write as _;

use super::*;
use crate::index::Index;

mod choice;
mod explained;
mod given;
mod search;

/// An index of packages, each of them one line.
fn index(lines: &str) -> Index {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(';');
        let (name, version) = parts.next().unwrap().trim().split_once(' ').unwrap();
        let fields: Vec<&str> = parts.map(str::trim).collect();
        if !fields.iter().any(|field| field.starts_with("Architecture")) {
            text += "Architecture: amd64\n";
        }
        for field in fields {
            writeln!(text, "{field}").unwrap();
        }
        writeln!(
            text,
            "Package: {name}\nVersion: {version}\nFilename: pool/{name}\nSize: 1\nSHA256: {:064x}\n",
            version.len()
        )
        .unwrap();
    }
    Index::read(text.as_bytes()).unwrap()
}

/// A universe with these suites; `*` before a name: only upgrades are automatic, `!`: nothing is.
struct World(Vec<(&'static str, Pin, Index)>);

impl World {
    fn one(lines: &str) -> Self {
        Self::of(&[("debian:bookworm", lines)])
    }

    fn of(suites: &[(&'static str, &str)]) -> Self {
        let read = |(name, lines): &(&'static str, &str)| {
            let (name, pin) = if let Some(name) = name.strip_prefix('*') {
                (name, Pin::AutomaticUpgrades)
            } else if let Some(name) = name.strip_prefix('!') {
                (name, Pin::NotAutomatic)
            } else {
                (*name, Pin::Normal)
            };
            (name, pin, index(lines))
        };
        Self(suites.iter().map(read).collect())
    }

    fn universe(&self) -> Universe<'_> {
        Universe::new(self.0.iter().map(|(suite, pin, index)| Source {
            suite,
            component: "main",
            pin: *pin,
            index,
        }))
    }

    /// Names with versions, in the order of installation.
    fn solve(&self, names: &str) -> Vec<String> {
        self.request(&request(names)).unwrap()
    }

    /// The same, sorted.
    fn sorted(&self, names: &str) -> Vec<String> {
        let mut found = self.solve(names);
        found.sort();
        found
    }

    fn request(&self, request: &Request) -> Result<Vec<String>, SolveError> {
        let universe = self.universe();
        let solution = solve(&universe, request)?;
        let line = |chosen: &Chosen<'_>| {
            let package = chosen.package;
            format!("{} {}", package.name(), package.version())
        };
        Ok(solution.chosen().iter().map(line).collect())
    }

    fn error(&self, names: &str) -> String {
        self.request(&request(names)).unwrap_err().to_string()
    }
}

/// `NAME..`, with `-NAME` for what is excluded.
fn request(names: &str) -> Request {
    let (excluded, install): (Vec<&str>, Vec<&str>) = names
        .split_whitespace()
        .partition(|name| name.starts_with('-'));
    Request {
        architecture: "amd64".into(),
        install: install.iter().map(|name| name.parse().unwrap()).collect(),
        exclude: excluded
            .iter()
            .map(|name| name.trim_start_matches('-').into())
            .collect(),
        base: Base::None,
        recommends: Recommends::Leave,
    }
}
