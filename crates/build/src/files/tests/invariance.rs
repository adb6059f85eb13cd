//! What the disk says about files and an image does not.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn modes_times_and_links_of_the_disk_decide_nothing() {
    let plain = [
        ("d/a", "same"),
        ("d/b", "same"),
        ("d/s/run", "#!/bin/sh\n"),
        ("d/s/l", "-> run"),
        ("d/zero", ""),
    ];
    let one = Disk::with(&plain);
    let other = Disk::new();
    for (path, content) in plain.iter().rev().filter(|(path, _)| *path != "d/b") {
        other.add(path, content);
    }
    fs::hard_link(other.path("d/a"), other.path("d/b")).unwrap();
    set_mode(&other.path("d/a"), 0o4777);
    set_mode(&other.path("d/s/run"), 0o400);
    set_mode(&other.path("d/s"), 0o1700);
    let file = fs::File::open(other.path("d/a")).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(time).unwrap();
    let lay = |disk: &Disk| disk.lay(&[from("d", "/x")]).unwrap();
    let (one, other) = (lay(&one), lay(&other));
    assert_eq!(one.listing(), other.listing());
    assert_eq!(one.laid, other.laid);
}

/// Owners can be changed by root only.
#[test]
fn owners_of_the_disk_decide_nothing() {
    let disk = Disk::with(&[("d/a", "a")]);
    let before = disk.lay(&[from("d", "/")]).unwrap().listing();
    match std::os::unix::fs::chown(disk.path("d/a"), Some(1234), Some(5678)) {
        Ok(()) => assert_eq!(disk.lay(&[from("d", "/")]).unwrap().listing(), before),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}

/// Paths with few different names, so that they share directories. A path that would need a file
/// to be a directory is left out.
fn trees() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof!["[ab]", "[ab]-", "[\\x01-\\x7f&&[^/]]{1,3}", "[äß\n]"];
    let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    let content = prop_oneof![
        "[a-z]{0,4}",
        Just("#!x".to_owned()),
        Just("-> x".to_owned())
    ];
    prop::collection::btree_map(path, content, 1..20).prop_map(|tree| {
        let reserved = |path: &str| {
            path.split('/')
                .any(|name| matches!(name, "." | ".." | ".git"))
        };
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        for (path, content) in tree {
            let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
            let below = format!("{path}/");
            let mut others = kept.keys();
            if !reserved(&path)
                && !parents.into_iter().any(|parent| kept.contains_key(parent))
                && !others.any(|other| other.starts_with(&below))
            {
                kept.insert(path, content);
            }
        }
        kept.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_creation_decides_nothing(
        (tree, shuffled) in trees().prop_flat_map(|tree| {
            (Just(tree.clone()), Just(tree).prop_shuffle())
        })
    ) {
        let lay = |files: &[(String, String)]| {
            let disk = Disk::with(&[("d/", "")]);
            for (path, content) in files {
                disk.add(&format!("d/{path}"), content);
            }
            disk.lay(&[from("d", "/")]).unwrap()
        };
        let (one, other) = (lay(&tree), lay(&shuffled));
        prop_assert_eq!(one.listing(), other.listing());
        prop_assert_eq!(&one.laid, &other.laid);
        // Everything that was put there is there, with its content.
        let files = tree.iter().filter(|(_, content)| !content.starts_with("-> "));
        prop_assert_eq!(files.count(), one.laid.files.len());
        for (path, content) in &tree {
            let node = one.tree.get(&TreePath::parse(path.as_bytes()).unwrap()).unwrap();
            if let Some(target) = content.strip_prefix("-> ") {
                prop_assert_eq!(&node.kind, &NodeKind::Symlink(target.into()));
                continue;
            }
            let NodeKind::File(body) = &node.kind else {
                panic!("{node:?}");
            };
            let read = read_body(body, &one.spool).read_to_vec(100).unwrap();
            prop_assert_eq!(&read, content.as_bytes());
        }
    }

    /// The same by way of a repository's index.
    #[test]
    fn a_repository_gives_what_a_directory_gives(tree in trees()) {
        let disk = Disk::with(&[("d/", "")]);
        for (path, content) in &tree {
            disk.add(&format!("d/{path}"), content);
        }
        let plain = disk.lay(&[from("d", "/")]).unwrap();
        disk.git(&["init", "--quiet"]);
        disk.git(&["-c", "core.safecrlf=false", "add", "--all", "--force"]);
        let tracked = disk.lay(&[from("d", "/")]).unwrap();
        prop_assert_eq!(plain.listing(), tracked.listing());
        prop_assert_eq!(plain.laid, tracked.laid);
    }
}
