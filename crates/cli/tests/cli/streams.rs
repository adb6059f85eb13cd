//! Results on stdout, everything else on stderr; nothing for a terminal in a pipe.

use std::process::Stdio;

use serde_json::Value;

use crate::images::{BUILD, application, build, workshop, write_eif};
use crate::newc::{self, Entry};
use crate::tarball::file;
use crate::workshop::{Workshop, run};

/// Commands that give a result, in a workshop with an image in `out`.
const COMMANDS: [&str; 8] = [
    BUILD,
    "assemble --kernel kernel --cmdline c --ramdisk init -o x.eif",
    "inspect out/enclave.eif",
    "inspect out/enclave.eif --files",
    "inspect ramdisk --files",
    "explain",
    "explain PCR0",
    "schema measurements",
];

fn shop_with_image() -> Workshop {
    let shop = workshop(&application());
    build(&shop, "").done();
    shop.enclair("extract out/enclave.eif --section 4 -o ramdisk")
        .done();
    shop
}

#[test]
fn a_result_is_on_stdout_and_has_no_escape_sequences() {
    let shop = shop_with_image();
    for command in COMMANDS {
        let outcome = shop.enclair(command);
        assert!(
            !outcome.stderr.contains('\u{1b}'),
            "{command}: {:?}",
            outcome.stderr
        );
        assert!(
            !outcome.stderr.contains('\r'),
            "{command}: {:?}",
            outcome.stderr
        );
        let result = outcome.done();
        assert!(!result.is_empty(), "{command}");
        assert!(result.ends_with('\n'), "{command}");
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!result.contains(control), "{command}: {result:?}");
    }
}

#[test]
fn a_command_that_only_writes_files_prints_no_result() {
    let shop = shop_with_image();
    for command in [
        "extract out/enclave.eif -C d",
        "extract out/enclave.eif --tar t",
        "extract out/enclave.eif --section 0 -o s",
    ] {
        assert_eq!(shop.enclair(command).done(), "", "{command}");
    }
}

#[test]
fn with_json_there_is_one_document_on_stdout_and_nothing_else() {
    let shop = shop_with_image();
    for command in [
        "build --image oci:image --kernel kernel --init init --json",
        "assemble --kernel kernel --cmdline c --ramdisk init -o x.eif --json",
        "inspect out/enclave.eif --json",
        "inspect out/enclave.eif --files --json",
        "inspect ramdisk --json",
        "inspect kernel --json",
        "explain --json",
        "explain PCR0 --json",
        "schema inspect",
    ] {
        let outcome = shop.enclair(command);
        if command.starts_with("inspect kernel") {
            outcome.refused();
            continue;
        }
        let result = outcome.done();
        let value: Value =
            serde_json::from_str(&result).unwrap_or_else(|e| panic!("{command}: {e}"));
        assert!(value.is_object(), "{command}");
    }
}

#[test]
fn what_build_prints_is_what_it_writes() {
    let shop = workshop(&application());
    let printed = build(&shop, "--json").done();
    assert_eq!(printed, shop.text("out/measurements.json"));
    let printed = build(&shop, "").done();
    let lines = shop.text("out/enclave.pcrs");
    assert_eq!(lines.lines().count(), 3);
    assert!(printed.contains(&lines), "{printed}");
    for (index, line) in lines.lines().enumerate() {
        let (value, name) = line.split_once(' ').unwrap();
        assert_eq!(name, format!("PCR{index}"));
        assert_eq!(value.len(), 96);
    }
}

