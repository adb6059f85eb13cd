//! Locks: the golden files, round trips, and what is refused.

use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_recipe::{
    Blob, Epoch, Inside, Lock, LockError, LockedBoot, LockedFile, LockedImage, LockedPackage,
    LockedPackages, LockedSource, LockedSuite, Origin, Place, RuleVersion, Sha1Hint,
};
use proptest::prelude::*;

const FULL: &str = include_str!("../golden/lock-1.lock");
const MINIMAL: &str = include_str!("../golden/lock-1-minimal.lock");
const FILES: &str = include_str!("../golden/lock-1-files.lock");
const PACKAGES: &str = include_str!("../golden/lock-1-packages.lock");

fn blob(fill: u8, size: u64) -> Blob {
    Blob {
        sha256: Sha256::from_bytes([fill; 32]),
        size,
    }
}

fn carried(fill: u8) -> LockedFile {
    LockedFile {
        from: Origin::Carried,
        blob: blob(fill, u64::from(fill)),
        private: false,
    }
}

fn rules(texts: &[&str]) -> Vec<RuleVersion> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn minimal() -> Lock {
    Lock {
        format: 1,
        recipe: Sha256::from_bytes([0; 32]),
        arch: Arch::X86_64,
        epoch: Epoch::Seconds(0),
        cmdline: "reboot=k panic=30".into(),
        rules: rules(&["runtime-files@1", "mtime@1"]),
        effects: Vec::new(),
        suites: Vec::new(),
        boot: LockedBoot {
            kernel: carried(1),
            init: carried(2),
            agent: None,
            nsm_module: None,
        },
        source: None,
        files: Vec::new(),
    }
}

fn image(from: &str, manifest: Option<Blob>) -> LockedImage {
    LockedImage {
        from: from.parse().unwrap(),
        index: None,
        manifest,
        config: blob(0x11, 1467),
        layers: vec![
            blob(0x12, 48_000_000),
            blob(0x13, 32),
            blob(0x12, 48_000_000),
        ],
        private: manifest.is_none(),
    }
}

/// Every kind of entry that there is.
fn full() -> Lock {
    Lock {
        format: 1,
        recipe: Sha256::from_bytes([0xab; 32]),
        arch: Arch::Aarch64,
        epoch: Epoch::Commit,
        cmdline: "quoted=\"a\\b\"\tend \u{1}\u{7f}é".into(),
        rules: rules(&["runtime-files@1", "mtime@12"]),
        effects: rules(&["file-modes@1", "zstd@1"]),
        suites: Vec::new(),
        boot: LockedBoot {
            kernel: LockedFile {
                from: Origin::File("../kernel/Image".into()),
                blob: blob(3, 9),
                private: true,
            },
            init: LockedFile {
                from: Origin::Url {
                    url: "https://example.org/boot.deb".into(),
                    inside: Some(Inside {
                        path: "usr/lib/init".into(),
                        container: blob(5, 7),
                    }),
                },
                blob: blob(4, 1),
                private: false,
            },
            agent: None,
            nsm_module: Some(LockedFile {
                from: Origin::Image {
                    image: image("docker-archive:../kernel.tar:a:b", None),
                    path: "/lib/nsm.ko".into(),
                },
                blob: blob(6, 2),
                private: true,
            }),
        },
        source: Some(LockedSource::Image(image(
            "debian:12",
            Some(blob(0x10, 529)),
        ))),
        files: Vec::new(),
    }
}

fn package(name: &str, arch: &str, from: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: "1:2.10~rc1-3+b1".into(),
        arch: arch.into(),
        from: from.into(),
        file: format!("pool/main/h/{name}/{name}_2.10~rc1-3+b1_{arch}.deb"),
        blob: blob(0x21, 53_080),
        sha1: Sha1Hint::default(),
        asked: false,
    }
}

fn suite(name: &str, archive: &str, components: &[&str]) -> LockedSuite {
    LockedSuite {
        name: name.into(),
        archive: archive.into(),
        components: components.iter().map(|&name| name.into()).collect(),
        date: 1_783_764_997,
        release: blob(0x20, 151_075),
        key: "0123456789ABCDEF0123456789ABCDEF01234567".into(),
    }
}

/// Everything that there is of packages.
fn with_packages() -> Lock {
    Lock {
        effects: rules(&["base-files@1"]),
        suites: vec![
            suite("debian:bookworm", "debian", &["contrib", "main"]),
            suite("debian:bookworm-security", "debian-security", &["main"]),
        ],
        boot: LockedBoot {
            kernel: LockedFile {
                from: Origin::Package {
                    asked: "linux-image-cloud".into(),
                    package: Box::new(package("linux-image", "amd64", "debian:bookworm")),
                    path: "boot/vmlinuz-6.1".into(),
                },
                blob: blob(0x22, 8_000_000),
                private: false,
            },
            ..minimal().boot
        },
        source: Some(LockedSource::Packages(LockedPackages {
            request: Sha256::from_bytes([0x23; 32]),
            packages: vec![
                package("libhello", "all", "debian:bookworm"),
                LockedPackage {
                    sha1: Sha1Hint::parse(&"a".repeat(40)).unwrap(),
                    asked: true,
                    ..package("hello", "amd64", "debian:bookworm-security")
                },
                package("imported", "amd64", "debian"),
            ],
        })),
        ..minimal()
    }
}

