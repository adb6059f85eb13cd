//! What is asked for, as candidates: versions that are asked for become the candidates of their
//! names, and then each name is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Id, Pool, Version, rank};
use crate::relation::Relation;
use crate::solve::{Asked, Base, Choice, Found, Request, SolveError};

/// A package that is installed because of the request, not because of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::solve) struct Root {
    pub(in crate::solve) id: Id,
    pub(in crate::solve) kind: RootKind,
}

/// Why a package is installed that nobody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::solve) enum RootKind {
    Asked,
    Essential,
    Required,
}

impl<'a> Pool<'a> {
    /// The packages that the request names, and those of its base: the base first, then what is
    /// asked for, both by name.
    ///
    /// # Errors
    ///
    /// When something is not there, excluded, or asked for in two versions.
    pub(in crate::solve) fn roots(&mut self, request: &Request) -> Result<Vec<Root>, SolveError> {
        let asked: BTreeSet<&Asked> = request.install.iter().collect();
        for asked in &asked {
            if self.excluded.contains(&asked.name) {
                return Err(SolveError::Excluded {
                    name: asked.name.clone(),
                });
            }
            if let Some(version) = self.chosen(asked)? {
                self.pin_once(asked, version)?;
            }
        }
        for asked in &asked {
            if let Choice::Suite(suite) = &asked.choice {
                self.follow_suite(asked, suite)?;
            }
        }
        let mut kinds = BTreeMap::new();
        for asked in asked {
            kinds.insert(self.find_asked(asked)?, RootKind::Asked);
        }
        let named: Vec<Id> = kinds.keys().copied().collect();
        for (id, kind) in self.base(request.base) {
            kinds.entry(id).or_insert(kind);
        }
        let mut roots: Vec<_> = kinds
            .into_iter()
            .map(|(id, kind)| Root { id, kind })
            .collect();
        roots.sort_by_cached_key(|root| {
            let is_base = !named.contains(&root.id) || self.is_base(root.id, request.base);
            (!is_base, self.key(root.id))
        });
        Ok(roots)
    }

    fn is_base(&self, id: Id, base: Base) -> bool {
        self.get(id).is_some_and(|found| base.has(&found.package))
    }

    /// The candidates of the base.
    fn base(&mut self, base: Base) -> Vec<(Id, RootKind)> {
        let mut names = BTreeSet::new();
        for source in self.universe.sources() {
            let packages = source.index.packages().filter(|package| base.has(package));
            names.extend(packages.map(|package| package.name()));
        }
        let mut found = Vec::new();
        for name in names {
            let ids = self.named(name);
            let native = ids.iter().find(|id| self.is_native(**id));
            let Some((id, package)) = native.and_then(|id| Some((*id, self.get(*id)?.package)))
            else {
                continue;
            };
            if base.has(&package) && !self.is_excluded(id) {
                let kind = if package.is_essential() {
                    RootKind::Essential
                } else {
                    RootKind::Required
                };
                found.push((id, kind));
            }
        }
        found
    }

