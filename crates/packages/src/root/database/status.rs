//! The file `status`: what dpkg knows of each package, in the words of its control file.
//!
//! dpkg does not copy the control file. It writes the fields that it knows in an order of its own,
//! leaves out what says nothing (`Essential: no`), writes relations anew, and puts all other
//! fields behind, as they were and in their order.

use std::fmt::Write as _;

use super::hex;
use crate::control::Control;
use crate::root::replaces::relations;
use crate::root::{Installed, RootError};

/// How dpkg writes a field that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is in the control file.
    AsIs,
    /// Only when it is `yes`.
    Flag,
    /// In lower case, and not when it is `no`.
    MultiArch,
    /// A word of a list in lower case, others as they are.
    Priority,
    /// A list of relations.
    Relations,
    /// Without an epoch of zero.
    Version,
    /// From dpkg's own knowledge.
    State,
    /// The configuration files with their digests.
    Conffiles,
    /// Never from a control file.
    Absent,
}

/// The fields that dpkg knows, in the order in which it writes them (dpkg 1.21).
const FIELDS: [(&str, Form); 33] = [
    ("Package", Form::AsIs),
    ("Essential", Form::Flag),
    ("Protected", Form::Flag),
    ("Status", Form::State),
    ("Priority", Form::Priority),
    ("Section", Form::AsIs),
    ("Installed-Size", Form::AsIs),
    ("Origin", Form::AsIs),
    ("Maintainer", Form::AsIs),
    ("Bugs", Form::AsIs),
    ("Architecture", Form::AsIs),
    ("Multi-Arch", Form::MultiArch),
    ("Source", Form::AsIs),
    ("Version", Form::Version),
    ("Config-Version", Form::Absent),
    ("Replaces", Form::Relations),
    ("Provides", Form::Relations),
    ("Depends", Form::Relations),
    ("Pre-Depends", Form::Relations),
    ("Recommends", Form::Relations),
    ("Suggests", Form::Relations),
    ("Breaks", Form::Relations),
    ("Conflicts", Form::Relations),
    ("Enhances", Form::Relations),
    ("Conffiles", Form::Conffiles),
    ("Filename", Form::Absent),
    ("Size", Form::Absent),
    ("MD5sum", Form::Absent),
    ("MSDOS-Filename", Form::Absent),
    ("Description", Form::AsIs),
    ("Triggers-Pending", Form::Absent),
    ("Triggers-Awaited", Form::Absent),
    ("Revision", Form::Absent),
];

const PRIORITIES: [&str; 5] = ["required", "important", "standard", "optional", "extra"];

/// All packages, sorted by name.
///
/// # Errors
///
/// When a field of relations is none.
pub(super) fn status(packages: &[Installed]) -> Result<String, RootError> {
    let mut packages: Vec<&Installed> = packages.iter().collect();
    packages.sort_by_key(|package| package.control.name());
    let mut text = String::new();
    for package in packages {
        write_package(&mut text, package)?;
        text.push('\n');
    }
    Ok(text)
}

fn write_package(text: &mut String, package: &Installed) -> Result<(), RootError> {
    let control = &package.control;
    for (name, form) in FIELDS {
        if form == Form::Conffiles {
            write_conffiles(text, package);
        } else if let Some(value) = value(control, name, form)? {
            write_field(text, name, &value);
        }
    }
    for (name, value) in control.fields() {
        let known = FIELDS
            .iter()
            .any(|(field, _)| field.eq_ignore_ascii_case(name));
        if !known && !value.is_empty() {
            write_field(text, name, value);
        }
    }
    Ok(())
}

fn value(control: &Control, name: &'static str, form: Form) -> Result<Option<String>, RootError> {
    if form == Form::State {
        return Ok(Some("install ok installed".to_owned()));
    }
    let Some(value) = control.field(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    Ok(match form {
        Form::AsIs => Some(value.to_owned()),
        Form::Flag => value.eq_ignore_ascii_case("yes").then(|| "yes".to_owned()),
        Form::MultiArch => Some(value.to_ascii_lowercase()).filter(|value| value != "no"),
        Form::Priority => {
            let known = PRIORITIES
                .iter()
                .find(|known| known.eq_ignore_ascii_case(value));
            Some(known.map_or(value, |known| known).to_owned())
        }
        Form::Relations => Some(relations(control, name)?.to_string()),
        Form::Version => Some(value.strip_prefix("0:").unwrap_or(value).to_owned()),
        Form::State | Form::Conffiles | Form::Absent => None,
    })
}

fn write_field(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push('\n');
}

fn write_conffiles(text: &mut String, package: &Installed) {
    if package.conffiles.is_empty() {
        return;
    }
    text.push_str("Conffiles:\n");
    for conffile in &package.conffiles {
        // Writing to a string cannot fail.
        let path = String::from_utf8_lossy(conffile.path.as_bytes());
        let _ = writeln!(text, " /{path} {}", hex(&conffile.md5));
    }
}
