//! A set of packages, with the reason for each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::order::{Before, order};
use super::pool::{Id, Need, Pool, Root, RootKind};
use super::search::Pick;
use super::{SolveError, Source};
use crate::index::{Package, RelationKind};

/// The packages that a request comes to.
#[derive(Debug, Clone)]
pub struct Solution<'a> {
    chosen: Vec<Chosen<'a>>,
    /// For each of them, who needs it.
    needed_by: Vec<Vec<Link>>,
}

/// A package that is installed.
#[derive(Debug, Clone)]
pub struct Chosen<'a> {
    /// The package.
    pub package: Package<'a>,
    /// Where it is.
    pub source: Source<'a>,
    /// Why it is installed.
    pub reason: Reason,
}

/// Why a package is installed. Of several reasons it is the first one in this order, and of several
/// packages that need it the one that made it come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The request names it.
    Asked,
    /// It is `Essential: yes`.
    Essential,
    /// It is `Priority: required`.
    Required,
    /// Another package needs it.
    Needed {
        /// Which one, by name.
        by: Box<str>,
        /// In which field.
        field: RelationKind,
        /// In which words: one group of the field.
        relation: Box<str>,
    },
    /// It is one of a set that was given, and neither the request nor another package needs it.
    Given,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked for"),
            Self::Essential => f.write_str("essential"),
            Self::Required => f.write_str("required"),
            Self::Needed {
                by,
                field,
                relation,
            } => write!(f, "{by} {field} `{relation}`"),
            Self::Given => f.write_str("given"),
        }
    }
}

/// One package that needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The place of the one that needs, in the order of installation.
    pub by: usize,
    /// In which field.
    pub field: RelationKind,
    /// In which words.
    pub relation: Box<str>,
}

/// How a package came in: places in the order of installation, from one that the request or the
/// base has to the one that was asked about; for each but the first, how the one before needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The first package's place.
    pub root: usize,
    /// The way from there: what needs it, and the place of what is needed.
    pub links: Vec<(Link, usize)>,
}

impl<'a> Solution<'a> {
    /// The packages in the order in which they are installed: what is needed comes before what
    /// needs it, essential packages before all others.
    pub fn chosen(&self) -> &[Chosen<'a>] {
        &self.chosen
    }

    /// How a package of this name came in: the shortest chains, one for each of those that need it
    /// and are as near to the request. Empty when it was not chosen.
    pub fn why(&self, name: &str) -> Vec<Chain> {
        let distances = self.distances();
        let mut chains = Vec::new();
        for (place, _) in self.places_of(name) {
            let Some(distance) = distances.get(&place).copied() else {
                continue;
            };
            if distance == 0 {
                let links = Vec::new();
                chains.push(Chain { root: place, links });
                continue;
            }
            let mut seen = BTreeSet::new();
            for link in self.needed_by(place) {
                let nearer = distances.get(&link.by).copied() == distance.checked_sub(1);
                if nearer && seen.insert(link.by) {
                    let mut chain = self.way_to(link.by, &distances);
                    chain.links.push((link.clone(), place));
                    chains.push(chain);
                }
            }
        }
        chains
    }

    fn places_of(&self, name: &str) -> impl Iterator<Item = (usize, &Chosen<'a>)> {
        let chosen = self.chosen.iter().enumerate();
        chosen.filter(move |(_, chosen)| chosen.package.name() == name)
    }

    /// Who needs the package at a place of the order of installation.
    pub fn needed_by(&self, place: usize) -> &[Link] {
        self.needed_by
            .get(place)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// How far each package is from the request.
    fn distances(&self) -> BTreeMap<usize, usize> {
        let mut needs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, links) in self.needed_by.iter().enumerate() {
            for link in links {
                needs.entry(link.by).or_default().push(place);
            }
        }
        let mut distances = BTreeMap::new();
        let mut open = VecDeque::new();
        for (place, chosen) in self.chosen.iter().enumerate() {
            if !matches!(chosen.reason, Reason::Needed { .. }) {
                open.push_back((place, 0_usize));
            }
        }
        while let Some((place, distance)) = open.pop_front() {
            if distances.contains_key(&place) {
                continue;
            }
            distances.insert(place, distance);
            let next = needs.get(&place).into_iter().flatten();
            open.extend(next.map(|next| (*next, distance.saturating_add(1))));
        }
        distances
    }

    /// One shortest way, by the names of packages where several are.
    fn way_to(&self, place: usize, distances: &BTreeMap<usize, usize>) -> Chain {
        let (mut at, mut links) = (place, Vec::new());
        while let Some(distance) = distances.get(&at).filter(|distance| **distance > 0) {
            let nearer = distance.checked_sub(1);
            let mut all = self.needed_by(at).iter();
            let Some(link) = all.find(|link| distances.get(&link.by).copied() == nearer) else {
                break;
            };
            links.push((link.clone(), at));
            at = link.by;
        }
        links.reverse();
        Chain { root: at, links }
    }

