//! Reads packages and lays them over each other, and shows the results as lines.

use std::fmt::Write as _;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_packages::deb::{self, DebError, Package, Sink};
use enclair_packages::root::{Accounts, Diversion, PathFilter, Root, RootError, Settings, unpack};
use enclair_packages_testing::Deb;
use enclair_tree::{MemorySpool, Metadata, Node, NodeKind, Tree, TreePath, read_body};

/// Small limits, so that tests of them are small.
pub(crate) const LIMITS: Limits = Limits {
    unpacked_bytes: 1 << 20,
    entries: 1000,
    document_bytes: 1 << 16,
};

/// A package that was read, with its contents and what was found.
pub(crate) struct Opened {
    pub(crate) package: Package,
    pub(crate) spool: MemorySpool,
    pub(crate) findings: Findings,
}

pub(crate) fn open(bytes: &[u8]) -> Result<Opened, DebError> {
    let (mut spool, mut findings) = (MemorySpool::new(), Findings::new());
    let package = read_into(bytes, &mut spool, &mut findings)?;
    Ok(Opened {
        package,
        spool,
        findings,
    })
}

fn read_into(
    bytes: &[u8],
    spool: &mut MemorySpool,
    findings: &mut Findings,
) -> Result<Package, DebError> {
    let mut bytes = bytes;
    deb::read(&mut bytes, &LIMITS, &mut Sink { spool, findings })
}

/// An error with its causes and hint, a line each.
pub(crate) fn message(error: &dyn std::error::Error, hint: Option<&str>) -> String {
    let mut lines = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(lines, "\n  caused by: {cause}").unwrap();
        source = cause.source();
    }
    if let Some(hint) = hint {
        write!(lines, "\nhint: {hint}").unwrap();
    }
    lines
}

/// What a package that is refused is refused with.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    match open(bytes) {
        Ok(_) => panic!("the package was taken"),
        Err(error) => message(&error, error.hint()),
    }
}

/// A root that is being made.
#[derive(Default)]
pub(crate) struct Workshop {
    pub(crate) filter: PathFilter,
    pub(crate) diversions: Vec<Diversion>,
    pub(crate) accounts: Accounts,
    pub(crate) spool: MemorySpool,
    pub(crate) merged: bool,
}

impl Workshop {
    /// With `/bin` and `/lib` as symlinks into `/usr`.
    pub(crate) fn merged() -> Self {
        Self {
            merged: true,
            ..Self::default()
        }
    }

    pub(crate) fn divert(mut self, from: &str, to: &str, package: Option<&str>) -> Self {
        self.diversions.push(Diversion {
            from: path(from),
            to: path(to),
            package: package.map(str::to_owned),
        });
        self
    }

    fn base(&self) -> Tree {
        let mut tree = Tree::new(Metadata::new(0o755));
        let directory = || Node::new(Metadata::new(0o755), NodeKind::Directory);
        if self.merged {
            for name in ["usr", "usr/bin", "usr/lib"] {
                tree.insert(path(name), directory()).unwrap();
            }
            for (name, target) in [("bin", "usr/bin"), ("lib", "usr/lib")] {
                let kind = NodeKind::Symlink(target.into());
                let link = Node::new(Metadata::new(0o777), kind);
                tree.insert(path(name), link).unwrap();
            }
        }
        tree
    }

    pub(crate) fn try_unpack(&mut self, debs: &[Deb]) -> Result<Root, RootError> {
        let mut findings = Findings::new();
        let packages = debs
            .iter()
            .map(|deb| read_into(&deb.build(), &mut self.spool, &mut findings).unwrap());
        let packages: Vec<Package> = packages.collect();
        let settings = Settings {
            filter: &self.filter,
            diversions: &self.diversions,
            accounts: &self.accounts,
        };
        unpack(self.base(), packages, &settings, &self.spool)
    }

    pub(crate) fn unpack(&mut self, debs: &[Deb]) -> Root {
        self.try_unpack(debs)
            .unwrap_or_else(|error| panic!("{}", message(&error, error.hint())))
    }

    /// What packages that do not go together are refused with.
    pub(crate) fn refusal(&mut self, debs: &[Deb]) -> String {
        match self.try_unpack(debs) {
            Ok(_) => panic!("the packages were taken"),
            Err(error) => message(&error, error.hint()),
        }
    }

    /// The tree as lines: mode, owner, path, what it is, and whose.
    pub(crate) fn list(&self, root: &Root) -> String {
        let mut lines = String::new();
        for (at, id, node) in root.tree.iter() {
            let Metadata {
                permissions,
                uid,
                gid,
                ..
            } = node.metadata;
            let what = match &node.kind {
                NodeKind::Directory => "/".to_owned(),
                NodeKind::File(body) => {
                    let content = read_body(body, &self.spool).read_to_vec(1 << 16).unwrap();
                    let names = root.tree.links(id);
                    let again = if names > 1 {
                        format!(" x{names}")
                    } else {
                        String::new()
                    };
                    format!("{again} {:?}", String::from_utf8(content).unwrap())
                }
                NodeKind::Symlink(target) => format!(" -> {}", target.escape_ascii()),
                NodeKind::CharacterDevice { .. }
                | NodeKind::BlockDevice { .. }
                | NodeKind::Fifo
                | NodeKind::Socket => panic!("{node:?}"),
            };
            let owner = root
                .owner(at)
                .map_or("", |index| root.packages[index].control.name());
            let line = format!("{permissions:04o} {uid}:{gid} {at}{what} [{owner}]\n");
            lines.push_str(&line);
        }
        lines
    }

    pub(crate) fn content(&self, root: &Root, at: &str) -> String {
        let Some(NodeKind::File(body)) = root.tree.get(&path(at)).map(|node| &node.kind) else {
            panic!("there is no file `{at}`");
        };
        let content = read_body(body, &self.spool).read_to_vec(1 << 20).unwrap();
        String::from_utf8(content).unwrap()
    }
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

/// Paths of a package, with spaces between them.
pub(crate) fn paths(root: &Root, index: usize) -> String {
    let paths = root.packages[index].paths.iter().map(ToString::to_string);
    paths.collect::<Vec<_>>().join(" ")
}
