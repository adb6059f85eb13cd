//! The security module: its driver, its device, its random bytes.
//!
//! A machine without one (an emulated one, a `microvm`) is no failure: it cannot attest, and
//! whoever checks attestation notices. A machine with one that gives no random bytes is a failure,
//! because keys made there may be known to others.

use std::fs::File;
use std::io::ErrorKind;

use enclair_nsm::{Answer, DEVICE, GET_RANDOM, call, parse_random};

use crate::failure::Failure;
use crate::sys::{self, Errno};

/// The driver as a module, for kernels that have it not built in.
const MODULE: &str = "/nsm.ko";

/// Loads the driver if the boot ramdisk has it.
pub(crate) fn load_driver() -> Result<(), Failure> {
    match File::open(MODULE) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(file) => sys::machine::load_module(&file),
    }
    .map_err(|errno| Failure::NsmModuleNotLoaded { errno })
}

/// Opens the module; `None` if this machine has none.
pub(crate) fn open() -> Result<Option<File>, Failure> {
    match File::options().read(true).write(true).open(DEVICE) {
        Ok(module) => Ok(Some(module)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::NsmNotOpened {
            errno: Errno::from(error),
        }),
    }
}

/// Asks the module for random bytes once. It gives 256 of them today.
pub(crate) fn random(module: &File) -> Result<Vec<u8>, Failure> {
    let answer = call(module, GET_RANDOM).map_err(|error| Failure::NsmRequestFailed {
        errno: error.into(),
    })?;
    match parse_random(&answer) {
        Some(Answer::Given(bytes)) => Ok(bytes.to_vec()),
        Some(Answer::Refused(error)) => Err(Failure::NsmRefused {
            error: error.to_owned(),
        }),
        None => Err(Failure::NsmWrongAnswer),
    }
}