    pub(super) fn new(
        pool: &mut Pool<'a>,
        roots: &[Root],
        mut picks: Vec<Pick>,
    ) -> Result<Self, SolveError> {
        picks.sort_by_cached_key(|pick| pool.key(pick.id));
        let needs = needs(pool, &picks)?;
        let order = installation(pool, &picks, &needs);
        let mut places = vec![0; picks.len()];
        for (to, from) in order.iter().enumerate() {
            if let Some(place) = places.get_mut(*from) {
                *place = to;
            }
        }
        let mut solution = Self {
            chosen: Vec::with_capacity(picks.len()),
            needed_by: vec![Vec::new(); picks.len()],
        };
        for from in &order {
            let Some(pick) = picks.get(*from) else {
                continue;
            };
            let reason = reason(pool, roots, pick)?;
            if let Some(found) = pool.get(pick.id) {
                solution.chosen.push(Chosen {
                    package: found.package,
                    source: found.source,
                    reason,
                });
            }
        }
        // In the order of the names of those that need, which is that of `needs`.
        for (by, needs) in needs.iter().enumerate() {
            for (field, relation, needed) in needs {
                let to = places.get(*needed).copied().unwrap_or_default();
                if let Some(links) = solution.needed_by.get_mut(to) {
                    links.push(Link {
                        by: places.get(by).copied().unwrap_or_default(),
                        field: *field,
                        relation: relation.clone(),
                    });
                }
            }
        }
        Ok(solution)
    }
}

/// A need that is met: its field, its words, and the place of what meets it.
type Met = (RelationKind, Box<str>, usize);

/// What each of the packages needs of the others. Recommended packages are among that when they
/// are there, whoever brought them.
fn needs(pool: &mut Pool<'_>, picks: &[Pick]) -> Result<Vec<Vec<Met>>, SolveError> {
    let mut places: BTreeMap<Id, usize> = BTreeMap::new();
    let mut names: BTreeMap<Box<str>, Vec<Id>> = BTreeMap::new();
    for (place, pick) in picks.iter().enumerate() {
        places.insert(pick.id, place);
        let details = pool.details(pick.id)?;
        let provided = details.provides.iter().map(|relation| &*relation.name);
        let all: BTreeSet<&str> = provided.chain([pool.name(pick.id)]).collect();
        for name in all {
            names.entry(name.into()).or_default().push(pick.id);
        }
    }
    let mut all = Vec::with_capacity(picks.len());
    for pick in picks {
        let mut found = Vec::new();
        let details = pool.details(pick.id)?;
        for need in &details.needs {
            let meeting = meeting(pool, pick.id, need, &names)?;
            let meeting = meeting.into_iter().filter(|id| *id != pick.id);
            let text: Box<str> = need.group.to_string().into();
            let places = meeting.filter_map(|id| places.get(&id));
            found.extend(places.map(|place| (need.kind, text.clone(), *place)));
        }
        all.push(found);
    }
    Ok(all)
}

/// Those that meet a need: all that the first alternative means which any of them does.
fn meeting(
    pool: &mut Pool<'_>,
    id: Id,
    need: &Need,
    names: &BTreeMap<Box<str>, Vec<Id>>,
) -> Result<Vec<Id>, SolveError> {
    for relation in need.group.alternatives() {
        let mut found = Vec::new();
        for other in names.get(&relation.name).into_iter().flatten() {
            if pool.satisfies(id, relation, *other)? {
                found.push(*other);
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The places of the picks in the order of installation.
fn installation(pool: &Pool<'_>, picks: &[Pick], needs: &[Vec<Met>]) -> Vec<usize> {
    let before: Vec<Vec<Before>> = needs
        .iter()
        .map(|needs| {
            let counting = needs
                .iter()
                .filter(|need| need.0 != RelationKind::Recommends);
            counting
                .map(|(kind, _, place)| Before {
                    place: *place,
                    strict: *kind == RelationKind::PreDepends,
                })
                .collect()
        })
        .collect();
    let essential = |pick: &Pick| {
        pool.get(pick.id)
            .is_some_and(|found| found.package.is_essential())
    };
    let first: Vec<_> = picks
        .iter()
        .enumerate()
        .filter(|(_, pick)| essential(pick))
        .map(|(place, _)| place)
        .collect();
    order(&before, &first)
}

fn reason(pool: &mut Pool<'_>, roots: &[Root], pick: &Pick) -> Result<Reason, SolveError> {
    if let Some(root) = roots.iter().find(|root| root.id == pick.id) {
        return Ok(match root.kind {
            RootKind::Asked => Reason::Asked,
            RootKind::Essential => Reason::Essential,
            RootKind::Required => Reason::Required,
        });
    }
    let Some((parent, place)) = pick.parent else {
        return Ok(Reason::Given);
    };
    let details = pool.details(parent)?;
    let need = details.needs.get(place);
    Ok(Reason::Needed {
        by: pool.name(parent).into(),
        field: need.map_or(RelationKind::Depends, |need| need.kind),
        relation: need.map_or_else(Box::default, |need| need.group.to_string().into()),
    })
}
