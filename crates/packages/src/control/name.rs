//! Which names packages and architectures can have.
//!
//! Policy 5.6.1 asks for lower case and two characters; dpkg takes more, and repositories of other
//! makers use it. What matters here is that a name is the beginning of a file name in dpkg's
//! database, and stands in relations, so it has no separator of either.

use super::NameError;

/// Most bytes of a name: `NAME:ARCHITECTURE.postinst` has to be a file name.
pub const MAX_NAME: usize = 200;

/// Checks that a package can have this name.
///
/// # Errors
///
/// When it is empty or too long, does not begin with a letter or digit, or has other characters
/// than ASCII letters, digits and `+-._`.
pub fn check_name(name: &str) -> Result<(), NameError> {
    check(name, "letters, digits and `+-._`", |byte| {
        matches!(byte, b'+' | b'-' | b'.' | b'_')
    })
}

/// Checks that an architecture can have this name: one architecture, `all` or `any`, no wildcard
/// and no list.
///
/// # Errors
///
/// When it is empty or too long, does not begin with a letter or digit, or has other characters
/// than ASCII letters, digits and `-`.
pub fn check_architecture(name: &str) -> Result<(), NameError> {
    check(name, "letters, digits and `-`", |byte| byte == b'-')
}

fn check(
    name: &str,
    allowed: &'static str,
    separator: impl Fn(u8) -> bool,
) -> Result<(), NameError> {
    let first = name.bytes().next().ok_or(NameError::Empty)?;
    if name.len() > MAX_NAME {
        return Err(NameError::Length { found: name.len() });
    }
    // The bytes decide, because that is faster, and the character is looked for when it is wrong.
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || separator(byte))
    {
        let wrong = |found: &char| {
            !found.is_ascii_alphanumeric() && !u8::try_from(*found).is_ok_and(&separator)
        };
        let found = name.chars().find(wrong).unwrap_or_default();
        return Err(NameError::Character { found, allowed });
    }
    if first.is_ascii_alphanumeric() {
        Ok(())
    } else {
        Err(NameError::First)
    }
}
