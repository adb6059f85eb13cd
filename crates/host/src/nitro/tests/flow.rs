//! How a run begins and ends.

use super::bench::{PATIENCE, told};
use super::*;
use crate::nitro::NitroError;
use crate::nitro::program::NitroCli;
use crate::nitro::start::start;
use crate::threads::Happening;
use crate::threads::Said;

/// The names of the commands, in order.
fn commands(played: &Played) -> Vec<String> {
    let calls = played.calls();
    let words = calls.lines().filter_map(|line| line.split(' ').next());
    words.map(str::to_owned).collect()
}

#[test]
fn the_applications_status_is_that_of_the_run() {
    let played = Played::begin(|_, _| {});
    let mut status = played.call(STATUS_PORT);
    status.write_all(told(7).as_bytes()).unwrap();
    status.shutdown(Shutdown::Write).unwrap();
    // Init waits for this before it lets the machine go.
    assert_eq!(status.read(&mut [0]).unwrap(), 0);
    let report = played.end().unwrap();
    assert!(matches!(
        report.outcome,
        Outcome::Told(Last::Exited { code: 7 })
    ));
    assert_eq!((report.outcome.status(), report.compared), (7, true));
    assert_eq!(
        (report.course.boot_ms, report.course.ready_ms),
        (Some(412), None)
    );
    assert!(report.left.is_none() && report.strangers == 0);
    let calls = played.calls();
    let name = &report.enclave.name;
    assert_eq!(
        calls,
        format!(
            "run-enclave --eif-path /images/app.eif --cpu-count 2 --memory 512 --enclave-name \
             {name}\ndescribe-enclaves\nterminate-enclave --enclave-id i-1-enc2\n"
        )
    );
    assert!(name.starts_with("enclair-") && name.len() > 16, "{name}");
    assert_eq!((report.enclave.cid, report.enclave.cpus), (CID, 2));
}

#[test]
fn an_enclave_that_is_not_the_image_is_ended() {
    let played = Played::begin(|directory, _| {
        fs::write(directory.join("pcr1"), "ff".repeat(48)).unwrap();
    });
    let report = played.end().unwrap();
    let Outcome::Broken(Error::Nitro(error @ NitroError::Differs { .. })) = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert!(
        error.to_string().starts_with("PCR1 of the file is 0101"),
        "{error}"
    );
    assert_eq!((report.outcome.status(), report.compared), (125, false));
    assert_eq!(
        commands(&played),
        ["run-enclave", "describe-enclaves", "terminate-enclave"]
    );
}

#[test]
fn what_cannot_be_checked_is_ended_as_well() {
    // Debug mode that nobody has asked for; no measurements; an enclave that nobody knows.
    for (script, expected) in [
        (
            "echo DEBUG_MODE >flags",
            "the enclave was started in debug mode",
        ),
        (
            "echo '[{\"EnclaveID\":\"i-1-enc2\",\"EnclaveCID\":88,\"State\":\"RUNNING\",\"Flags\":\"NONE\"}]'\nexit",
            "`nitro-cli describe-enclaves` reports no measurements",
        ),
        (
            "echo '[]'\nexit",
            "`nitro-cli describe-enclaves` does not know `i-1-enc2`",
        ),
        (
            "echo '{}'\nexit",
            "the answer of `nitro-cli describe-enclaves` has another form",
        ),
    ] {
        let played = Played::begin(|directory, _| {
            fs::write(directory.join("describe-enclaves.sh"), script).unwrap();
        });
        let report = played.end().unwrap();
        let Outcome::Broken(error) = &report.outcome else {
            panic!("{:?}", report.outcome);
        };
        assert_eq!(error.to_string(), expected);
        assert_eq!(commands(&played).last().unwrap(), "terminate-enclave");
    }
}

