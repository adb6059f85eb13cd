//! Locks: the golden files, round trips, and what is refused.

mod arbitrary;
mod samples;

use enclair_recipe::{Lock, LockError, LockedImage, LockedSource, Origin, Place, Sha1Hint};

use self::samples::*;

const FULL: &str = include_str!("../golden/lock-1.lock");
const MINIMAL: &str = include_str!("../golden/lock-1-minimal.lock");
const FILES: &str = include_str!("../golden/lock-1-files.lock");
const PACKAGES: &str = include_str!("../golden/lock-1-packages.lock");

#[test]
fn the_golden_locks_are_read_and_written_as_ever() {
    for (golden, lock) in [
        (FULL, full()),
        (MINIMAL, minimal()),
        (PACKAGES, with_packages()),
        (FILES, with_files()),
    ] {
        assert_eq!(lock.to_toml(), golden);
        assert_eq!(Lock::parse(golden), Ok(lock.clone()));
        let carriage_return = golden.replace('\n', "\r\n");
        assert_eq!(Lock::parse(&carriage_return), Ok(lock));
    }
}

#[test]
fn packages_are_wanted_from_the_archive_of_their_suite() {
    let wanted = with_packages().wanted();
    let places: Vec<_> = wanted
        .iter()
        .map(|wanted| match &wanted.place {
            Place::Archive {
                archive,
                path,
                date,
            } => (&**archive, path.split('/').next_back().unwrap(), *date),
            other @ (Place::Anywhere | Place::Url(_) | Place::Repository(_)) => {
                panic!("{other:?}")
            }
        })
        .collect();
    // All have one digest here, and one of them is fetched.
    let file = "libhello_2.10~rc1-3+b1_all.deb";
    assert_eq!(places, [("debian", file, Some(1_783_764_997))]);
    let lock = with_packages();
    let of_file = lock.packages().last().unwrap();
    assert_eq!(of_file.name, "linux-image");
    let imported = lock.packages().nth(2).unwrap().wanted(&lock.suites);
    let Place::Archive { archive, date, .. } = imported.place else {
        panic!("{:?}", imported.place);
    };
    assert_eq!((&*archive, date), ("debian", None));
}

#[test]
fn a_sha1_makes_no_other_lock() {
    let mut lock = with_packages();
    if let Some(LockedSource::Packages(packages)) = &mut lock.source {
        packages.packages[1].sha1 = Sha1Hint::default();
    }
    assert_eq!(lock, with_packages());
    assert_ne!(lock.to_toml(), with_packages().to_toml());
}

#[test]
fn packages_of_a_lock_are_as_they_are_written() {
    let steps = [
        ("from = \"debian:bookworm\"", "from = \"debian:trixie\""),
        ("file = \"pool/", "file = \"pool/../"),
        ("file = \"pool/", "file = \"/pool/"),
        ("name = \"hello\"", "name = \"hel lo\""),
        (
            "name = \"hello\", version = \"1:2.10~rc1-3+b1\", arch = \"amd64\"",
            "name = \"libhello\", version = \"1:2.10~rc1-3+b1\", arch = \"all\"",
        ),
        ("sha1 = \"aa", "sha1 = \"AA"),
        ("asked = true", "asked = false"),
        ("request = \"sha256:", "request = \"sha1:"),
        ("key = \"0123456789ABCDEF", "key = \"0123456789abcdef"),
        (
            "name = \"debian:bookworm\", archive",
            "name = \"debian\", archive",
        ),
        (
            "name = \"debian:bookworm\", archive",
            "name = \"debian:zzz\", archive",
        ),
        (
            "from = \"package:linux-image-cloud\"",
            "from = \"package:a b\"",
        ),
        ("size = 53080, sha256", "size = -1, sha256"),
    ];
    for (from, to) in steps {
        assert!(PACKAGES.contains(from), "{from}");
        let error = Lock::parse(&PACKAGES.replacen(from, to, 1)).unwrap_err();
        assert!(
            matches!(error, LockError::Value { .. } | LockError::WrongType { .. }),
            "{to}: {error}"
        );
    }
}

