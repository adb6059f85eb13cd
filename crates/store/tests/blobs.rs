//! Content in and out, layouts that are refused, and what is not a blob.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use content::{add, alter, bytes, digest, files, new_store};
use enclair_digest::ContentError;
use enclair_store::{Aside, Error, FileKind, OnAltered, Problem, Store};
use proptest::prelude::*;

#[test]
fn what_goes_in_comes_out_and_is_read_only() {
    let (_directory, store) = new_store();
    let content = bytes(1, 700_001);
    let sha256 = add(&store, &content);
    assert_eq!(store.blob_size(&sha256).unwrap(), Some(700_001));
    assert_eq!(store.digests().unwrap(), [sha256]);
    let mut read = Vec::new();
    let mut reader = store.read_blob(&sha256, Some(700_001)).unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == content);
    let mode = fs::metadata(store.blob_path(&sha256))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o7777, 0o444);
    let mode = fs::metadata(store.root()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn the_layout_is_the_one_that_is_written_down() {
    let (_directory, store) = new_store();
    let sha256 = add(&store, b"abc").to_string();
    assert!(sha256.starts_with("ba7816bf"));
    assert_eq!(
        files(store.root()),
        [
            format!("blobs/sha256/ba/{}", &sha256[2..]),
            "lock".into(),
            "version".into()
        ]
        .map(std::path::PathBuf::from)
    );
    let version = fs::read_to_string(store.root().join("version")).unwrap();
    assert_eq!(version, "enclair store 1\n");
}

#[test]
fn the_same_content_twice_is_one_blob() {
    let (_directory, store) = new_store();
    assert_eq!(add(&store, b"abc"), add(&store, b"abc"));
    assert_eq!(store.size().unwrap().blobs.files, 1);
}

#[test]
fn an_altered_blob_is_healed_by_putting_it_in_again() {
    let (_directory, store) = new_store();
    let sha256 = add(&store, b"abc");
    alter(&store, &sha256);
    add(&store, b"abc");
    store.read_blob(&sha256, Some(3)).unwrap().finish().unwrap();
}

#[test]
fn a_missing_blob_is_named() {
    let (_directory, store) = new_store();
    let sha256 = digest(b"nothing");
    let error = store.open_blob(&sha256).unwrap_err();
    assert!(matches!(error, Error::Missing { sha256: found } if found == sha256));
    assert_eq!(store.blob_size(&sha256).unwrap(), None);
    assert!(!store.stamp(&sha256, std::time::UNIX_EPOCH).unwrap());
}

#[test]
fn content_that_is_not_what_was_expected_leaves_nothing() {
    let (_directory, store) = new_store();
    let expected = digest(b"abc");
    let mut incoming = store.expect(&expected, Some(3)).unwrap();
    incoming.write_all(b"abd").unwrap();
    let error = incoming.finish().unwrap_err();
    assert!(
        matches!(error, Error::Digest { expected: e, found } if e == expected && found == digest(b"abd"))
    );
    let error = store
        .expect(&expected, Some(3))
        .unwrap()
        .fill(&mut &b"ab"[..]);
    assert!(matches!(
        error,
        Err(Error::Size {
            expected: 3,
            found: 2,
            ..
        })
    ));
    let error = store
        .expect(&expected, Some(3))
        .unwrap()
        .fill(&mut &b"abcd"[..]);
    assert!(matches!(
        error,
        Err(Error::Size {
            expected: 3,
            found: 4,
            ..
        })
    ));
    let mut incoming = store.expect(&expected, Some(3)).unwrap();
    let error = incoming.write_all(b"abcd").unwrap_err();
    assert!(matches!(
        ContentError::of(&error),
        Some(ContentError::Size { found: 4, .. })
    ));
    drop(incoming);
    let mut abandoned = store.incoming().unwrap();
    abandoned.write_all(b"half").unwrap();
    drop(abandoned);
    assert_eq!(files(store.root()).len(), 2, "version and lock");
}

#[test]
fn a_reader_that_fails_leaves_nothing() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let (_directory, store) = new_store();
    let mut content = (&b"abc"[..]).chain(Broken);
    assert!(matches!(store.add(&mut content), Err(Error::Source(_))));
    assert_eq!(files(store.root()).len(), 2);
}

#[test]
fn an_altered_blob_is_found_when_it_is_read_and_set_aside() {
    let (_directory, store) = new_store();
    let sha256 = add(&store, b"abc");
    assert_eq!(store.set_aside(&sha256).unwrap(), Aside::Intact);
    let mut paths = Vec::new();
    for _ in 0..3 {
        alter(&store, &sha256);
        let error = store
            .read_blob(&sha256, Some(3))
            .unwrap()
            .finish()
            .unwrap_err();
        assert!(matches!(
            ContentError::of(&error),
            Some(ContentError::Digest { .. })
        ));
        let Aside::Moved(path) = store.set_aside(&sha256).unwrap() else {
            panic!("it was altered");
        };
        assert!(fs::read(&path).unwrap().ends_with(b"bc"));
        paths.push(path);
        assert_eq!(store.set_aside(&sha256).unwrap(), Aside::Absent);
        assert!(matches!(
            store.open_blob(&sha256),
            Err(Error::Missing { .. })
        ));
        add(&store, b"abc");
    }
    paths.dedup();
    assert_eq!(paths.len(), 3);
    assert_eq!(store.size().unwrap().aside.files, 3);
}