#[test]
fn a_description_that_fails_while_a_neighbour_ends_is_asked_for_again() {
    let played = Played::begin(|directory, _| {
        let script = "[ -e once ] || { touch once; echo '[ E38 ] x' >&2; exit 1; }";
        fs::write(directory.join("describe-enclaves.sh"), script).unwrap();
    });
    let mut status = played.call(STATUS_PORT);
    status.write_all(told(0).as_bytes()).unwrap();
    drop(status);
    let report = played.end().unwrap();
    assert_eq!((report.outcome.status(), report.compared), (0, true));
    assert_eq!(
        commands(&played),
        [
            "run-enclave",
            "describe-enclaves",
            "describe-enclaves",
            "terminate-enclave"
        ]
    );
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing() {
    let played = Played::begin(|directory, _| {
        fs::write(
            directory.join("run-enclave.sh"),
            "echo '[ E22 ] Insufficient CPUs available in the pool.' >&2; exit 1",
        )
        .unwrap();
    });
    let error = played.end().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`nitro-cli run-enclave` failed (exit status: 1): [ E22 ] Insufficient CPUs available in \
         the pool."
    );
    assert!(error.hint().unwrap().contains("allocator.yaml"));
    // An answer that cannot be read: the enclave is found by its name.
    let played = Played::begin(|directory, _| {
        let path = directory.join("stub-nitro-cli");
        let stub = fs::read_to_string(&path).unwrap();
        fs::write(&path, stub.replace("\"NumberOfCPUs\": 2, ", "")).unwrap();
    });
    let error = played.end().unwrap_err();
    assert!(
        matches!(error, Error::Nitro(NitroError::Answer { .. })),
        "{error}"
    );
    assert_eq!(
        commands(&played),
        ["run-enclave", "describe-enclaves", "terminate-enclave"]
    );
}

#[test]
fn a_machine_without_enclaves_is_told_apart() {
    let played = Played::begin(|directory, request| {
        request.device = directory.join("none");
    });
    let error = played.end().unwrap_err();
    assert!(matches!(error, Error::Nitro(NitroError::Device { .. })));
    assert!(error.hint().unwrap().contains("nitro_enclaves"));
    // Two at a time are one too many, because the ports are the instance's.
    let played = Played::begin(|_, _| {});
    played.wait("it runs", || played.calls().contains("describe"));
    let watcher: Arc<dyn Watcher> = Arc::<Heard>::default();
    let other = tempfile::tempdir().unwrap();
    let second = request(other.path());
    let error = crate::nitro::start::run(
        &second,
        Ingress::default(),
        &watcher,
        UnixWire(played.directory.path().to_owned()),
    )
    .unwrap_err();
    assert!(error.hint().unwrap().contains("one enclave"), "{error}");
    drop(played.call(STATUS_PORT));
    played.end().unwrap();
}

#[test]
fn an_enclave_that_ends_without_a_word_is_broken_and_not_ended_again() {
    let played = Played::begin(|_, _| {});
    played.wait("it runs", || played.calls().contains("describe"));
    // Not before it has been described.
    thread::sleep(Duration::from_millis(300));
    played.kill();
    let report = played.end().unwrap();
    assert!(matches!(
        report.outcome,
        Outcome::Broken(Error::Nitro(NitroError::Ended))
    ));
    assert_eq!(commands(&played), ["run-enclave", "describe-enclaves"]);
}

#[test]
fn one_that_has_told_its_status_and_is_gone_before_it_is_described_counts() {
    let played = Played::begin(|directory, _| {
        // The enclave is over when its description is asked for.
        fs::write(
            directory.join("describe-enclaves.sh"),
            "kill -9 $(cat enclave); sleep 0.2",
        )
        .unwrap();
    });
    let mut status = played.call(STATUS_PORT);
    status.write_all(told(3).as_bytes()).unwrap();
    drop(status);
    let report = played.end().unwrap();
    assert_eq!((report.outcome.status(), report.compared), (3, false));
}

