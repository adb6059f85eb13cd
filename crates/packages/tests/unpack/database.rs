//! dpkg's records, as dpkg itself writes them.

use enclair_packages::root::database;
use enclair_packages_testing::{Deb, TarEntry};
use insta::assert_snapshot;

use crate::workshop::Workshop;

const SYSTEM: database::System<'_> = database::System {
    architecture: "amd64",
    diversions: &[],
};

fn written(workshop: &mut Workshop, debs: &[Deb]) -> enclair_packages::root::Root {
    let mut root = workshop.unpack(debs);
    let diversions = workshop.diversions.clone();
    let system = database::System {
        diversions: &diversions,
        ..SYSTEM
    };
    database::write(&mut root, &system, &workshop.spool).unwrap();
    root
}

fn example() -> Deb {
    Deb::new("hello", "0:1.0-1", "amd64")
        .field("Source", "greetings (1.0)")
        .field("Depends", "libc6(>=2.36),a|b  ( << 1 ) , c:any")
        .field("Essential", "no")
        .field("Multi-Arch", "same")
        .field("Priority", "Optional")
        .field("Section", "misc")
        .field("Built-Using", "gcc-12 (= 12.2.0-14)")
        .field("Description", "says hello\n in two\n .\n parts")
        .field("Homepage", "https://example.org")
        .script("postinst", "#!/bin/sh\n")
        .member("conffiles", "/etc/hello\nremove-on-upgrade /etc/gone\n")
        .member(
            "md5sums",
            "d41d8cd98f00b204e9800998ecf8427e  usr/bin/hello\n",
        )
        .directory("./")
        .directory("./etc/")
        .file("./etc/hello", "key = value\n")
        .program("./usr/bin/hello", "")
}

#[test]
fn the_status_says_what_dpkg_would_say() {
    let mut workshop = Workshop::default();
    let earlier = Deb::new("a", "1", "all")
        .field("Multi-Arch", "no")
        .field("Essential", "yes");
    let root = written(&mut workshop, &[example(), earlier]);
    assert_snapshot!(workshop.content(&root, "var/lib/dpkg/status"), @"
    Package: a
    Essential: yes
    Status: install ok installed
    Maintainer: Nobody <nobody@example.org>
    Architecture: all
    Version: 1
    Description: made for a test

    Package: hello
    Status: install ok installed
    Priority: optional
    Section: misc
    Maintainer: Nobody <nobody@example.org>
    Architecture: amd64
    Multi-Arch: same
    Source: greetings (1.0)
    Version: 1.0-1
    Depends: libc6 (>= 2.36), a | b (<< 1), c:any
    Conffiles:
     /etc/hello 17e8f0e3fbfdea3b933ff85e2ecd75f0
    Description: says hello
     in two
     .
     parts
    Built-Using: gcc-12 (= 12.2.0-14)
    Homepage: https://example.org
    ");
}

#[test]
fn the_files_about_a_package_are_those_of_its_control_archive() {
    let mut workshop = Workshop::default();
    let plain = Deb::new("plain", "1", "all")
        .file("./x", "x")
        .entry(TarEntry::hard_link("./y", "./x"));
    let root = written(&mut workshop, &[example(), plain]);
    let lines = workshop.list(&root);
    let records: Vec<_> = lines
        .lines()
        .filter(|line| line.contains(" var/lib/dpkg") && !line.contains("/status"))
        .collect();
    assert_snapshot!(records.join("\n"), @r##"
    0755 0:0 var/lib/dpkg/ []
    0644 0:0 var/lib/dpkg/arch "amd64\n" []
    0644 0:0 var/lib/dpkg/diversions "" []
    0755 0:0 var/lib/dpkg/info/ []
    0644 0:0 var/lib/dpkg/info/format "1\n" []
    0644 0:0 var/lib/dpkg/info/hello:amd64.conffiles "/etc/hello\nremove-on-upgrade /etc/gone\n" []
    0644 0:0 var/lib/dpkg/info/hello:amd64.list "/.\n/etc\n/etc/hello\n/usr/bin/hello\n" []
    0644 0:0 var/lib/dpkg/info/hello:amd64.md5sums "d41d8cd98f00b204e9800998ecf8427e  usr/bin/hello\n" []
    0755 0:0 var/lib/dpkg/info/hello:amd64.postinst "#!/bin/sh\n" []
    0644 0:0 var/lib/dpkg/info/plain.list "/x\n/y\n" []
    0644 0:0 var/lib/dpkg/info/plain.md5sums "9dd4e461268c8034f5c8564e155c67a6  x\n9dd4e461268c8034f5c8564e155c67a6  y\n" []
    "##);
}

#[test]
fn diversions_are_three_lines_each_in_their_order() {
    let mut workshop = Workshop::default()
        .divert("bin/sh", "bin/sh.distrib", Some("dash"))
        .divert("a", "b", None);
    let root = written(&mut workshop, &[]);
    assert_snapshot!(workshop.content(&root, "var/lib/dpkg/diversions"), @"
    /bin/sh
    /bin/sh.distrib
    dash
    /a
    /b
    :
    ");
}

#[test]
fn lists_of_configuration_files_that_are_wrong_are_refused() {
    let with = |list: &str| {
        let deb = Deb::new("a", "1", "all")
            .member("conffiles", list)
            .directory("./etc");
        Workshop::default().refusal(&[deb.file("./etc/x", "")])
    };
    assert_snapshot!(with("/etc/x\nrelative\n"), @"package `a`: line 2 of `conffiles`: `relative` is not known");
    assert_snapshot!(with("/etc/../x\n"), @"package `a`: line 1 of `conffiles`: `/etc/../x` is not an absolute path");
    assert_snapshot!(with("sometimes /etc/x\n"), @"package `a`: line 1 of `conffiles`: `sometimes` is not known");
    assert_snapshot!(with("/etc\n"), @"package `a`: line 1 of `conffiles`: `etc` is no regular file of the package");
    assert_snapshot!(with("\n/etc/none\n"), @"package `a`: line 2 of `conffiles`: `etc/none` is no regular file of the package");
}

#[test]
fn records_cannot_be_written_where_a_file_is_in_their_way() {
    let mut workshop = Workshop::default();
    let mut root = workshop.unpack(&[Deb::new("a", "1", "all").file("./var/lib", "")]);
    let error = database::write(&mut root, &SYSTEM, &workshop.spool).unwrap_err();
    assert_snapshot!(crate::workshop::message(&error, error.hint()), @"
    dpkg's records cannot be written
      caused by: `var/lib`: is not a directory
    ");
}
