//! Locks to compare with: the smallest, and those of the golden files.

use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_recipe::{
    Blob, Epoch, Inside, Lock, LockedBoot, LockedFile, LockedImage, LockedPackage, LockedPackages,
    LockedSource, LockedSuite, Origin, RuleVersion, Sha1Hint,
};

pub(super) fn blob(fill: u8, size: u64) -> Blob {
    Blob {
        sha256: Sha256::from_bytes([fill; 32]),
        size,
    }
}

pub(super) fn carried(fill: u8) -> LockedFile {
    LockedFile {
        from: Origin::Carried,
        blob: blob(fill, u64::from(fill)),
        private: false,
    }
}

pub(super) fn rules(texts: &[&str]) -> Vec<RuleVersion> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(super) fn minimal() -> Lock {
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

pub(super) fn image(from: &str, manifest: Option<Blob>) -> LockedImage {
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
pub(super) fn full() -> Lock {
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

pub(super) fn package(name: &str, arch: &str, from: &str) -> LockedPackage {
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

pub(super) fn suite(name: &str, archive: &str, components: &[&str]) -> LockedSuite {
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
pub(super) fn with_packages() -> Lock {
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
pub(super) fn with_files() -> Lock {
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
