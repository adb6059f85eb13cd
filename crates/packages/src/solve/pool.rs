//! The packages that can be installed, and which of them a relation means.
//!
//! Packages are looked up and their relations are read when somebody asks for them: of sixty
//! thousand packages a request touches some hundreds.

mod pins;
mod relate;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::{MAX_COMPARISONS, Request, SolveError, Source, Universe};
use crate::index::{Package, RelationKind};
use crate::relation::{Group, Relation, Relations};

pub(super) use pins::{Root, RootKind};
pub(super) use relate::Clash;

/// A package that can be installed, by its place in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(usize);

/// A candidate: of its name and architecture the one that can be installed.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) package: Package<'a>,
    pub(super) source: Source<'a>,
    /// Its architecture; that of the system for `all`.
    pub(super) architecture: Rc<str>,
}

/// A version of a package, and where it is.
pub(super) type Version<'a> = (Source<'a>, Package<'a>);

/// The relations of a candidate, once they have been read.
#[derive(Debug)]
pub(super) struct Details {
    /// What it needs, in the order in which that is looked at.
    pub(super) needs: Vec<Need>,
    /// What it cannot be installed with.
    pub(super) clashes: Vec<(RelationKind, Relation)>,
    pub(super) provides: Vec<Relation>,
}

/// One group of a package's relations.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) kind: RelationKind,
    pub(super) group: Group,
}

impl Need {
    /// Whether the package can be installed without it.
    pub(super) fn is_soft(&self) -> bool {
        self.kind == RelationKind::Recommends
    }
}

/// Every package that was looked at.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    pub(super) universe: &'a Universe<'a>,
    native: Rc<str>,
    excluded: BTreeSet<Box<str>>,
    candidates: Vec<Candidate<'a>>,
    details: Vec<Option<Rc<Details>>>,
    named: HashMap<Box<str>, Rc<[Id]>>,
    providers: HashMap<Box<str>, Rc<[Id]>>,
    /// Candidates that somebody asked for, by name and architecture.
    pinned: BTreeMap<(Box<str>, Rc<str>), Version<'a>>,
    compared: u32,
}

impl<'a> Pool<'a> {
    pub(super) fn new(universe: &'a Universe<'a>, request: &Request) -> Self {
        Self {
            universe,
            native: Rc::from(&*request.architecture),
            excluded: request.exclude.iter().cloned().collect(),
            candidates: Vec::new(),
            details: Vec::new(),
            named: HashMap::new(),
            providers: HashMap::new(),
            pinned: BTreeMap::new(),
            compared: 0,
        }
    }

    /// Counts comparisons of a relation with a package, of which a crafted index could need any
    /// number.
    fn count(&mut self, comparisons: usize) -> Result<(), SolveError> {
        let comparisons = u32::try_from(comparisons).unwrap_or(u32::MAX);
        self.compared = self.compared.saturating_add(comparisons);
        if self.compared > MAX_COMPARISONS {
            return Err(SolveError::Limit);
        }
        Ok(())
    }

