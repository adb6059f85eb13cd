//! Which package may take files of which: the field `Replaces`.
//!
//! As dpkg does: only real names count, not those that a package provides, and no architecture.

use super::error::RootError;
use crate::control::Control;
use crate::relation::Relations;

/// The relations of a field.
///
/// # Errors
///
/// When the field is no list of relations.
pub(super) fn relations(control: &Control, field: &'static str) -> Result<Relations, RootError> {
    control
        .relations(field)
        .map_err(|source| RootError::Relations {
            package: control.name().to_owned(),
            field,
            source,
        })
}

/// Whether a package with `relations` in its field `Replaces` may take files of `old`.
pub(super) fn replaces(relations: &Relations, old: &Control) -> bool {
    relations.iter().any(|relation| {
        let constraint = relation.constraint.as_ref();
        *relation.name == *old.name()
            && constraint.is_none_or(|constraint| constraint.admits(old.version()))
    })
}
