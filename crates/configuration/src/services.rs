//! What the agent does for the application: the keys `attestation`, `clock`, `egress`, `ingress`,
//! `logs` and `ready`. Where all of them are missing, an image has no agent.

use std::fmt;
use std::str::FromStr;

use crate::configuration::{MAX_ID, check_range};
use crate::error::{Error, Found};
use crate::fields::{self, Fields};
use crate::json::{Writer, push_string};
use crate::network::{EgressRule, WrongRule, number, wrong};

/// The user id of the agent, where an image has one: no application with an agent may have it.
pub const AGENT_ID: u32 = MAX_ID;
/// The port of 127.0.0.1 at which the agent takes calls to outside, by HTTP and SOCKS.
pub const PROXY_PORT: u16 = 3128;
/// The port of 127.0.0.1 at which it answers names.
pub const NAMES_PORT: u16 = 53;
/// The most pairs of `ingress`.
pub const MAX_INGRESS: usize = 64;
/// The most rules of `egress`.
pub const MAX_EGRESS: usize = 1024;
/// Bytes of the longest path of `ready`.
const MAX_PATH: usize = 1024;
const PORTS: (u32, u32) = (1, 65_535);

/// A port at which connections from outside arrive, and where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ingress {
    /// The vsock port.
    pub port: u16,
    /// The port of 127.0.0.1 at which the application listens.
    pub to: u16,
}

impl FromStr for Ingress {
    type Err = WrongRule;

    /// Reads `PORT` or `PORT:TO`.
    fn from_str(text: &str) -> Result<Self, WrongRule> {
        let (port, to) = text.split_once(':').unwrap_or((text, text));
        let port_of = |text| number(text).filter(|port| *port > 0);
        match (port_of(port), port_of(to)) {
            (Some(port), Some(to)) => Ok(Self { port, to }),
            _ => Err(wrong(text, "ports from 1 to 65535, `PORT` or `PORT:TO`")),
        }
    }
}

impl fmt::Display for Ingress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { port, to } if port == to => write!(f, "{port}"),
            Self { port, to } => write!(f, "{port}:{to}"),
        }
    }
}

/// How documents of the security module are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attestation {
    /// The vsock port of the endpoint for everybody.
    pub port: u16,
}

/// How the application says that it is ready: by an answer of HTTP with a status from 200 to 299.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The path that is asked for, with its query: `/` and printable ASCII.
    pub path: String,
    /// The port of 127.0.0.1.
    pub port: u16,
}

impl FromStr for Ready {
    type Err = WrongRule;

    /// Reads `PORT/PATH`.
    fn from_str(text: &str) -> Result<Self, WrongRule> {
        let slash = text.find('/').unwrap_or(text.len());
        let (port, path) = text.split_at_checked(slash).unwrap_or((text, ""));
        match number(port).filter(|port| *port > 0) {
            Some(port) if is_path(path) => Ok(Self {
                path: path.to_owned(),
                port,
            }),
            _ => Err(wrong(text, "a port and a path, as in `8080/health`")),
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, port } = self;
        write!(f, "{port}{path}")
    }
}

/// Whether `path` can stand in a request as it is.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.len() <= MAX_PATH && path.bytes().all(|b| b.is_ascii_graphic())
}

/// Everything that the agent does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// How documents of the security module are given out; `None` where they are not.
    pub attestation: Option<Attestation>,
    /// Whether the clock is set: by the hypervisor where it can be asked, else by the parent.
    pub clock: bool,
    /// What may be reached, in the order in which it is asked; nothing when it is empty.
    pub egress: Vec<EgressRule>,
    /// Ports at which connections arrive, ascending.
    pub ingress: Vec<Ingress>,
    /// Whether the application's output is sent to the parent.
    pub logs: bool,
    /// When the application is ready; `None` for as soon as every port of `ingress` is open.
    pub ready: Option<Ready>,
}

impl Services {
    /// Whether there is nothing to do, and so no agent.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn from_fields(fields: &mut Fields) -> Result<Self, Error> {
        let mut services = Self {
            clock: fields.flag("clock")?,
            logs: fields.flag("logs")?,
            ..Self::default()
        };
        if let Some(value) = fields.optional("attestation") {
            services.attestation = Some(fields::attestation(value)?);
        }
        if let Some(value) = fields.optional("egress") {
            services.egress = fields::array("egress", value, fields::egress_rule)?;
        }
        if let Some(value) = fields.optional("ingress") {
            services.ingress = fields::array("ingress", value, fields::ingress)?;
        }
        if let Some(value) = fields.optional("ready") {
            services.ready = Some(fields::ready(value)?);
        }
        Ok(services)
    }

    pub(crate) fn write_attestation(&self, writer: &mut Writer) {
        if let Some(Attestation { port }) = self.attestation {
            writer.key("attestation");
            writer.raw(&format!("{{\"port\":{port}}}"));
        }
    }

    pub(crate) fn write_egress(&self, writer: &mut Writer) {
        if !self.egress.is_empty() {
            writer.key("egress");
            writer.list(*b"[]", &self.egress, |json, rule| {
                push_string(json, &rule.to_string());
            });
        }
    }

    pub(crate) fn write_ingress(&self, writer: &mut Writer) {
        if !self.ingress.is_empty() {
            writer.key("ingress");
            writer.list(*b"[]", &self.ingress, |json, Ingress { port, to }| {
                let text = format!("{{\"port\":{port},\"to\":{to}}}");
                json.extend_from_slice(text.as_bytes());
            });
        }
    }

    pub(crate) fn write_ready(&self, writer: &mut Writer) {
        if let Some(Ready { path, port }) = &self.ready {
            let mut json = b"{\"path\":".to_vec();
            push_string(&mut json, path);
            writer.key("ready");
            writer.raw(&String::from_utf8_lossy(&json));
            writer.raw(&format!(",\"port\":{port}}}"));
        }
    }

    /// What the agent can do, and that nobody else is it: `uid` is the application's.
    pub(crate) fn check(&self, uid: u32) -> Result<(), Error> {
        if !self.is_empty() {
            check_range("uid", uid, (0, AGENT_ID - 1))?;
        }
        for (key, found, most) in [
            ("egress", self.egress.len(), MAX_EGRESS),
            ("ingress", self.ingress.len(), MAX_INGRESS),
        ] {
            if found > most {
                return Err(Error::TooMany { key, most, found });
            }
        }
        self.check_ingress()?;
        if let Some(Attestation { port }) = self.attestation {
            check_range("attestation.port", port.into(), PORTS)?;
            if self.ingress.iter().any(|ingress| ingress.port == port) {
                return Err(Error::AttestationPort { found: port });
            }
        }
        let Some(Ready { path, port }) = &self.ready else {
            return Ok(());
        };
        check_range("ready.port", (*port).into(), PORTS)?;
        if is_path(path) {
            return Ok(());
        }
        let found = Found::new(path);
        Err(Error::ReadyPath { found })
    }

    fn check_ingress(&self) -> Result<(), Error> {
        let mut before = 0;
        for (index, &Ingress { port, to }) in self.ingress.iter().enumerate() {
            check_range(&format!("ingress[{index}].to"), to.into(), PORTS)?;
            if port <= before {
                return Err(Error::Ports { index, found: port });
            }
            // Whoever is outside would call out as the application does.
            if !self.egress.is_empty() && [NAMES_PORT, PROXY_PORT].contains(&to) {
                return Err(Error::AgentPort { index, found: to });
            }
            before = port;
        }
        Ok(())
    }
}
