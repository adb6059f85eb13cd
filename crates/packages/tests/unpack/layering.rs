//! Packages over each other, as dpkg would lay them.

use enclair_packages::root::{Action, PathFilter};
use enclair_packages_testing::{Deb, TarEntry};
use insta::assert_snapshot;

use crate::workshop::{Workshop, paths};

fn deb(name: &str) -> Deb {
    Deb::new(name, "1.0", "all")
}

fn list(debs: &[Deb]) -> String {
    let mut workshop = Workshop::default();
    let root = workshop.unpack(debs);
    workshop.list(&root)
}

#[test]
fn directories_are_shared_and_the_first_owner_and_mode_count() {
    let a = deb("a")
        .entry(TarEntry::directory("./var").mode(0o700))
        .file("./var/a", "a");
    let b = deb("b")
        .entry(TarEntry::directory("./var").mode(0o1777))
        .file("./var/b", "b");
    assert_snapshot!(list(&[a.clone(), b.clone()]), @r#"
    0755 0:0 // []
    0700 0:0 var/ [a]
    0644 0:0 var/a "a" [a]
    0644 0:0 var/b "b" [b]
    "#);
    assert_snapshot!(list(&[b, a]), @r#"
    0755 0:0 // []
    1777 0:0 var/ [b]
    0644 0:0 var/a "a" [a]
    0644 0:0 var/b "b" [b]
    "#);
}

#[test]
fn a_directory_without_an_entry_gets_one_from_a_later_package() {
    let a = deb("a").file("./opt/a/file", "");
    let b = deb("b").entry(TarEntry::directory("./opt").mode(0o750));
    let mut workshop = Workshop::default();
    let root = workshop.unpack(&[a, b]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0750 0:0 opt/ [b]
    0755 0:0 opt/a/ []
    0644 0:0 opt/a/file "" [a]
    "#);
    let found: Vec<_> = root
        .findings
        .iter()
        .map(|finding| (finding.kind.id, finding.count))
        .collect();
    assert_eq!(found, [("implied-directory", 2)]);
}

#[test]
fn symlinks_and_directories_give_way_as_dpkg_has_it() {
    let directory = deb("d").directory("./x").directory("./y");
    let link = deb("l").entry(TarEntry::symlink("./x", "y"));
    let same = deb("s").entry(TarEntry::symlink("./x", "./y"));
    let file = deb("f").file("./x/file", "through");
    // The directory stays where a symlink comes later.
    assert_snapshot!(list(&[directory.clone(), link.clone()]), @"
    0755 0:0 // []
    0755 0:0 x/ [d]
    0755 0:0 y/ [d]
    ");
    let y = deb("y").directory("./y");
    // A directory over a symlink to one, and two symlinks to one directory: nothing happens.
    assert_snapshot!(list(&[y.clone(), link.clone(), directory, same, file]), @r#"
    0755 0:0 // []
    0777 0:0 x -> y [l]
    0755 0:0 y/ [y]
    0644 0:0 y/file "through" [f]
    "#);
    // A symlink to nothing is no directory.
    let refused = Workshop::default().refusal(&[link.clone(), deb("d").directory("./x")]);
    assert_snapshot!(refused, @"
    package `d`: `x` is in package `l` too
    hint: the packages cannot be installed together: leave one of them out
    ");
    let other = deb("o").entry(TarEntry::symlink("./x", "elsewhere"));
    assert_snapshot!(Workshop::default().refusal(&[y, link, other]), @"
    package `o`: `x` is in package `l` too
    hint: the packages cannot be installed together: leave one of them out
    ");
}

#[test]
fn a_path_of_two_packages_is_refused() {
    let a = deb("a").file("./etc/x", "a");
    let b = deb("b").file("./etc/x", "b");
    assert_snapshot!(Workshop::default().refusal(&[a.clone(), b]), @"
    package `b`: `etc/x` is in package `a` too
    hint: the packages cannot be installed together: leave one of them out
    ");
    let directory = deb("d").directory("./etc/").directory("./etc/x");
    assert_snapshot!(Workshop::default().refusal(&[directory.clone(), a.clone()]), @"package `a`: `etc/x` is a directory and cannot become a file");
    assert_snapshot!(Workshop::default().refusal(&[a.clone(), directory]), @"
    package `d`: `etc/x` is in package `a` too
    hint: the packages cannot be installed together: leave one of them out
    ");
    assert_snapshot!(Workshop::default().refusal(&[a.clone(), a]), @"package `a` is there twice");
}

#[test]
fn a_path_under_something_that_is_no_directory_is_refused() {
    let a = deb("a").file("./x", "a");
    let b = deb("b").file("./x/y", "b");
    assert_snapshot!(Workshop::default().refusal(&[a, b]), @"
    package `b` cannot be unpacked
      caused by: `x`: is not a directory
    ");
    let a = deb("a").entry(TarEntry::symlink("./x", "x"));
    let b = deb("b").file("./x/y", "b");
    assert_snapshot!(Workshop::default().refusal(&[a, b]), @"
    package `b` cannot be unpacked
      caused by: `x`: more than 40 symlinks lead from one to the next
    ");
}

#[test]
fn merged_usr_makes_two_names_one_path() {
    let a = deb("a")
        .directory("./bin/")
        .file("./bin/x", "a")
        .entry(TarEntry::directory("./lib/x"));
    let b = deb("b")
        .directory("./usr/")
        .directory("./usr/lib/x")
        .file("./usr/lib/x/b", "b");
    let mut workshop = Workshop::merged();
    let root = workshop.unpack(&[a.clone(), b]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0777 0:0 bin -> usr/bin [a]
    0777 0:0 lib -> usr/lib []
    0755 0:0 usr/ [b]
    0755 0:0 usr/bin/ []
    0644 0:0 usr/bin/x "a" [a]
    0755 0:0 usr/lib/ []
    0755 0:0 usr/lib/x/ [a]
    0644 0:0 usr/lib/x/b "b" [b]
    "#);
    assert_eq!(paths(&root, 0), "bin bin/x lib/x");
    let b = deb("b").file("./usr/bin/x", "b");
    assert_snapshot!(Workshop::merged().refusal(&[a.clone(), b]), @"
    package `b`: `usr/bin/x` is in package `a` too
    hint: the packages cannot be installed together: leave one of them out
    ");
    assert_snapshot!(Workshop::merged().refusal(&[a.file("./usr/bin/x", "again")]), @"
    package `a`: `usr/bin/x` and `bin/x` are one path
    hint: the package was not made for merged `/usr`
    ");
}

#[test]
fn the_new_package_takes_what_it_replaces() {
    let old = deb("old").file("./x", "old").file("./y", "old");
    let new = deb("new")
        .field("Replaces", "old (<< 2), other")
        .file("./x", "new");
    let mut workshop = Workshop::default();
    let root = workshop.unpack(&[old.clone(), new.clone()]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0644 0:0 x "new" [new]
    0644 0:0 y "old" [old]
    "#);
    assert_eq!(
        (paths(&root, 0), paths(&root, 1)),
        ("y".to_owned(), "x".to_owned())
    );
    assert_eq!(
        root.findings.iter().next().unwrap().examples,
        ["x: old and new"]
    );
    // Unpacked the other way round the same package has it.
    let root = workshop.unpack(&[new, old.clone()]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0644 0:0 x "new" [new]
    0644 0:0 y "old" [old]
    "#);
    assert_eq!(
        (paths(&root, 0), paths(&root, 1)),
        ("x".to_owned(), "y".to_owned())
    );
    // Only the versions that are named, and no virtual names.
    let new = deb("new")
        .field("Replaces", "old (<< 1)")
        .file("./x", "new");
    Workshop::default().refusal(&[old.clone(), new]);
    let new = deb("new").field("Replaces", "virtual").file("./x", "new");
    Workshop::default().refusal(&[old.field("Provides", "virtual"), new]);
}

#[test]
fn a_broken_relation_is_named() {
    let broken = deb("a").field("Replaces", "b (1");
    assert_snapshot!(Workshop::default().refusal(&[broken]), @"
    package `a`: `Replaces` cannot be read
      caused by: at byte 3: one of `<<`, `<=`, `=`, `>=` and `>>` is expected
      caused by: one of `<<`, `<=`, `=`, `>=` and `>>` is expected
    ");
}

#[test]
fn diverted_files_go_elsewhere_but_for_the_one_who_diverts() {
    let sh = deb("dash").file("./bin/sh", "dash");
    let other = deb("other").file("./bin/sh", "other");
    let mut workshop = Workshop::merged().divert("bin/sh", "bin/sh.distrib", Some("dash"));
    let root = workshop.unpack(&[other.clone(), sh]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0777 0:0 bin -> usr/bin []
    0777 0:0 lib -> usr/lib []
    0755 0:0 usr/ []
    0755 0:0 usr/bin/ []
    0644 0:0 usr/bin/sh "dash" [dash]
    0644 0:0 usr/bin/sh.distrib "other" [other]
    0755 0:0 usr/lib/ []
    "#);
    assert_eq!(paths(&root, 0), "bin/sh");
    let mut workshop = Workshop::merged().divert("bin/sh", "bin/sh.real", None);
    let root = workshop.unpack(&[other]);
    assert_eq!(workshop.content(&root, "usr/bin/sh.real"), "other");
    assert!(
        root.tree
            .get(&crate::workshop::path("usr/bin/sh"))
            .is_none()
    );
}

#[test]
fn hard_links_stay_links_also_where_the_first_name_is_left_out() {
    let linked = deb("a")
        .file("./doc/a", "text")
        .entry(TarEntry::hard_link("./doc/b", "./doc/a").mode(0o600))
        .entry(TarEntry::hard_link("./kept/c", "./doc/b"))
        .entry(TarEntry::hard_link("./kept/d", "./doc/a"));
    assert_snapshot!(list(std::slice::from_ref(&linked)), @r#"
    0755 0:0 // []
    0755 0:0 doc/ []
    0644 0:0 doc/a x4 "text" [a]
    0644 0:0 doc/b x4 "text" [a]
    0755 0:0 kept/ []
    0644 0:0 kept/c x4 "text" [a]
    0644 0:0 kept/d x4 "text" [a]
    "#);
    let mut workshop = Workshop::default();
    workshop.filter.add(Action::Exclude, "/doc/*").unwrap();
    let root = workshop.unpack(&[linked]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0755 0:0 kept/ []
    0644 0:0 kept/c x2 "text" [a]
    0644 0:0 kept/d x2 "text" [a]
    "#);
    assert_eq!(paths(&root, 0), "doc/a doc/b kept/c kept/d");
}

#[test]
fn what_is_left_out_stays_in_the_list_of_the_package() {
    let package = deb("a")
        .directory("./usr/share/doc/a")
        .file("./usr/share/doc/a/copyright", "free")
        .file("./usr/share/doc/a/README", "read")
        .directory("./usr/share/man/man1")
        .file("./usr/share/man/man1/a.1", "manual");
    let mut workshop = Workshop {
        filter: PathFilter::minimal(),
        ..Workshop::default()
    };
    let root = workshop.unpack(&[package]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0755 0:0 usr/ []
    0755 0:0 usr/share/ []
    0755 0:0 usr/share/doc/ []
    0755 0:0 usr/share/doc/a/ [a]
    0644 0:0 usr/share/doc/a/copyright "free" [a]
    "#);
    assert_eq!(root.packages[0].paths.len(), 5);
    let excluded = root
        .findings
        .iter()
        .find(|finding| finding.kind.id == "package-path-excluded");
    assert_eq!(excluded.unwrap().count, 3);
}

const PASSWD: &str = "root:*:0:0:root:/root:/bin/bash\ngames:*:5:60:games:/:/usr/sbin/nologin\n";
const GROUP: &str = "root:*:0:\nshadow:*:42:\ngames:*:60:\n";

#[test]
fn owners_go_by_the_names_of_the_image_and_not_by_numbers() {
    let chage = TarEntry::file("./chage", "")
        .mode(0o2755)
        .owner((0, 999), "root", "shadow");
    let game = TarEntry::file("./game", "")
        .mode(0o4755)
        .owner((7, 7), "games", "games");
    let number = TarEntry::file("./number", "").owner((33, 34), "", "");
    let user = deb("a").entry(chage).entry(game).entry(number);
    // The accounts count wherever they stand in the order.
    let base = deb("base-passwd")
        .file("./usr/share/base-passwd/passwd.master", PASSWD)
        .file("./usr/share/base-passwd/group.master", GROUP);
    let mut workshop = Workshop::default();
    let root = workshop.unpack(&[user, base]);
    let lines = workshop.list(&root);
    let lines: Vec<_> = lines.lines().filter(|line| line.ends_with("[a]")).collect();
    assert_eq!(
        lines,
        [
            "2755 0:42 chage \"\" [a]",
            "4755 5:60 game \"\" [a]",
            "0644 33:34 number \"\" [a]"
        ]
    );
}

#[test]
fn owners_that_the_image_does_not_know_are_refused() {
    let user = deb("a").entry(TarEntry::file("./x", "").owner((0, 0), "www-data", "root"));
    let group = deb("a").entry(TarEntry::file("./x", "").owner((0, 0), "root", "www\ndata"));
    assert_snapshot!(Workshop::default().refusal(std::slice::from_ref(&user)), @"
    package `a`: `x` belongs to user `www-data`, which does not exist
    hint: packages may only name the users of base-passwd: install it, or ask the package's maker to give the file another owner
    ");
    assert_snapshot!(Workshop::default().refusal(&[group]), @r"
    package `a`: `x` belongs to group `www\x0adata`, which does not exist
    hint: packages may only name the users of base-passwd: install it, or ask the package's maker to give the file another owner
    ");
    let mut workshop = Workshop::default();
    workshop.accounts.add_user(b"www-data", 33);
    let root = workshop.unpack(&[user]);
    assert_snapshot!(workshop.list(&root), @r#"
    0755 0:0 // []
    0644 33:0 x "" [a]
    "#);
}

#[test]
fn capabilities_of_files_are_kept_for_whoever_can_carry_them() {
    let ping = TarEntry::file("./ping", "").pax("SCHILY.xattr.security.capability", b"\x01cap");
    let root = Workshop::default().unpack(&[deb("a").entry(ping)]);
    let node = root.tree.get(&crate::workshop::path("ping")).unwrap();
    assert_eq!(node.xattrs[&b"security.capability"[..]], b"\x01cap");
}
