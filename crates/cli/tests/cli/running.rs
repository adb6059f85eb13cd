//! `run` and `doctor` with a stub in QEMU's place: what is said when there is no machine, and what
//! is left behind by any end. The stub is a shell script that answers the questions that QEMU is
//! asked and then does what a test wants. Real machines are booted by `tests/boot`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::Value;

use crate::images::write_eif;
use crate::newc;
use crate::schemas::assert_conforms;
use crate::workshop::{Outcome, Workshop, run};

/// A workshop with an image, an empty directory for temporary files, and a stub that runs
/// `machine` when it is to boot something. What it starts it writes down in `pids`.
fn with_stub(machine: &str) -> Workshop {
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::file("init", "x")])]);
    stub(
        &shop,
        "QEMU emulator version 9.2.0 (stub)",
        "nitro-enclave",
        machine,
    );
    fs::create_dir(shop.path("tmp")).unwrap();
    shop
}

fn stub(shop: &Workshop, version: &str, machines: &str, machine: &str) {
    let script = format!(
        "#!/bin/sh\n\
         case \"$*\" in\n\
         --version) echo '{version}' ;;\n\
         '-M help') echo Supported machines are:\n for m in {machines}; do echo \"$m  stub\"; done ;;\n\
         *) echo $$ >>pids\n {machine} ;;\n\
         esac\n"
    );
    shop.write("stub-qemu", script);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(shop.path("stub-qemu"), executable).unwrap();
}

fn command(shop: &Workshop, more: &str) -> Command {
    let arguments = format!("run app.eif --qemu ./stub-qemu --accel tcg{more}");
    let mut command = shop.command(arguments.split(' '));
    command.env("TMPDIR", shop.path("tmp"));
    command
}

fn booted(shop: &Workshop, more: &str) -> Outcome {
    let outcome = run(command(shop, more));
    assert_nothing_is_left(shop);
    outcome
}

/// What was said after the registers.
fn messages(outcome: &Outcome) -> &str {
    let (registers, rest) = outcome.stderr.split_once("QEMU 9.2.0\n").unwrap();
    assert!(registers.starts_with("PCR0 "), "{registers}");
    rest
}

fn process_ids(shop: &Workshop) -> Vec<u32> {
    if !shop.exists("pids") {
        return Vec::new();
    }
    let text = shop.text("pids");
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Whether a process runs; one that has ended and was not waited for does not.
fn is_running(id: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    !rest.starts_with('Z')
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}: not yet");
        sleep(Duration::from_millis(10));
    }
}

fn assert_nothing_is_left(shop: &Workshop) {
    assert_eq!(shop.names("tmp"), Vec::<String>::new());
    for id in process_ids(shop) {
        wait_for("no process is left", || !is_running(id));
    }
}

