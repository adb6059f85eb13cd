//! The fields of one package, before they are checked.

use enclair_digest::Sha256;

use super::package::RELATIONS;
use super::{FieldProblem, IndexError, MAX_PACKAGE_SIZE, MultiArch, Priority, RelationKind};
use crate::control::{Field, Paragraph};

/// What is kept of one package: a paragraph of `Packages` or an entry of a cache comes to this,
/// and [`super::build::Builder`] checks both alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fields<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) architecture: &'a str,
    pub(super) source: &'a str,
    pub(super) section: &'a str,
    pub(super) filename: &'a str,
    pub(super) relations: [&'a str; RELATIONS],
    pub(super) size: u64,
    pub(super) installed: Option<u64>,
    pub(super) sha256: Option<Sha256>,
    pub(super) priority: Priority,
    pub(super) multi_arch: MultiArch,
    pub(super) essential: bool,
    pub(super) important: bool,
}

/// Calls `then` with the fields of a paragraph, and says of which package an error is.
pub(super) fn with(
    paragraph: &Paragraph<'_>,
    then: impl FnOnce(&Fields<'_>) -> Result<(), (&'static str, FieldProblem)>,
) -> Result<(), IndexError> {
    let mut fields = Fields::default();
    let mut result = Ok(());
    for field in paragraph.fields() {
        result = result.and_then(|()| take(&mut fields, (field.name(), field.value())));
    }
    result
        .and_then(|()| then(&fields))
        .map_err(|(field, problem)| IndexError::Field {
            line: paragraph.find(field).map_or(paragraph.line(), Field::line),
            package: fields.name.chars().take(100).collect(),
            field,
            problem,
        })
}

/// Which field a name means. Names are of any case; their length alone rules most of them out.
fn known(name: &str) -> Option<&'static str> {
    let known: &[&'static str] = match name.len() {
        4 => &["Size"],
        6 => &["SHA256", "Source", "Breaks"],
        7 => &["Package", "Version", "Section", "Depends"],
        8 => &["Filename", "Priority", "Provides", "Replaces"],
        9 => &["Conflicts", "Essential", "Important"],
        10 => &["Multi-Arch", "Recommends"],
        11 => &["Pre-Depends"],
        12 => &["Architecture"],
        14 => &["Installed-Size"],
        _ => &[],
    };
    let mut known = known.iter();
    known
        .find(|known| name.eq_ignore_ascii_case(known))
        .copied()
}

/// Takes a field by its name and value, if it is one that is kept.
pub(super) fn take<'a>(
    fields: &mut Fields<'a>,
    (name, value): (&str, &'a str),
) -> Result<(), (&'static str, FieldProblem)> {
    let Some(name) = known(name) else {
        return Ok(());
    };
    match name {
        "Package" => fields.name = value,
        "Version" => fields.version = value,
        "Architecture" => fields.architecture = value,
        "Source" => fields.source = value,
        "Section" => fields.section = value,
        "Filename" => fields.filename = value,
        "Size" => fields.size = number(value).ok_or((name, FieldProblem::Number))?,
        "Installed-Size" => fields.installed = number(value),
        "SHA256" => {
            let digest = value
                .parse()
                .map_err(|error| (name, FieldProblem::Digest(error)))?;
            fields.sha256 = Some(digest);
        }
        "Priority" => fields.priority = priority(value),
        "Multi-Arch" => fields.multi_arch = multi_arch(value).ok_or((name, FieldProblem::Word))?,
        "Essential" => fields.essential = value.eq_ignore_ascii_case("yes"),
        "Important" => fields.important = value.eq_ignore_ascii_case("yes"),
        relation => {
            let kind = RelationKind::ALL
                .into_iter()
                .find(|kind| kind.field() == relation);
            let place = kind.and_then(|kind| fields.relations.get_mut(kind.place()));
            if let Some(place) = place {
                *place = value;
            }
        }
    }
    Ok(())
}

fn number(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits)
}

/// What is no word of policy is the last one: it only decides which of several providers is taken.
fn priority(value: &str) -> Priority {
    match value {
        "required" => Priority::Required,
        "important" => Priority::Important,
        "standard" => Priority::Standard,
        "optional" => Priority::Optional,
        _ => Priority::Extra,
    }
}

fn multi_arch(value: &str) -> Option<MultiArch> {
    Some(match value {
        "no" => MultiArch::No,
        "same" => MultiArch::Same,
        "foreign" => MultiArch::Foreign,
        "allowed" => MultiArch::Allowed,
        _ => return None,
    })
}

/// Whether a package's file can have this size.
pub(super) fn check_size(size: u64) -> Result<u64, FieldProblem> {
    if (1..=MAX_PACKAGE_SIZE).contains(&size) {
        Ok(size)
    } else {
        Err(FieldProblem::Size { found: size })
    }
}
