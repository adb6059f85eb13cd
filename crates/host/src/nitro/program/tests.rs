//! Programs that stand for `nitro-cli`: what is asked of them, and what becomes of their answers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// A directory with a script `stub-nitro-cli` in it.
fn stub(script: &str) -> (TempDir, NitroCli) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("stub-nitro-cli");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (directory, NitroCli(program))
}

const NEVER: Duration = Duration::from_secs(30);

fn call(program: &NitroCli, limit: Duration) -> Result<Vec<u8>, NitroError> {
    program.call("describe-enclaves", &[], limit, &mut || false)
}

#[test]
fn a_start_names_everything_that_it_wants() {
    let mut start = Start {
        image: Path::new("/images/-x y.eif"),
        name: "enclair-1",
        cpus: 4,
        memory_mib: 1024,
        is_debug: false,
    };
    let words = |start: Start<'_>| {
        let arguments = start.arguments();
        arguments
            .join(std::ffi::OsStr::new("|"))
            .into_string()
            .unwrap()
    };
    let expected =
        "--eif-path|/images/-x y.eif|--cpu-count|4|--memory|1024|--enclave-name|enclair-1";
    assert_eq!(words(start), expected);
    start.is_debug = true;
    assert_eq!(words(start), format!("{expected}|--debug-mode"));
}

#[test]
fn a_program_that_fails_is_quoted_and_one_that_is_missing_is_said_to_be() {
    let (_directory, program) = stub("echo '[ E27 ] too little' >&2; echo x; exit 3");
    let error = call(&program, NEVER).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`nitro-cli describe-enclaves` failed (exit status: 3): [ E27 ] too little"
    );
    let error = call(&NitroCli("/nowhere/stub-nitro-cli".into()), NEVER).unwrap_err();
    assert!(matches!(error, NitroError::Program { .. }));
    assert!(error.hint().unwrap().contains("--nitro-cli"));
}

#[test]
fn what_is_started_to_stay_is_not_waited_for_and_not_ended() {
    // The process has the program's output open, and is in its group even.
    let (directory, program) = stub("sleep 300 & echo $! >pid; echo '[]'");
    let script = fs::read_to_string(&program.0).unwrap();
    let pid = directory.path().join("pid");
    fs::write(
        &program.0,
        script.replace(">pid", &format!(">{}", pid.display())),
    )
    .unwrap();
    let begun = Instant::now();
    assert_eq!(call(&program, NEVER).unwrap(), b"[]\n");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let pid = fs::read_to_string(pid).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap();
    assert!(!stat.contains(") Z "), "{stat}");
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn nothing_is_waited_for_or_read_without_a_limit() {
    let (_directory, program) = stub("sleep 300");
    let error = call(&program, Duration::from_millis(200)).unwrap_err();
    assert!(matches!(error, NitroError::Silent { .. }), "{error}");
    let error = program
        .call("run-enclave", &[], NEVER, &mut || true)
        .unwrap_err();
    assert!(matches!(error, NitroError::GivenUp { .. }), "{error}");
    let (_directory, program) = stub("exec cat /dev/zero");
    let error = call(&program, NEVER).unwrap_err();
    assert!(matches!(error, NitroError::TooLong { .. }), "{error}");
    // Of messages the end is kept.
    let (_directory, program) = stub("head -c 3000000 /dev/zero >&2; echo last >&2; exit 1");
    let NitroError::Failed { messages, .. } = call(&program, NEVER).unwrap_err() else {
        panic!("a failure");
    };
    assert_eq!(messages.len(), MAX_MESSAGES);
    assert!(messages.ends_with("last\n"));
}

#[test]
fn an_enclave_has_ended_when_its_own_id_is_said_to_have() {
    for (answer, ends) in [
        (r#"{"EnclaveID": "i-1-enc2", "Terminated": true}"#, true),
        (r#"{"EnclaveID": "i-1-enc2", "Terminated": false}"#, false),
        (r#"{"EnclaveID": "i-1-enc3", "Terminated": true}"#, false),
    ] {
        let (_directory, program) = stub(&format!(
            "[ \"$*\" = 'terminate-enclave --enclave-id i-1-enc2' ] || exit 9\necho '{answer}'"
        ));
        match program.terminate("i-1-enc2") {
            Ok(()) => assert!(ends, "{answer}"),
            Err(NitroError::NotTerminated { id }) => assert!(!ends && id == "i-1-enc2"),
            Err(error) => panic!("{error}"),
        }
    }
}
