//! Any lock: what is written is read back, and what is read is written back.

use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_recipe::{
    Blob, Epoch, Inside, Lock, LockedBoot, LockedFile, LockedImage, LockedPackages, LockedSource,
    Origin, RuleVersion,
};
use proptest::prelude::*;

use super::samples::package;

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
