//! Ids: init's own and the application's.
//!
//! Init gives up user id 0 and keeps its capabilities, because an application with user id 0 would
//! otherwise be the same user: it could change init's resource limits and read its files in
//! `/proc`. The id that it takes is refused in configurations.

use enclair_configuration::{Configuration, MAX_ID};

use crate::failure::Failure;
use crate::sys::{Errno, privilege};

/// Init's own user and group id: 4294967294.
const OWN: u32 = MAX_ID + 1;

/// Takes init's own ids. After the last file was made: files belong to who makes them.
pub(crate) fn take_own() -> Result<(), Failure> {
    let take = || {
        privilege::keep_capabilities()?;
        privilege::set_groups(&[])?;
        privilege::set_gid(OWN)?;
        privilege::set_uid(OWN)?;
        // The change emptied the effective set; the permitted one was kept.
        privilege::set_capabilities(privilege::permitted()?)?;
        privilege::deny_reading()
    };
    take().map_err(|errno| Failure::IdentityNotTaken { errno })
}

/// Takes the application's ids, in the child.
pub(crate) fn take(configuration: &Configuration) -> Result<(), Errno> {
    privilege::set_groups(&configuration.groups)?;
    privilege::set_gid(configuration.gid)?;
    privilege::set_uid(configuration.uid)
}