/// Takes one step from the golden lock and says what is wrong then.
fn check(from: &str, to: &str, is: fn(&LockError) -> bool) {
    assert!(FULL.contains(from), "{from}");
    let document = FULL.replacen(from, to, 1);
    let error = Lock::parse(&document).unwrap_err();
    assert!(is(&error), "{to}: {error}");
    assert!(error.hint().is_some());
}

#[test]
fn every_key_must_be_as_it_is_written() {
    check("schema = 1", "schema = 2", |e| {
        *e == LockError::Schema { found: 2 }
    });
    check("schema = 1\n", "", |e| {
        matches!(e, LockError::MissingKey { .. })
    });
    check("schema = 1", "schema = 01", |e| {
        matches!(e, LockError::Syntax { line: 2, .. })
    });
    check("format = 1", "format = 0x1", |e| {
        *e == LockError::NotCanonical { line: 3 }
    });
    check("format = 1", "format  = 1", |e| {
        *e == LockError::NotCanonical { line: 3 }
    });
    check("format = 1", "format = \"1\"", |e| {
        matches!(e, LockError::WrongType { .. })
    });
    check("format = 1", "format = 1\nformat = 1", |e| {
        matches!(e, LockError::Syntax { .. })
    });
    check("format = 1", "format = 1\nnew = 1", |e| {
        matches!(e, LockError::UnknownKey { .. })
    });
    check("sha256:abab", "sha256:ABab", |e| {
        matches!(e, LockError::NotCanonical { .. })
    });
    check("sha256:abab", "abab", |e| {
        matches!(e, LockError::Value { .. })
    });
}

#[test]
fn every_value_must_be_the_canonical_one() {
    check("mtime@12", "mtime@012", |e| {
        matches!(e, LockError::Value { .. })
    });
    check("file-modes@1", "zz@1", |e| {
        matches!(e, LockError::NotCanonical { .. })
    });
    check("nobody else can get", "everybody can get", |e| {
        matches!(e, LockError::NotCanonical { .. })
    });
    check("private = true\n", "", |e| {
        matches!(e, LockError::NotCanonical { .. })
    });
    check("private = true", "private = false", |e| {
        matches!(e, LockError::WrongType { .. })
    });
    check("[boot.kernel]\n", "[boot.kernel]\npath = \"a\"\n", |e| {
        matches!(e, LockError::UnknownKey { .. })
    });
    check("docker.io/library/debian:12", "debian:12", |e| {
        matches!(e, LockError::NotCanonical { .. })
    });
    check("url:https", "url:ftp", |e| {
        matches!(e, LockError::Value { .. })
    });
    check("size = 9", "size = -9", |e| {
        matches!(e, LockError::Value { .. })
    });
    check("size = 9", "size = 99999999999999999999", |e| {
        matches!(e, LockError::Value { .. })
    });
    check("[source.image]", "[source.other]", |e| {
        matches!(e, LockError::UnknownKey { .. })
    });
    check("# Written", "# written", |e| {
        *e == LockError::NotCanonical { line: 1 }
    });
    let without_end = FULL.strip_suffix('\n').unwrap();
    assert!(matches!(
        Lock::parse(without_end),
        Err(LockError::NotCanonical { .. })
    ));
    let more = format!("{FULL}\n");
    assert!(matches!(
        Lock::parse(&more),
        Err(LockError::NotCanonical { .. })
    ));
}

#[test]
fn a_merge_conflict_is_named() {
    let conflict = "<<<<<<< HEAD\nformat = 1\n=======\nformat = 2\n>>>>>>> other\n";
    let document = MINIMAL.replace("format = 1\n", conflict);
    let error = Lock::parse(&document).unwrap_err();
    assert_eq!(error, LockError::MergeConflict { line: 3 });
    assert!(error.hint().unwrap().contains("conflict"));
}

