//! `[source.packages]`: where packages are chosen from, and which.

mod effects;

use crate::packages::{
    Base, Distribution, PackageArchive, Packages, Repository, Scripts, Supplied,
};
use crate::read::artifact::artifact;
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::{PACKAGES, REPOSITORY};
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::Artifact;
use crate::span::Spanned;

const DISTRIBUTIONS: [(&str, Distribution); 5] = [
    ("alpine", Distribution::Alpine),
    ("arch", Distribution::Arch),
    ("debian", Distribution::Debian),
    ("fedora", Distribution::Fedora),
    ("ubuntu", Distribution::Ubuntu),
];
const BASES: [(&str, Base); 3] = [
    ("none", Base::None),
    ("essential", Base::Essential),
    ("required", Base::Required),
];
const SCRIPTS: [(&str, Scripts); 3] = [
    ("effects", Scripts::Effects),
    ("refuse", Scripts::Refuse),
    ("sandbox", Scripts::Sandbox),
];
/// Where packages are looked for when a recipe does not say it.
const DEFAULT_COMPONENT: &str = "main";
/// Names of archives that a repository of a recipe must not take.
const OWN_ARCHIVES: [&str; 4] = ["debian", "debian-security", "ubuntu", "ubuntu-ports"];

pub(crate) fn packages(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<Packages>> {
    let table = reader.table(field, PACKAGES)?;
    let archive = archive(reader, &table);
    let repositories = repositories(reader, &table);
    let install = words(reader, &table, "install", package);
    if let Some(field) = reader
        .required(&table, "install")
        .filter(Field::is_empty_array)
    {
        reader.complain(&field, Complaint::new("at least one package is needed"));
    }
    let exclude = words(reader, &table, "exclude", package_name);
    let path_exclude = words(reader, &table, "path_exclude", pattern);
    let path_include = words(reader, &table, "path_include", pattern);
    let mut boolean = |key| {
        let field = table.get(key)?;
        reader.boolean(&field)
    };
    let (recommends, minimal) = (boolean("recommends"), boolean("minimal"));
    let base = table.get("base");
    let base = base.and_then(|field| reader.choice(&field, &BASES));
    let scripts = table.get("scripts");
    let scripts = scripts.and_then(|field| reader.choice(&field, &SCRIPTS));
    let effects = table.get("effects");
    let effects = effects.map_or_else(Supplied::default, |field| effects::supplied(reader, &field));
    let packages = Packages {
        archive: archive?,
        repositories,
        install,
        exclude,
        recommends: recommends.unwrap_or_default(),
        base: base.unwrap_or_default(),
        minimal: minimal.unwrap_or_default(),
        path_exclude,
        path_include,
        scripts: scripts.unwrap_or_default(),
        effects,
    };
    Some(Spanned::new(packages, field.span))
}

/// Distribution, suites and components, which stand in `table` beside other keys.
pub(crate) fn archive(reader: &mut Reader, table: &Table<'_>) -> Option<PackageArchive> {
    let distribution = reader.required(table, "distribution");
    let distribution = distribution.and_then(|word| reader.choice(&word, &DISTRIBUTIONS));
    let (suites, components) = suites(reader, table);
    Some(PackageArchive {
        distribution: distribution?,
        suites,
        components,
    })
}

/// At least one suite, and the components of all of them.
fn suites(reader: &mut Reader, table: &Table<'_>) -> (Vec<Spanned<String>>, Vec<Spanned<String>>) {
    let suites = words(reader, table, "suites", suite);
    if let Some(field) = reader
        .required(table, "suites")
        .filter(Field::is_empty_array)
    {
        reader.complain(&field, Complaint::new("at least one suite is needed"));
    }
    let mut components = words(reader, table, "components", word);
    if components.is_empty() {
        components.push(Spanned::unwritten(DEFAULT_COMPONENT.to_owned()));
    }
    (suites, components)
}

fn repositories(reader: &mut Reader, table: &Table<'_>) -> Vec<Repository> {
    let field = table.get("repository");
    let items = field.and_then(|field| reader.items(&field));
    let mut repositories: Vec<Repository> = Vec::new();
    for item in items.unwrap_or_default() {
        let Some(found) = repository(reader, &item) else {
            continue;
        };
        match repositories.iter().find(|known| known.name == found.name) {
            Some(known) => reader.twice(&item, known.name.span()),
            None => repositories.push(found),
        }
    }
    repositories
}

fn repository(reader: &mut Reader, field: &Field<'_>) -> Option<Repository> {
    let table = reader.table(field, REPOSITORY)?;
    let name = reader.required(&table, "name");
    let name = name.and_then(|name| reader.parsed(&name, repository_name));
    let url = table.get("url");
    let url = url.and_then(|url| reader.parsed(&url, text::url));
    let (suites, components) = suites(reader, &table);
    let key_field = reader.required(&table, "key");
    let key = key_field.as_ref().and_then(|field| key(reader, field));
    Some(Repository {
        name: name?,
        url,
        suites,
        components,
        key: key?,
    })
}

/// A key decides what is believed, so it is pinned: by the commit, or by its digest.
fn key(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<Artifact>> {
    let key = artifact(reader, field)?;
    let problem = match key.get() {
        Artifact::File { path } => text::project_path(path).err(),
        Artifact::Url {
            sha256: Some(_),
            path: None,
            ..
        } => None,
        Artifact::Url { .. } => Some(
            Complaint::new("a key at a URL needs its digest, and is no archive")
                .hint(Some("add `sha256`")),
        ),
        Artifact::Image { .. } | Artifact::Package { .. } => Some(Complaint::new(
            "a key is a file of the project, or at a URL with `sha256`",
        )),
    };
    match problem {
        None => Some(key),
        Some(complaint) => {
            reader.complain(field, complaint);
            None
        }
    }
}

fn words(
    reader: &mut Reader,
    table: &Table<'_>,
    key: &str,
    check: fn(&str) -> Checked<String>,
) -> Vec<Spanned<String>> {
    reader.list(table.get(key).as_ref(), |reader, item| {
        reader.parsed(item, check)
    })
}

/// The name of a component: one word.
fn word(value: &str) -> Checked<String> {
    if value.contains(char::is_whitespace) {
        Err(Complaint::new("this has white space, and a name has none"))
    } else {
        text::name(value)
    }
}

/// The name of a suite. It becomes part of a path in the archive.
fn suite(value: &str) -> Checked<String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+-./_".contains(&byte);
    let is_path = value
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.'));
    if is_path && value.bytes().all(known) {
        Ok(value.to_owned())
    } else {
        Err(Complaint::new("this is no suite")
            .hint(Some("a suite is a codename, as in `bookworm-security`")))
    }
}

/// What a repository is called.
fn repository_name(value: &str) -> Checked<String> {
    let name = text::id(value)?;
    if OWN_ARCHIVES.contains(&value) {
        return Err(Complaint::new("a distribution's own archive is called so"));
    }
    Ok(name)
}

/// `NAME`, `NAME:ARCH`, `NAME=VERSION` or `NAME/SUITE`. What the name is of the policy's grammar is
/// checked here; whether there is such a package is the resolver's business.
fn package(value: &str) -> Checked<String> {
    let end = value.find(['=', '/', ':']).unwrap_or(value.len());
    let (name, rest) = value.split_at_checked(end).unwrap_or((value, ""));
    package_name(name)?;
    if rest.len() == 1 || rest.contains(char::is_whitespace) || rest.contains(char::is_control) {
        return Err(Complaint::new("this is no package")
            .hint(Some("write `NAME`, `NAME=VERSION`, or `NAME=7.88*`")));
    }
    Ok(value.to_owned())
}

/// The name of a package (Debian policy, 5.6.7).
pub(crate) fn package_name(value: &str) -> Checked<String> {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let begins = value
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if begins && value.len() > 1 && value.bytes().all(known) {
        return Ok(value.to_owned());
    }
    Err(Complaint::new("this is no name of a package").hint(Some(
        "names have two or more of `a-z`, `0-9`, `+`, `-` and `.`",
    )))
}

/// A pattern of absolute paths.
fn pattern(value: &str) -> Checked<String> {
    if value.starts_with('/') || value.starts_with('*') {
        text::name(value)
    } else {
        Err(Complaint::new("a pattern begins with `/` or `*`"))
    }
}