/// The signals are told by hand: they would be the process's, and so every test's in it.
#[test]
fn a_signal_waits_for_the_start_and_a_second_one_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let request = request(directory.path());
    let program = NitroCli(request.program.clone());
    let (sender, happenings) = channel();
    sender.send(Said::Signal(2).into()).unwrap();
    let begin = || start(&program, "enclair-x", &request, &happenings);
    let (started, meanwhile) = begin().unwrap();
    assert!(matches!(
        meanwhile.as_slice(),
        [Happening::Said(Said::Signal(2))]
    ));
    program.terminate(&started.id).unwrap();
    // The enclave has been started, and its program does not say so.
    let path = directory.path().join("stub-nitro-cli");
    let stub = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        stub.replace("echo 'Start allo", "sleep 300\n    echo 'Start allo"),
    )
    .unwrap();
    let named = directory.path().join("name");
    fs::write(&named, "").unwrap();
    let signals = thread::spawn(move || {
        while fs::read(&named).unwrap().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        sender.send(Said::Signal(2).into()).unwrap();
        sender.send(Said::Signal(2).into()).unwrap();
    });
    let since = Instant::now();
    let error = begin().unwrap_err();
    signals.join().unwrap();
    assert!(matches!(error, NitroError::GivenUp { .. }), "{error}");
    assert!(since.elapsed() < PATIENCE);
    // It was found by its name.
    let calls = fs::read_to_string(directory.path().join("calls")).unwrap();
    let last = "describe-enclaves\nterminate-enclave --enclave-id i-1-enc2\n";
    assert!(calls.ends_with(last), "{calls}");
}

#[test]
fn time_limits_end_the_enclave() {
    let played = Played::begin(|_, request| request.timeout = Some(Duration::from_millis(900)));
    let report = played.end().unwrap();
    assert!(matches!(report.outcome, Outcome::TimedOut));
    assert_eq!(commands(&played).last().unwrap(), "terminate-enclave");
    let played =
        Played::begin(|_, request| request.ready_timeout = Some(Duration::from_millis(900)));
    let report = played.end().unwrap();
    assert!(matches!(report.outcome, Outcome::NotReady));
    // One that is ready in time goes on.
    let played = Played::begin(|_, request| {
        request.ready_timeout = Some(PATIENCE);
        request.timeout = Some(Duration::from_millis(1500));
    });
    let mut ready = played.call(READY_PORT);
    ready
        .write_all(b"{\"schema\":1,\"event\":\"ready\",\"ready_ms\":512}\n")
        .unwrap();
    assert_eq!(ready.read(&mut [0]).unwrap(), 0);
    let report = played.end().unwrap();
    assert!(matches!(report.outcome, Outcome::TimedOut));
    assert!(report.course.ready_ms.is_some());
    assert_eq!(*played.heard.ready.lock().unwrap(), Some(512));
}

#[test]
fn an_enclave_that_cannot_be_ended_is_told() {
    let played = Played::begin(|directory, request| {
        request.timeout = Some(Duration::from_millis(600));
        let script = "echo '[ E57 ] not yours' >&2; exit 1";
        fs::write(directory.join("terminate-enclave.sh"), script).unwrap();
    });
    let report = played.result();
    assert!(matches!(report.outcome, Outcome::TimedOut));
    let left = report.left.unwrap();
    assert!(left.to_string().contains("E57"), "{left}");
    assert!(left.hint().unwrap().contains("`ne`"));
    played.kill();
}

#[test]
fn the_console_is_shown_in_debug_mode_alone() {
    let played = Played::begin(|_, request| request.debug_console = true);
    played.wait("the console is shown", || {
        played.heard.console.lock().unwrap().contains("hello")
    });
    drop(played.call(STATUS_PORT));
    let report = played.end().unwrap();
    // A status without a last event.
    assert!(matches!(report.outcome, Outcome::Broken(Error::Status(_))));
    let calls = played.calls();
    assert!(calls.contains(" --debug-mode\n"), "{calls}");
    assert!(calls.contains("console --enclave-id i-1-enc2\n"), "{calls}");
}

#[test]
fn memory_is_what_the_vendors_program_takes() {
    for (wanted, image, expected) in [
        (0, 0, 64),
        (128, 3 << 20, 128),
        (129, 3 << 20, 130),
        (128, (40 << 20) + 1, 164),
        (u64::MAX - 2, u64::MAX, u64::MAX - 1),
    ] {
        assert_eq!(crate::nitro::memory_mib(wanted, image), expected);
    }
}
