//! Which packages are taken, by every name that they have, provide or are against.

use std::collections::{BTreeSet, HashMap};

use crate::solve::pool::{Details, Id};

/// The packages that are taken at a time.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ids: BTreeSet<Id>,
    /// By their own names, and by those that they provide.
    names: HashMap<Box<str>, Vec<Id>>,
    /// By the names that they cannot be installed with.
    against: HashMap<Box<str>, Vec<Id>>,
}

impl Taken {
    pub(super) fn contains(&self, id: Id) -> bool {
        self.ids.contains(&id)
    }

    /// Those that have or provide a name.
    pub(super) fn with_name(&self, name: &str) -> Vec<Id> {
        self.names.get(name).cloned().unwrap_or_default()
    }

    /// Those that a package of this name could be in conflict with, each one once, in the order in
    /// which they were looked at first.
    pub(super) fn near(&self, name: &str, details: &Details) -> BTreeSet<Id> {
        let mut near = BTreeSet::new();
        let names = details.provides.iter().map(|relation| &*relation.name);
        for name in names.chain([name]) {
            near.extend(self.against.get(name).into_iter().flatten());
        }
        // The same name for another architecture, and what this one is against.
        let against = details.clashes.iter().map(|(_, relation)| &*relation.name);
        for name in against.chain([name]) {
            near.extend(self.names.get(name).into_iter().flatten());
        }
        near
    }

    pub(super) fn add(&mut self, id: Id, name: &str, details: &Details) {
        self.ids.insert(id);
        for name in names(name, details) {
            self.names.entry(name.into()).or_default().push(id);
        }
        for name in against(details) {
            self.against.entry(name.into()).or_default().push(id);
        }
    }

    /// The one that was added last is removed first.
    pub(super) fn remove(&mut self, id: Id, name: &str, details: &Details) {
        self.ids.remove(&id);
        for name in names(name, details) {
            if let Some(ids) = self.names.get_mut(name) {
                ids.retain(|other| *other != id);
            }
        }
        for name in against(details) {
            if let Some(ids) = self.against.get_mut(name) {
                ids.retain(|other| *other != id);
            }
        }
    }
}

fn names<'a>(name: &'a str, details: &'a Details) -> BTreeSet<&'a str> {
    let provided = details.provides.iter().map(|relation| &*relation.name);
    provided.chain([name]).collect()
}

fn against(details: &Details) -> BTreeSet<&str> {
    let relations = details.clashes.iter();
    relations.map(|(_, relation)| &*relation.name).collect()
}
