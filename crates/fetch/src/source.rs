//! Who is asked for a piece of content, in order: the place where it was found when it was locked,
//! then the providers of the settings. What an archive's mirrors no longer have is then asked of
//! those who keep old packages.

use std::path::PathBuf;

use enclair_recipe::{Place, ProviderKind, Wanted};
use reqwest::Url;

use crate::archive::{keepers, mirrors};
use crate::error::Error;
use crate::reason::Reason;
use crate::redacted::RedactedUrl;
use crate::registry::{Endpoint, endpoints};
use crate::settings::Settings;
use crate::template::{Template, Values};

/// Somebody to ask for one piece of content.
#[derive(Debug)]
pub(crate) struct Source {
    /// What it is called in messages.
    pub(crate) label: String,
    /// Where it has the content; or why it is not asked.
    pub(crate) way: Result<Way, Reason>,
}

/// How a source is asked.
#[derive(Debug)]
pub(crate) enum Way {
    Http(Url),
    File(PathBuf),
    Registry(Endpoint),
}

/// A provider whose template is parsed.
#[derive(Debug)]
pub(crate) struct CheckedProvider {
    kind: ProviderKind,
    template: Template,
    shown: RedactedUrl,
}

/// Parses the templates of the settings.
pub(crate) fn checked_providers(settings: &Settings) -> Result<Vec<CheckedProvider>, Error> {
    let checked = settings.providers.iter().map(|provider| {
        let shown = RedactedUrl::new(&provider.template);
        match Template::parse(&provider.template) {
            Ok(template) => Ok(CheckedProvider {
                kind: provider.kind,
                template,
                shown,
            }),
            Err(source) => Err(Error::Template {
                template: shown,
                source,
            }),
        }
    });
    checked.collect()
}

/// Everybody who is asked for `wanted`.
pub(crate) fn sources(
    wanted: &Wanted,
    providers: &[CheckedProvider],
    settings: &Settings,
) -> Vec<Source> {
    let mut sources = match &wanted.place {
        Place::Anywhere => Vec::new(),
        Place::Url(url) => vec![Source::at(url, &["http", "https"])],
        Place::Repository(repository) => repository_sources(repository, settings),
        Place::Archive { archive, path, .. } => mirrors(archive, path, settings),
    };
    let values = Values::of(wanted, settings.epoch);
    for provider in providers {
        if applies(provider.kind, &wanted.place) {
            sources.extend(provider.sources(&values, settings));
        }
    }
    if let Place::Archive {
        archive,
        path,
        date,
    } = &wanted.place
    {
        sources.extend(keepers(archive, path, *date, settings));
    }
    allowed(sources, settings)
}

/// Everybody who is asked for a file of an archive whose digest is not known.
pub(crate) fn archive_sources(archive: &str, path: &str, settings: &Settings) -> Vec<Source> {
    let mut sources = mirrors(archive, path, settings);
    sources.extend(keepers(archive, path, None, settings));
    allowed(sources, settings)
}

/// Offline, nobody is asked who is not on this disk.
fn allowed(mut sources: Vec<Source>, settings: &Settings) -> Vec<Source> {
    if settings.offline {
        for source in &mut sources {
            if !matches!(source.way, Ok(Way::File(_))) {
                source.way = Err(Reason::Offline);
            }
        }
    }
    sources
}

fn applies(kind: ProviderKind, place: &Place) -> bool {
    match kind {
        ProviderKind::Blob => true,
        ProviderKind::Image => matches!(place, Place::Repository(_)),
        ProviderKind::Url => matches!(place, Place::Url(_)),
        ProviderKind::Package => matches!(place, Place::Archive { .. }),
    }
}

/// A registry is several: its mirrors come first.
fn repository_sources(repository: &str, settings: &Settings) -> Vec<Source> {
    match endpoints(repository, settings) {
        Some(endpoints) => endpoints
            .into_iter()
            .map(|endpoint| Source {
                label: endpoint.to_string(),
                way: Ok(Way::Registry(endpoint)),
            })
            .collect(),
        None => vec![Source {
            label: RedactedUrl::new(repository).to_string(),
            way: Err(Reason::Url),
        }],
    }
}

impl CheckedProvider {
    fn sources(&self, values: &Values, settings: &Settings) -> Vec<Source> {
        match self.template.expand(values) {
            Ok(url) => match url.strip_prefix("oci://") {
                Some(repository) => repository_sources(repository, settings),
                None => vec![Source::at(&url, &["http", "https", "file"])],
            },
            Err(error) => vec![Source {
                label: self.shown.to_string(),
                way: Err(error.into()),
            }],
        }
    }
}

impl Source {
    pub(crate) fn at(text: &str, schemes: &[&str]) -> Self {
        Self {
            label: RedactedUrl::new(text).to_string(),
            way: parse(text, schemes),
        }
    }
}

/// Parses a URL with one of some schemes.
pub(crate) fn parse(text: &str, schemes: &[&str]) -> Result<Way, Reason> {
    let url = Url::parse(text).map_err(|_| Reason::Url)?;
    if !schemes.contains(&url.scheme()) {
        return Err(Reason::Scheme {
            scheme: url.scheme().to_owned(),
        });
    }
    if url.scheme() == "file" {
        return url.to_file_path().map(Way::File).map_err(|()| Reason::Url);
    }
    if url.has_host() {
        Ok(Way::Http(url))
    } else {
        Err(Reason::Url)
    }
}
