//! Everything that ends an enclave before its application does: one table, one variant each.
//!
//! The id and the number go to the host on the status channel and never change their meaning; the
//! message is for people. `docs/runtime.md` has the same table with what to do, and a test
//! compares the two. Text of the image in a message is escaped where it is printed (`status`).

use enclair_configuration::Resource;
use thiserror::Error;

use crate::sys::Errno;
use crate::sys::process::Ended;

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number: tens are the stage, in the order of the boot.
    pub status: u8,
    /// The name, in kebab case.
    pub id: &'static str,
}

const fn row(status: u8, id: &'static str) -> Row {
    Row { status, id }
}

/// The table, in order of the numbers.
pub const FAILURES: &[Row] = &[
    row(10, "internal"),
    row(11, "devices-not-mounted"),
    row(12, "signals-not-blocked"),
    row(20, "no-vsock"),
    row(21, "heartbeat-not-connected"),
    row(22, "heartbeat-not-answered"),
    row(23, "heartbeat-wrong-answer"),
    row(30, "nsm-module-not-loaded"),
    row(31, "nsm-not-opened"),
    row(32, "nsm-request-failed"),
    row(33, "nsm-refused"),
    row(34, "nsm-wrong-answer"),
    row(35, "nsm-constant-random"),
    row(36, "entropy-not-credited"),
    row(40, "configuration-not-read"),
    row(41, "configuration-refused"),
    row(50, "marker-missing"),
    row(51, "marker-malformed"),
    row(52, "marker-unexpected"),
    row(53, "entries-missing"),
    row(54, "tree-not-read"),
    row(55, "agent-missing"),
    row(60, "root-missing"),
    row(61, "root-not-switched"),
    row(62, "mount-point"),
    row(63, "not-mounted"),
    row(64, "device-not-made"),
    row(65, "file-not-written"),
    row(70, "no-loopback"),
    row(71, "hostname-not-set"),
    row(72, "identity-not-taken"),
    row(73, "agent-not-started"),
    row(80, "not-started"),
    row(81, "limit-not-set"),
    row(82, "ids-not-set"),
    row(83, "capabilities-not-dropped"),
    row(84, "filter-not-installed"),
    row(85, "directory-not-entered"),
    row(90, "program-not-found"),
    row(91, "program-not-executable"),
    row(92, "program-format"),
    row(93, "interpreter-not-found"),
    row(94, "arguments-too-long"),
    row(95, "program-not-started"),
    row(96, "application-lost"),
    row(97, "agent-ended"),
];

