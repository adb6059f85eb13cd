//! Outputs appear whole or not at all: failures, full disks, kills.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::images::{BUILD, Container, Layer, application, build, bzimage, workshop, write_eif};
use crate::newc;
use crate::tarball::{archive, file};
use crate::workshop::{Outcome, Workshop, sha256};

const OUTPUTS: [&str; 3] = ["enclave.eif", "enclave.pcrs", "measurements.json"];

/// An image whose build takes a while and whose bytes do not compress.
fn large(megabytes: usize, seed: u64) -> Container {
    let mut state = seed;
    let mut content = Vec::with_capacity(megabytes << 20);
    while content.len() < megabytes << 20 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        content.extend(state.to_be_bytes());
    }
    Container::of([Layer::plain(archive([file("app", content)]))])
}

/// The files of the output directory with their digests.
fn state(shop: &Workshop) -> Vec<(String, String)> {
    let names = shop.names("out").into_iter();
    names
        .map(|name| (name.clone(), sha256(&shop.read(format!("out/{name}")))))
        .collect()
}

/// The reports describe the image they stand beside.
fn check_reports(shop: &Workshop) {
    let eif = shop.read("out/enclave.eif");
    shop.enclair("inspect out/enclave.eif").done();
    if shop.exists("out/measurements.json") {
        let report = shop.json("out/measurements.json");
        assert_eq!(report["eif"]["sha256"], json!(sha256(&eif)));
    }
    if shop.exists("out/enclave.pcrs") {
        let inspected = shop.enclair("inspect out/enclave.eif --json").done();
        let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
        let pcr0 = inspected["Measurements"]["PCR0"].as_str().unwrap();
        assert!(shop.text("out/enclave.pcrs").starts_with(pcr0));
    }
}

#[test]
fn a_build_that_fails_leaves_the_earlier_one_as_it_was() {
    let shop = workshop(&application());
    build(&shop, "").done();
    let before = state(&shop);
    assert_eq!(
        before
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        OUTPUTS
    );

    build(&shop, "--image oci:image:missing").refused();
    assert_eq!(state(&shop), before, "no such image");
    build(&shop, "--cmdline").status.unwrap();
    build(&shop, "--max-unpacked 10").refused();
    assert_eq!(state(&shop), before, "limit");
    // Whatever fails last: an id that only the ramdisk refuses.
    let late = Container::with([file("app", "x"), file("y", "").pax("uid", "4294967295")]);
    late.write_oci(&shop, "image");
    build(&shop, "").refused();
    assert_eq!(state(&shop), before, "ramdisk");
    Container::with([file("app", "x").pax("SCHILY.xattr.security.capability", "c")])
        .write_oci(&shop, "image");
    build(&shop, "").refused();
    assert_eq!(state(&shop), before, "capability");
    // And the next good one replaces all three.
    Container::with([file("app", "other")]).write_oci(&shop, "image");
    build(&shop, "").done();
    let after = state(&shop);
    assert!(
        after
            .iter()
            .zip(&before)
            .all(|(new, old)| new.0 == old.0 && new.1 != old.1)
    );
    check_reports(&shop);
}

/// What `out` may hold at any moment: an image whole, and no report of another one.
fn check_after_kill(shop: &Workshop, moment: Duration) {
    if !shop.exists("out") {
        return;
    }
    for name in shop.names("out") {
        assert!(
            OUTPUTS.contains(&name.as_str()),
            "{name} is left after {moment:?}"
        );
    }
    if shop.exists("out/enclave.eif") {
        check_reports(shop);
    } else {
        assert_eq!(
            shop.names("out"),
            [""; 0],
            "reports without an image after {moment:?}"
        );
    }
}

