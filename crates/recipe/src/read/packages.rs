//! `[source.packages]`, which is read and checked, and not built yet.

use crate::read::document::{Field, Reader};
use crate::read::keys::PACKAGES;
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::{Distribution, Packages, Scripts};
use crate::span::Spanned;

const DISTRIBUTIONS: [(&str, Distribution); 5] = [
    ("alpine", Distribution::Alpine),
    ("arch", Distribution::Arch),
    ("debian", Distribution::Debian),
    ("fedora", Distribution::Fedora),
    ("ubuntu", Distribution::Ubuntu),
];

pub(crate) fn packages(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<Packages>> {
    let table = reader.table(field, PACKAGES)?;
    let distribution = reader.required(&table, "distribution");
    let distribution = distribution.and_then(|word| reader.choice(&word, &DISTRIBUTIONS));
    let mut words = |key| {
        reader.list(table.get(key).as_ref(), |reader, item| {
            reader.parsed(item, word)
        })
    };
    let (suites, components) = (words("suites"), words("components"));
    let (install, exclude) = (words("install"), words("exclude"));
    let effects = reader.list(table.get("effects").as_ref(), |reader, item| {
        reader.parsed(item, text::id)
    });
    let required = reader.required(&table, "install");
    if let Some(field) = required.filter(|_| install.is_empty()) {
        reader.complain(&field, Complaint::new("at least one package is needed"));
    }
    let mut boolean = |key| {
        let field = table.get(key)?;
        reader.boolean(&field)
    };
    let (recommends, minimal) = (boolean("recommends"), boolean("minimal"));
    let scripts = [("effects", Scripts::Effects), ("sandbox", Scripts::Sandbox)];
    let scripts = table
        .get("scripts")
        .and_then(|field| reader.choice(&field, &scripts));
    let packages = Packages {
        distribution: distribution?,
        suites,
        components,
        install,
        exclude,
        recommends: recommends.unwrap_or_default(),
        minimal: minimal.unwrap_or_default(),
        scripts: scripts.unwrap_or_default(),
        effects,
    };
    Some(Spanned::new(packages, field.span))
}

/// The name of a package, a suite or a component: one word.
fn word(value: &str) -> Checked<String> {
    if value.contains(char::is_whitespace) {
        Err(Complaint::new("this has white space, and a name has none"))
    } else {
        text::name(value)
    }
}
