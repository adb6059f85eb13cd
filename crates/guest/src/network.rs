//! The network: the loopback interface and the host's name. There is no other interface.
//!
//! The kernel gives a loopback interface its addresses, `127.0.0.1` and `::1`, when it comes up.

use crate::failure::Failure;
use crate::sys::machine;

/// Brings the loopback interface up and sets the name.
pub(crate) fn prepare(hostname: &str) -> Result<(), Failure> {
    machine::interface_up(c"lo").map_err(|errno| Failure::NoLoopback { errno })?;
    machine::set_hostname(hostname).map_err(|errno| Failure::HostnameNotSet { errno })
}
