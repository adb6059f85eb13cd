//! Whether a relation means a package.

use super::{Id, Need, Pool};
use crate::index::{MultiArch, RelationKind};
use crate::relation::{Qualifier, Relation, Term};
use crate::solve::SolveError;

/// Why two packages cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::solve) enum Clash {
    /// One of them says so.
    Relation {
        /// Who says it.
        holder: Id,
        kind: RelationKind,
        relation: Box<str>,
    },
    /// They are one package for two architectures, and are not made for that.
    Architectures,
}

impl Pool<'_> {
    /// Whether `relation` of `from` is satisfied by `target`.
    pub(in crate::solve) fn satisfies(
        &mut self,
        from: Id,
        relation: &Relation,
        target: Id,
    ) -> Result<bool, SolveError> {
        let Some((asking, found)) = self.get(from).zip(self.get(target)) else {
            return Ok(false);
        };
        let serves = match &relation.qualifier {
            None => {
                found.architecture == asking.architecture
                    || found.package.multi_arch() == MultiArch::Foreign
            }
            Some(Qualifier::Any) => found.package.multi_arch() == MultiArch::Allowed,
            Some(Qualifier::Native) => found.architecture == self.native,
            Some(Qualifier::Architecture(wanted)) => *found.architecture == **wanted,
        };
        Ok(serves && self.is_meant(relation, target)?)
    }

    /// Whether `target` has the name and version of `relation`, or provides them.
    fn is_meant(&mut self, relation: &Relation, target: Id) -> Result<bool, SolveError> {
        let Some(found) = self.get(target) else {
            return Ok(false);
        };
        let admits = |order: std::cmp::Ordering, constraint: &crate::relation::Constraint| {
            constraint.operator.admits(order)
        };
        if *relation.name == *found.package.name() {
            let version = found.package.version_parts();
            let meant = relation.constraint.as_ref().is_none_or(|constraint| {
                admits(version.cmp(&constraint.version.parts()), constraint)
            });
            if meant {
                return Ok(true);
            }
        }
        let details = self.details(target)?;
        let mut provided = details.provides.iter();
        Ok(provided.any(|provided| {
            provided.name == relation.name
                && relation.constraint.as_ref().is_none_or(|constraint| {
                    // What is provided without a version is of no version.
                    provided.constraint.as_ref().is_some_and(|found| {
                        admits(found.version.cmp(&constraint.version), constraint)
                    })
                })
        }))
    }

    /// The candidates that satisfy a need of `from`, in the order in which they are tried.
    pub(in crate::solve) fn options(
        &mut self,
        from: Id,
        need: &Need,
    ) -> Result<Vec<Id>, SolveError> {
        let mut options = Vec::new();
        for relation in need.group.alternatives() {
            let mut found = Vec::new();
            for id in self.with_name(&relation.name) {
                if self.satisfies(from, relation, id)? && !options.contains(&id) {
                    found.push(id);
                }
            }
            found.sort_by_cached_key(|id| {
                let package = self.get(*id).map(|found| found.package);
                (
                    package.is_none_or(|package| package.name() != &*relation.name),
                    !package.is_some_and(|package| package.is_essential()),
                    !package.is_some_and(|package| package.is_important()),
                    !self.is_native(*id),
                    package.map(|package| package.priority()),
                    self.key(*id),
                )
            });
            options.append(&mut found);
        }
        Ok(options)
    }

    /// The candidates that have a name or provide it.
    pub(in crate::solve) fn with_name(&mut self, name: &str) -> Vec<Id> {
        let named = self.named(name);
        let providers = self.providers(name);
        named.iter().chain(&*providers).copied().collect()
    }

    /// Why two packages cannot be installed together, if that is so.
    pub(in crate::solve) fn clash(
        &mut self,
        one: Id,
        other: Id,
    ) -> Result<Option<Clash>, SolveError> {
        if one == other {
            return Ok(None);
        }
        if let Some((left, right)) = self.get(one).zip(self.get(other))
            && left.package.name() == right.package.name()
        {
            let same = |multi_arch| multi_arch == MultiArch::Same;
            let together = same(left.package.multi_arch())
                && same(right.package.multi_arch())
                && left.package.version_parts() == right.package.version_parts();
            // What it says against other packages of its name does not mean its siblings.
            return Ok((!together).then_some(Clash::Architectures));
        }
        for (holder, target) in [(one, other), (other, one)] {
            let details = self.details(holder)?;
            for (kind, relation) in &details.clashes {
                let of_architecture = match &relation.qualifier {
                    Some(Qualifier::Architecture(wanted)) => self
                        .get(target)
                        .is_some_and(|found| *found.architecture == **wanted),
                    None | Some(Qualifier::Any | Qualifier::Native) => true,
                };
                if of_architecture && self.is_meant(relation, target)? {
                    return Ok(Some(Clash::Relation {
                        holder,
                        kind: *kind,
                        relation: relation.to_string().into(),
                    }));
                }
            }
        }
        Ok(None)
    }
}

/// Whether a relation counts on this architecture, without build profiles.
pub(super) fn counts(relation: &Relation, native: &str) -> bool {
    let is_native = |name: &str| {
        let cpu = name.strip_prefix("any-").or(name.strip_prefix("linux-"));
        name == native || name == "any" || cpu == Some(native) || cpu == Some("any")
    };
    let wanted = relation.architectures.iter().any(|term| match term {
        Term::Is(name) => is_native(name),
        Term::Not(_) => false,
    });
    let unwanted = relation.architectures.iter().any(|term| match term {
        Term::Is(_) => false,
        Term::Not(name) => is_native(name),
    });
    let only_unwanted = relation
        .architectures
        .iter()
        .all(|term| matches!(term, Term::Not(_)));
    let here = !unwanted && (wanted || only_unwanted);
    let mut profiles = relation.profiles.iter();
    let no_profile = |terms: &Vec<Term>| terms.iter().all(|term| matches!(term, Term::Not(_)));
    here && (relation.profiles.is_empty() || profiles.any(no_profile))
}