#[test]
fn hostile_locks_are_refused() {
    for document in [
        String::new(),
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(1_000_000)),
        format!("{}a = 1", "a.".repeat(500_000)),
        "x".repeat((4 << 20) + 1),
    ] {
        Lock::parse(&document).unwrap_err();
    }
}

#[test]
fn what_is_wanted_has_names_places_and_no_duplicates() {
    let wanted: Vec<_> = full()
        .wanted()
        .into_iter()
        .map(|wanted| (wanted.name, wanted.blob.size, wanted.place))
        .collect();
    let debian = || Place::Repository("docker.io/library/debian".into());
    assert_eq!(
        wanted,
        [
            ("source manifest".to_owned(), 529, debian()),
            ("source configuration".to_owned(), 1467, debian()),
            ("source layer 1".to_owned(), 48_000_000, debian()),
            ("source layer 2".to_owned(), 32, debian()),
            ("kernel".to_owned(), 9, Place::Anywhere),
            (
                "init archive".to_owned(),
                7,
                Place::Url("https://example.org/boot.deb".into())
            ),
        ]
    );
    assert!(minimal().wanted().is_empty());
    let mut lock = minimal();
    lock.boot.kernel.from = Origin::File("a".into());
    lock.boot.init.from = Origin::Url {
        url: "https://a.b/c".into(),
        inside: None,
    };
    lock.boot.init.blob = lock.boot.kernel.blob;
    let wanted = lock.wanted();
    assert_eq!(wanted.len(), 1);
    assert_eq!(
        wanted[0].place,
        Place::Url("https://a.b/c".into()),
        "a place is kept"
    );
}

#[test]
fn notes_say_what_nobody_else_can_get() {
    assert_eq!(
        full().notes(),
        [
            "kernel: nobody else can get `file:../kernel/Image`",
            "nsm_module: nobody else can get `image:docker-archive:../kernel.tar:a:b`",
        ]
    );
    assert!(minimal().notes().is_empty());
}

/// Every bit of the golden locks: what still parses says something else.
#[test]
fn no_flipped_bit_gives_the_same_lock() {
    for golden in [FULL, MINIMAL] {
        let lock = Lock::parse(golden).unwrap();
        let mut read = 0;
        for bit in 0..golden.len() * 8 {
            let mut bytes = golden.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(document) = String::from_utf8(bytes) else {
                continue;
            };
            if let Ok(other) = Lock::parse(&document) {
                assert_ne!(other, lock, "bit {bit}");
                read += 1;
            }
        }
        assert!(read > 100, "digits can be others: {read}");
    }
}

/// A digest in the recipe is worth nothing when the lock may have another image beside it.
#[test]
fn a_reference_with_a_digest_names_the_manifest_or_an_index() {
    let lock = |image| Lock {
        source: Some(LockedSource::Image(image)),
        ..minimal()
    };
    let named = format!("debian@sha256:{}", blob(0x21, 7).sha256);
    let (right, other) = (Some(blob(0x21, 7)), Some(blob(0x22, 8)));
    let with = |from: &str, index, manifest| LockedImage {
        index,
        private: false,
        ..image(from, manifest)
    };
    for accepted in [
        with(&named, None, right),
        with(&named, right, other),
        with("debian:12", None, other),
    ] {
        let lock = lock(accepted);
        assert_eq!(Lock::parse(&lock.to_toml()).unwrap(), lock);
    }
    for refused in [
        with(&named, None, other),
        with(&named, other, right),
        with(&named, other, other),
        with(&named, right, None),
        with(&named, None, None),
        with("debian:12", right, other),
    ] {
        let text = lock(refused).to_toml();
        let error = Lock::parse(&text).unwrap_err();
        assert!(
            error.to_string().contains("the digest that `from` has"),
            "{error}"
        );
    }
}
