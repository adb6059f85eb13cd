//! What is not taken.

use std::os::unix::net::UnixListener;

use enclair_tree::Problem;

use super::*;
use crate::files::{Resource, Special, TargetProblem};

#[test]
fn from_stays_in_the_project() {
    let disk = Disk::with(&[
        ("p/a", "a"),
        ("p/d/x", "x"),
        ("p/l", "-> a"),
        ("p/ld", "-> d"),
        ("p/out", "-> .."),
        ("secret", ""),
    ]);
    let project = disk.path("p");
    let lay = |text: &str| Image::empty().lay(&project, &[from(text, "/x")]);
    for text in ["/etc/passwd", "", "/"] {
        assert!(
            matches!(lay(text), Err(Error::NotRelative { .. })),
            "{text}"
        );
    }
    for text in ["..", "../secret", "d/../../secret", "d/..", "a/.."] {
        let error = lay(text).unwrap_err();
        assert!(
            matches!(error, Error::From { .. }) && error.hint().is_some(),
            "{text}"
        );
    }
    for (text, link) in [
        ("l", "l"),
        ("ld", "ld"),
        ("ld/x", "ld"),
        ("out/secret", "out"),
        ("out/p/a", "out"),
        ("ld/nothing/x", "ld"),
    ] {
        let error = lay(text).unwrap_err();
        assert!(
            matches!(&error, Error::FromSymlink { path } if path == link),
            "{text}: {error}"
        );
    }
    for text in [".git", ".git/config", "d/.git"] {
        assert!(
            matches!(lay(text), Err(Error::GitDirectory { .. })),
            "{text}"
        );
    }
    for text in ["nothing", "nothing/x", "a/x", "d/nothing"] {
        assert!(matches!(lay(text), Err(Error::Read { .. })), "{text}");
    }
    assert!(matches!(
        Image::empty().lay(&disk.path("nowhere"), &[]),
        Err(Error::Project { .. })
    ));
    // The project itself may be reached as its owner likes.
    let image = Image::empty().lay(&disk.path("p/out/p/ld"), &[from("x", "/x")]);
    assert_eq!(image.unwrap().paths(), ["x"]);
}