#[test]
fn verify_lists_everything_that_is_not_what_its_name_says() {
    let (_directory, store) = new_store();
    let right = add(&store, b"right");
    let altered = add(&store, b"altered");
    alter(&store, &altered);
    let linked = digest(b"linked");
    fs::create_dir_all(store.blob_path(&linked).parent().unwrap()).unwrap();
    symlink(store.blob_path(&right), store.blob_path(&linked)).unwrap();
    let strange = store.root().join("blobs/sha256/strange");
    fs::write(&strange, b"").unwrap();

    let mut calls = 0;
    let report = store.verify(OnAltered::Report, &mut |progress| {
        assert_eq!(progress.blobs, 3);
        calls += 1;
    });
    let report = report.unwrap();
    assert_eq!(calls, 2, "the symlink is not read");
    assert_eq!(report.right.files, 1);
    let mut expected = vec![store.blob_path(&altered), store.blob_path(&linked), strange];
    expected.sort();
    let found: Vec<_> = report
        .faults
        .iter()
        .map(|fault| fault.path.clone())
        .collect();
    assert_eq!(found, expected);
    for fault in &report.faults {
        match &fault.problem {
            Problem::Altered { expected, .. } => assert_eq!(*expected, altered),
            Problem::NotAFile => assert_eq!(fault.path, store.blob_path(&linked)),
            Problem::Name => assert!(fault.path.ends_with("strange")),
            problem => panic!("{problem}"),
        }
    }

    fs::remove_file(store.root().join("blobs/sha256/strange")).unwrap();
    let report = store.verify(OnAltered::SetAside, &mut |_| ()).unwrap();
    assert_eq!(report.aside.len(), 2);
    let report = store.verify(OnAltered::Report, &mut |_| ()).unwrap();
    assert!(report.is_clean());
    assert_eq!(store.digests().unwrap(), [right]);
}

#[test]
fn symlinks_and_pipes_in_the_store_are_not_followed() {
    let (directory, store) = new_store();
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let content = b"content outside of the store";
    let sha256 = digest(content);
    fs::write(outside.join("blob"), content).unwrap();
    let path = store.blob_path(&sha256);
    let drawer = path.parent().unwrap();
    let expect_kind = |expected| {
        let error = store.open_blob(&sha256).unwrap_err();
        assert!(
            matches!(&error, Error::Kind { expected: e, .. } if *e == expected),
            "{error}"
        );
        let error = store.partial(&sha256, content.len() as u64).unwrap_err();
        assert!(
            matches!(&error, Error::Kind { expected: e, .. } if *e == expected),
            "{error}"
        );
    };

    fs::create_dir(drawer).unwrap();
    symlink(outside.join("blob"), &path).unwrap();
    expect_kind(FileKind::File);
    // Putting the content in replaces the symlink, not what it points to.
    add(&store, content);
    assert!(!path.is_symlink());
    fs::remove_dir_all(drawer).unwrap();

    symlink(&outside, drawer).unwrap();
    expect_kind(FileKind::Directory);
    assert!(store.add(&mut &content[..]).is_err());
    fs::remove_file(drawer).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);

    fs::create_dir(drawer).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    expect_kind(FileKind::File);
}

#[test]
fn an_unknown_layout_is_named_and_left_alone() {
    let (_directory, store) = new_store();
    let version = store.root().join("version");
    for text in ["enclair store 2\n", "", "enclair store 1", "\u{1b}[31m\n"] {
        fs::write(&version, text).unwrap();
        let error = Store::open(store.root()).unwrap_err();
        let Error::Version { path, found } = &error else {
            panic!("{error}");
        };
        assert_eq!(*path, version);
        assert!(!found.contains('\u{1b}'));
        assert!(error.hint().is_some());
    }
    assert!(
        Store::open(store.root())
            .unwrap_err()
            .to_string()
            .contains("enclair store 1")
    );
}

#[test]
fn a_directory_with_other_files_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("letter"), b"dear").unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, Error::NotAStore { .. }), "{error}");
    assert_eq!(files(directory.path()).len(), 1);
}

#[test]
fn an_existing_directory_keeps_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    fs::create_dir_all(&root).unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    Store::open(&root).unwrap();
    let mode = fs::metadata(&root).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_writes_gives_the_same_digest(
        content in proptest::collection::vec(any::<u8>(), 0..4096),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (_directory, store) = new_store();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(content.len() + 1)).collect();
        cuts.sort_unstable();
        let mut incoming = store.incoming().unwrap();
        let mut partial = content::claim(&store, &content);
        let mut start = 0;
        for end in cuts.into_iter().chain([content.len()]) {
            incoming.write_all(&content[start..end]).unwrap();
            partial.append(&content[start..end]).unwrap();
            // Every second split is also an interruption.
            if end % 2 == 0 {
                drop(partial);
                partial = content::claim(&store, &content);
            }
            prop_assert_eq!(partial.len(), end as u64);
            start = end;
        }
        partial.commit().unwrap();
        store.read_blob(&digest(&content), None).unwrap().finish().unwrap();
        prop_assert_eq!(incoming.finish().unwrap(), (digest(&content), content.len() as u64));
    }
}
