//! What an image is made of besides the container image: the carried kernel and init, a driver
//! module, further ramdisks, their compression, and what the measured configuration grants.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::images::{Container, application, arm64_image, build, compress, workshop};
use crate::newc;
use crate::tarball::{dir, file};
use crate::workshop::{Workshop, sha256};

/// The sections of `out/enclave.eif`, unpacked into `at`.
fn extract(shop: &Workshop, at: &str) {
    shop.enclair(&format!("extract out/enclave.eif -C {at}"))
        .done();
}

fn configuration(shop: &Workshop) -> Value {
    extract(shop, "configured");
    let document = shop.json("configured/ramdisk1/etc/enclair/enclave.json");
    std::fs::remove_dir_all(shop.path("configured")).unwrap();
    document
}

#[test]
fn without_further_arguments_the_carried_kernel_and_init_go_in() {
    let shop = workshop(&application());
    shop.enclair("build --image oci:image -o out").done();
    extract(&shop, "taken");
    let boot = concat!(env!("CARGO_MANIFEST_DIR"), "/../../boot");
    for (taken, carried) in [
        ("taken/kernel", "kernel/x86_64/bzImage"),
        ("taken/ramdisk0/init", "guest/x86_64/init"),
    ] {
        let carried = std::fs::read(format!("{boot}/{carried}")).unwrap();
        assert!(shop.read(taken) == carried, "{taken}");
    }
    let report = shop.json("out/measurements.json");
    assert_eq!(
        report["parts"]["kernel"],
        sha256(&shop.read("taken/kernel"))
    );
    assert_eq!(
        report["parts"]["init"],
        sha256(&shop.read("taken/ramdisk0/init"))
    );
    assert_eq!(
        report["findings"],
        json!([]),
        "the carried kernel lacks nothing"
    );
}

