//! Export and import, of good directories and of others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use content::{add, alter, bytes, digest, files, new_store};
use enclair_store::{Companion, Error, OnAltered, Problem, Store};

#[test]
fn an_export_can_be_imported_and_is_a_store_itself() {
    let (directory, store) = new_store();
    let contents = [bytes(1, 600_000), b"abc".to_vec(), Vec::new()];
    let digests: BTreeSet<_> = contents
        .iter()
        .map(|content| add(&store, content))
        .collect();
    add(&store, b"not exported");
    let lock = directory.path().join("enclair.lock");
    fs::write(&lock, b"the lock").unwrap();
    let target = directory.path().join("export");
    let companion = Companion {
        name: "enclair.lock".into(),
        path: lock,
    };
    let count = store.export(&target, &digests, &[companion]).unwrap();
    assert_eq!((count.files, count.bytes), (3, 600_003));
    assert_eq!(
        fs::read(target.join("files/enclair.lock")).unwrap(),
        b"the lock"
    );

    let direct = Store::open(&target).unwrap();
    assert!(
        direct
            .verify(OnAltered::Report, &mut |_| ())
            .unwrap()
            .is_clean()
    );
    assert_eq!(
        direct.digests().unwrap(),
        digests.iter().copied().collect::<Vec<_>>()
    );
    for sha256 in &digests {
        let links = fs::metadata(direct.blob_path(sha256)).unwrap().nlink();
        assert_eq!(links, 1, "copied, not linked");
    }

    let other = Store::open(&directory.path().join("other")).unwrap();
    add(&other, b"abc");
    let imported = other.import(&target).unwrap();
    assert_eq!((imported.taken.files, imported.taken.bytes), (2, 600_000));
    assert_eq!((imported.present.files, imported.present.bytes), (1, 3));
    assert_eq!(imported.passed_over, [target.join("files/enclair.lock")]);
    assert!(
        other
            .verify(OnAltered::Report, &mut |_| ())
            .unwrap()
            .is_clean()
    );
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let (directory, store) = new_store();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    let target = out.join("export");
    let (good, altered) = (add(&store, b"good"), add(&store, b"altered"));
    alter(&store, &altered);
    let export = |digests: &[_], companions: &[Companion]| {
        let digests = digests.iter().copied().collect();
        store.export(&target, &digests, companions).unwrap_err()
    };
    let error = export(&[good, altered], &[]);
    assert!(
        matches!(error, Error::Digest { expected, .. } if expected == altered),
        "{error}"
    );
    let error = export(&[good, digest(b"missing")], &[]);
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    for name in ["", ".", "..", "a/b", "/a", "a/", "./a", "a\0"] {
        let companion = Companion {
            name: name.into(),
            path: store.root().join("version"),
        };
        let error = export(&[good], &[companion]);
        assert!(
            matches!(error, Error::CompanionName { .. }),
            "{name:?}: {error}"
        );
    }
    let missing = Companion {
        name: "lock".into(),
        path: directory.path().join("missing"),
    };
    let error = export(&[good], &[missing]);
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);

    fs::create_dir(&target).unwrap();
    assert!(matches!(export(&[good], &[]), Error::Exists { .. }));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}

#[test]
fn an_interrupted_export_is_no_store() {
    let (directory, store) = new_store();
    let sha256 = add(&store, b"abc");
    let target = directory.path().join("export");
    store
        .export(&target, &BTreeSet::from([sha256]), &[])
        .unwrap();
    // The version is what is written last.
    fs::remove_file(target.join("version")).unwrap();
    assert!(matches!(Store::open(&target), Err(Error::NotAStore { .. })));
    assert!(matches!(store.import(&target), Err(Error::Import { .. })));
}

fn faults(result: Result<enclair_store::Imported, Error>) -> Vec<(String, Problem)> {
    match result.unwrap_err() {
        Error::Import { faults } => faults
            .into_iter()
            .map(|fault| {
                let name = fault.path.file_name().unwrap();
                (name.to_str().unwrap().to_owned(), fault.problem)
            })
            .collect(),
        error => panic!("{error}"),
    }
}