/// Files from elsewhere that are laid into the image, one of each kind.
fn with_files() -> Lock {
    let laid = |from, number| LockedFile {
        from,
        blob: blob(number, 5),
        private: false,
    };
    Lock {
        effects: rules(&["files@1"]),
        suites: vec![suite("debian:bookworm", "debian", &["main"])],
        files: vec![
            laid(
                Origin::Package {
                    asked: "busybox-static".into(),
                    package: Box::new(package("busybox-static", "amd64", "debian:bookworm")),
                    path: "bin/busybox".into(),
                },
                0x31,
            ),
            laid(
                Origin::Image {
                    image: LockedImage {
                        private: false,
                        ..image("debian:12", Some(blob(0x10, 529)))
                    },
                    path: "/etc/os-release".into(),
                },
                0x32,
            ),
            laid(
                Origin::Url {
                    url: "https://example.org/model.bin".into(),
                    inside: None,
                },
                0x33,
            ),
        ],
        ..minimal()
    }
}

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

fn any_blob() -> impl Strategy<Value = Blob> {
    (any::<[u8; 32]>(), 0..=i64::MAX.unsigned_abs()).prop_map(|(bytes, size)| Blob {
        sha256: Sha256::from_bytes(bytes),
        size,
    })
}

fn any_image() -> impl Strategy<Value = LockedImage> {
    let from = prop_oneof![
        Just("debian:12"),
        Just("ghcr.io/a/b:c"),
        Just("oci:dir with \"quotes\""),
        Just("docker-archive:../ä.tar:a:b"),
        Just("docker-daemon:x"),
    ];
    let parts = (
        from,
        proptest::option::of(any_blob()),
        any_blob(),
        proptest::collection::vec(any_blob(), 0..4),
        any::<bool>(),
    );
    parts.prop_map(|(from, manifest, config, layers, private)| LockedImage {
        from: from.parse().unwrap(),
        index: None,
        manifest,
        config,
        layers,
        private: private && !from.contains("debian") && !from.contains("ghcr"),
    })
}

fn any_file() -> impl Strategy<Value = LockedFile> {
    let inside = (".{0,8}", any_blob()).prop_map(|(path, container)| Inside { path, container });
    let origin = prop_oneof![
        Just((Origin::Carried, false)),
        (".{1,12}", any::<bool>()).prop_map(|(path, private)| (Origin::File(path), private)),
        (
            "https?://[a-z]{1,8}(/[a-z%0-9]{0,8}){0,3}",
            proptest::option::of(inside)
        )
            .prop_map(|(url, inside)| (Origin::Url { url, inside }, false)),
        (any_image(), ".{0,8}").prop_map(|(image, path)| {
            let private = image.private;
            (Origin::Image { image, path }, private)
        }),
    ];
    (origin, any_blob()).prop_map(|((from, private), blob)| LockedFile {
        from,
        blob,
        private,
    })
}

fn any_rules() -> impl Strategy<Value = Vec<RuleVersion>> {
    let rule = ("[a-z0-9]{1,6}(-[a-z0-9]{1,4}){0,2}", 1..=u32::MAX);
    let rule = rule.prop_map(|(id, version)| RuleVersion { id, version });
    proptest::collection::vec(rule, 0..4)
}

fn any_lock() -> impl Strategy<Value = Lock> {
    let epoch = prop_oneof![Just(Epoch::Commit), any::<u32>().prop_map(Epoch::Seconds)];
    let arch = prop_oneof![Just(Arch::X86_64), Just(Arch::Aarch64)];
    let head = (
        any::<u32>(),
        any::<[u8; 32]>(),
        arch,
        epoch,
        "[^\0\n]{0,24}",
    );
    let source = prop_oneof![
        Just(None),
        any_image().prop_map(|image| Some(LockedSource::Image(image))),
        any_file().prop_map(|file| Some(LockedSource::Archive(file))),
        proptest::collection::btree_set("[a-z]{1,3}", 0..4).prop_map(|names| {
            let packages = names.iter().map(|name| package(name, "all", "debian"));
            Some(LockedSource::Packages(LockedPackages {
                request: Sha256::from_bytes([7; 32]),
                packages: packages.collect(),
            }))
        }),
    ];
    let optional = || proptest::option::of(any_file());
    let boot = (any_file(), any_file(), (optional(), optional()));
    let files = proptest::collection::vec(any_file(), 0..3);
    (head, any_rules(), any_rules(), boot, (source, files)).prop_map(
        |(head, rules, mut effects, boot, (source, files))| {
            effects.sort_by_key(ToString::to_string);
            effects.dedup();
            let (format, recipe, arch, epoch, cmdline) = head;
            let (kernel, init, (agent, nsm_module)) = boot;
            Lock {
                format,
                recipe: Sha256::from_bytes(recipe),
                arch,
                epoch,
                cmdline,
                rules,
                effects,
                suites: Vec::new(),
                boot: LockedBoot {
                    kernel,
                    init,
                    agent,
                    nsm_module,
                },
                source,
                files,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(lock in any_lock()) {
        let document = lock.to_toml();
        prop_assert_eq!(Lock::parse(&document), Ok(lock), "{}", document);
    }

    #[test]
    fn what_is_read_is_written_back(lock in any_lock(), at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let mut bytes = lock.to_toml().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(document) = String::from_utf8(bytes)
            && let Ok(read) = Lock::parse(&document)
        {
            prop_assert_eq!(read.to_toml(), document.replace("\r\n", "\n"));
        }
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