#[test]
fn to_is_a_clean_absolute_path() {
    let disk = Disk::with(&[("a", "a"), ("d/x", "x")]);
    let lay = |to: &str| disk.lay(&[from("a", to)]);
    for to in ["", "x", "./x"] {
        assert!(matches!(lay(to), Err(Error::NotAbsolute { .. })), "{to}");
    }
    for to in ["/../x", "/x/..", "//x", "/./x", "/x//", "/x/.", "/x\0"] {
        assert!(matches!(lay(to), Err(Error::To { .. })), "{to}");
    }
    assert_eq!(lay("/").unwrap().paths(), ["a"]);
    assert_eq!(lay("/x/").unwrap().paths(), ["x", "x/a"]);
    let long = "n".repeat(256);
    let deep = format!("/{}", "d/".repeat(2044));
    assert!(matches!(lay(&format!("/{long}")), Err(Error::Long { .. })));
    assert!(matches!(
        lay(&format!("/{long}/x")),
        Err(Error::Long { .. })
    ));
    assert!(matches!(lay(&format!("{deep}d")), Err(Error::Long { .. })));
    assert_eq!(lay(&deep[..deep.len() - 1]).unwrap().tree.len(), 2045);
    let image = Image::with(&[("loop", "-> loop")]);
    let error = image
        .lay(disk.0.path(), &[from("a", "/loop/x")])
        .unwrap_err();
    let Error::Place {
        source: enclair_tree::Error::Entry { problem, .. },
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(problem, Problem::Loop);
}

#[test]
fn links_have_a_target_and_a_name() {
    let disk = Disk::new();
    for (target, to) in [("", "/x"), ("a\0", "/x"), ("a", "/x/"), ("a", "/")] {
        let error = disk.lay(&[link(target, to)]).unwrap_err();
        assert!(matches!(error, Error::Link { .. }), "{target:?} {to}");
    }
    let long = "x".repeat(4096);
    assert!(disk.lay(&[link(&long, "/x")]).is_err());
    assert!(disk.lay(&[link(&long[1..], "/x")]).is_ok());
    let image = disk.lay(&[link("../../anywhere", "/a/b")]).unwrap();
    assert_eq!(
        image.listing(),
        "0755 0:0 0 a/\n0777 0:0 0 a/b -> ../../anywhere\n"
    );
}

#[test]
fn symlinks_below_from_stay_below_it() {
    for (target, expected) in [
        ("/etc/passwd", TargetProblem::Absolute),
        ("../../a", TargetProblem::Outside),
        ("x/../../y", TargetProblem::UpwardsBehindName),
    ] {
        let disk = Disk::with(&[("d/s/l", &format!("-> {target}"))]);
        let error = disk.lay(&[from("d", "/")]).unwrap_err();
        assert!(
            matches!(&error, Error::Target { path, problem, .. } if path == "d/s/l" && *problem == expected),
            "{error}"
        );
    }
}

#[test]
fn devices_sockets_and_pipes_are_named() {
    let special = |disk: &Disk, text: &str| {
        let error = disk.lay(&[from(text, "/x")]).unwrap_err();
        let Error::NotCarried { path, kind } = error else {
            panic!("{error}");
        };
        (path, kind)
    };
    let disk = Disk::with(&[("d/", "")]);
    // Nobody writes to it: opening it to read would wait for ever.
    let fifo = disk.path("d/fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let expected = ("d/fifo".to_owned(), Special::Fifo);
    assert_eq!(special(&disk, "d"), expected);
    assert_eq!(special(&disk, "d/fifo"), expected);
    fs::remove_file(fifo).unwrap();
    let _listener = UnixListener::bind(disk.path("d/socket")).unwrap();
    let expected = ("d/socket".to_owned(), Special::Socket);
    assert_eq!(special(&disk, "d"), expected);
    let dev = Image::empty().lay(Path::new("/dev"), &[from("null", "/x")]);
    assert!(matches!(
        dev,
        Err(Error::NotCarried {
            kind: Special::Device,
            ..
        })
    ));
}

#[test]
fn modes_have_twelve_bits() {
    let disk = Disk::with(&[("a", "a")]);
    let mut wide = from("a", "/a");
    wide.mode = Some(0o10644);
    assert!(matches!(
        disk.lay(&[wide]),
        Err(Error::Mode { mode: 0o10644, .. })
    ));
    let mut wide = from("a", "/a");
    wide.dir_mode = 0o40755;
    assert!(matches!(disk.lay(&[wide]), Err(Error::Mode { .. })));
}

#[test]
fn limits_hold_over_all_entries_together() {
    let disk = Disk::with(&[("a/x", "12345"), ("b/y", "12345"), ("b/z", "")]);
    let entries = [from("a", "/a"), from("b", "/b")];
    let limited = |unpacked_bytes, entries_limit| {
        let limits = Limits {
            unpacked_bytes,
            entries: entries_limit,
            ..Limits::default()
        };
        let laid = Image::empty().lay_within(disk.0.path(), &entries, &limits);
        laid.map(|_| ()).map_err(|error| {
            let Error::Limit { resource, .. } = error else {
                panic!("{error}");
            };
            resource
        })
    };
    assert_eq!(limited(10, 5), Ok(()));
    assert_eq!(limited(9, 5), Err(Resource::Content));
    assert_eq!(limited(10, 4), Err(Resource::Entries));
    // A sparse file of a tebibyte is refused by its size.
    let sparse = fs::File::create(disk.path("a/x")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(limited(16 << 30, 100), Err(Resource::Content));
}

#[test]
fn the_results_of_a_build_are_not_part_of_what_it_builds() {
    let disk = Disk::with(&[("app", "x"), ("out/enclave.eif", "before"), ("outer", "y")]);
    let lay = |entry: Entry, output: &str| {
        let (mut image, output) = (Image::empty(), disk.path(output));
        let laying = Laying {
            project: &disk.path("."),
            limits: &Limits::default(),
            engine: &PureRust,
            supply: &NoSupply,
            output: Some(&output),
        };
        laying.lay(&[entry], &mut image.tree, &mut image.spool)
    };
    for entry in [
        from(".", "/srv"),
        from("out", "/srv"),
        from("out/enclave.eif", "/srv/x"),
    ] {
        let refused = lay(entry.clone(), "out");
        assert!(matches!(refused, Err(Error::Output { .. })), "{refused:?}");
        assert!(lay(entry.clone(), "elsewhere").is_ok(), "{entry:?}");
        assert!(lay(entry, "app").is_ok());
    }
    assert!(lay(from("outer", "/srv/outer"), "out").is_ok());
}