#[test]
fn any_directory_of_files_named_by_digest_is_taken() {
    let (directory, store) = new_store();
    let source = directory.path().join("source");
    fs::create_dir_all(source.join("below")).unwrap();
    let (a, b, c) = (digest(b"a"), digest(b"b"), digest(b"c"));
    fs::write(source.join(a.to_string()), b"a").unwrap();
    fs::write(source.join(format!("sha256:{b}")), b"b").unwrap();
    fs::write(source.join(format!("below/sha256-{c}")), b"c").unwrap();
    let imported = store.import(&source).unwrap();
    assert_eq!(imported.taken.files, 3);
    assert_eq!(store.digests().unwrap().len(), 3);
    assert_eq!(store.import(&source).unwrap().present.files, 3);
}

#[test]
fn files_that_are_not_what_their_names_say_are_all_named_and_not_taken() {
    let (directory, store) = new_store();
    let source = directory.path().join("source");
    fs::create_dir(&source).unwrap();
    let name = |content: &[u8]| digest(content).to_string();
    fs::write(source.join(name(b"good")), b"good").unwrap();
    fs::write(source.join(name(b"expected")), b"found").unwrap();
    fs::write(source.join("README"), b"hello").unwrap();
    symlink(source.join(name(b"good")), source.join(name(b"linked"))).unwrap();
    // The store has this one already; that does not make the file right.
    add(&store, b"present");
    fs::write(source.join(name(b"present")), b"pressed").unwrap();
    let faults = faults(store.import(&source));
    assert_eq!(faults.len(), 4, "{faults:?}");
    for (file, problem) in faults {
        match problem {
            Problem::Name => assert_eq!(file, "README"),
            Problem::NotAFile => assert_eq!(file, name(b"linked")),
            Problem::Altered { expected, .. } => {
                assert_eq!(file, expected.to_string());
                assert!(file == name(b"expected") || file == name(b"present"));
            }
            problem => panic!("{problem}"),
        }
    }
    let mut expected = [digest(b"good"), digest(b"present")];
    expected.sort();
    assert_eq!(store.digests().unwrap(), expected);
    assert_eq!(store.size().unwrap().incoming.files, 0);
}

#[test]
fn an_altered_or_strange_exported_store_is_named() {
    let (directory, store) = new_store();
    let (good, altered) = (add(&store, b"good"), add(&store, b"altered"));
    let target = directory.path().join("export");
    store
        .export(&target, &BTreeSet::from([good, altered]), &[])
        .unwrap();
    alter(&Store::open(&target).unwrap(), &altered);
    fs::write(target.join("surprise"), b"").unwrap();
    fs::create_dir(target.join("blobs/sha512")).unwrap();
    let other = Store::open(&directory.path().join("other")).unwrap();
    let faults = faults(other.import(&target));
    let names: Vec<_> = faults.iter().map(|(name, _)| name.as_str()).collect();
    let altered_name = altered.to_string();
    assert_eq!(names, [&altered_name[2..], "sha512", "surprise"]);
    assert_eq!(other.digests().unwrap(), [good]);

    fs::write(target.join("version"), b"enclair store 9\n").unwrap();
    assert!(matches!(other.import(&target), Err(Error::Version { .. })));
}

#[test]
fn directories_without_end_and_without_anything() {
    let (directory, store) = new_store();
    assert!(matches!(
        store.import(Path::new("/nowhere/at/all")),
        Err(Error::Io { .. })
    ));
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(store.import(&empty).unwrap().taken.files, 0);
    fs::create_dir_all(empty.join("a/a/a/a/a/a/a/a/a/a/a/a")).unwrap();
    assert_eq!(faults(store.import(&empty)).len(), 1);
    symlink(directory.path(), empty.join("loop")).unwrap();
    assert_eq!(faults(store.import(&empty)).len(), 2);
    assert_eq!(files(store.root()).len(), 2);
}