/// Whoever reads the result may stop at any time, as `head` does.
#[test]
fn a_pipe_that_is_closed_is_no_panic() {
    let shop = shop_with_image();
    for command in COMMANDS {
        let mut child = shop
            .command(command.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{command}: {stderr}");
        assert_ne!(output.status.code(), Some(101), "{command}: {stderr}");
        let outcome = shop.shell(&format!("\"$ENCLAIR\" {command} | head -0"));
        assert!(
            !outcome.stderr.contains("panicked"),
            "{command}: {}",
            outcome.stderr
        );
        // Nobody to tell is no reason to fail either.
        let outcome = shop.shell(&format!("\"$ENCLAIR\" {command} 2>&-"));
        assert_eq!(outcome.status, Some(0), "{command}");
    }
}

#[test]
fn a_full_stdout_is_an_error() {
    let shop = shop_with_image();
    for command in [
        "inspect out/enclave.eif",
        "explain",
        "schema inspect",
        "inspect ramdisk --json",
    ] {
        let mut command = shop.command(command.split(' '));
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        command.stdout(full).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

const EVIL: &str = "a\u{1b}[31m\u{7}\u{9b}b\nc\u{202e}d";

#[test]
fn names_of_entries_are_shown_and_not_obeyed() {
    let shop = Workshop::new();
    let evil = newc::file(EVIL, "x");
    let link = newc::symlink("link", EVIL);
    let raw = Entry {
        name: b"\xff\x1b]0;title\x07".to_vec(),
        ..newc::file("", "x")
    };
    let up = newc::file(&format!("../{EVIL}"), "x");
    let first = newc::archive([newc::dir("dev"), newc::file(EVIL, "first")]);
    write_eif(&shop, &[first, newc::archive([evil, link, raw, up])]);
    for command in [
        "inspect app.eif",
        "inspect app.eif --files",
        "inspect app.eif --files --json",
        "extract app.eif -C d",
    ] {
        let outcome = shop.enclair(command);
        no_control(&outcome.stderr, command);
        if command.ends_with("--json") {
            // For programs, which take any text; but nothing that a JSON text may not have.
            assert!(!outcome.stdout.contains(|c: char| c < ' ' && c != '\n'));
        } else {
            no_control(&outcome.stdout, command);
        }
    }
    let files = shop.enclair("inspect app.eif --files").done();
    assert!(files.contains("a\\u{1b}[31m"), "{files}");
}

#[track_caller]
fn no_control(text: &str, what: &str) {
    let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(obeyed), "{what}: {text:?}");
}

/// Everything that a stranger writes into an image and that a message repeats.
#[test]
fn texts_of_an_image_in_messages_are_shown_and_not_obeyed() {
    use serde_json::json;
    let process = |process| application().running(process);
    let mut foreign = application();
    foreign.architecture = "\u{1b}[31m";
    let images = [
        process(json!({"Cmd": ["/app"], "User": EVIL})),
        process(json!({"Cmd": ["/app"], "User": format!("0:{EVIL}")})),
        process(json!({"Cmd": ["/app"], "WorkingDir": EVIL})),
        process(json!({"Cmd": [format!("{EVIL}\0")]})),
        foreign.clone(),
        crate::images::Container::with([file(EVIL, "").pax("uid", "4294967295"), file("app", "")]),
        crate::images::Container::with([file("x", "").pax(EVIL, "1"), file("app", "")]),
        crate::images::Container::with([file("x", "").pax("uid", EVIL), file("app", "")]),
        crate::images::Container::with([
            file(EVIL, "").pax("SCHILY.xattr.security.capability", "x"),
            file("app", ""),
        ]),
        crate::images::Container::with([crate::tarball::link("x", EVIL)]),
    ];
    for (index, image) in images.iter().enumerate() {
        let outcome = build(&workshop(image), "");
        no_control(&outcome.stderr, &format!("image {index}"));
        no_control(&outcome.stdout, &format!("image {index}"));
    }
    let shop = workshop(&application());
    crate::images::write_layout(&shop, "image", &[(&application(), Some(EVIL))]);
    no_control(
        &build(&shop, "--name x --image oci:image:none").stderr,
        "tags",
    );
    shop.write("docker.tar", foreign.docker_archive());
    let arguments = "build --image docker-archive:docker.tar --kernel kernel --init init";
    no_control(&shop.enclair(arguments).stderr, "platform");
}

#[test]
fn usage_errors_are_exit_2_and_name_the_argument() {
    let shop = Workshop::new();
    for arguments in [
        "",
        "lock --check --update kernel",
        "build --kernel x",
        "build . --image oci:x",
        "store",
        "inspect",
        "frobnicate",
        "extract x.eif",
        "inspect a b",
        "schema none",
    ] {
        let outcome = run(shop.command(arguments.split_ascii_whitespace()));
        assert_eq!(outcome.status, Some(2), "{arguments}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{arguments}");
        assert!(
            outcome.stderr.contains("--help"),
            "{arguments}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn help_and_version_are_results() {
    let shop = Workshop::new();
    for arguments in [
        "--help",
        "--version",
        "build --help",
        "inspect --help",
        "extract -h",
    ] {
        let outcome = shop.enclair(arguments);
        assert_eq!(outcome.stderr, "", "{arguments}");
        let result = outcome.done();
        assert!(!result.contains('\u{1b}'), "{result:?}");
        assert!(result.contains("enclair"), "{result}");
        assert!(!result.lines().any(|line| line.len() > 100), "{result}");
    }
}
