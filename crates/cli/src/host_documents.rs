//! The JSON document of `host`, as `run_documents` has that of `run`.

use enclair_build::NitroMeasurements;
use enclair_host::Publish;
use enclair_host::nitro::{Report, Request};
use schemars::JsonSchema;
use serde::Serialize;

use crate::run_documents::{CountersDocument, OutcomeName, PublishedDocument, chain, parts};

/// Version of the document below.
const SCHEMA: u32 = 1;

/// `host --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HostDocument {
    /// Version of this document.
    schema: u32,
    /// Whether this release of the command was run on hardware before it was released.
    tested_on_hardware: bool,
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
    /// Milliseconds from the call of `nitro-cli` until the application's start was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ms: Option<u64>,
    /// Milliseconds from the call of `nitro-cli` until every port of `ingress` was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_ms: Option<u64>,
    /// How often the application was started again.
    restarts: u32,
    /// What the agent had done when it said so last, in the guest's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<CountersDocument>,
    /// Where connections were taken.
    published: Vec<PublishedDocument>,
    /// What was started.
    enclave: EnclaveDocument,
    /// Whether it was in debug mode: its documents have zeros for registers.
    debug: bool,
    /// Whether `nitro-cli` has computed the same registers from what it started. It is no
    /// attestation: it, too, computes them from the file.
    compared: bool,
    /// Connections of other enclaves on the instance, which were refused.
    refused_strangers: u64,
    /// Why the enclave may still run.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<String>,
    /// The registers of the image, in the form of `nitro-cli`.
    #[serde(rename = "Measurements")]
    measurements: NitroMeasurements,
}

/// An enclave of `nitro-cli`.
#[derive(Debug, Serialize, JsonSchema)]
struct EnclaveDocument {
    /// Its id.
    id: String,
    /// The name that it was given.
    name: String,
    /// Its context id.
    cid: u32,
    /// Its CPUs.
    cpus: u32,
    /// Its memory in MiB.
    memory_mib: u64,
}

impl HostDocument {
    pub(crate) fn new(request: &Request, published: &[Publish], report: &Report) -> Self {
        let (outcome, failure, message) = parts(&report.outcome);
        let enclave = &report.enclave;
        Self {
            schema: SCHEMA,
            tested_on_hardware: false,
            outcome,
            status: report.outcome.status(),
            failure,
            message,
            boot_ms: report.boot_ms,
            start_ms: report.start_ms,
            ready_ms: report.ready_ms,
            restarts: report.restarts,
            counters: report.counters.as_ref().map(CountersDocument::from),
            published: published.iter().map(PublishedDocument::from).collect(),
            enclave: EnclaveDocument {
                id: enclave.id.clone(),
                name: enclave.name.clone(),
                cid: enclave.cid,
                cpus: enclave.cpus,
                memory_mib: enclave.memory_mib,
            },
            debug: request.debug_console,
            compared: report.compared,
            refused_strangers: report.strangers,
            left: report.left.as_ref().map(|error| chain(error)),
            measurements: NitroMeasurements::from(&request.measurements),
        }
    }
}
