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
/// The port of the application's output.
pub(crate) const LOGS_PORT: u32 = 9002;
/// The port of calls to outside.
pub(crate) const EGRESS_PORT: u32 = 9003;
/// Where the agent asks for the time.
pub(crate) const CLOCK_PORT: u32 = 9005;
/// Where the agent says that the application can be reached, and what it has counted.
pub(crate) const READY_PORT: u32 = 9006;
/// Where the agent asks for what is said of the image.
pub(crate) const MANIFEST_PORT: u32 = 9007;
