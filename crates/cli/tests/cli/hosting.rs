//! `host` as far as it goes without Nitro Enclaves: what it says where there is none, and a run
//! with a stub in the place of `nitro-cli` and of the driver's device. What passes between such an
//! enclave and the command is tested in the host's crate; hardware is for tests/hardware.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

use crate::images::write_eif;
use crate::newc;
use crate::schemas::assert_conforms;
use crate::workshop::{Outcome, Workshop};

/// Everything that the stub is asked is written down in `calls`; its enclave is a process that
/// sleeps. The registers are those of the files `pcr0` to `pcr2`.
const STUB: &str = r#"#!/bin/sh
echo "$1" >>calls
case "$1" in
run-enclave)
    setsid sleep 300 </dev/null >/dev/null 2>&1 &
    echo $! >enclave
    echo 'Start allocating memory...' >&2
    echo '{"EnclaveName": "x", "EnclaveID": "i-1-enc2", "ProcessID": '$(cat enclave)','
    echo '"EnclaveCID": 4000000, "NumberOfCPUs": 2, "CPUIDs": [1, 3], "MemoryMiB": 64}'
    ;;
describe-enclaves)
    echo '[{"EnclaveName": "x", "EnclaveID": "i-1-enc2", "EnclaveCID": 4000000,'
    echo '"State": "RUNNING", "Flags": "NONE", "Measurements": {"PCR0":'
    echo "\"$(cat pcr0)\", \"PCR1\": \"$(cat pcr1)\", \"PCR2\": \"$(cat pcr2)\"}}]"
    ;;
terminate-enclave)
    kill -9 $(cat enclave)
    echo '{"EnclaveName": "x", "EnclaveID": "i-1-enc2", "Terminated": true}'
    ;;
esac
"#;

fn with_stub() -> Workshop {
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::file("init", "x")])]);
    shop.write("stub-nitro-cli", STUB);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(shop.path("stub-nitro-cli"), executable).unwrap();
    shop.write("device", "");
    let inspected = shop.enclair("inspect app.eif --json").done();
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    for name in ["PCR0", "PCR1", "PCR2"] {
        let register = inspected["Measurements"][name].as_str().unwrap();
        shop.write(&name.to_lowercase(), register);
    }
    shop
}

fn host(shop: &Workshop, more: &str) -> Outcome {
    shop.enclair(&format!(
        "host app.eif --nitro-cli ./stub-nitro-cli --json{more}"
    ))
}

/// What was said after the registers.
fn messages(outcome: &Outcome) -> &str {
    let (_, rest) = outcome.stderr.split_once("PCR2 ").unwrap();
    rest.split_once('\n').unwrap().1
}

#[test]
fn a_machine_without_the_driver_is_told_and_nothing_is_called() {
    let shop = with_stub();
    let outcome = host(&shop, " --device none");
    assert_eq!((outcome.status, &*outcome.stdout), (Some(125), ""));
    assert!(
        outcome
            .stderr
            .contains("note: `enclair host` was not run on hardware"),
        "{}",
        outcome.stderr
    );
    assert_snapshot!(messages(&outcome), @r"
        error: `app.eif` cannot be run as an enclave
          caused by: `none` cannot be opened
          caused by: No such file or directory (os error 2)
        hint: the instance must be started with enclaves enabled, and its kernel needs the driver `nitro_enclaves`; `enclair run` boots an image on any machine
    ");
    assert!(!shop.exists("calls"));
    let outcome = host(&shop, " --device none --debug-console");
    assert!(messages(&outcome).starts_with("WARNING: DEBUG MODE."));
}

#[test]
fn help_says_that_no_hardware_was_there() {
    let help = Workshop::new().enclair("host --help").done();
    assert!(help.contains("NOT RUN ON HARDWARE"), "{help}");
    let help = Workshop::new().enclair("--help").done();
    assert!(help.contains("[not run on hardware yet]"), "{help}");
}

/// Whether nothing can listen at the ports of vsock here: the kernel has none, or may not be asked.
/// The command has said so then, and there is nothing more to see.
fn has_no_vsock(outcome: &Outcome) -> bool {
    let none = Command::new("python3")
        .args(["-c", "import socket; socket.socket(socket.AF_VSOCK)"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| !status.success());
    if none {
        assert_eq!(outcome.status, Some(125));
        assert!(
            outcome.stderr.contains("nothing can listen at vsock port"),
            "{}",
            outcome.stderr
        );
    }
    none
}

/// One test, because the ports are the machine's.
#[test]
fn a_run_compares_reports_and_ends_what_it_has_started() {
    let shop = with_stub();
    let outcome = host(&shop, " --device device --timeout 2");
    if has_no_vsock(&outcome) {
        return;
    }
    assert_eq!(outcome.status, Some(124), "{}", outcome.stderr);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_conforms("host", &document);
    for (name, value) in [
        ("outcome", Value::from("timed-out")),
        ("tested_on_hardware", false.into()),
        ("compared", true.into()),
        ("debug", false.into()),
        ("refused_strangers", 0.into()),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    assert_eq!(document["enclave"]["cid"], 4_000_000);
    let text = shop.text("calls");
    assert_eq!(text, "run-enclave\ndescribe-enclaves\nterminate-enclave\n");
    assert_snapshot!(messages(&outcome), @r"
        enclave i-1-enc2 at context id 4000000, 2 CPUs, 64 MiB
        error: the time is over; the enclave was ended
    ");

    shop.write("pcr2", "00".repeat(48));
    let outcome = host(&shop, " --device device --timeout 60");
    assert_eq!(outcome.status, Some(125));
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_conforms("host", &document);
    assert_eq!(document["outcome"], "broken");
    assert_eq!(document["compared"], false);
    let message = document["message"].as_str().unwrap();
    assert!(message.starts_with("PCR2 of the file is "), "{message}");
    assert!(shop.text("calls").ends_with("terminate-enclave\n"));
}
