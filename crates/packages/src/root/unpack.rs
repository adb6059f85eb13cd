//! Lays packages over each other as dpkg does on a fresh system.
//!
//! | there | in the package | result |
//! |---|---|---|
//! | directory, or a symlink to one | directory | nothing: the first one's owner and mode count |
//! | directory | symlink | nothing: the directory stays |
//! | symlink to a directory | symlink to the same | nothing |
//! | directory | anything else | an error |
//! | of another package that the new one replaces | anything but a directory | the new one's; the other loses the path |
//! | of another package that replaces the new one | anything but a directory | the other's; the new one loses the path |
//! | of another package | anything | an error |
//!
//! What is *there* is looked for in the tree, over the symlinks of merged `/usr`: `/bin/sh` and
//! `/usr/bin/sh` are one path. That is stricter than dpkg, which compares names and would silently
//! put one package's file in the place of another's.
//!
//! Symlinks have the mode 0777, and a hard link has the metadata of the file that it links to.

use std::collections::{BTreeMap, BTreeSet};

use enclair_finding::Findings;
use enclair_tree::tar::{Entry, EntryKind};
use enclair_tree::{
    LastLink, Metadata, Node, NodeId, NodeKind, Problem, Spool, Steps, Tree, TreePath,
};

use super::accounts::Accounts;
use super::conffile::conffiles;
use super::diversion::Diversions;
use super::error::RootError;
use super::filter::Kind;
use super::replaces::{relations, replaces};
use super::{Installed, Owned, Root, Settings};
use crate::deb::Package;
use crate::findings::{PATH_EXCLUDED, PATH_REPLACED};
use crate::relation::Relations;

/// Unpacks `packages` in their order over `base`, the tree that was there before the first.
///
/// Contents stay in `spool`, into which the packages were read; some are read back: account files
/// and configuration files.
///
/// # Errors
///
/// [`RootError`], for packages that cannot be installed together, or that are not taken.
pub fn unpack(
    base: Tree,
    packages: Vec<Package>,
    settings: &Settings<'_>,
    spool: &dyn Spool,
) -> Result<Root, RootError> {
    check_names(&packages)?;
    let mut accounts = settings.accounts.clone();
    accounts.add_packages(&packages, spool)?;
    let mut unpacking = Unpacking {
        root: Root::new(base),
        settings,
        diversions: Diversions::new(settings.diversions),
        accounts,
        steps: Steps::default(),
        implied: BTreeSet::new(),
        replaces: Vec::new(),
        lost: BTreeMap::new(),
    };
    for package in packages {
        unpacking.add(package, spool)?;
    }
    Ok(unpacking.finish())
}

fn check_names(packages: &[Package]) -> Result<(), RootError> {
    let mut names = BTreeSet::new();
    for package in packages {
        if !names.insert(package.control.name()) {
            let package = package.control.name().to_owned();
            return Err(RootError::Twice { package });
        }
    }
    Ok(())
}

struct Unpacking<'a> {
    root: Root,
    settings: &'a Settings<'a>,
    diversions: Diversions<'a>,
    accounts: Accounts,
    steps: Steps,
    /// Directories that are there only because something is under them.
    implied: BTreeSet<TreePath>,
    /// What each package replaces.
    replaces: Vec<Relations>,
    /// What packages have lost to others, by the names that they have for it.
    lost: BTreeMap<usize, BTreeSet<TreePath>>,
}

/// Files of a package that have, or will have, several names.
struct Links {
    /// What hard links of the package lead to: nothing else is looked for again.
    targets: BTreeSet<TreePath>,
    /// Which file a name is, by the names that the package has.
    names: BTreeMap<TreePath, usize>,
    files: Vec<LinkedFile>,
}

/// A regular file with several names.
struct LinkedFile {
    /// As it was in the archive, with its real owner.
    node: Node,
    /// Where it is in the tree, once one of its names is there.
    id: Option<NodeId>,
}

impl Links {
    fn new(entries: &[Entry]) -> Self {
        let targets = entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::HardLink(target) => Some(target.clone()),
            EntryKind::Node(_) => None,
        });
        Self {
            targets: targets.collect(),
            names: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// The file that a hard link leads to.
    fn of(&self, target: &TreePath) -> Option<&LinkedFile> {
        self.files.get(*self.names.get(target)?)
    }

    /// Notes what `name` is; the file, if it may have other names too.
    fn note(&mut self, name: &TreePath, kind: &EntryKind, node: &Node) -> Option<&mut LinkedFile> {
        let file = match kind {
            EntryKind::HardLink(target) => *self.names.get(target)?,
            EntryKind::Node(NodeKind::File(_)) if self.targets.contains(name) => {
                self.files.push(LinkedFile {
                    node: node.clone(),
                    id: None,
                });
                self.files.len().checked_sub(1)?
            }
            EntryKind::Node(_) => return None,
        };
        self.names.insert(name.clone(), file);
        self.files.get_mut(file)
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy)]
enum Verdict {
    /// It comes into the tree.
    Put,
    /// What is there serves, and belongs to the package too.
    Keep,
    /// What is there belongs to a package that replaces this one's.
    Lose,
}

