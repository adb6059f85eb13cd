//! dpkg's own records of what is installed: `dpkg-database@1`.
//!
//! For scanners and for `dpkg -l` and `dpkg -L` inside: the files that dpkg would have written
//! after installing and configuring the packages on a fresh system.
//!
//! | file under `var/lib/dpkg` | content |
//! |---|---|
//! | `status` | a paragraph for each package, sorted by name |
//! | `info/format` | `1` |
//! | `info/NAME.list` | the paths of the package; `NAME:ARCH` where `Multi-Arch` is `same` |
//! | `info/NAME.MEMBER` | every member of the control archive but `control`; scripts are 0755 |
//! | `info/NAME.md5sums` | made from the files where the package brings none |
//! | `arch` | the architecture of the system |
//! | `diversions` | three lines for each diversion: from, to, package or `:` |
//!
//! Not written: locks, copies of earlier states, `available`, triggers (nothing will run them),
//! and `alternatives`, which belong to an effect.

mod status;

use enclair_tree::{Body, Metadata, Node, NodeKind, Spool, Steps, Tree, TreePath, read_body};
use md5::{Digest as _, Md5};

use super::{Diversion, Installed, Root, RootError};
use crate::scripts::Script;

/// The name by which a lock lists [`write()`].
pub const VERSION: &str = "dpkg-database@1";

/// What the records say besides the packages.
#[derive(Debug, Clone, Copy)]
pub struct System<'a> {
    /// The architecture, as in `amd64`.
    pub architecture: &'a str,
    /// The diversions that the packages were unpacked with.
    pub diversions: &'a [Diversion],
}

/// Writes the records into the tree.
///
/// # Errors
///
/// When something else than a directory stands where they belong, or a content cannot be read
/// back from `spool`.
pub fn write(root: &mut Root, system: &System<'_>, spool: &dyn Spool) -> Result<(), RootError> {
    let mut files = vec![
        file("status", status::status(&root.packages)?.into_bytes()),
        file("arch", format!("{}\n", system.architecture).into_bytes()),
        file("diversions", diversions(system.diversions)),
        file("info/format", b"1\n".to_vec()),
    ];
    for index in 0..root.packages.len() {
        files.extend(records(root, index, spool)?);
    }
    let mut writer = Writer {
        tree: &mut root.tree,
        steps: Steps::default(),
    };
    for file in &files {
        writer.write(file).map_err(RootError::Records)?;
    }
    Ok(())
}

/// A file of the records.
struct File {
    /// Under `var/lib/dpkg`.
    name: String,
    permissions: u16,
    content: Vec<u8>,
}

fn file(name: impl Into<String>, content: Vec<u8>) -> File {
    File {
        name: name.into(),
        permissions: 0o644,
        content,
    }
}

/// The files about one package.
fn records(root: &Root, index: usize, spool: &dyn Spool) -> Result<Vec<File>, RootError> {
    let Some(package) = root.packages.get(index) else {
        return Ok(Vec::new());
    };
    let stem = format!("info/{}", stem(package));
    let mut files = vec![file(format!("{stem}.list"), list(package))];
    for (script, text) in &package.scripts {
        files.push(File {
            name: format!("{stem}.{script}"),
            permissions: 0o755,
            content: text.clone(),
        });
    }
    for (member, content) in &package.members {
        files.push(file(format!("{stem}.{member}"), content.clone()));
    }
    if !package.members.contains_key("md5sums") {
        files.push(file(
            format!("{stem}.md5sums"),
            md5sums(root, index, spool)?,
        ));
    }
    Ok(files)
}

/// Where a script of a package stands among the records.
pub fn path_of_script(package: &Installed, script: Script) -> String {
    format!("var/lib/dpkg/info/{}.{script}", stem(package))
}

/// The package's name as files about it have it.
fn stem(package: &Installed) -> String {
    let control = &package.control;
    match control.field("Multi-Arch") {
        Some("same") => format!("{}:{}", control.name(), control.architecture()),
        _ => control.name().to_owned(),
    }
}

/// `/.` for the root, then a path a line.
fn list(package: &Installed) -> Vec<u8> {
    let mut list = Vec::new();
    for path in &package.paths {
        list.push(b'/');
        list.extend_from_slice(if path.is_root() {
            b"."
        } else {
            path.as_bytes()
        });
        list.push(b'\n');
    }
    list
}

/// A line for each regular file that the package has in the tree.
fn md5sums(root: &Root, index: usize, spool: &dyn Spool) -> Result<Vec<u8>, RootError> {
    let mut lines = Vec::new();
    for (place, owned) in &root.owners {
        let node = root.tree.get(place).filter(|_| owned.package == index);
        let Some(NodeKind::File(body)) = node.map(|node| &node.kind) else {
            continue;
        };
        let name = owned.name(place);
        let sum = md5_of(body, spool).map_err(|source| RootError::Content {
            package: root
                .packages
                .get(index)
                .map_or_else(String::new, |package| package.control.name().to_owned()),
            path: name.clone(),
            source,
        })?;
        lines.extend_from_slice(format!("{}  ", hex(&sum)).as_bytes());
        lines.extend_from_slice(name.as_bytes());
        lines.push(b'\n');
    }
    Ok(lines)
}

fn diversions(all: &[Diversion]) -> Vec<u8> {
    let mut lines = Vec::new();
    for diversion in all {
        for path in [&diversion.from, &diversion.to] {
            lines.push(b'/');
            lines.extend_from_slice(path.as_bytes());
            lines.push(b'\n');
        }
        let package = diversion.package.as_deref().unwrap_or(":");
        lines.extend_from_slice(package.as_bytes());
        lines.push(b'\n');
    }
    lines
}

struct Writer<'a> {
    tree: &'a mut Tree,
    steps: Steps,
}

impl Writer<'_> {
    fn write(&mut self, file: &File) -> Result<(), enclair_tree::Error> {
        let name = format!("var/lib/dpkg/{}", file.name);
        // Names of packages and members were checked: none can leave the directory.
        let path = TreePath::from_archive(name.as_bytes()).unwrap_or_default();
        let place = self.tree.settle(&path, &self.steps, |tree, missing| {
            let node = Node::new(Metadata::new(0o755), NodeKind::Directory);
            tree.insert(missing.clone(), node).map(drop)
        })?;
        let body = Body::from(file.content.as_slice());
        let node = Node::new(Metadata::new(file.permissions), NodeKind::File(body));
        self.tree.insert(place, node).map(drop)
    }
}

/// MD5 of a content, as dpkg records it. It finds accidents, not attacks.
pub(super) fn md5_of(body: &Body, spool: &dyn Spool) -> std::io::Result<[u8; 16]> {
    let mut sum = Sum(Md5::new());
    std::io::copy(&mut read_body(body, spool), &mut sum)?;
    Ok(sum.0.finalize().into())
}

/// A digest that is written to.
struct Sum(Md5);

impl std::io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}
