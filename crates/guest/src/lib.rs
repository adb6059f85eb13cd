//! What runs inside the enclave: init, PID 1.
//!
//! It prepares the machine, starts the one application that the measured configuration names,
//! waits for its end, says how it ended and restarts the machine. `docs/runtime.md` is the contract
//! with the application and with the host; `boot` is its order.
//!
//! One module owns one thing. All system calls that need `unsafe` are in `sys`, which knows
//! nothing of enclaves; all other modules are safe code. The process has one thread, so that `fork`
//! is sound and nothing has to be locked.
//!
//! It is no service manager and no shell: it starts the application, and before it the agent where the
//! image has one. An application that fails is started again only where the configuration says so. It resolves no names,
//! reads no command line and no environment, and trusts nothing that the host says but the two
//! answers on the reserved ports, which can only stop it.

#![cfg(target_os = "linux")]

mod agent;
mod boot;
mod capabilities;
mod configuration;
mod console;
mod devices;
mod entropy;
mod failure;
mod files;
mod heartbeat;
mod identity;
mod launch;
mod limits;
mod machine;
mod markers;
mod mounts;
mod network;
mod nsm;
mod report;
mod restart;
mod root;
mod seccomp;
mod status;
mod supervise;
mod sys;

pub use boot::run;
pub use failure::{FAILURES, Failure, Row};
