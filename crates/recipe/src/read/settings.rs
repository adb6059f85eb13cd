//! `provider`, `registry` and `archive`, of a recipe or of a settings file.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, quoted};
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::{ARCHIVE, PROVIDER, REGISTRY};
use crate::read::text::{self, Checked, Complaint};
use crate::reference::is_host;
use crate::settings::{Archive, Provider, ProviderKind, Registry, Settings, UrlTemplate};

const KINDS: [(&str, ProviderKind); 4] = [
    ("blob", ProviderKind::Blob),
    ("image", ProviderKind::Image),
    ("package", ProviderKind::Package),
    ("url", ProviderKind::Url),
];

/// The three tables of `document`.
pub(crate) fn read_settings(reader: &mut Reader, document: &Table<'_>) -> Settings {
    let items = document
        .get("provider")
        .and_then(|field| reader.items(&field));
    let providers = items.iter().flatten();
    let providers = providers
        .filter_map(|item| provider(reader, item))
        .collect();
    let table = document
        .get("registry")
        .and_then(|field| reader.any_table(&field));
    let mut registries = BTreeMap::new();
    for (host, field) in table.iter().flat_map(Table::fields) {
        if !is_host(host) {
            let message = format!("`{}` is no host with an optional port", quoted(host));
            let hint = "as in `[registry.\"localhost:5000\"]`";
            let problem = Diagnostic::new(message, field.key).with_label("no host");
            reader.report(problem.with_hint(Some(hint)));
        }
        if let Some(registry) = registry(reader, &field) {
            registries.insert(host.to_owned(), registry);
        }
    }
    Settings {
        providers,
        registries,
        archives: archives(reader, document),
    }
}

fn archives(reader: &mut Reader, document: &Table<'_>) -> BTreeMap<String, Archive> {
    let table = document.get("archive");
    let table = table.and_then(|field| reader.any_table(&field));
    let mut archives = BTreeMap::new();
    for (name, field) in table.iter().flat_map(Table::fields) {
        if !text::is_id(name) {
            let message = format!("`{}` is no name of an archive", quoted(name));
            let problem = Diagnostic::new(message, field.key).with_label("no name");
            reader.report(problem.with_hint(Some("as in `[archive.debian-security]`")));
        }
        if let Some(archive) = archive(reader, &field) {
            archives.insert(name.to_owned(), archive);
        }
    }
    archives
}

fn archive(reader: &mut Reader, field: &Field<'_>) -> Option<Archive> {
    let table = reader.table(field, ARCHIVE)?;
    let mirrors = reader.list(table.get("mirrors").as_ref(), |reader, item| {
        reader.parsed(item, archive_mirror)
    });
    let exclusive = table.get("exclusive");
    let exclusive = exclusive.and_then(|exclusive| reader.boolean(&exclusive));
    Some(Archive {
        mirrors,
        exclusive: exclusive.unwrap_or_default(),
    })
}

/// A URL that paths are put behind.
fn archive_mirror(value: &str) -> Checked<String> {
    if value.contains(['?', '#']) {
        return Err(Complaint::new("a path is put behind this URL")
            .hint(Some("as in `https://mirror.example/debian`")));
    }
    match value.strip_prefix("file://") {
        Some(path) if path.starts_with('/') => Ok(value.to_owned()),
        Some(_) => Err(Complaint::new("a `file` URL has an absolute path")
            .hint(Some("as in `file:///srv/mirror/debian`"))),
        None => text::url(value),
    }
}

fn provider(reader: &mut Reader, field: &Field<'_>) -> Option<Provider> {
    let table = reader.table(field, PROVIDER)?;
    let kind = reader.required(&table, "kind");
    let kind = kind.and_then(|kind| reader.choice(&kind, &KINDS));
    let url = reader.required(&table, "url");
    let url = url.and_then(|url| reader.parsed(&url, template));
    Some(Provider {
        kind: kind?,
        url: url?,
    })
}

fn template(text: &str) -> Checked<UrlTemplate> {
    let template = UrlTemplate::parse(text)
        .map_err(|error| Complaint::new(error.to_string()).hint(error.hint()))?;
    // The rules of URLs hold for what comes out, so they are tried on the text without braces.
    let plain = template.as_str().replace(['{', '}'], "");
    let rest = plain.split_once("://").map_or("", |(_, rest)| rest);
    match plain.starts_with("file://") {
        true if rest.starts_with('/') => Ok(template),
        true => Err(Complaint::new("a `file` URL has an absolute path")
            .hint(Some("as in `file:///var/cache/blobs/{sha256}`"))),
        false => text::check_url_rest(&plain, rest).map(|()| template),
    }
}

fn registry(reader: &mut Reader, field: &Field<'_>) -> Option<Registry> {
    let table = reader.table(field, REGISTRY)?;
    let mirrors = reader.list(table.get("mirrors").as_ref(), |reader, item| {
        reader.parsed(item, mirror)
    });
    let insecure = table.get("insecure");
    let insecure = insecure.and_then(|insecure| reader.boolean(&insecure));
    Some(Registry {
        mirrors,
        insecure: insecure.unwrap_or_default(),
    })
}

/// `HOST[:PORT][/PREFIX]`.
fn mirror(text: &str) -> Checked<String> {
    let (host, prefix) = text.split_once('/').unwrap_or((text, "mirror"));
    let known = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
    };
    let is_prefix = prefix.split('/').all(|part| {
        !part.is_empty() && part.bytes().all(known) && part.contains(char::is_alphanumeric)
    });
    if is_host(host) && is_prefix {
        return Ok(text.to_owned());
    }
    let message = format!("expected `HOST[:PORT][/PREFIX]`, found `{}`", quoted(text));
    let scheme = text.contains("://");
    Err(Complaint::new(message).hint(scheme.then_some(
        "leave the scheme out; `[registry.\"HOST\"]` with `insecure = true` is for plain HTTP",
    )))
}
