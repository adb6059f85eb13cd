//! Sets of packages that were found not to go together.

use std::collections::HashMap;

use super::Blame;
use super::chosen::Taken;
use crate::solve::pool::Id;

/// Sets that are larger than this are not kept: they hardly ever come again.
const LARGEST: usize = 8;

/// Sets of packages that do not go together, by each of their packages.
#[derive(Debug, Default)]
pub(super) struct Learned {
    sets: HashMap<Id, Vec<(Blame, usize)>>,
}

impl Learned {
    /// Keeps a set, with the conflict that it comes from.
    pub(super) fn add(&mut self, set: &Blame, conflict: usize) {
        if set.len() > LARGEST {
            return;
        }
        for id in set {
            let mut others = set.clone();
            others.remove(id);
            self.sets.entry(*id).or_default().push((others, conflict));
        }
    }

    /// Who is taken and does not go together with `id`, and which conflict said so.
    pub(super) fn forbids(&self, id: Id, taken: &Taken) -> Option<(Blame, usize)> {
        let mut sets = self.sets.get(&id)?.iter();
        sets.find(|(others, _)| others.iter().all(|other| taken.contains(*other)))
            .cloned()
    }
}
