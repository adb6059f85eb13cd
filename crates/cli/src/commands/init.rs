//! `enclair init`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use enclair_build::OutputFile;
use enclair_import::{ForeignKind, Import, Note, import};
use enclair_recipe::commented_template;

use super::escape;
use crate::arguments::Init;
use crate::printer::Printer;
use crate::project_documents::{InitDocument, became};

/// Bytes of a foreign file that are read.
const MOST: u64 = 1 << 20;

/// Writes a recipe.
pub(crate) fn run(arguments: &Init, printer: &Printer) -> anyhow::Result<()> {
    let output = &arguments.output;
    let shown = output.display();
    if output.exists() && !arguments.force {
        bail!("`{shown}` is there already; `--force` writes it anew");
    }
    let imported = match &arguments.from {
        Some(path) => take_over(path).with_context(|| format!("`{}`", path.display()))?,
        None => Import {
            recipe: commented_template(),
            notes: Vec::new(),
        },
    };
    write(output, &imported.recipe).with_context(|| format!("`{shown}` cannot be written"))?;
    if arguments.json {
        return printer.json(&InitDocument::new(output, &imported.notes));
    }
    for note in &imported.notes {
        printer.note(&line(note));
    }
    printer.result(&format!("`{shown}` is written\n"))?;
    printer.note("hint: edit it, then run `enclair lock`");
    Ok(())
}

fn take_over(path: &Path) -> anyhow::Result<Import> {
    let size = fs::metadata(path).context("cannot be read")?.len();
    if size > MOST {
        bail!("has {size} bytes, at most {MOST} are read");
    }
    let text = fs::read_to_string(path).context("cannot be read")?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let kind = ForeignKind::detect(&name, &text).ok_or_else(|| {
        anyhow!("is none of Dockerfile, enclaver.yaml, enclave.toml and caution.hcl")
    })?;
    Ok(import(kind, &name, &text)?)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OutputFile::create(path)?;
    file.file().write_all(text.as_bytes())?;
    file.commit()
}

fn line(note: &Note) -> String {
    let (became, what) = became(&note.kind);
    let became = became.replace('-', " ");
    let field = escape(&note.field);
    format!("{became:12}{field} (line {}): {}", note.line, escape(what))
}
