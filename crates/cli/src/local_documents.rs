//! What is known of an enclave that runs in the background: the state that its process keeps, and the
//! document of `ps --json`.

use enclair_build::NitroMeasurements;
use enclair_host::{Publish, Report, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run_documents::{OutcomeName, PublishedDocument, parts};

/// Version of both.
const SCHEMA: u32 = 1;

/// How far an enclave is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// It boots.
    Starting,
    /// Its application runs.
    Started,
    /// Its application can be reached.
    Ready,
    /// It has ended, and `outcome` says how.
    Ended,
    /// Whoever looked after it has gone without a word, and the enclave with it.
    Lost,
}

impl Phase {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Ended => "ended",
            Self::Lost => "lost",
        }
    }
}

/// One enclave.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LocalDocument {
    /// Version of this document.
    schema: u32,
    /// Its name.
    pub(crate) name: String,
    /// How far it is.
    pub(crate) phase: Phase,
    /// The image's file.
    pub(crate) image: String,
    /// When it was started, in seconds since 1970.
    pub(crate) since: u64,
    /// The process that looks after it.
    process: u32,
    /// Where connections are taken.
    pub(crate) published: Vec<PublishedDocument>,
    /// The registers of the image, in the form of `nitro-cli`.
    #[serde(rename = "Measurements")]
    pub(crate) measurements: NitroMeasurements,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) outcome: Option<OutcomeName>,
    /// The exit status that `run` would have had.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) status: Option<u8>,
    /// What happened, in the words of the enclave's init or of this program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) message: Option<String>,
}

impl LocalDocument {
    /// One that starts.
    pub(crate) fn new(
        name: &str,
        image: String,
        since: u64,
        published: &[Publish],
        request: &Request,
    ) -> Self {
        Self {
            schema: SCHEMA,
            name: name.to_owned(),
            phase: Phase::Starting,
            image,
            since,
            process: std::process::id(),
            published: published.iter().map(PublishedDocument::from).collect(),
            measurements: NitroMeasurements::from(request.image.measurements()),
            outcome: None,
            status: None,
            message: None,
        }
    }

    /// It has ended.
    pub(crate) fn end(&mut self, report: &Report) {
        let (outcome, failure, message) = parts(&report.outcome);
        self.phase = Phase::Ended;
        self.outcome = Some(outcome);
        self.status = Some(report.outcome.status());
        self.message = match (failure, message) {
            (Some(failure), Some(message)) => Some(format!("{failure}: {message}")),
            (_, message) => message,
        };
    }
}

/// `ps --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PsDocument {
    /// Version of this document.
    schema: u32,
    /// Enclaves that run in the background, and those that have ended and were not forgotten, by
    /// name.
    enclaves: Vec<LocalDocument>,
}

impl PsDocument {
    pub(crate) const fn new(enclaves: Vec<LocalDocument>) -> Self {
        Self {
            schema: SCHEMA,
            enclaves,
        }
    }
}
