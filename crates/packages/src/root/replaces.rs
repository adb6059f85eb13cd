//! Which package may take files of which: the field `Replaces`.
//!
//! As dpkg does: only real names count, not those that a package provides.

use crate::control::Control;

/// Whether `new` says that it replaces files of `old`.
pub(super) fn replaces(new: &Control, old: &Control) -> bool {
    // Placeholder of the branch `unpack`, until relations and versions of `solve` are there.
    new.field("Replaces").is_some_and(|field| {
        field.split(',').any(|relation| {
            let name = relation.split_whitespace().next().unwrap_or_default();
            name == old.name()
        })
    })
}