impl Unpacking<'_> {
    fn add(&mut self, package: Package, spool: &dyn Spool) -> Result<(), RootError> {
        let index = self.root.packages.len();
        let conffiles = conffiles(&package, spool)?;
        self.replaces.push(relations(&package.control, "Replaces")?);
        self.root.packages.push(Installed {
            control: package.control,
            scripts: package.scripts,
            members: package.members,
            paths: Vec::with_capacity(package.entries.len()),
            conffiles,
        });
        let mut links = Links::new(&package.entries);
        for entry in package.entries {
            self.add_entry(index, entry, &mut links)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Root {
        for (index, lost) in self.lost {
            if let Some(package) = self.root.packages.get_mut(index) {
                package.paths.retain(|path| !lost.contains(path));
            }
        }
        self.root
    }

    fn add_entry(
        &mut self,
        index: usize,
        entry: Entry,
        links: &mut Links,
    ) -> Result<(), RootError> {
        let node = self.node(index, &entry, links)?;
        let name = entry.path;
        let file = links.note(&name, &entry.kind, &node);
        let kind = if node.is_file() {
            Kind::Content
        } else {
            Kind::Way
        };
        let mut verdict = Verdict::Keep;
        if self.settings.filter.excludes(&name, kind) {
            self.root.findings.add(&PATH_EXCLUDED, &name);
        } else {
            let place = self.place(index, &name)?;
            verdict = self.judge(index, (&place, &name), &node)?;
            if matches!(verdict, Verdict::Put) {
                self.put(index, &place, node, file)?;
            }
            self.own(index, place, &name, verdict);
        }
        if !matches!(verdict, Verdict::Lose)
            && let Some(package) = self.root.packages.get_mut(index)
        {
            package.paths.push(name);
        }
        Ok(())
    }

    /// The node of an entry, with the owner that its names stand for.
    fn node(&self, index: usize, entry: &Entry, links: &Links) -> Result<Node, RootError> {
        let kind = match &entry.kind {
            EntryKind::Node(kind) => kind.clone(),
            EntryKind::HardLink(target) => return self.linked(index, entry, target, links),
        };
        let mut metadata = Metadata {
            uid: self.id(index, entry, Side::User)?,
            gid: self.id(index, entry, Side::Group)?,
            ..entry.metadata
        };
        if matches!(kind, NodeKind::Symlink(_)) {
            metadata.permissions = 0o777;
        }
        Ok(Node {
            metadata,
            xattrs: entry.xattrs.clone(),
            kind,
        })
    }

    /// What a hard link of a package leads to, which is a file before it.
    fn linked(
        &self,
        index: usize,
        entry: &Entry,
        target: &TreePath,
        links: &Links,
    ) -> Result<Node, RootError> {
        links
            .of(target)
            .map(|file| file.node.clone())
            .ok_or_else(|| {
                let path = entry.path.clone();
                let target = Some(target.clone());
                let problem = Problem::LinkMissing { target };
                self.tree_error(index, enclair_tree::Error::Entry { path, problem })
            })
    }

    /// The name decides where there is one, whatever number stands beside it.
    fn id(&self, index: usize, entry: &Entry, side: Side) -> Result<u32, RootError> {
        let (kind, name, number, known) = match side {
            Side::User => {
                let name = &entry.owner.user;
                ("user", name, entry.metadata.uid, self.accounts.user(name))
            }
            Side::Group => {
                let name = &entry.owner.group;
                ("group", name, entry.metadata.gid, self.accounts.group(name))
            }
        };
        if name.is_empty() {
            return Ok(number);
        }
        let unknown = || RootError::owner(&self.name(index), &entry.path, (kind, name));
        known.ok_or_else(unknown)
    }

    /// Where `name` of a package is in the tree: diverted, and with the symlinks among its parents
    /// followed.
    fn place(&mut self, index: usize, name: &TreePath) -> Result<TreePath, RootError> {
        let package = self.name(index);
        let wanted = self.diversions.place(name, &package);
        let (implied, findings) = (&mut self.implied, &mut self.root.findings);
        self.root
            .tree
            .settle(wanted, &self.steps, |tree, missing| {
                implied.insert(missing.clone());
                imply(tree, missing, findings)
            })
            .map_err(|source| RootError::Tree { package, source })
    }

    fn judge(
        &mut self,
        index: usize,
        (place, name): (&TreePath, &TreePath),
        new: &Node,
    ) -> Result<Verdict, RootError> {
        let tree = &self.root.tree;
        let Some(old) = tree.get(place) else {
            return Ok(Verdict::Put);
        };
        if new.is_directory() && leads_to_directory(tree, place) {
            let implied = self.implied.remove(place);
            return Ok(if implied { Verdict::Put } else { Verdict::Keep });
        }
        if matches!(new.kind, NodeKind::Symlink(_))
            && (old.is_directory() || same_directory(tree, place, &new.kind))
        {
            return Ok(Verdict::Keep);
        }
        if old.is_directory() {
            return Err(RootError::Kind {
                package: self.name(index),
                path: place.clone(),
                found: "a directory",
                wanted: kind_name(&new.kind),
            });
        }
        self.judge_owner(index, (place, name))
    }

    /// Who has a path that two packages want.
    fn judge_owner(
        &mut self,
        index: usize,
        (place, name): (&TreePath, &TreePath),
    ) -> Result<Verdict, RootError> {
        let Some(owned) = self.root.owners.get(place).cloned() else {
            return Ok(Verdict::Put);
        };
        let other = owned.package;
        if other == index {
            return Err(RootError::Alias {
                package: self.name(index),
                name: name.clone(),
                other: owned.name(place).clone(),
            });
        }
        let said = format!("{place}: {} and {}", self.name(other), self.name(index));
        if self.replaces(index, other) {
            self.root.findings.add(&PATH_REPLACED, said);
            let lost = owned.name(place).clone();
            self.lost.entry(other).or_default().insert(lost);
            return Ok(Verdict::Put);
        }
        if self.replaces(other, index) {
            self.root.findings.add(&PATH_REPLACED, said);
            return Ok(Verdict::Lose);
        }
        Err(RootError::Conflict {
            package: self.name(index),
            path: place.clone(),
            other: self.name(other),
        })
    }

    /// Whether the package `new` says that it replaces files of `old`.
    fn replaces(&self, new: usize, old: usize) -> bool {
        let (relations, old) = (self.replaces.get(new), self.root.packages.get(old));
        relations
            .zip(old)
            .is_some_and(|(relations, old)| replaces(relations, &old.control))
    }

    /// Puts a node into the tree, as a further name of `file` where that is there already.
    fn put(
        &mut self,
        index: usize,
        place: &TreePath,
        node: Node,
        file: Option<&mut LinkedFile>,
    ) -> Result<(), RootError> {
        let tree = &mut self.root.tree;
        let linked = file.as_ref().and_then(|file| file.id);
        let id = match linked.filter(|id| tree.node(*id).is_some()) {
            Some(id) => tree.link(place.clone(), id).map(|()| id),
            None => tree.insert(place.clone(), node),
        };
        let id = id.map_err(|source| self.tree_error(index, source))?;
        if let Some(file) = file {
            file.id = Some(id);
        }
        Ok(())
    }

    /// Notes whose `place` is; of those who share it, the first.
    fn own(&mut self, index: usize, place: TreePath, name: &TreePath, verdict: Verdict) {
        let owned = Owned::new(index, &place, name);
        match verdict {
            Verdict::Put => drop(self.root.owners.insert(place, owned)),
            Verdict::Keep => drop(self.root.owners.entry(place).or_insert(owned)),
            Verdict::Lose => {}
        }
    }

    fn name(&self, index: usize) -> String {
        let package = self.root.packages.get(index);
        package.map_or_else(String::new, |package| package.control.name().to_owned())
    }

    fn tree_error(&self, index: usize, source: enclair_tree::Error) -> RootError {
        let package = self.name(index);
        RootError::Tree { package, source }
    }
}

#[derive(Clone, Copy)]
enum Side {
    User,
    Group,
}

fn imply(
    tree: &mut Tree,
    path: &TreePath,
    findings: &mut Findings,
) -> Result<(), enclair_tree::Error> {
    findings.add(&enclair_tree::findings::IMPLIED_DIRECTORY, path);
    let node = Node::new(Metadata::new(0o755), NodeKind::Directory);
    tree.insert(path.clone(), node).map(drop)
}

fn leads_to_directory(tree: &Tree, place: &TreePath) -> bool {
    tree.lookup(place).is_some_and(Node::is_directory)
}

/// Whether the symlink at `place` and one to where `new` leads would lead to one directory.
fn same_directory(tree: &Tree, place: &TreePath, new: &NodeKind) -> bool {
    let (NodeKind::Symlink(target), Some(parent)) = (new, place.parent()) else {
        return false;
    };
    let Ok(there) = tree.resolve(place, LastLink::Follow) else {
        return false;
    };
    tree.resolve_link(&parent, target)
        .is_ok_and(|wanted| wanted == there && tree.get(&there).is_some_and(Node::is_directory))
}

const fn kind_name(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Directory => "a directory",
        NodeKind::File(_) => "a file",
        NodeKind::Symlink(_) => "a symlink",
        NodeKind::CharacterDevice { .. } | NodeKind::BlockDevice { .. } => "a device",
        NodeKind::Fifo => "a named pipe",
        NodeKind::Socket => "a socket",
    }
}
