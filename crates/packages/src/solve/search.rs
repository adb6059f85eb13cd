//! The search for a set of packages in which every need is met.
//!
//! Depth first, as apt walks: a package is taken, then its needs are met one after the other, each
//! with everything that it brings. Where a need cannot be met, the packages that are to blame are
//! known by name (a *blame*): the one that has the need, and those that stand in the way of its
//! options. Then the newest choice that made one of them come in is made anew, with the next option.
//! What was learned, a set of packages that do not go together, is kept, so nothing is tried twice.
//!
//! Without conflicts no choice is ever revised, and the result is what apt takes.

mod chosen;
mod learned;

use std::collections::BTreeSet;
use std::rc::Rc;

use super::pool::{Clash, Details, Id, Need, Pool, Root};
use super::{MAX_STEPS, Request, SolveError, explain};
use chosen::Taken;
use learned::Learned;

/// A package that was taken, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) id: Id,
    /// Whose need it meets, and the need's place; `None` for what the request itself names.
    pub(super) parent: Option<(Id, usize)>,
}

/// A set of packages that do not go together.
type Blame = BTreeSet<Id>;

/// A need that could not be met: what is told when nothing else helps.
#[derive(Debug, Clone)]
pub(super) struct Conflict {
    pub(super) id: Id,
    /// The place of the need; `None` when the package itself could not be taken.
    pub(super) need: Option<usize>,
    pub(super) obstacles: Vec<(Id, Hindrance)>,
    /// How the package came in: each one with the one before it.
    pub(super) chain: Vec<Pick>,
}

/// Why an option was not taken.
#[derive(Debug, Clone)]
pub(super) enum Hindrance {
    Excluded,
    /// It cannot be installed with this one, which came in by this chain.
    Clash(Id, Clash, Vec<Pick>),
    /// It was tried: the conflict's place in the list of all.
    Failed(usize),
}

/// A need that has to be looked at, and what is to be done after it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: Id,
    need: usize,
    rest: Agenda,
}

/// What is to be done: the place of an entry, `None` when there is nothing. Entries are never
/// changed or removed, so that an agenda from before a choice is still there after it.
type Agenda = Option<usize>;

/// A choice that can be made anew.
#[derive(Debug)]
struct Step {
    pick: Pick,
    /// Options that are still to be tried, the next one last.
    open: Vec<Id>,
    /// What stands in the way of the options before.
    blame: Blame,
    obstacles: Vec<(Id, Hindrance)>,
    soft: bool,
    /// What was to be done after the need.
    agenda: Agenda,
}

struct Search<'p, 'a> {
    pool: &'p mut Pool<'a>,
    request: &'p Request,
    steps: Vec<Step>,
    taken: Taken,
    learned: Learned,
    conflicts: Vec<Conflict>,
    entries: Vec<Entry>,
    agenda: Agenda,
    work: u32,
}

/// The packages that are taken, in the order in which they were.
pub(super) fn search(
    pool: &mut Pool<'_>,
    request: &Request,
    roots: &[Root],
) -> Result<Vec<Pick>, SolveError> {
    let mut search = Search {
        pool,
        request,
        steps: Vec::new(),
        taken: Taken::default(),
        learned: Learned::default(),
        conflicts: Vec::new(),
        entries: Vec::new(),
        agenda: None,
        work: 0,
    };
    search.take_roots(roots)?;
    while search.advance()? {}
    Ok(search.steps.iter().map(|step| step.pick).collect())
}

impl Search<'_, '_> {
    /// All of them are taken before any of their needs is looked at.
    fn take_roots(&mut self, roots: &[Root]) -> Result<(), SolveError> {
        for root in roots {
            if let Err((_, hindrance)) = self.check(root.id)? {
                let conflict = Conflict {
                    id: root.id,
                    need: None,
                    obstacles: vec![(root.id, hindrance)],
                    chain: Vec::new(),
                };
                self.conflicts.push(conflict);
                return Err(self.failure());
            }
            let pick = Pick {
                id: root.id,
                parent: None,
            };
            self.take(Step {
                pick,
                open: Vec::new(),
                blame: Blame::new(),
                obstacles: Vec::new(),
                soft: false,
                agenda: None,
            })?;
        }
        self.agenda = None;
        for root in roots.iter().rev() {
            self.push_agenda(root.id, 0);
        }
        Ok(())
    }

    fn push_agenda(&mut self, id: Id, need: usize) {
        let rest = self.agenda;
        self.agenda = Some(self.entries.len());
        self.entries.push(Entry { id, need, rest });
    }

    fn count(&mut self, work: u32) -> Result<(), SolveError> {
        self.work = self.work.saturating_add(work);
        if self.work > MAX_STEPS {
            return Err(SolveError::Limit);
        }
        Ok(())
    }

