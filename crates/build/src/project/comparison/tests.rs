use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_recipe::{
    Blob, Epoch, LockedBoot, LockedFile, LockedPackage, LockedPackages, LockedSource, LockedSuite,
    Origin, Sha1Hint,
};

use super::*;

fn blob(byte: u8) -> Blob {
    Blob {
        sha256: Sha256::from_bytes([byte; 32]),
        size: 1,
    }
}

fn package(name: &str, version: &str, byte: u8) -> LockedPackage {
    LockedPackage {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        from: "debian:bookworm".to_owned(),
        file: format!("pool/{name}_{version}.deb"),
        blob: blob(byte),
        sha1: Sha1Hint::default(),
        asked: false,
    }
}

fn file(byte: u8) -> LockedFile {
    LockedFile {
        from: Origin::Carried,
        blob: blob(byte),
        private: false,
    }
}

fn lock(packages: &[LockedPackage]) -> Lock {
    Lock {
        format: 1,
        recipe: blob(1).sha256,
        arch: Arch::X86_64,
        epoch: Epoch::Seconds(0),
        cmdline: "quiet".to_owned(),
        rules: vec!["mtime@1".parse().unwrap()],
        effects: Vec::new(),
        suites: vec![LockedSuite {
            name: "debian:bookworm".to_owned(),
            archive: "debian".to_owned(),
            components: vec!["main".to_owned()],
            date: 1_700_000_000,
            release: blob(2),
            key: "A".repeat(40),
        }],
        boot: LockedBoot {
            kernel: file(3),
            init: file(4),
            agent: None,
            nsm_module: None,
        },
        source: Some(LockedSource::Packages(LockedPackages {
            request: blob(5).sha256,
            packages: packages.to_vec(),
        })),
        files: Vec::new(),
    }
}

fn set(lock: &mut Lock, change: impl FnOnce(&mut Vec<LockedPackage>)) {
    let Some(LockedSource::Packages(packages)) = &mut lock.source else {
        panic!("no packages");
    };
    change(&mut packages.packages);
}

/// The registers after a change: `s` stays, `p` may move, `m` moves.
fn letters(movements: Movements) -> String {
    let letter = |movement: Movement| match movement {
        Movement::Stays => 's',
        Movement::Perhaps => 'p',
        Movement::Moves => 'm',
    };
    movements
        .named()
        .map(|(_, movement)| letter(movement))
        .iter()
        .collect()
}

#[test]
fn packages_that_became_others_are_told_apart() {
    let old = lock(&[
        package("up", "1.9", 10),
        package("down", "1:1", 11),
        package("level", "1.0", 12),
        package("gone", "1", 13),
        package("same", "1", 14),
        package("altered", "1", 15),
        package("moved", "1", 16),
    ]);
    let mut moved = package("moved", "1", 16);
    moved.from = "debian:bookworm-updates".to_owned();
    let new = lock(&[
        package("up", "1.10", 20),
        package("down", "2", 21),
        package("level", "0:1.0", 22),
        package("same", "1", 14),
        package("altered", "1", 25),
        moved,
        package("new", "1", 23),
    ]);
    let found = LockComparison::of(&old, &new);
    let lines: Vec<_> = found
        .packages
        .iter()
        .map(|change| format!("{} {}", change.text(), change.package().name))
        .collect();
    assert_eq!(
        lines,
        [
            "ALTERED altered",
            "downgraded down",
            "removed gone",
            "respelled level",
            "moved moved",
            "added new",
            "upgraded up",
        ]
    );
    assert_eq!(letters(found.registers), "msm");
    assert!(found.others.is_empty(), "{:?}", found.others);
    let back = LockComparison::of(&new, &old);
    assert_eq!(back.packages.last().unwrap().text(), "downgraded");
}

#[test]
fn what_only_helps_to_find_something_moves_no_register() {
    let old = lock(&[package("a", "1", 10), package("b", "1", 11)]);
    let mut learnt = old.clone();
    set(&mut learnt, |packages| {
        packages[0].sha1 = Sha1Hint::parse(&"a".repeat(40)).unwrap();
    });
    assert!(LockComparison::of(&old, &learnt).is_equal());
    let mut later = old.clone();
    later.suites[0].date += 1;
    later.suites[0].release = blob(20);
    let found = LockComparison::of(&old, &later);
    assert_eq!(found.others[0].what, "suites debian:bookworm");
    assert!(!found.is_equal());
    assert_eq!(letters(found.registers), "sss");
    let mut private = old.clone();
    private.boot.kernel.private = true;
    let found = LockComparison::of(&old, &private);
    assert_eq!(found.others[0].what, "boot.kernel");
    assert_eq!(letters(found.registers), "sss");
}

/// What a change is called, what it moves, and the change.
type Case = (&'static str, &'static str, fn(&mut Lock));

#[test]
fn every_entry_moves_the_registers_that_measure_it() {
    let old = lock(&[package("a", "1", 10), package("b", "1", 11)]);
    let changes: [Case; 14] = [
        ("format", "mmm", |lock| lock.format = 2),
        ("recipe", "ppp", |lock| lock.recipe = blob(9).sha256),
        ("arch", "mmm", |lock| lock.arch = Arch::Aarch64),
        ("epoch", "msm", |lock| lock.epoch = Epoch::Commit),
        ("cmdline", "mms", |lock| lock.cmdline.push('x')),
        ("rules", "msm", |lock| lock.rules.clear()),
        ("effects", "msm", |lock| {
            lock.effects.push("zstd@1".parse().unwrap());
        }),
        ("boot.kernel", "mms", |lock| lock.boot.kernel = file(9)),
        ("boot.init", "mms", |lock| lock.boot.init = file(9)),
        ("boot.agent", "mms", |lock| {
            lock.boot.agent = Some(file(9));
        }),
        ("boot.nsm_module", "mms", |lock| {
            lock.boot.nsm_module = Some(file(9));
        }),
        ("source.packages order", "psp", |lock| {
            set(lock, |packages| packages.reverse());
        }),
        ("source", "msm", |lock| lock.source = None),
        ("files[0]", "msm", |lock| lock.files.push(file(9))),
    ];
    for (what, registers, change) in changes {
        let mut new = old.clone();
        change(&mut new);
        let found = LockComparison::of(&old, &new);
        let names: Vec<_> = found.others.iter().map(|change| &*change.what).collect();
        assert_eq!(names, [what]);
        assert_eq!(letters(found.registers), registers, "{what}");
        let back = LockComparison::of(&new, &old);
        assert_eq!(letters(back.registers), registers, "{what}");
    }
}

#[test]
fn what_nobody_thought_of_is_a_difference_all_the_same() {
    let old = lock(&[]);
    let mut new = old.clone();
    new.boot.kernel.blob.size = 2;
    let found = LockComparison::of(&old, &new);
    assert!(!found.is_equal());
    assert_eq!(found.others[0].what, "lock");
    assert_eq!(letters(found.registers), "ppp");
    assert!(LockComparison::of(&old, &old).is_equal());
}
