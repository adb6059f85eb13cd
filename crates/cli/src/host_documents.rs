//! The JSON document of `host`, as `run_documents` has that of `run`.

use enclair_build::NitroMeasurements;
use enclair_host::Publish;
use enclair_host::nitro::{Report, Request};
use schemars::JsonSchema;
use serde::Serialize;

use crate::run_documents::{RanDocument, chain};

/// Version of the document below.
const SCHEMA: u32 = 1;

/// `host --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HostDocument {
    /// Version of this document.
    schema: u32,
    /// Whether this release of the command was run on hardware before it was released.
    tested_on_hardware: bool,
    #[serde(flatten)]
    ran: RanDocument,
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
        let enclave = &report.enclave;
        Self {
            schema: SCHEMA,
            tested_on_hardware: false,
            ran: RanDocument::new(&report.outcome, &report.course, published),
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