/// Why the application was not started, or is not watched any more.
#[derive(Debug, Error)]
#[allow(
    missing_docs,
    reason = "each message says what its variant is, and docs/runtime.md says it at length"
)]
pub enum Failure {
    #[error("init broke one of its own rules at {line} of `{file}`")]
    Internal { file: String, line: u32 },
    #[error("`/dev` cannot be mounted: {errno}")]
    DevicesNotMounted { errno: Errno },
    #[error("signals cannot be blocked: {errno}")]
    SignalsNotBlocked { errno: Errno },
    #[error("the kernel has no vsock device: {errno}")]
    NoVsock { errno: Errno },
    #[error("the parent does not take the heartbeat on port 9000: {errno}")]
    HeartbeatNotConnected { errno: Errno },
    #[error("the parent does not answer the heartbeat: {errno}")]
    HeartbeatNotAnswered { errno: Errno },
    #[error("the heartbeat's answer: expected 0xb7, found {found}")]
    HeartbeatWrongAnswer { found: Answer },
    #[error("`/nsm.ko` cannot be loaded: {errno}")]
    NsmModuleNotLoaded { errno: Errno },
    #[error("`/dev/nsm` cannot be opened: {errno}")]
    NsmNotOpened { errno: Errno },
    #[error("`/dev/nsm` does not take a request for random bytes: {errno}")]
    NsmRequestFailed { errno: Errno },
    #[error("the security module refuses random bytes: `{error}`")]
    NsmRefused { error: String },
    #[error("the security module's answer is not one about random bytes")]
    NsmWrongAnswer,
    #[error("the security module's random bytes are all the same")]
    NsmConstantRandom,
    #[error("the kernel does not take entropy: {errno}")]
    EntropyNotCredited { errno: Errno },
    #[error("`/etc/enclair/enclave.json` cannot be read: {errno}")]
    ConfigurationNotRead { errno: Errno },
    #[error("`/etc/enclair/enclave.json`: {source}")]
    ConfigurationRefused {
        source: enclair_configuration::Error,
    },
    #[error("`/~end{ramdisk}`: expected the marker of ramdisk {ramdisk}: {errno}")]
    MarkerMissing { ramdisk: u32, errno: Errno },
    #[error("`/~end{ramdisk}`: expected a file with a decimal number")]
    MarkerMalformed { ramdisk: u32 },
    #[error("`/{name}`: expected markers of {ramdisks} ramdisks and no other")]
    MarkerUnexpected { name: String, ramdisks: u32 },
    #[error("the ramdisks were not unpacked whole: expected {expected} entries, found {found}")]
    EntriesMissing { expected: u64, found: u64 },
    #[error("`{path}` cannot be counted: {errno}")]
    TreeNotRead { path: String, errno: Errno },
    #[error("`/agent` cannot be opened, and the configuration needs it: {errno}")]
    AgentMissing { errno: Errno },
    #[error("`/rootfs`: expected a directory")]
    RootMissing,
    #[error("`/rootfs` cannot become the root: {step}: {errno}")]
    RootNotSwitched { step: &'static str, errno: Errno },
    #[error("`{path}`: expected a directory to mount on: {errno}")]
    MountPoint { path: &'static str, errno: Errno },
    #[error("`{path}` cannot be mounted: {errno}")]
    NotMounted { path: &'static str, errno: Errno },
    #[error("`{path}` cannot be made: {errno}")]
    DeviceNotMade { path: &'static str, errno: Errno },
    #[error("`{path}` cannot be written: {errno}")]
    FileNotWritten { path: &'static str, errno: Errno },
    #[error("the loopback interface cannot be brought up: {errno}")]
    NoLoopback { errno: Errno },
    #[error("the hostname cannot be set: {errno}")]
    HostnameNotSet { errno: Errno },
    #[error("init cannot take its own user id: {errno}")]
    IdentityNotTaken { errno: Errno },
    #[error("the agent cannot be started: {reason}")]
    AgentNotStarted { reason: String },
    #[error("no process can be made for the application: {errno}")]
    NotStarted { errno: Errno },
    #[error("`limits.{resource}` cannot be set: {errno}")]
    LimitNotSet { resource: Resource, errno: Errno },
    #[error("`uid`, `gid` or `groups` cannot be set: {errno}")]
    IdsNotSet { errno: Errno },
    #[error("capabilities cannot be dropped: {errno}")]
    CapabilitiesNotDropped { errno: Errno },
    #[error("the system call filter cannot be installed: {errno}")]
    FilterNotInstalled { errno: Errno },
    #[error("`cwd`: `{path}` cannot be entered: {errno}")]
    DirectoryNotEntered { path: String, errno: Errno },
    #[error("`argv[0]`: `{program}` is not there")]
    ProgramNotFound { program: String },
    #[error("`argv[0]`: `{program}` may not be executed by this user")]
    ProgramNotExecutable { program: String },
    #[error("`argv[0]`: `{program}` is no program that this machine runs")]
    ProgramFormat { program: String },
    #[error("`argv[0]`: `{program}` is there, but the interpreter or loader that it names is not")]
    InterpreterNotFound { program: String },
    #[error("`argv` and `env` are more than the kernel takes")]
    ArgumentsTooLong,
    #[error("`argv[0]`: `{program}` cannot be started: {errno}")]
    ProgramNotStarted { program: String, errno: Errno },
    #[error("the application's process is gone, and its status with it: {errno}")]
    ApplicationLost { errno: Errno },
    #[error("the agent ended before the application: {ended}")]
    AgentEnded { ended: Ended },
}

/// What came back instead of the heartbeat's byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Answer {
    /// Another byte.
    #[error("{0:#04x}")]
    Byte(u8),
    /// The end of the stream.
    #[error("the end")]
    End,
}

impl Failure {
    /// The name, as in `marker-missing`.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Internal { .. } => "internal",
            Self::DevicesNotMounted { .. } => "devices-not-mounted",
            Self::SignalsNotBlocked { .. } => "signals-not-blocked",
            Self::NoVsock { .. } => "no-vsock",
            Self::HeartbeatNotConnected { .. } => "heartbeat-not-connected",
            Self::HeartbeatNotAnswered { .. } => "heartbeat-not-answered",
            Self::HeartbeatWrongAnswer { .. } => "heartbeat-wrong-answer",
            Self::NsmModuleNotLoaded { .. } => "nsm-module-not-loaded",
            Self::NsmNotOpened { .. } => "nsm-not-opened",
            Self::NsmRequestFailed { .. } => "nsm-request-failed",
            Self::NsmRefused { .. } => "nsm-refused",
            Self::NsmWrongAnswer => "nsm-wrong-answer",
            Self::NsmConstantRandom => "nsm-constant-random",
            Self::EntropyNotCredited { .. } => "entropy-not-credited",
            Self::ConfigurationNotRead { .. } => "configuration-not-read",
            Self::ConfigurationRefused { .. } => "configuration-refused",
            Self::MarkerMissing { .. } => "marker-missing",
            Self::MarkerMalformed { .. } => "marker-malformed",
            Self::MarkerUnexpected { .. } => "marker-unexpected",
            Self::EntriesMissing { .. } => "entries-missing",
            Self::TreeNotRead { .. } => "tree-not-read",
            Self::AgentMissing { .. } => "agent-missing",
            Self::RootMissing => "root-missing",
            Self::RootNotSwitched { .. } => "root-not-switched",
            Self::MountPoint { .. } => "mount-point",
            Self::NotMounted { .. } => "not-mounted",
            Self::DeviceNotMade { .. } => "device-not-made",
            Self::FileNotWritten { .. } => "file-not-written",
            Self::NoLoopback { .. } => "no-loopback",
            Self::HostnameNotSet { .. } => "hostname-not-set",
            Self::IdentityNotTaken { .. } => "identity-not-taken",
            Self::AgentNotStarted { .. } => "agent-not-started",
            Self::NotStarted { .. } => "not-started",
            Self::LimitNotSet { .. } => "limit-not-set",
            Self::IdsNotSet { .. } => "ids-not-set",
            Self::CapabilitiesNotDropped { .. } => "capabilities-not-dropped",
            Self::FilterNotInstalled { .. } => "filter-not-installed",
            Self::DirectoryNotEntered { .. } => "directory-not-entered",
            Self::ProgramNotFound { .. } => "program-not-found",
            Self::ProgramNotExecutable { .. } => "program-not-executable",
            Self::ProgramFormat { .. } => "program-format",
            Self::InterpreterNotFound { .. } => "interpreter-not-found",
            Self::ArgumentsTooLong => "arguments-too-long",
            Self::ProgramNotStarted { .. } => "program-not-started",
            Self::ApplicationLost { .. } => "application-lost",
            Self::AgentEnded { .. } => "agent-ended",
        }
    }

    /// The number; 10 for an id that is not in the table, which a test rules out.
    pub fn status(&self) -> u8 {
        let row = FAILURES.iter().find(|row| row.id == self.id());
        row.map_or(10, |row| row.status)
    }
}
