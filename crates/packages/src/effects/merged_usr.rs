//! `/bin`, `/lib`, `/sbin` and their like as symlinks into `/usr`.
//!
//! Debian 12 and Ubuntu 24.04 support no other layout, but their packages still name files by the
//! old paths; until Debian 13, where the package `base-files` has the symlinks, nothing in a
//! package makes them. They must be there before the first package is unpacked.
//!
//! Followed: what the package `usrmerge` leaves behind on a system that has the packages of its
//! own architecture alone.

use enclair_tree::{Error, Metadata, Node, NodeKind, Tree, TreePath};

use super::work::Work;

/// Every directory of the root that merged `/usr` makes a symlink.
pub const MERGED: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"];

/// The effect itself. It is applied by [`merge_usr`], which whoever unpacks calls first.
pub(crate) struct MergedUsr;

impl Work for MergedUsr {}

/// Puts the directories of `/usr` and the symlinks to them into an empty tree.
///
/// `lib64` is there for the architectures whose dynamic linker is looked for in it. The others of
/// [`MERGED`] come with the package that has something in them: see [`merge_directory`].
///
/// # Errors
///
/// Something else than a directory stands at `usr`.
pub fn merge_usr(tree: &mut Tree, architecture: &str) -> Result<(), Error> {
    for name in ["bin", "lib", "sbin"] {
        merge_directory(tree, name)?;
    }
    match architecture {
        "amd64" | "ppc64el" | "mips64el" | "loong64" => merge_directory(tree, "lib64"),
        _ => Ok(()),
    }
}

/// Makes `/usr/NAME` and the symlink `/NAME` to it, where nothing is yet.
///
/// # Errors
///
/// Something else than a directory stands at `usr`.
pub fn merge_directory(tree: &mut Tree, name: &str) -> Result<(), Error> {
    let directory = Node::new(Metadata::new(0o755), NodeKind::Directory);
    let target = format!("usr/{name}");
    for path in ["usr", &target] {
        let path = path_of(path);
        if tree.get(&path).is_none() {
            tree.insert(path, directory.clone())?;
        }
    }
    let link = path_of(name);
    if tree.get(&link).is_none() {
        let kind = NodeKind::Symlink(target.into_bytes());
        tree.insert(link, Node::new(Metadata::new(0o777), kind))?;
    }
    Ok(())
}

/// A path from a name of [`MERGED`], all of which are clean.
fn path_of(name: &str) -> TreePath {
    TreePath::from_archive(name.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclair_tree::LastLink;

    fn links(architecture: &str) -> Vec<String> {
        let mut tree = Tree::new(Metadata::new(0o755));
        merge_usr(&mut tree, architecture).unwrap();
        let links = tree.iter().filter_map(|(path, _, node)| match &node.kind {
            NodeKind::Symlink(target) => Some(format!("{path} -> {}", target.escape_ascii())),
            NodeKind::Directory
            | NodeKind::File(_)
            | NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket => None,
        });
        links.collect()
    }

    #[test]
    fn the_symlinks_of_an_architecture() {
        let common = ["bin -> usr/bin", "lib -> usr/lib", "sbin -> usr/sbin"];
        assert_eq!(links("arm64"), common);
        let amd64 = links("amd64");
        assert_eq!(
            amd64,
            [common[0], common[1], "lib64 -> usr/lib64", common[2]]
        );
    }

    #[test]
    fn a_path_of_a_package_leads_into_usr() {
        let mut tree = Tree::new(Metadata::new(0o755));
        merge_usr(&mut tree, "amd64").unwrap();
        let lib = TreePath::parse(b"lib").unwrap();
        let real = tree.resolve(&lib, LastLink::Follow).unwrap();
        assert_eq!(real.as_bytes(), b"usr/lib");
    }

    #[test]
    fn what_is_there_stays() {
        let mut tree = Tree::new(Metadata::new(0o755));
        let lib = TreePath::parse(b"lib").unwrap();
        let directory = Node::new(Metadata::new(0o700), NodeKind::Directory);
        tree.insert(lib.clone(), directory.clone()).unwrap();
        merge_directory(&mut tree, "lib").unwrap();
        assert_eq!(tree.get(&lib), Some(&directory));
    }
}
