//! A set of packages that is given: every package of a universe is installed, and nothing is chosen.
//!
//! For packages that somebody else chose: those of a lock, or of another tool's file. The answer is
//! in which order they are installed and who needs whom, as for a set that was chosen, and what is
//! wrong with the set. Nothing is mended: what is missing is named.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::pool::{Clash, Id, Pool, Root, RootKind};
use super::search::Pick;
use super::solution::Solution;
use super::{Asked, Base, Request, SolveError, Universe};
use crate::index::RelationKind;

/// What a set of packages that is given comes to.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    /// All of them, in the order in which they are installed, with a reason for each.
    pub solution: Solution<'a>,
    /// What the request asks for and the set does not have, each with what is there instead.
    pub unasked: Vec<(Asked, SolveError)>,
    /// What packages of the set need and do not get, in the order of their names.
    pub unmet: Vec<Unmet>,
    /// Packages that cannot be installed together, in the order of their names.
    pub clashes: Vec<Together>,
    /// Packages that the request excludes, by name.
    pub excluded: Vec<Box<str>>,
}

impl Given<'_> {
    /// Whether nothing is wrong with the set.
    pub const fn is_whole(&self) -> bool {
        self.unasked.is_empty()
            && self.unmet.is_empty()
            && self.clashes.is_empty()
            && self.excluded.is_empty()
    }
}

/// A need that no package of the set meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Who needs it, by name.
    pub package: Box<str>,
    /// In which field.
    pub field: RelationKind,
    /// In which words: one group of the field.
    pub relation: Box<str>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} `{}`", self.package, self.field, self.relation)
    }
}

/// Two packages that cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// One of them, by name: the one that says so.
    pub package: Box<str>,
    /// The other one.
    pub other: Box<str>,
    /// What the first one says; `None` for one package for two architectures that is not made for
    /// that.
    pub relation: Option<(RelationKind, Box<str>)>,
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.relation {
            Some((field, relation)) => {
                write!(f, "{} {field} `{relation}` ({})", self.package, self.other)
            }
            None => write!(f, "{} for two architectures", self.package),
        }
    }
}

/// Looks at a set of packages: all of `universe`. Of `request` the architecture counts, what is
/// asked for and excluded, and the base as a reason to be there; what is recommended is never
/// missing.
///
/// # Errors
///
/// Two versions of one package, and relations that cannot be read.
pub fn examine<'a>(universe: &'a Universe<'a>, request: &Request) -> Result<Given<'a>, SolveError> {
    let mut pool = Pool::new(universe, request);
    let (asked, unasked) = asked(&mut pool, request);
    let ids = all(&mut pool)?;
    let mut given = Examination {
        roots: Vec::new(),
        unmet: Vec::new(),
        clashes: Vec::new(),
    };
    given.find_roots(&pool, &ids, &asked, request.base);
    let needed = given.look(&mut pool, &ids)?;
    let picks = picks(&pool, &ids, &given.roots, &needed);
    let excluded = ids.iter().filter(|id| pool.is_excluded(**id));
    let excluded: BTreeSet<Box<str>> = excluded.map(|id| pool.name(*id).into()).collect();
    Ok(Given {
        solution: Solution::new(&mut pool, &given.roots, picks)?,
        unasked,
        unmet: given.unmet,
        clashes: given.clashes,
        excluded: excluded.into_iter().collect(),
    })
}

/// A package by its name and architecture, which stay when candidates are looked up anew.
type Key = (Box<str>, Box<str>);

fn key(pool: &Pool<'_>, id: Id) -> Key {
    let (name, _, architecture) = pool.key(id);
    (name.into(), (*architecture).into())
}

/// What is asked for and there, and what is not.
fn asked(pool: &mut Pool<'_>, request: &Request) -> (BTreeSet<Key>, Vec<(Asked, SolveError)>) {
    let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
    for asked in &request.install {
        let single = Request {
            install: vec![asked.clone()],
            base: Base::None,
            ..request.clone()
        };
        match pool.roots(&single) {
            Ok(roots) => found.extend(roots.iter().map(|root| key(pool, root.id))),
            Err(error) => missing.push((asked.clone(), error)),
        }
    }
    (found, missing)
}

/// Every package of the universe, by name.
fn all(pool: &mut Pool<'_>) -> Result<Vec<Id>, SolveError> {
    let sources = pool.universe.sources().iter();
    let mut versions: BTreeMap<(&str, Rc<str>), &str> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for package in sources.flat_map(|source| source.index.packages()) {
        let key = (package.name(), pool.architecture_of(&package));
        names.insert(package.name());
        let known = versions.insert(key, package.version());
        if let Some(first) = known {
            return Err(SolveError::TwoVersions {
                name: package.name().into(),
                first: first.into(),
                second: package.version().into(),
            });
        }
    }
    let ids = names.into_iter().map(|name| pool.named(name));
    Ok(ids.flat_map(|ids| ids.to_vec()).collect())
}

