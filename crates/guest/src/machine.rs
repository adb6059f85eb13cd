//! The end of the machine. PID 1 must not exit, so nothing here returns.

use crate::console;
use crate::sys::machine::{End, reboot};

/// Restarts the machine; the hypervisor ends an enclave that does.
///
/// A kernel that refuses is asked to power off. If it refuses that too, there is nothing left but
/// a loop that sleeps: the host ends machines that do not end by themselves.
pub(crate) fn end() -> ! {
    for end in [End::Restart, End::PowerOff] {
        if let Err(errno) = reboot(end) {
            console::say(&format!("the machine does not end: {end:?}: {errno}"));
        }
    }
    loop {
        std::thread::park();
    }
}
