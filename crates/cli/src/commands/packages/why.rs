//! `enclair packages why`.

use std::fmt::Write as _;

use anyhow::Context as _;
use enclair_build::{AwsLc, Tools, Why, WhyChain};

use crate::arguments::PackagesWhy;
use crate::commands::{escape, open_project};
use crate::environment;
use crate::packages_documents::PackagesWhyDocument;
use crate::printer::Printer;
use crate::progress::progress;
use crate::supply;

/// How many ways a person reads.
const SHOWN: usize = 8;

/// Says why a package is locked.
pub(super) fn run(arguments: &PackagesWhy, printer: &Printer) -> anyhow::Result<()> {
    let project = open_project(&arguments.project)?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let why = project.why(&arguments.name, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let (file, why) =
        why.with_context(|| format!("`{}` cannot be explained", escape(&arguments.name)))?;
    if arguments.json {
        return printer.json(&PackagesWhyDocument::new(&file, &why));
    }
    Ok(printer.result(&text(&why))?)
}

fn text(why: &Why) -> String {
    let mut text = String::new();
    for package in &why.packages {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{package}, from {}", package.from);
    }
    for entry in &why.files {
        let _ = writeln!(text, "  the file of `{entry}` is in it");
    }
    for chain in why.chains.iter().take(SHOWN) {
        text.push_str(&way(chain));
    }
    match why.chains.len().saturating_sub(SHOWN) {
        0 => {}
        more => {
            let _ = writeln!(text, "  and {more} more; `--json` lists all");
        }
    }
    text
}

fn way(chain: &WhyChain) -> String {
    let root = &chain.package;
    let reason = chain.reason.text();
    let mut text = format!("  {} {} ({reason})\n", root.name, root.version);
    let mut indent = String::from("  ");
    for need in &chain.needs {
        indent.push_str("  ");
        let (field, relation) = (need.field, escape(&need.relation));
        let package = &need.package;
        let _ = writeln!(
            text,
            "{indent}{field} `{relation}`: {} {}",
            package.name, package.version
        );
    }
    text
}
