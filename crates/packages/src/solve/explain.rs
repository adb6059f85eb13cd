//! A conflict in words: what could not be had, why, and who wanted it.
//!
//! The search ends with the conflict that nothing could be done about. Where the way there was
//! without alternatives, the message begins at its end, with the need that is not met itself.

use super::pool::{Clash, Id, Pool};
use super::search::{Conflict, Hindrance, Pick};
use super::{Failure, Obstacle, SolveError, Wanted};

/// How deep alternatives of alternatives are explained.
const DEPTH: u8 = 4;

/// Explains the last conflict.
///
/// # Errors
///
/// When a relation that was not looked at before cannot be read.
pub(super) fn explain(pool: &mut Pool<'_>, conflicts: &[Conflict]) -> Result<Failure, SolveError> {
    let mut conflict = conflicts.last().ok_or(SolveError::Limit)?;
    // A need with one option is only the way to what is wrong with that option.
    while let [(_, Hindrance::Failed(place))] = conflict.obstacles.as_slice() {
        match conflicts.get(*place) {
            Some(next) if unmet(pool, conflict)?.is_empty() => conflict = next,
            _ => break,
        }
    }
    failure(pool, conflicts, conflict, DEPTH)
}

fn failure(
    pool: &mut Pool<'_>,
    conflicts: &[Conflict],
    conflict: &Conflict,
    depth: u8,
) -> Result<Failure, SolveError> {
    let need = match conflict.need {
        None => None,
        Some(place) => {
            let details = pool.details(conflict.id)?;
            let need = details.needs.get(place);
            need.map(|need| (need.kind, need.group.to_string().into()))
        }
    };
    let mut obstacles = unmet(pool, conflict)?;
    for (id, hindrance) in &conflict.obstacles {
        obstacles.push(obstacle(pool, conflicts, (*id, hindrance), depth)?);
    }
    let version = pool.get(conflict.id);
    Ok(Failure {
        package: pool.name(conflict.id).into(),
        version: version.map_or("", |found| found.package.version()).into(),
        need,
        obstacles,
        wanted: wanted(pool, &conflict.chain)?,
    })
}

/// Alternatives that no candidate satisfies.
fn unmet(pool: &mut Pool<'_>, conflict: &Conflict) -> Result<Vec<Obstacle>, SolveError> {
    let mut obstacles = Vec::new();
    let details = pool.details(conflict.id)?;
    let need = conflict.need.and_then(|place| details.needs.get(place));
    let alternatives = need.map(|need| need.group.alternatives());
    for relation in alternatives.unwrap_or_default() {
        let named = pool.with_name(&relation.name);
        let mut satisfied = false;
        for id in &named {
            satisfied |= pool.satisfies(conflict.id, relation, *id)?;
        }
        if named.is_empty() {
            obstacles.push(Obstacle::NoPackage {
                name: relation.name.clone(),
                places: pool.places(),
            });
        } else if !satisfied {
            obstacles.push(Obstacle::NoVersion {
                relation: relation.to_string().into(),
                found: pool.found(&relation.name),
                fitting: pool.fitting(conflict.id, relation),
            });
        }
    }
    Ok(obstacles)
}

fn obstacle(
    pool: &mut Pool<'_>,
    conflicts: &[Conflict],
    (id, hindrance): (Id, &Hindrance),
    depth: u8,
) -> Result<Obstacle, SolveError> {
    let name = pool.name(id).into();
    Ok(match hindrance {
        Hindrance::Excluded => Obstacle::Excluded { name },
        Hindrance::Clash(with, clash, chain) => Obstacle::Conflict {
            name,
            with: pool.name(*with).into(),
            said: said(pool, clash),
            wanted: wanted(pool, chain)?,
        },
        Hindrance::Failed(place) => match conflicts.get(*place) {
            Some(conflict) if depth > 0 => {
                let depth = depth.saturating_sub(1);
                let inner = failure(pool, conflicts, conflict, depth)?;
                // How it came in is what the outer message says.
                let wanted = Vec::new();
                Obstacle::Failed(Box::new(Failure { wanted, ..inner }))
            }
            _ => Obstacle::Tried { name },
        },
    })
}

fn said(pool: &Pool<'_>, clash: &Clash) -> Option<Wanted> {
    match clash {
        Clash::Architectures => None,
        Clash::Relation {
            holder,
            kind,
            relation,
        } => Some(Wanted {
            by: pool.name(*holder).into(),
            field: *kind,
            relation: relation.clone(),
        }),
    }
}

fn wanted(pool: &mut Pool<'_>, chain: &[Pick]) -> Result<Vec<Wanted>, SolveError> {
    let mut wanted = Vec::new();
    for (parent, place) in chain.iter().filter_map(|pick| pick.parent) {
        let details = pool.details(parent)?;
        if let Some(need) = details.needs.get(place) {
            wanted.push(Wanted {
                by: pool.name(parent).into(),
                field: need.kind,
                relation: need.group.to_string().into(),
            });
        }
    }
    Ok(wanted)
}