#[test]
fn what_is_not_carried_must_be_given() {
    let shop = workshop(&Container {
        architecture: "arm64",
        ..application()
    });
    shop.write("kernel", arm64_image());
    let given = "build --image oci:image --arch aarch64";
    assert_snapshot!(shop.enclair(given).refused(), @"
    error: `oci:image` cannot be built
      caused by: this program carries no kernel for aarch64
    hint: give both: `--kernel` and `--init`, or in a recipe `boot.kernel` and `boot.init`
    ");
    assert_snapshot!(shop.enclair(&format!("{given} --kernel kernel")).refused(), @"
    error: `oci:image` cannot be built
      caused by: this program carries no init for aarch64
    hint: give both: `--kernel` and `--init`, or in a recipe `boot.kernel` and `boot.init`
    ");
    shop.enclair(&format!("{given} --kernel kernel --init init"))
        .done();

    let shop = workshop(&application());
    let bootstrap = "build --image oci:image --layout bootstrap";
    assert_snapshot!(shop.enclair(bootstrap).refused(), @"
    error: `oci:image` cannot be built
      caused by: the bootstrap layout is for the vendor's init, which is not carried here
    hint: give it with `--init`
    ");
    shop.enclair(&format!("{bootstrap} --init init")).done();
}

#[test]
fn a_driver_module_goes_into_the_boot_ramdisk_of_either_layout() {
    let shop = workshop(&application());
    shop.write("nsm.ko", "a module");
    for layout in ["enclair", "bootstrap"] {
        build(&shop, &format!("--nsm-module nsm.ko --layout {layout}")).done();
        extract(&shop, layout);
        assert_eq!(shop.text(format!("{layout}/ramdisk0/nsm.ko")), "a module");
        assert_eq!(
            shop.json("out/measurements.json")["parts"]["module"],
            sha256(b"a module")
        );
    }
}

/// An archive of something below `rootfs/`, in an order and with headers of its own.
fn further(name: &str) -> Vec<u8> {
    newc::archive([
        newc::dir("rootfs"),
        newc::dir("rootfs/models"),
        newc::file(&format!("rootfs/models/{name}"), name),
        newc::symlink("rootfs/a", "models"),
    ])
}

#[test]
fn further_archives_become_ramdisks_of_their_own() {
    let shop = workshop(&application());
    shop.write("more.cpio", further("one"));
    shop.write("more.cpio.gz", compress(&["gzip", "-c"], &further("two")));
    build(
        &shop,
        "--ramdisk more.cpio --ramdisk more.cpio.gz --epoch 7",
    )
    .done();
    extract(&shop, "taken");
    assert_eq!(shop.text("taken/ramdisk2/rootfs/models/one"), "one");
    assert_eq!(shop.text("taken/ramdisk3/rootfs/models/two"), "two");
    assert_eq!(shop.text("taken/ramdisk2/~end2"), "4");
    assert_eq!(shop.text("taken/ramdisk3/~end3"), "4");
    assert_eq!(configuration(&shop)["ramdisks"], 4);
    let listed = shop.text("taken/ramdisk2.entries.jsonl");
    let times: Vec<_> = listed
        .lines()
        .filter(|line| line.contains("\"path\":\"rootfs"))
        .map(|line| line.contains("\"mtime\":7"))
        .collect();
    assert_eq!(times, [true; 4], "{listed}");
}

#[test]
fn a_further_archive_may_hold_nothing_but_the_root_filesystem() {
    let shop = workshop(&application());
    let refused = |entries: Vec<newc::Entry>| {
        shop.write("more.cpio", newc::archive(entries));
        let message = build(&shop, "--ramdisk more.cpio").refused();
        assert!(!shop.exists("out/enclave.eif"));
        message
    };
    assert_snapshot!(refused(vec![newc::dir("rootfs"), newc::file("init", "evil")]), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` has an entry `init`, expected all of them to be below `rootfs/`
    hint: the kernel would unpack it over the boot ramdisk, whose register would not change; make the archive in a directory that has nothing but `rootfs`
    ");
    assert_snapshot!(refused(vec![newc::file("rootfs", "")]), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` has an entry `rootfs`, expected all of them to be below `rootfs/`
    hint: the kernel would unpack it over the boot ramdisk, whose register would not change; make the archive in a directory that has nothing but `rootfs`
    ");
    assert_snapshot!(refused(vec![newc::file("~end1", "0")]), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` has an entry `~end1`, expected all of them to be below `rootfs/`
    hint: the kernel would unpack it over the boot ramdisk, whose register would not change; make the archive in a directory that has nothing but `rootfs`
    ");
    assert_snapshot!(refused(vec![newc::file("rootfs/orphan", "x")]), @"
    error: `oci:image` cannot be built
      caused by: findings that stop a build: ramdisk-entry-misplaced (1: `rootfs/orphan`)
    hint: `enclair explain ID` says why; `--allow ID` builds all the same
    ");
    assert_snapshot!(refused(vec![newc::dir("rootfs"), newc::file("rootfs/../init", "x")]), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` cannot be unpacked
      caused by: offset 120: the name `rootfs/../init` has a `..` component
    ");
    shop.write("more.cpio", "070701 and no more");
    assert_snapshot!(build(&shop, "--ramdisk more.cpio").refused(), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` cannot be unpacked
      caused by: the ramdisk cannot be read
      caused by: ramdisk offset 0, uncompressed segment
      caused by: offset 18: the archive ends inside a header
    hint: the archive is incomplete: fetch or make it again
    ");
    shop.write("more.cpio", "");
    assert_snapshot!(build(&shop, "--ramdisk more.cpio").refused(), @"
    error: `oci:image` cannot be built
      caused by: `more.cpio` is empty
    ");
    assert_snapshot!(build(&shop, "--ramdisk none.cpio").refused(), @"
    error: `oci:image` cannot be built
      caused by: `none.cpio` cannot be opened
      caused by: No such file or directory (os error 2)
    ");
}

#[test]
fn there_is_room_for_a_signature_behind_the_last_ramdisk() {
    let shop = workshop(&application());
    shop.write("more.cpio", further("one"));
    build(&shop, &"--ramdisk more.cpio ".repeat(26)).done();
    assert_snapshot!(build(&shop, &"--ramdisk more.cpio ".repeat(27)).refused(), @"
    error: `oci:image` cannot be built
      caused by: the image would have 29 ramdisks, at most 28 are possible
    hint: put what is in several archives into one
    ");
}

/// Something that compresses.
fn text() -> Container {
    Container::with([
        dir("etc"),
        file("app", "a line of text\n".repeat(20_000)).mode(0o755),
    ])
}

#[test]
fn compressed_ramdisks_hold_the_same_and_measure_the_same_again() {
    let shop = workshop(&text());
    build(&shop, "").done();
    extract(&shop, "plain");
    let size = |shop: &Workshop| shop.json("out/measurements.json")["eif"]["size"].as_u64();
    let plain = size(&shop);
    for (name, encoder, magic) in [
        ("gzip", "gzip@1", [0x1f, 0x8b]),
        ("zstd", "zstd@1", [0x28, 0xb5]),
    ] {
        build(&shop, &format!("--compress {name}")).done();
        let first = shop.read("out/enclave.eif");
        build(&shop, &format!("--compress {name} --threads 1")).done();
        assert!(shop.read("out/enclave.eif") == first, "{name}");
        assert!(size(&shop) < plain);
        assert_eq!(shop.json("out/measurements.json")["compression"], encoder);
        shop.enclair(&format!(
            "extract out/enclave.eif --section 4 -o {name}.cpio"
        ))
        .done();
        assert_eq!(shop.read(format!("{name}.cpio"))[..2], magic);
        extract(&shop, name);
        assert!(
            shop.read(format!("{name}/ramdisk1/rootfs/app"))
                == shop.read("plain/ramdisk1/rootfs/app")
        );
        // The boot ramdisk, and PCR1 with it, does not depend on an encoder.
        shop.enclair(&format!(
            "extract out/enclave.eif --section 3 -o {name}-boot.cpio"
        ))
        .done();
        assert_eq!(shop.read(format!("{name}-boot.cpio"))[..6], *b"070701");
    }
}

#[test]
fn other_programs_read_the_compressed_ramdisks() {
    let shop = workshop(&text());
    for (name, program) in [("gzip", "gzip -dc"), ("zstd", "zstd -dcq")] {
        build(&shop, &format!("--compress {name}")).done();
        let script = format!(
            "set -e; \"$ENCLAIR\" extract out/enclave.eif --section 4 -o r; \
             {program} <r | cpio --quiet -t"
        );
        let outcome = shop.shell(&script).done();
        assert!(
            outcome.lines().any(|line| line == "rootfs/app"),
            "{outcome}"
        );
        assert_eq!(outcome.lines().last(), Some("~end1"));
    }
}

#[test]
fn what_is_granted_is_measured_and_nothing_is_granted_unasked() {
    let shop = workshop(&application());
    build(&shop, "").done();
    let without = configuration(&shop);
    for key in ["hostname", "limits", "nsm", "ramdisks", "vsock"] {
        assert_eq!(without.get(key), None, "{key}");
    }
    build(
        &shop,
        "--grant nsm --grant vsock --hostname signer --limit nofile=1024:4096 --limit core=0",
    )
    .done();
    let with = configuration(&shop);
    assert_eq!(with["nsm"], true);
    assert_eq!(with["vsock"], true);
    assert_eq!(with["hostname"], "signer");
    assert_eq!(
        with["limits"],
        json!({"core": {"hard": 0, "soft": 0}, "nofile": {"hard": 4096, "soft": 1024}})
    );
    assert_snapshot!(build(&shop, "--hostname=-x").refused(), @"
    error: `oci:image` cannot be built
      caused by: the measured configuration cannot be written
      caused by: `hostname`: expected 1 to 64 of a-z, A-Z, 0-9, `-` and `.`, the first and the last neither `-` nor `.`, found `-x`
    ");
    assert_snapshot!(build(&shop, "--hostname a_b").refused(), @"
    error: `oci:image` cannot be built
      caused by: the measured configuration cannot be written
      caused by: `hostname`: expected 1 to 64 of a-z, A-Z, 0-9, `-` and `.`, the first and the last neither `-` nor `.`, found `a_b`
    ");
    assert_snapshot!(build(&shop, "--limit nofile=2:1").refused(), @"
    error: `oci:image` cannot be built
      caused by: the measured configuration cannot be written
      caused by: `limits.nofile`: expected a soft limit of at most the hard one
    ");
    assert_snapshot!(build(&shop, "--limit nofile=1 --limit nofile=2").refused(), @"error: `--limit nofile` is given more than once");
    for ignored in ["--grant nsm", "--hostname x", "--limit core=0"] {
        let message = build(&shop, &format!("--layout bootstrap {ignored}")).refused();
        assert!(
            message.contains("the bootstrap layout cannot carry"),
            "{message}"
        );
    }
}