    /// The version that is asked for, where it is not the candidate.
    fn chosen(&self, asked: &Asked) -> Result<Option<Version<'a>>, SolveError> {
        if asked.choice == Choice::Candidate {
            return Ok(None);
        }
        let all: Vec<_> = self.versions(&asked.name).collect();
        let wanted = asked.architecture.as_deref().unwrap_or(&self.native);
        let of_architecture = |version: &&Version<'a>| *self.architecture_of(&version.1) == *wanted;
        let is_asked = |(source, package): &&Version<'a>| match &asked.choice {
            Choice::Candidate => true,
            Choice::Version(text) => package.version() == &**text,
            Choice::Beginning(text) => package.version().starts_with(&**text),
            Choice::Suite(suite) => source.is_called(suite),
        };
        let found = all.iter().filter(of_architecture).filter(is_asked);
        match found.max_by(|left, right| rank(left).cmp(&rank(right))) {
            Some(version) => Ok(Some(*version)),
            None => Err(self.not_found(asked)),
        }
    }

    fn pin_once(&mut self, asked: &Asked, version: Version<'a>) -> Result<(), SolveError> {
        let key = (asked.name.clone(), self.architecture_of(&version.1));
        match self.pinned.get(&key) {
            Some(other) if rank(other) != rank(&version) => Err(SolveError::TwoVersions {
                name: asked.name.clone(),
                first: other.1.version().into(),
                second: version.1.version().into(),
            }),
            _ => {
                self.pin(version);
                Ok(())
            }
        }
    }

    /// What a package of a suite needs in a version that no candidate has comes from that suite
    /// too.
    fn follow_suite(&mut self, asked: &Asked, suite: &str) -> Result<(), SolveError> {
        let mut open = vec![self.find_asked(asked).map(|id| self.key(id))?];
        while let Some((name, _, architecture)) = open.pop() {
            let find = |pool: &mut Self| {
                let ids = pool.named(name);
                let mut ids = ids.iter().copied();
                ids.find(|id| pool.key(*id).2 == architecture)
            };
            let Some(id) = find(self) else { continue };
            let details = self.details(id)?;
            for need in details.needs.iter().filter(|need| !need.is_soft()) {
                let Some(id) = find(self) else { continue };
                if !self.options(id, need)?.is_empty() {
                    continue;
                }
                let mut alternatives = need.group.alternatives().iter();
                let found = alternatives.find_map(|one| self.of_suite(one, suite, &architecture));
                if let Some(version) = found {
                    open.push((version.1.name(), false, Rc::clone(&architecture)));
                    self.pin(version);
                }
            }
        }
        Ok(())
    }

    /// The best version of a suite that a relation means, unless there is another pin.
    fn of_suite(
        &self,
        relation: &Relation,
        suite: &str,
        architecture: &Rc<str>,
    ) -> Option<Version<'a>> {
        let key = (relation.name.clone(), Rc::clone(architecture));
        if self.pinned.contains_key(&key) {
            return None;
        }
        let fits = |version: &Version<'a>| {
            version.0.is_called(suite) && self.fits(version, relation, architecture)
        };
        let versions = self.versions(&relation.name).filter(fits);
        versions.max_by(|left, right| rank(left).cmp(&rank(right)))
    }

    /// The best version that a relation of `from` means, candidate or not.
    pub(in crate::solve) fn fitting(&self, from: Id, relation: &Relation) -> Option<Found> {
        let architecture = &self.get(from)?.architecture;
        let fits = |version: &Version<'a>| self.fits(version, relation, architecture);
        let versions = self.versions(&relation.name).filter(fits);
        let best = versions.max_by(|left, right| rank(left).cmp(&rank(right)));
        best.map(|version| Found::of(&version))
    }

    /// Whether a version has what a relation with a constraint asks for.
    fn fits(&self, version: &Version<'a>, relation: &Relation, architecture: &Rc<str>) -> bool {
        let admits = relation.constraint.as_ref().is_some_and(|constraint| {
            let order = version.1.version_parts().cmp(&constraint.version.parts());
            constraint.operator.admits(order)
        });
        admits && self.architecture_of(&version.1) == *architecture
    }

    /// The candidate that is asked for: of the system's architecture where none is said; where
    /// nothing has the name, the one that provides it.
    fn find_asked(&mut self, asked: &Asked) -> Result<Id, SolveError> {
        let ids = self.named(&asked.name);
        let found = match &asked.architecture {
            None => ids.first().copied(),
            Some(wanted) => {
                let mut ids = ids.iter().copied();
                ids.find(|id| *self.key(*id).2 == **wanted)
            }
        };
        if let Some(id) = found {
            return Ok(id);
        }
        let relation = Relation {
            name: asked.name.clone(),
            qualifier: None,
            constraint: None,
            architectures: Vec::new(),
            profiles: Vec::new(),
        };
        let mut providers = Vec::new();
        for id in self.providers(&asked.name).iter().copied() {
            if self.satisfies(id, &relation, id)? {
                providers.push(id);
            }
        }
        match providers.as_slice() {
            [] => Err(self.not_found(asked)),
            [one] if asked.architecture.is_none() => Ok(*one),
            several => Err(SolveError::Virtual {
                name: asked.name.clone(),
                providers: several.iter().map(|id| self.name(*id).into()).collect(),
            }),
        }
    }

    fn not_found(&self, asked: &Asked) -> SolveError {
        let found = self.found(&asked.name);
        if found.is_empty() {
            return self.unknown(asked);
        }
        SolveError::NoVersion {
            asked: asked.clone(),
            found,
        }
    }

    fn unknown(&self, asked: &Asked) -> SolveError {
        let mut near: Vec<(usize, &str)> = Vec::new();
        let limit = (asked.name.len() / 4).clamp(1, 3);
        for source in self.universe.sources() {
            for name in source.index.names() {
                // Most names are too long or too short, which is cheaper to see.
                if name.len().abs_diff(asked.name.len()) <= limit {
                    let distance = strsim::osa_distance(&asked.name, name);
                    if (1..=limit).contains(&distance) && !near.contains(&(distance, name)) {
                        near.push((distance, name));
                    }
                }
            }
        }
        near.sort_unstable();
        SolveError::Unknown {
            asked: asked.clone(),
            near: near
                .into_iter()
                .take(3)
                .map(|(_, name)| name.into())
                .collect(),
            places: self.places(),
        }
    }

    /// Where packages are looked for, in words.
    pub(in crate::solve) fn places(&self) -> Vec<Box<str>> {
        let sources = self.universe.sources().iter();
        let mut places: Vec<Box<str>> = sources.map(|source| source.to_string().into()).collect();
        places.dedup();
        places
    }

    /// Every version of a name and where it is.
    pub(in crate::solve) fn found(&self, name: &str) -> Vec<Found> {
        self.versions(name)
            .map(|version| Found::of(&version))
            .collect()
    }
}