#[test]
fn a_kill_at_any_moment_leaves_no_partial_image() {
    let shop = workshop(&large(24, 1));
    let start = Instant::now();
    build(&shop, "").done();
    let whole = start.elapsed();
    fs::remove_dir_all(shop.path("out")).unwrap();

    let mut killed = 0;
    for tenth in 0..10 {
        // Every other round starts from an earlier, different image.
        if tenth % 2 == 1 {
            fs::rename(shop.path("image"), shop.path("large")).unwrap();
            application().write_oci(&shop, "image");
            build(&shop, "").done();
            fs::remove_dir_all(shop.path("image")).unwrap();
            fs::rename(shop.path("large"), shop.path("image")).unwrap();
        }
        let moment = whole * tenth / 10;
        let mut child = shop
            .command(BUILD.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(moment);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += u32::from(status.signal() == Some(9));
        check_after_kill(&shop, moment);
    }
    assert!(killed >= 5, "only {killed} of 10 builds were still running");
    build(&shop, "").done();
    check_reports(&shop);
}

/// Kills close to the end, where names are given.
#[test]
fn a_kill_while_the_outputs_get_their_names_leaves_no_wrong_report() {
    let shop = workshop(&application());
    build(&shop, "").done();
    for round in 0..60_u32 {
        let content = format!("{round}");
        Container::with([file("app", content)]).write_oci(&shop, "image");
        let mut child = shop
            .command(BUILD.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From the moment the first report of the earlier image is gone.
        let start = Instant::now();
        while shop.exists("out/measurements.json") && start.elapsed() < Duration::from_secs(5) {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::hint::spin_loop();
        }
        sleep(Duration::from_micros(u64::from(round % 20) * 50));
        child.kill().unwrap();
        child.wait().unwrap();
        let names = shop.names("out");
        // A kill between the link and the rename of a file leaves its temporary name: it is hidden,
        // whole, and never one of the three.
        let stray = names
            .iter()
            .filter(|name| !OUTPUTS.contains(&name.as_str()));
        for name in stray {
            assert!(name.starts_with(".enclair-"), "{name}");
            fs::remove_file(shop.path(format!("out/{name}"))).unwrap();
        }
        check_reports(&shop);
        if !shop.exists("out/measurements.json") {
            build(&shop, "").done();
        }
    }
}

/// A build, an assembly that fills the disk and one that finds it full.
fn run_on_a_full_disk() -> Outcome {
    let shop = workshop(&large(3, 2));
    fs::write(shop.path("ramdisk"), vec![1; 3 << 20]).unwrap();
    // In a mount namespace of its own; without root that needs a user namespace too.
    let script = r#"
        mkdir -p disk && mount -t tmpfs -o size=1m none disk && mkdir disk/out || exit 77
        command() { "$ENCLAIR" "$@"; echo "status $?"; ls -A disk disk/out; }
        command build --image oci:image --kernel kernel --init init -o disk/out
        command assemble --kernel kernel --cmdline c --ramdisk ramdisk -o disk/x.eif
        echo filled
        cat kernel > disk/keep
        dd if=/dev/zero of=disk/fill bs=4096 2>/dev/null
        command assemble --kernel kernel --cmdline c --ramdisk init -o disk/y.eif
    "#;
    shop.write("script", script);
    let outcome = shop.shell(
        "unshare -m true 2>/dev/null && exec unshare -m sh ./script; exec unshare -rm sh ./script",
    );
    assert_eq!(
        outcome.status,
        Some(0),
        "no file system could be mounted: {}",
        outcome.stderr
    );
    outcome
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let outcome = run_on_a_full_disk();
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    assert_eq!(stdout.matches("status 2").count(), 3, "{stdout}{stderr}");
    let left = "disk:\nout\n\ndisk/out:\n";
    assert_eq!(stdout.matches(left).count(), 2, "{stdout}{stderr}");
    assert!(
        stdout.ends_with("disk:\nfill\nkeep\nout\n\ndisk/out:\n"),
        "{stdout}"
    );
    assert_eq!(stderr.matches("error: ").count(), 3, "{stderr}");
    assert_eq!(
        stderr.matches("No space left on device").count(),
        3,
        "{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_full_disk_is_an_error_that_names_what_could_not_be_written() {
    let stderr = run_on_a_full_disk().stderr;
    for name in [
        "disk/out",
        "`disk/x.eif` cannot be written",
        "`disk/y.eif` cannot be written",
    ] {
        assert!(stderr.contains(name), "{name} is not named: {stderr}");
    }
    assert!(!stderr.contains("the image"), "{stderr}");
}

#[test]
fn a_limit_on_file_sizes_is_an_error_and_leaves_nothing() {
    let shop = workshop(&large(3, 3));
    fs::write(shop.path("ramdisk"), vec![1; 3 << 20]).unwrap();
    fs::create_dir(shop.path("out")).unwrap();
    let assemble = "assemble --kernel kernel --cmdline c --ramdisk ramdisk -o out/x.eif";
    for command in [BUILD, assemble] {
        // In blocks of 512 bytes: 1 MiB. The signal is ignored, as services do.
        let script = format!("trap '' XFSZ; ulimit -f 2048; exec \"$ENCLAIR\" {command}");
        let outcome = shop.shell(&script);
        let message = outcome.refused();
        assert!(message.contains("File too large"), "{message}");
        assert!(shop.names("out").is_empty(), "{:?}", shop.names("out"));
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_that_names_it() {
    let shop = workshop(&application());
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    shop.write("kernel", bzimage());
    fs::create_dir(shop.path("closed")).unwrap();
    let commands = [
        "build --image oci:image --kernel kernel --init init -o closed",
        "build --image oci:image --kernel kernel --init init -o closed/new",
        "assemble --kernel kernel --cmdline c --ramdisk init -o closed/x.eif",
        "extract app.eif -C closed/d",
        "extract app.eif --tar closed/t",
        "extract app.eif --section 0 -o closed/s",
    ];
    let before = shop.listing();
    for command in commands {
        // Root may write everywhere, unless it gives the right away.
        let script = format!(
            "chmod 0555 closed; drop=; [ $(id -u) = 0 ] && \
             drop='setpriv --bounding-set=-dac_override,-dac_read_search'; \
             $drop \"$ENCLAIR\" {command}; status=$?; chmod 0755 closed; exit $status"
        );
        let message = shop.shell(&script).refused();
        assert!(message.contains("closed"), "{command}: {message}");
        assert!(
            message.contains("Permission denied"),
            "{command}: {message}"
        );
        assert_eq!(shop.listing(), before, "{command}");
    }
}

#[test]
fn an_output_that_is_in_the_way_is_not_replaced_by_something_else() {
    let shop = workshop(&application());
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    shop.write("kernel", bzimage());
    shop.write("file", "precious");
    shop.write("full/precious", "precious");
    let before = shop.listing();
    for command in [
        "build --image oci:image --kernel kernel --init init -o file",
        "extract app.eif -C file",
        "extract app.eif -C full",
        "extract app.eif --tar full",
        "extract app.eif --section 0 -o full",
        "assemble --kernel kernel --cmdline c --ramdisk init -o full",
        "assemble --kernel kernel --cmdline c --ramdisk init -o missing/x.eif",
    ] {
        shop.enclair(command).refused();
        assert_eq!(shop.listing(), before, "{command}");
    }
}

#[test]
fn a_missing_input_leaves_no_empty_output() {
    let shop = Workshop::new();
    shop.write("kernel", bzimage());
    shop.write("ramdisk", "r");
    for (command, name) in [
        (
            "assemble --kernel none --cmdline c --ramdisk ramdisk -o x.eif",
            "none",
        ),
        (
            "assemble --kernel kernel --cmdline c --ramdisk none -o x.eif",
            "none",
        ),
        (
            "assemble --kernel kernel --cmdline c --ramdisk ramdisk --ramdisk none -o x.eif",
            "none",
        ),
        (
            "assemble --kernel kernel --cmdline c --ramdisk ramdisk --metadata none -o x.eif",
            "none",
        ),
        (
            "assemble --kernel . --cmdline c --ramdisk ramdisk -o x.eif",
            ".",
        ),
        ("extract none -C d", "none"),
        ("extract none --tar t", "none"),
        ("extract none --section 0 -o s", "none"),
    ] {
        let message = shop.enclair(command).refused();
        assert!(
            message.contains(&format!("`{name}`")),
            "{command}: {message}"
        );
        assert_eq!(shop.names("."), ["kernel", "ramdisk"], "{command}");
    }
}

/// Files that the kernel makes up have one size when they are opened and another when they are
/// read, every time: what happens by bad luck to a file that somebody else is writing.
#[test]
fn an_input_that_has_another_size_when_it_is_read_is_an_error() {
    let shop = Workshop::new();
    shop.write("kernel", bzimage());
    for (path, opened) in [
        ("/proc/version", "0 bytes"),
        ("/sys/devices/system/cpu/online", "4096 bytes"),
    ] {
        for command in [
            format!("assemble --kernel kernel --cmdline c --ramdisk {path} -o x.eif"),
            format!("assemble --kernel {path} --cmdline c --ramdisk kernel -o x.eif"),
        ] {
            let message = shop.enclair(&command).refused();
            assert!(message.contains(path), "{message}");
            assert!(message.contains(opened), "{message}");
            assert_eq!(shop.names("."), ["kernel"]);
        }
    }
}

#[test]
fn two_builds_into_one_directory_leave_the_outputs_of_one_of_them() {
    let shop = workshop(&large(4, 4));
    large(4, 5).write_oci(&shop, "other");
    for _ in 0..10 {
        let spawn = |image: &str| {
            let arguments = format!("build --image oci:{image} --kernel kernel --init init");
            let mut command = shop.command(arguments.split(' '));
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let mut children = [spawn("image"), spawn("other")];
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(shop.names("out"), OUTPUTS);
        check_reports(&shop);
    }
}