    /// Looks at one need. `false` when there is none left.
    fn advance(&mut self) -> Result<bool, SolveError> {
        let entry = self.agenda.and_then(|place| self.entries.get(place));
        let Some(next) = entry.copied() else {
            return Ok(false);
        };
        self.count(1)?;
        self.agenda = next.rest;
        let details = self.pool.details(next.id)?;
        let Some(need) = details.needs.get(next.need) else {
            return Ok(true);
        };
        self.push_agenda(next.id, next.need.saturating_add(1));
        let asked = self.request.recommends.asks(need.kind);
        if !asked || self.is_met(next.id, need)? {
            return Ok(true);
        }
        let mut open = self.pool.options(next.id, need)?;
        open.reverse();
        let pick = Pick {
            id: next.id,
            parent: Some((next.id, next.need)),
        };
        self.choose(Step {
            pick,
            open,
            blame: Blame::new(),
            obstacles: Vec::new(),
            soft: need.is_soft(),
            agenda: self.agenda,
        })?;
        Ok(true)
    }

    fn is_met(&mut self, id: Id, need: &Need) -> Result<bool, SolveError> {
        for relation in need.group.alternatives() {
            for taken in self.taken.with_name(&relation.name) {
                if self.pool.satisfies(id, relation, taken)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Takes the first open option that can be taken. Without one, an earlier choice is made anew.
    fn choose(&mut self, step: Step) -> Result<(), SolveError> {
        let mut current = Some(step);
        while let Some(mut step) = current.take() {
            self.count(1)?;
            let Some(option) = step.open.pop() else {
                if step.soft {
                    self.agenda = step.agenda;
                    return Ok(());
                }
                current = Some(self.backtrack(step)?);
                continue;
            };
            match self.check(option)? {
                Ok(()) => {
                    step.pick.id = option;
                    return self.take(step);
                }
                Err((blame, hindrance)) => {
                    step.blame.extend(blame);
                    step.obstacles.push((option, hindrance));
                    current = Some(step);
                }
            }
        }
        Ok(())
    }

    /// Undoes choices until one that is to blame for the need that `failed` could not meet, and
    /// gives that back, to be made anew.
    fn backtrack(&mut self, failed: Step) -> Result<Step, SolveError> {
        self.count(20)?;
        let Some((owner, need)) = failed.pick.parent else {
            return Err(self.failure());
        };
        let mut blame = failed.blame;
        blame.insert(owner);
        self.conflicts.push(Conflict {
            id: owner,
            need: Some(need),
            obstacles: failed.obstacles,
            chain: self.chain(owner),
        });
        while let Some(mut step) = self.steps.pop() {
            let id = step.pick.id;
            self.release(id)?;
            if !blame.contains(&id) {
                continue;
            }
            if step.pick.parent.is_none() {
                break;
            }
            let place = self.conflicts.len().saturating_sub(1);
            self.learned.add(&blame, place);
            blame.remove(&id);
            step.blame.append(&mut blame);
            step.obstacles.push((id, Hindrance::Failed(place)));
            return Ok(step);
        }
        // Only what the request names is to blame.
        Err(self.failure())
    }

    fn failure(&mut self) -> SolveError {
        match explain::explain(self.pool, &self.conflicts) {
            Ok(failure) => SolveError::Unsatisfiable(Box::new(failure)),
            Err(error) => error,
        }
    }

    /// How a package came in, back to the request.
    fn chain(&self, id: Id) -> Vec<Pick> {
        let mut chain = Vec::new();
        let mut wanted = id;
        for step in self.steps.iter().rev() {
            if step.pick.id == wanted {
                chain.push(step.pick);
                match step.pick.parent {
                    Some((parent, _)) => wanted = parent,
                    None => break,
                }
            }
        }
        chain
    }

    /// Whether a package can be taken beside those that are; else who is to blame, besides itself.
    fn check(&mut self, id: Id) -> Result<Result<(), (Blame, Hindrance)>, SolveError> {
        if self.pool.is_excluded(id) {
            return Ok(Err((Blame::new(), Hindrance::Excluded)));
        }
        if let Some((blame, conflict)) = self.learned.forbids(id, &self.taken) {
            return Ok(Err((blame, Hindrance::Failed(conflict))));
        }
        let details = self.pool.details(id)?;
        for other in self.taken.near(self.pool.name(id), &details) {
            if let Some(clash) = self.pool.clash(id, other)? {
                let hindrance = Hindrance::Clash(other, clash, self.chain(other));
                return Ok(Err((Blame::from([other]), hindrance)));
            }
        }
        Ok(Ok(()))
    }

    fn take(&mut self, step: Step) -> Result<(), SolveError> {
        let id = step.pick.id;
        self.agenda = step.agenda;
        let details: Rc<Details> = self.pool.details(id)?;
        self.taken.add(id, self.pool.name(id), &details);
        self.push_agenda(id, 0);
        self.steps.push(step);
        Ok(())
    }

    fn release(&mut self, id: Id) -> Result<(), SolveError> {
        let details = self.pool.details(id)?;
        self.taken.remove(id, self.pool.name(id), &details);
        Ok(())
    }
}
