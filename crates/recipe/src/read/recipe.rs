//! The recipe as a whole: its tables in the order of the table of keys.

use crate::diagnostic::Diagnostic;
use crate::read::artifact::artifact;
use crate::read::document::{Reader, Table};
use crate::read::enclave::enclave;
use crate::read::files::files;
use crate::read::keys::{BOOT, LIMITS, NORMALIZE, RAMDISK, SIGN, SOURCE};
use crate::read::network::{attestation, network};
use crate::read::packages::packages;
use crate::read::run::{clock, logs, run};
use crate::read::settings::read_settings;
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::{Artifact, Boot, Normalize, RamdiskCompression, Recipe, Sign, Source};
use crate::span::{Span, Spanned};

/// The schema that this release reads.
const SCHEMA: i128 = 1;
/// Bytes that are unpacked when the recipe does not say.
pub(crate) const DEFAULT_UNPACKED: u64 = 16 << 30;

/// Reads the document's tables.
pub(crate) fn read_recipe(reader: &mut Reader, document: &Table<'_>) -> Option<Recipe> {
    let schema = reader.required(document, "schema");
    if let Some(field) = schema {
        reader.number_or(&field, "a number", schema_number, None);
    }
    let source = source(reader, document);
    let recipe = Recipe {
        enclave: enclave(reader, document),
        overlay: files(reader, document.get("overlay").as_ref()),
        run: run(reader, document),
        network: network(reader, document),
        attestation: attestation(reader, document),
        logs: logs(reader, document),
        clock: clock(reader, document),
        boot: boot(reader, document),
        compression: compression(reader, document),
        normalize: normalize(reader, document),
        allow: reader.list(document.get("allow").as_ref(), |reader, item| {
            reader.parsed(item, text::id)
        }),
        sign: sign(reader, document),
        unpacked: unpacked(reader, document),
        settings: read_settings(reader, document),
        source: source?,
    };
    check_archives(reader, &recipe);
    check_agent(reader, &recipe);
    Some(recipe)
}

/// An agent that no image of the recipe would have is a mistake, and not fetched in silence.
fn check_agent(reader: &mut Reader, recipe: &Recipe) {
    if let Some(agent) = &recipe.boot.agent
        && recipe.services().is_empty()
    {
        let message = "`boot.agent`: this image has nothing for an agent to do";
        let hint = "say what it is for in `[network]`, `[attestation]`, `[logs]` or `[clock]`, or leave it out";
        let span = agent.span().unwrap_or_default();
        reader.report(Diagnostic::new(message, span).with_hint(Some(hint)));
    }
}

/// A file of a package must say where the package is chosen from, unless the source does.
fn check_archives(reader: &mut Reader, recipe: &Recipe) {
    if matches!(recipe.source, Source::Packages(_)) {
        return;
    }
    for artifact in recipe.artifacts() {
        if let Artifact::Package { archive: None, .. } = artifact.get() {
            let message = "whose package this is is not said";
            let hint = "add `distribution = \"debian\"` and `suites = [\"bookworm\"]` to it";
            let span = artifact.span().unwrap_or_default();
            reader.report(Diagnostic::new(message, span).with_hint(Some(hint)));
        }
    }
}

fn schema_number(number: i128) -> Checked<()> {
    if number == SCHEMA {
        return Ok(());
    }
    let message = format!("this release reads schema {SCHEMA}, found {number}");
    let newer = number > SCHEMA;
    Err(Complaint::new(message).hint(newer.then_some("a newer release of enclair may read it")))
}

fn source(reader: &mut Reader, document: &Table<'_>) -> Option<Source> {
    let Some(field) = document.get("source") else {
        let message = "`[source]` is missing, which says where the root filesystem comes from";
        let hint = "add `[source]` with one of `image`, `packages`, `archive` and `files`";
        reader.report(Diagnostic::new(message, Span::default()).with_hint(Some(hint)));
        return None;
    };
    let table = reader.table(&field, SOURCE)?;
    let (form, field) = reader.exactly_one(&table, SOURCE)?;
    match form {
        "image" => reader.parsed(&field, text::reference).map(Source::Image),
        "archive" => artifact(reader, &field).map(Source::Archive),
        "dockerfile" => reader
            .parsed(&field, text::project_path)
            .map(Source::Dockerfile),
        "packages" => packages(reader, &field).map(|packages| Source::Packages(Box::new(packages))),
        _ => {
            let entries = files(reader, Some(&field));
            Some(Source::Files(Spanned::new(entries, field.span)))
        }
    }
}

fn boot(reader: &mut Reader, document: &Table<'_>) -> Boot {
    let table = document
        .get("boot")
        .and_then(|field| reader.table(&field, BOOT));
    let Some(table) = table else {
        return Boot::default();
    };
    let mut part = |key| {
        let field = table.get(key)?;
        artifact(reader, &field)
    };
    Boot {
        kernel: part("kernel"),
        init: part("init"),
        agent: part("agent"),
        nsm_module: part("nsm_module"),
    }
}

fn compression(reader: &mut Reader, document: &Table<'_>) -> Spanned<RamdiskCompression> {
    let choices = [
        ("none", RamdiskCompression::None),
        ("gzip", RamdiskCompression::Gzip),
        ("zstd", RamdiskCompression::Zstd),
    ];
    document
        .get("ramdisk")
        .and_then(|field| reader.table(&field, RAMDISK))
        .and_then(|table| table.get("compression"))
        .and_then(|field| reader.choice(&field, &choices))
        .unwrap_or_default()
}

fn normalize(reader: &mut Reader, document: &Table<'_>) -> Normalize {
    let table = document
        .get("normalize")
        .and_then(|field| reader.table(&field, NORMALIZE));
    let Some(table) = table else {
        return Normalize::default();
    };
    let mut ids = |key| {
        reader.list(table.get(key).as_ref(), |reader, item| {
            reader.parsed(item, text::id)
        })
    };
    Normalize {
        keep: ids("keep"),
        drop: ids("drop"),
    }
}

fn sign(reader: &mut Reader, document: &Table<'_>) -> Option<Spanned<Sign>> {
    let field = document.get("sign")?;
    let table = reader.table(&field, SIGN)?;
    let mut part = |key| {
        let field = reader.required(&table, key)?;
        reader.parsed(&field, text::text)
    };
    let (certificate, key) = (part("certificate"), part("key"));
    let sign = Sign {
        certificate: certificate?,
        key: key?,
    };
    Some(Spanned::new(sign, field.span))
}

fn unpacked(reader: &mut Reader, document: &Table<'_>) -> Spanned<u64> {
    document
        .get("limits")
        .and_then(|field| reader.table(&field, LIMITS))
        .and_then(|table| table.get("unpacked"))
        .and_then(|field| {
            let expected = "a number of bytes, or a string as in `\"16G\"`";
            reader.number_or(&field, expected, bytes, Some(text::size))
        })
        .unwrap_or(Spanned::unwritten(DEFAULT_UNPACKED))
}

fn bytes(number: i128) -> Checked<u64> {
    let bytes = u64::try_from(number).ok().filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| Complaint::new(format!("expected a number of bytes, found {number}")))
}
