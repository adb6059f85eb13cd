//! The parent's side of vsock: packets as values, streams, ports.
//!
//! Everything here is a state machine that is driven by packets, so that every rule can be tested
//! without a machine. The rings of the guest are the business of `device`.

pub(crate) mod packet;
pub(crate) mod parent;
pub(crate) mod service;
pub(crate) mod stream;

/// The port of the heartbeat.
pub(crate) const HEARTBEAT_PORT: u32 = 9000;
/// The port of the status stream.
pub(crate) const STATUS_PORT: u32 = 9001;
/// The port of calls to outside.
pub(crate) const EGRESS_PORT: u32 = 9003;
/// Where the agent says that the application can be reached.
pub(crate) const READY_PORT: u32 = 9006;
