//! Artifacts: files from somewhere, in one of four forms.

use enclair_digest::{ParseDigestError, Sha256};

use crate::read::document::{Field, Reader, Table};
use crate::read::keys::ARTIFACT;
use crate::read::packages;
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::Artifact;
use crate::span::Spanned;

const FORMS: [&str; 4] = ["file", "url", "image", "package"];
/// What says where a package is chosen from.
const ARCHIVE: [&str; 3] = ["distribution", "suites", "components"];

/// `"PATH"`, or a table with one of the four forms.
pub(crate) fn artifact(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<Artifact>> {
    if field.is_text() {
        let path = reader.parsed(field, text::text)?;
        return Some(Spanned::new(Artifact::File { path }, field.span));
    }
    let table = reader.table(field, ARTIFACT)?;
    let (form, value) = reader.exactly_one(&table, &FORMS)?;
    if form != "url" {
        reader.refuse(&table, &["sha256"], &value);
    }
    if form != "package" {
        reader.refuse(&table, &ARCHIVE, &value);
    }
    let path = match form {
        "file" => {
            reader.refuse(&table, &["path"], &value);
            None
        }
        "url" => table.get("path"),
        _ => reader.required(&table, "path"),
    };
    let path = path.and_then(|path| reader.parsed(&path, text::text));
    let artifact = match form {
        "file" => Artifact::File {
            path: reader.parsed(&value, text::text)?,
        },
        "url" => Artifact::Url {
            url: reader.parsed(&value, text::url)?,
            path,
            sha256: table
                .get("sha256")
                .and_then(|digest| reader.parsed(&digest, sha256)),
        },
        "image" => Artifact::Image {
            reference: reader.parsed(&value, text::reference)?,
            path: path?,
        },
        _ => package(reader, &table, &value, path)?,
    };
    Some(Spanned::new(artifact, field.span))
}

fn package(
    reader: &mut Reader,
    table: &Table<'_>,
    value: &Field<'_>,
    path: Option<Spanned<String>>,
) -> Option<Artifact> {
    let is_said = ARCHIVE.iter().any(|key| table.get(key).is_some());
    let archive = is_said.then(|| packages::archive(reader, table));
    Some(Artifact::Package {
        name: reader.parsed(value, packages::package_name)?,
        path: path?,
        archive: match archive {
            Some(archive) => Some(Box::new(archive?)),
            None => None,
        },
    })
}

fn sha256(text: &str) -> Checked<Sha256> {
    text.parse().map_err(|error: ParseDigestError| {
        let bare = text.strip_prefix("sha256:");
        Complaint::new(error.to_string()).hint(bare.map(|_| "write the digits without `sha256:`"))
    })
}
