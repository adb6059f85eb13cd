//! The JSON documents of `run` and `doctor`, as `documents` has those of the other commands.

use enclair_build::NitroMeasurements;
use enclair_host::doctor::{Check, Found};
use enclair_host::{Counters, Course, Last, MachineKind, Outcome, Publish, Report, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the documents below.
const SCHEMA: u32 = 1;

/// `run --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunDocument {
    /// Version of this document.
    schema: u32,
    #[serde(flatten)]
    ran: RanDocument,
    /// QEMU's machine.
    machine: &'static str,
    /// What ran the guest's instructions.
    accelerator: &'static str,
    /// Version of QEMU.
    qemu: String,
    /// `emulated`: there was an NSM, whose documents nobody has signed. `none`: there was none.
    attestation: AttestationName,
    /// The registers of the image, in the form of `nitro-cli`.
    #[serde(rename = "Measurements")]
    measurements: NitroMeasurements,
}

/// How an enclave ran, emulated or real. The machine's start is that of QEMU, or the call of
/// `nitro-cli`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RanDocument {
    /// How the run ended.
    outcome: OutcomeName,
    /// The exit status of the command.
    status: u8,
    /// What failed, in kebab-case: in the words of the enclave's init (`failed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// What happened (`failed`, `broken`). May hold text of the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Milliseconds from the kernel's start to the application's, in the guest's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_ms: Option<u64>,
    /// Milliseconds from the start of the machine until the application's start was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ms: Option<u64>,
    /// Milliseconds from the start of the machine until the application could be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_ms: Option<u64>,
    /// How often the application was started again.
    restarts: u32,
    /// What the agent had done when it said so last, in the guest's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<CountersDocument>,
    /// Where connections were taken.
    published: Vec<PublishedDocument>,
}

impl RanDocument {
    pub(crate) fn new(outcome: &Outcome, course: &Course, published: &[Publish]) -> Self {
        let status = outcome.status();
        let (outcome, failure, message) = parts(outcome);
        Self {
            outcome,
            status,
            failure,
            message,
            boot_ms: course.boot_ms,
            start_ms: course.start_ms,
            ready_ms: course.ready_ms,
            restarts: course.restarts,
            counters: course.counters.as_ref().map(CountersDocument::from),
            published: published.iter().map(PublishedDocument::from).collect(),
        }
    }
}

/// Numbers of the agent, since it started.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CountersDocument {
    /// Connections from outside that were passed on to the application.
    connections: u64,
    /// Calls to outside that the measured rules allow.
    calls: u64,
    /// Calls and names that they do not.
    denied: u64,
    /// Documents of the security module that were given out.
    documents: u64,
    /// Requests for documents that were more than are answered in a second.
    limited: u64,
    /// Bytes of the application's output that nobody took.
    output_lost: u64,
}

impl From<&Counters> for CountersDocument {
    fn from(counters: &Counters) -> Self {
        let &Counters {
            connections,
            calls,
            denied,
            documents,
            limited,
            output_lost,
        } = counters;
        Self {
            connections,
            calls,
            denied,
            documents,
            limited,
            output_lost,
        }
    }
}

/// An address of this machine and what answers there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PublishedDocument {
    /// Address and port.
    address: String,
    /// The enclave's vsock port.
    port: u32,
}

/// The ways in which a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OutcomeName {
    /// The application ended by itself.
    Exited,
    /// A signal ended the application.
    Signaled,
    /// The enclave's init could not go on.
    Failed,
    /// The time was over.
    TimedOut,
    /// The application could not be reached in time.
    NotReady,
    /// The command was told to end.
    Interrupted,
    /// There is no status that could be believed.
    Broken,
}

/// What attestation there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AttestationName {
    Emulated,
    None,
}

impl RunDocument {
    pub(crate) fn new(request: &Request, published: &[Publish], report: &Report) -> Self {
        Self {
            schema: SCHEMA,
            ran: RanDocument::new(&report.outcome, &report.course, published),
            machine: report.machine.name(),
            accelerator: request.accelerator.name(),
            qemu: request.qemu.version.clone(),
            attestation: match report.machine {
                MachineKind::NitroEnclave => AttestationName::Emulated,
                MachineKind::Microvm => AttestationName::None,
            },
            measurements: NitroMeasurements::from(request.image.measurements()),
        }
    }
}

impl std::fmt::Display for PublishedDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { address, port } = self;
        write!(f, "{address} is passed on to vsock port {port}")
    }
}

impl From<&Publish> for PublishedDocument {
    fn from(publish: &Publish) -> Self {
        Self {
            address: publish.address.to_string(),
            port: publish.port,
        }
    }
}

/// How a run ended: its name, init's failure, and what happened.
pub(crate) fn parts(outcome: &Outcome) -> (OutcomeName, Option<String>, Option<String>) {
    match outcome {
        Outcome::Told(Last::Exited { .. }) => (OutcomeName::Exited, None, None),
        Outcome::Told(Last::Signaled { .. }) => (OutcomeName::Signaled, None, None),
        Outcome::Told(Last::Failed {
            failure, message, ..
        }) => (
            OutcomeName::Failed,
            Some(failure.clone()),
            Some(message.clone()),
        ),
        Outcome::TimedOut => (OutcomeName::TimedOut, None, None),
        Outcome::NotReady => (OutcomeName::NotReady, None, None),
        Outcome::Interrupted(_) => (OutcomeName::Interrupted, None, None),
        Outcome::Broken(error) => (OutcomeName::Broken, None, Some(chain(error))),
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// `doctor --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DoctorDocument {
    /// Version of this document.
    schema: u32,
    /// Whether an enclave can be run here.
    runs: bool,
    /// The checks, in order.
    checks: Vec<CheckDocument>,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
struct CheckDocument {
    /// Which, in kebab-case.
    id: &'static str,
    /// What was found.
    found: FoundName,
    /// The same in words.
    text: String,
    /// What to do about it, unless it is fine.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

/// What a check finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum FoundName {
    /// It is there.
    Ok,
    /// It is not, and nothing can be run without it.
    Missing,
    /// It is not; what there is will do, slower or with less.
    Without,
}

impl DoctorDocument {
    pub(crate) fn new(checks: &[Check], runs: bool) -> Self {
        let checks = checks.iter().map(|check| CheckDocument {
            id: check.id,
            found: match check.found {
                Found::Ok => FoundName::Ok,
                Found::Missing => FoundName::Missing,
                Found::Without => FoundName::Without,
            },
            text: check.text.clone(),
            hint: check.hint,
        });
        Self {
            schema: SCHEMA,
            runs,
            checks: checks.collect(),
        }
    }
}
