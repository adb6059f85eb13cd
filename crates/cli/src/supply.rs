//! Where content comes from: the store, and the fetcher with the settings of user and project.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::Context as _;
use enclair_build::{AwsLc, LockFile};
use enclair_fetch::{Fetcher, Looked, Outcome, Provider, RegistrySettings, Settings};
use enclair_recipe as recipe;
use enclair_store::Store;

use crate::archives;
use crate::arguments::SupplyArguments;
use crate::environment;
use crate::failure::WrongDocument;
use crate::printer::Printer;
use crate::transfers::Transfers;

/// The store of this user.
pub(crate) fn store() -> anyhow::Result<Store<AwsLc>> {
    let path = environment::store()?;
    Store::open_with(&path, AwsLc)
        .with_context(|| format!("the store `{}` cannot be used", path.display()))
}

/// A fetcher. What the user says about registries, providers and archives comes before what the
/// project says, and this machine's apt sources come last.
pub(crate) fn fetcher(
    arguments: &SupplyArguments,
    project: Option<&recipe::Recipe>,
    printer: &Printer,
) -> anyhow::Result<Fetcher<AwsLc>> {
    let mut settings = Settings {
        offline: arguments.offline,
        credentials: environment::credentials(),
        docker_host: environment::docker_host(),
        ca_file: environment::ca_file(),
        proxies: environment::proxies(),
        now: environment::now(),
        ..Settings::default()
    };
    let user = user_settings()?;
    if let Some(user) = &user {
        add(&mut settings, user, Whose::User);
    }
    if let Some(project) = project {
        add(&mut settings, &project.settings, Whose::Project);
        add_repositories(&mut settings, project);
    }
    archives::add(&mut settings, archives::read(&environment::apt_sources()));
    for host in &arguments.insecure_registry {
        let registry = settings.registries.entry(host.clone()).or_default();
        (registry.insecure, registry.anonymous) = (true, false);
    }
    let fetcher = Fetcher::new(store()?, settings)?;
    Ok(if printer.shows_progress() {
        fetcher.with_observer(Arc::new(Transfers))
    } else {
        fetcher
    })
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    User,
    /// A stranger may have written it, so that a registry without TLS gets no password by it.
    Project,
}

fn add(settings: &mut Settings, layer: &recipe::Settings, whose: Whose) {
    let providers = layer.providers.iter().map(Provider::from);
    settings.providers.extend(providers);
    for (host, registry) in &layer.registries {
        let known = settings.registries.entry(host.clone());
        known.or_insert_with(|| RegistrySettings {
            anonymous: whose == Whose::Project && *registry.insecure,
            ..RegistrySettings::from(registry)
        });
    }
    for (name, archive) in &layer.archives {
        let known = settings.archives.entry(name.clone()).or_default();
        // A user whose archive has its mirrors alone is not asked for more by a project.
        if !known.exclusive {
            let mirrors = archive.mirrors.iter().map(|mirror| mirror.get().clone());
            known.mirrors.extend(mirrors);
            known.exclusive = *archive.exclusive;
        }
    }
}

/// The places that a recipe names for repositories of its own, behind those of settings.
fn add_repositories(settings: &mut Settings, project: &recipe::Recipe) {
    let recipe::Source::Packages(packages) = &project.source else {
        return;
    };
    for repository in &packages.repositories {
        let known = settings.archives.entry(repository.name.get().clone());
        let known = known.or_default();
        if let Some(url) = repository.url.as_ref().filter(|_| !known.exclusive) {
            known.mirrors.push(url.get().clone());
        }
    }
}

fn user_settings() -> anyhow::Result<Option<recipe::Settings>> {
    let Some(path) = environment::settings() else {
        return Ok(None);
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("`{}` cannot be read", path.display()));
        }
    };
    let settings = recipe::Settings::parse(&text).map_err(|source| WrongDocument {
        path: path.clone(),
        text,
        source,
    })?;
    Ok(Some(settings))
}

/// Lines about what was fetched; more than that are summed up.
const MOST_LINES: usize = 8;

/// Says who gave what was fetched, and who did not.
pub(crate) fn report(fetcher: &Fetcher<AwsLc>, printer: &Printer) {
    // What nobody gave is in the error.
    let summary = fetcher.summary();
    let looked = summary.looked.iter();
    let given = looked.filter(|looked| looked.outcome != Outcome::Missing);
    let (smooth, rough): (Vec<_>, Vec<_>) = given.partition(|looked| looked.failures.is_empty());
    let single = if smooth.len() > MOST_LINES {
        for line in sums_of(&smooth) {
            printer.note(&line);
        }
        rough
    } else {
        smooth.into_iter().chain(rough).collect()
    };
    for looked in single {
        for line in looked.to_string().lines() {
            printer.note(&format!("fetched  {}", crate::commands::escape(line)));
        }
    }
}

/// A line for each host that something came from.
fn sums_of(given: &[&Looked]) -> Vec<String> {
    let mut sums: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for looked in given {
        let (who, size) = match &looked.outcome {
            Outcome::Provided { provider, bytes } => (host_of(provider), *bytes),
            Outcome::Appeared => ("another process", 0),
            Outcome::Missing | _ => continue,
        };
        let (count, total) = sums.entry(who).or_default();
        *count += 1;
        *total = total.saturating_add(size);
    }
    let lines = sums.into_iter().map(|(who, (count, total))| {
        let who = crate::commands::escape(who);
        format!(
            "fetched  {count} files, {} from {who}",
            crate::commands::human_size(total)
        )
    });
    lines.collect()
}

/// A URL's scheme and host; any other provider is named as it is.
fn host_of(provider: &str) -> &str {
    let Some((scheme, rest)) = provider.split_once("://") else {
        return provider;
    };
    let host = rest.split('/').next().unwrap_or_default();
    provider
        .get(..scheme.len() + "://".len() + host.len())
        .unwrap_or(provider)
}

/// Notes in the store what a lock needs, so that `store gc` keeps it. A store that cannot be
/// written to, such as an exported one on a read-only disk, is still good to build from.
pub(crate) fn remember(store: &Store<AwsLc>, file: &LockFile, printer: &Printer) {
    let wanted = file.lock.wanted().into_iter();
    let mut digests: BTreeSet<_> = wanted.map(|wanted| wanted.blob.sha256).collect();
    digests.extend(file.lock.files().map(|(_, file)| file.blob.sha256));
    let noted = file
        .path
        .canonicalize()
        .map_err(anyhow::Error::from)
        .and_then(|path| Ok(store.remember(&path, &digests)?));
    if let Err(error) = noted {
        printer.note(&format!(
            "note: `store gc` will not know of this lock: {error:#}"
        ));
    }
}