/// The first package that needs another one, and the place of the need.
type Needed = BTreeMap<Id, Vec<(Id, usize)>>;

#[derive(Debug)]
struct Examination {
    roots: Vec<Root>,
    unmet: Vec<Unmet>,
    clashes: Vec<Together>,
}

impl Examination {
    fn find_roots(&mut self, pool: &Pool<'_>, ids: &[Id], asked: &BTreeSet<Key>, base: Base) {
        for id in ids.iter().copied() {
            let Some(found) = pool.get(id) else { continue };
            let kind = if asked.contains(&key(pool, id)) {
                RootKind::Asked
            } else if base.has(&found.package) && pool.is_native(id) {
                if found.package.is_essential() {
                    RootKind::Essential
                } else {
                    RootKind::Required
                }
            } else {
                continue;
            };
            self.roots.push(Root { id, kind });
        }
    }

    /// Who needs whom; notes what is wrong.
    fn look(&mut self, pool: &mut Pool<'_>, ids: &[Id]) -> Result<Needed, SolveError> {
        let mut needed = Needed::new();
        for id in ids.iter().copied() {
            let details = pool.details(id)?;
            for (place, need) in details.needs.iter().enumerate() {
                let options = pool.options(id, need)?;
                if options.is_empty() && !need.is_soft() {
                    self.unmet.push(Unmet {
                        package: pool.name(id).into(),
                        field: need.kind,
                        relation: need.group.to_string().into(),
                    });
                }
                let needs = needed.entry(id).or_default();
                needs.extend(options.into_iter().map(|option| (option, place)));
            }
            for (_, relation) in &details.clashes {
                for other in pool.with_name(&relation.name) {
                    self.clash(pool, id, other)?;
                }
            }
            for other in pool.named(pool.name(id)).iter().copied() {
                if id < other {
                    self.clash(pool, id, other)?;
                }
            }
        }
        Ok(needed)
    }

    fn clash(&mut self, pool: &mut Pool<'_>, one: Id, other: Id) -> Result<(), SolveError> {
        let found = match pool.clash(one, other)? {
            None => return Ok(()),
            Some(Clash::Architectures) => Together {
                package: pool.name(one).into(),
                other: pool.name(other).into(),
                relation: None,
            },
            Some(Clash::Relation {
                holder,
                kind,
                relation,
            }) => Together {
                package: pool.name(holder).into(),
                other: pool.name(if holder == one { other } else { one }).into(),
                relation: Some((kind, relation)),
            },
        };
        if !self.clashes.contains(&found) {
            self.clashes.push(found);
        }
        Ok(())
    }
}

/// Every package with the nearest one that needs it: from the roots first; then from packages that
/// nobody needs; then, where packages only need each other, from the first of them.
fn picks(pool: &Pool<'_>, ids: &[Id], roots: &[Root], needs: &Needed) -> Vec<Pick> {
    let mut picked: BTreeMap<Id, Pick> = BTreeMap::new();
    let begin: Vec<Id> = roots.iter().map(|root| root.id).collect();
    walk(&begin, needs, &mut picked);
    let needed: BTreeSet<Id> = needs
        .iter()
        .flat_map(|(by, needs)| needs.iter().map(move |need| (by, need.0)))
        .filter(|(by, needed)| **by != *needed)
        .map(|(_, needed)| needed)
        .collect();
    let alone: Vec<Id> = ids
        .iter()
        .copied()
        .filter(|id| !needed.contains(id))
        .collect();
    walk(&alone, needs, &mut picked);
    let mut rest = ids.to_vec();
    rest.sort_by_cached_key(|id| pool.key(*id));
    for id in rest {
        walk(&[id], needs, &mut picked);
    }
    picked.into_values().collect()
}

fn walk(begin: &[Id], needs: &Needed, picked: &mut BTreeMap<Id, Pick>) {
    let mut open = VecDeque::new();
    for id in begin.iter().copied() {
        open.push_back(Pick { id, parent: None });
    }
    while let Some(pick) = open.pop_front() {
        if picked.contains_key(&pick.id) {
            continue;
        }
        picked.insert(pick.id, pick);
        let next = needs.get(&pick.id).into_iter().flatten();
        open.extend(next.map(|(id, place)| Pick {
            id: *id,
            parent: Some((pick.id, *place)),
        }));
    }
}