    pub(super) fn get(&self, id: Id) -> Option<&Candidate<'a>> {
        self.candidates.get(id.0)
    }

    pub(super) fn name(&self, id: Id) -> &'a str {
        self.get(id).map_or("", |found| found.package.name())
    }

    /// By what candidates are sorted wherever nothing else decides.
    pub(super) fn key(&self, id: Id) -> (&'a str, bool, Rc<str>) {
        let architecture = self.get(id).map(|found| Rc::clone(&found.architecture));
        let architecture = architecture.unwrap_or_else(|| Rc::clone(&self.native));
        (self.name(id), architecture != self.native, architecture)
    }

    pub(super) fn is_excluded(&self, id: Id) -> bool {
        self.excluded.contains(self.name(id))
    }

    pub(super) fn is_native(&self, id: Id) -> bool {
        self.get(id)
            .is_some_and(|found| found.architecture == self.native)
    }

    /// Every version of a name, in every suite.
    pub(super) fn versions(&self, name: &str) -> impl Iterator<Item = Version<'a>> + use<'a> {
        let mut versions = Vec::new();
        for source in self.universe.sources() {
            let packages = source.index.named(name);
            versions.extend(packages.map(|package| (*source, package)));
        }
        versions.into_iter()
    }

    /// The candidates of a name: one for each architecture, the system's own first.
    pub(super) fn named(&mut self, name: &str) -> Rc<[Id]> {
        if let Some(found) = self.named.get(name) {
            return Rc::clone(found);
        }
        let mut best: BTreeMap<(bool, Rc<str>), Version<'a>> = BTreeMap::new();
        for version in self.versions(name) {
            let architecture = self.architecture_of(&version.1);
            let key = (architecture != self.native, architecture);
            let better = |best: &Version<'a>| rank(&version) > rank(best);
            if best.get(&key).is_none_or(better) {
                best.insert(key, version);
            }
        }
        let mut found = Vec::new();
        for ((_, architecture), best) in best {
            let pinned = self.pinned.get(&(name.into(), Rc::clone(&architecture)));
            let (source, package) = pinned.copied().unwrap_or(best);
            found.push(Id(self.candidates.len()));
            self.details.push(None);
            self.candidates.push(Candidate {
                package,
                source,
                architecture,
            });
        }
        let found: Rc<[Id]> = found.into();
        self.named.insert(name.into(), Rc::clone(&found));
        found
    }

    /// The candidates that provide a name without having it.
    pub(super) fn providers(&mut self, name: &str) -> Rc<[Id]> {
        if let Some(found) = self.providers.get(name) {
            return Rc::clone(found);
        }
        let sources = self.universe.sources().iter();
        let owners: BTreeSet<&str> = sources
            .flat_map(|source| source.index.providers(name))
            .map(|package| package.name())
            .filter(|owner| *owner != name)
            .collect();
        let mut found = Vec::new();
        for owner in owners {
            // Another version may provide the name; then the relation is not satisfied by this.
            found.extend(self.named(owner).iter().copied());
        }
        let found: Rc<[Id]> = found.into();
        self.providers.insert(name.into(), Rc::clone(&found));
        found
    }

    /// Makes another version the candidate of its name. Ids from before are void.
    fn pin(&mut self, version: Version<'a>) {
        let architecture = self.architecture_of(&version.1);
        let key = (version.1.name().into(), architecture);
        self.pinned.insert(key, version);
        self.candidates.clear();
        self.details.clear();
        self.named.clear();
        self.providers.clear();
    }

    /// The architecture that a package is installed for.
    pub(super) fn architecture_of(&self, package: &Package<'_>) -> Rc<str> {
        match package.architecture() {
            "all" => Rc::clone(&self.native),
            other if *other == *self.native => Rc::clone(&self.native),
            other => other.into(),
        }
    }

    /// The relations of a candidate.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(super) fn details(&mut self, id: Id) -> Result<Rc<Details>, SolveError> {
        if let Some(Some(details)) = self.details.get(id.0) {
            return Ok(Rc::clone(details));
        }
        let details = Rc::new(match self.candidates.get(id.0) {
            Some(candidate) => self.read(&candidate.package)?,
            None => Details {
                needs: Vec::new(),
                clashes: Vec::new(),
                provides: Vec::new(),
            },
        });
        if let Some(place) = self.details.get_mut(id.0) {
            *place = Some(Rc::clone(&details));
        }
        Ok(details)
    }

    fn read(&self, package: &Package<'_>) -> Result<Details, SolveError> {
        let relations = |kind: RelationKind| -> Result<Relations, SolveError> {
            package
                .relations(kind)
                .map_err(|source| SolveError::Relation {
                    package: package.name().into(),
                    version: package.version().into(),
                    field: kind,
                    source,
                })
        };
        let mut needs = Vec::new();
        for kind in [
            RelationKind::PreDepends,
            RelationKind::Depends,
            RelationKind::Recommends,
        ] {
            for group in relations(kind)?.groups() {
                let group = group.filtered(|one| relate::counts(one, &self.native));
                needs.extend(group.map(|group| Need { kind, group }));
            }
        }
        let mut clashes = Vec::new();
        for kind in [RelationKind::Conflicts, RelationKind::Breaks] {
            let found = relations(kind)?;
            let counting = found.iter().filter(|one| relate::counts(one, &self.native));
            clashes.extend(counting.map(|relation| (kind, relation.clone())));
        }
        let provides = relations(RelationKind::Provides)?.iter().cloned().collect();
        Ok(Details {
            needs,
            clashes,
            provides,
        })
    }
}

/// Which version is the candidate: the greatest by this. Of two suites with the same, the one
/// whose name sorts first.
fn rank<'a>((source, package): &Version<'a>) -> impl Ord + use<'a> {
    (
        source.pin,
        package.version_parts(),
        package.version(),
        Reverse((source.suite, source.component)),
    )
}