/// Starts a run whose stub stays, and waits until it is there.
fn started(shop: &Workshop, more: &str) -> Child {
    let mut command = command(shop, more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for("the stub runs", || !process_ids(shop).is_empty());
    // It has nothing on disk even now.
    assert_eq!(shop.names("tmp"), Vec::<String>::new());
    child
}

fn signal(id: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), id.to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_machine_that_ends_at_once_says_nothing_of_the_application() {
    let shop = with_stub("echo 'no such device: \u{1b}[31mnsm' >&2; exit 3");
    let outcome = booted(&shop, "");
    assert_eq!((outcome.status, &*outcome.stdout), (Some(125), ""));
    assert_snapshot!(messages(&outcome), @r"
        error: the run says nothing of the application
          caused by: the machine ended (exit status: 3) before the enclave told its status; QEMU says: no such device: \u{1b}[31mnsm
        hint: QEMU's own words above say why; `--memory` may be too small
    ");
    let shop = with_stub("echo booting; exit 0");
    let outcome = booted(&shop, "");
    assert_eq!(outcome.status, Some(125));
    assert_snapshot!(messages(&outcome), @r"
        booting
        error: the run says nothing of the application
          caused by: the machine ended (exit status: 0) before the enclave told its status
        hint: the console says why; an init without a status channel cannot be run here
    ");
}

#[test]
fn the_report_says_what_the_message_says() {
    let shop = with_stub("exit 1");
    let outcome = booted(&shop, " --json");
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_conforms("run", &document);
    assert_eq!(outcome.status, Some(125));
    assert_eq!(document["outcome"], "broken");
    assert_eq!(document["status"], 125);
    assert_eq!(document["machine"], "nitro-enclave");
    assert_eq!(document["attestation"], "emulated");
    let message = document["message"].as_str().unwrap();
    assert!(outcome.stderr.contains(message), "{message}");
}

#[test]
fn the_console_cannot_command_the_terminal() {
    let shop = with_stub(r"printf '\033]0;owned\007\033[2Jenclair-init: up\r\n\377'");
    let outcome = booted(&shop, "");
    let expected = r"\u{1b}]0;owned\u{7}\u{1b}[2Jenclair-init: up";
    assert!(
        messages(&outcome).starts_with(expected),
        "{}",
        outcome.stderr
    );
    assert!(messages(&outcome).contains("\n\\xff"), "{}", outcome.stderr);
}

#[test]
fn a_console_without_end_does_not_hold_up_the_end() {
    let shop = with_stub("exec yes");
    let outcome = booted(&shop, " --timeout 1");
    assert_eq!(outcome.status, Some(124));
    assert!(outcome.elapsed < Duration::from_secs(8));
    assert!(
        outcome
            .stderr
            .ends_with("error: the time is over; the enclave was ended\n")
    );
}

#[test]
fn a_time_out_ends_the_machine_and_what_it_started() {
    for machine in [
        "exec sleep 1000",
        "sleep 1000 & echo $! >>pids; wait",
        // Neither listens when asked kindly.
        "trap '' TERM; sleep 1000 & echo $! >>pids; wait; sleep 1000",
    ] {
        let shop = with_stub(machine);
        let outcome = booted(&shop, " --timeout 1");
        assert_eq!(outcome.status, Some(124), "{machine}");
        assert_eq!(
            messages(&outcome),
            "error: the time is over; the enclave was ended\n"
        );
        assert!(outcome.elapsed < Duration::from_secs(8), "{machine}");
    }
}

#[test]
fn a_signal_ends_the_machine_and_is_the_status() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let shop = with_stub("sleep 1000 & echo $! >>pids; wait");
        let child = started(&shop, " --json");
        signal(child.id(), name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_conforms("run", &document);
        assert_eq!(document["outcome"], "interrupted");
        assert_eq!(document["status"], status);
        assert_nothing_is_left(&shop);
    }
}

#[test]
fn a_killed_run_leaves_nothing() {
    let shop = with_stub("exec sleep 1000");
    let mut child = started(&shop, "");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_is_left(&shop);
}

#[test]
fn a_killed_machine_ends_the_run() {
    let shop = with_stub("exec sleep 1000");
    let child = started(&shop, "");
    signal(process_ids(&shop)[0], "KILL");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ended (signal: 9 (SIGKILL))"), "{text}");
    assert_nothing_is_left(&shop);
}

#[test]
fn programs_that_are_not_qemu_are_refused() {
    let shop = with_stub("exit 0");
    let message = |shop: &Workshop| {
        let outcome = booted(shop, "");
        assert_eq!((outcome.status, &*outcome.stdout), (Some(125), ""));
        assert!(process_ids(shop).is_empty(), "nothing was booted");
        outcome.stderr
    };
    stub(&shop, "BusyBox v1.36", "nitro-enclave", "exit 0");
    assert_snapshot!(message(&shop), @r"
        error: `app.eif` cannot be run
          caused by: `./stub-qemu` does not answer as QEMU does
        hint: name another program with `--qemu FILE`; `enclair doctor` shows what is there
    ");
    stub(&shop, "QEMU emulator version 7.2.0", "none pc", "exit 0");
    assert_snapshot!(message(&shop), @r"
        error: `app.eif` cannot be run
          caused by: `./stub-qemu` (7.2.0) has neither of the machines `nitro-enclave` and `microvm`
        hint: QEMU 9.2 or later with libcbor has `nitro-enclave`; `.ci/qemu` builds one
    ");
    fs::remove_file(shop.path("stub-qemu")).unwrap();
    assert_snapshot!(message(&shop), @r"
        error: `app.eif` cannot be run
          caused by: `./stub-qemu` cannot be started
          caused by: No such file or directory (os error 2)
        hint: name another program with `--qemu FILE`; `enclair doctor` shows what is there
    ");
}

#[test]
fn files_that_are_no_images_are_refused_before_anything_starts() {
    let shop = with_stub("exit 0");
    let mut bytes = shop.read("app.eif");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    shop.write("app.eif", &bytes);
    let outcome = booted(&shop, "");
    assert_eq!(outcome.status, Some(125));
    assert!(
        outcome
            .stderr
            .starts_with("error: `app.eif` cannot be run\n")
    );
    assert!(
        outcome.stderr.contains("crc at offset 544"),
        "{}",
        outcome.stderr
    );
    shop.write("app.eif", "nothing");
    assert_eq!(booted(&shop, "").status, Some(125));
    fs::remove_file(shop.path("app.eif")).unwrap();
    assert_eq!(booted(&shop, "").status, Some(125));
    assert!(process_ids(&shop).is_empty());
}

#[test]
fn the_machine_gets_what_was_asked_for_and_too_little_memory_is_said() {
    let shop = with_stub(
        "echo \"$@\"; readlink /proc/self/fd/$(echo \"$@\" | sed 's/.*-kernel .*fd.\\([0-9]*\\) .*/\\1/')",
    );
    let outcome = booted(&shop, " --memory 48 --cpus 3");
    let said = messages(&outcome);
    assert!(
        said.starts_with(
            "warning: 48 MiB may be too little: this image is meant to have 64 MiB or more\n"
        ),
        "{said}"
    );
    assert!(said.contains("-smp 3 -m 48M "), "{said}");
    // The open file itself, whatever its name is by then.
    let file = shop.path("app.eif").canonicalize().unwrap();
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    let outcome = booted(&shop, "");
    assert!(messages(&outcome).contains("-smp 1 -m 64M "));
}

#[test]
fn usage_errors_have_the_status_of_usage_errors() {
    let shop = with_stub("exit 0");
    for more in [" --memory 0", " --cpus 0", " --timeout 0", " --accel xen"] {
        let outcome = booted(&shop, more);
        assert_eq!(outcome.status, Some(2), "{more}");
    }
}

#[test]
fn doctor_says_what_is_there_and_what_to_do() {
    let shop = with_stub("exit 0");
    let doctor = |more: &str| {
        let arguments = format!("doctor --qemu ./stub-qemu{more}");
        run(shop.command(arguments.split(' ')))
    };
    let outcome = doctor("");
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "ok       QEMU 9.2.0 at `./stub-qemu`");
    assert!(lines[1].starts_with("ok       machine `nitro-enclave`"));
    assert_eq!(lines[2], "without  no machine `microvm`");
    assert_eq!(
        lines[3],
        "         hint: install QEMU 5 or later for x86_64"
    );
    let document: Value = serde_json::from_str(&doctor(" --json").stdout).unwrap();
    assert_conforms("doctor", &document);
    assert_eq!(document["runs"], true);
    let ids: Vec<&str> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["id"].as_str().unwrap())
        .collect();
    let all = [
        "qemu",
        "nitro-enclave",
        "microvm",
        "kvm",
        "memfd",
        "nitro",
        "disk",
        "memory",
        "archive",
        "sandbox",
    ];
    assert_eq!(ids, all);
    assert!(
        outcome
            .stdout
            .contains("without  no mirror of Debian or Ubuntu")
    );
    shop.write(
        "apt/sources.list",
        "deb https://user:secret@mirror.example.org/debian bookworm-updates main\n\
         deb cdrom:[Debian]/ bookworm-security main\n",
    );
    let found = doctor("").stdout;
    let line = "ok       packages of debian from https://mirror.example.org/debian\n";
    assert!(found.contains(line), "{found}");
    assert!(
        found.contains("not followed: debian-security by `cdrom`\n"),
        "{found}"
    );
    fs::remove_file(shop.path("stub-qemu")).unwrap();
    let outcome = doctor("");
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome.stdout.starts_with("missing  "),
        "{}",
        outcome.stdout
    );
    let document: Value = serde_json::from_str(&doctor(" --json").stdout).unwrap();
    assert_eq!(document["runs"], false);
}

#[test]
fn a_prefix_of_the_environment_is_the_only_place_that_is_looked_at() {
    let shop = with_stub("exit 0");
    let mut command = shop.command(["doctor"]);
    command.env("ENCLAIR_QEMU", shop.path("nowhere"));
    let outcome = run(command);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.contains("nowhere/bin/qemu-system-x86_64"));
    fs::create_dir_all(shop.path("prefix/bin")).unwrap();
    fs::rename(
        shop.path("stub-qemu"),
        shop.path("prefix/bin/qemu-system-x86_64"),
    )
    .unwrap();
    let mut command = shop.command(["doctor"]);
    command.env("ENCLAIR_QEMU", shop.path("prefix"));
    let outcome = run(command);
    assert_eq!(outcome.status, Some(0));
    assert!(outcome.stdout.contains("QEMU 9.2.0"), "{}", outcome.stdout);
}
