//! What has no digest yet: a URL, and a file of an archive of packages such as its signed
//! `InRelease`. It is asked for once, and known by its digest from then on.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use enclair_digest::Engine;
use enclair_recipe::Blob;
use reqwest::Url;

use crate::error::Error;
use crate::fetcher::Fetcher;
use crate::network::{Answer, Request};
use crate::reason::Reason;
use crate::redacted::RedactedUrl;
use crate::retry::Tries;
use crate::source::{Source, Way, archive_sources, parse};
use crate::summary::{Failure, Looked, Outcome};
use crate::transfer::open_regular;

impl<E: Engine> Fetcher<E> {
    /// Brings what is at a URL into the store; see [`enclair_recipe::Supply::resolve_url`].
    ///
    /// # Errors
    ///
    /// [`Error::Url`] with the reason, and those of the store.
    pub fn resolve_url(&self, url: &str, limit: u64) -> Result<Blob, Error> {
        let label = RedactedUrl::new(url).to_string();
        if self.settings().offline {
            return Err(Error::OfflineQuestion { what: label });
        }
        let source = Source {
            way: parse(url, &["http", "https"]),
            label,
        };
        let asked = self.ask(source, limit)?;
        let name = match &asked {
            Ok((label, _)) => label.clone(),
            Err(failure) => failure.provider.clone(),
        };
        self.note_answer(name, &asked, Vec::new());
        match asked {
            Ok((_, blob)) => Ok(blob),
            Err(failure) => Err(Error::Url { failure }),
        }
    }

    /// Brings a file of an archive into the store; see
    /// [`enclair_recipe::Supply::resolve_archive_file`].
    ///
    /// # Errors
    ///
    /// [`Error::Archive`] with everybody who was asked, and those of the store.
    pub fn resolve_archive_file(
        &self,
        archive: &str,
        path: &str,
        limit: u64,
    ) -> Result<Blob, Error> {
        let name = format!("{archive} {path}");
        let mut failures = Vec::new();
        for source in archive_sources(archive, path, self.settings()) {
            let asked = self.ask(source, limit)?;
            match asked {
                Ok((_, blob)) => {
                    self.note_answer(name, &asked, failures);
                    return Ok(blob);
                }
                Err(failure) => failures.push(failure),
            }
        }
        self.note(Looked {
            name: name.clone(),
            sha256: None,
            outcome: Outcome::Missing,
            failures: failures.clone(),
        });
        let is_unasked = |failure: &Failure| matches!(*failure.reason, Reason::Offline);
        if self.settings().offline && failures.iter().all(is_unasked) {
            return Err(Error::OfflineQuestion { what: name });
        }
        Err(Error::Archive {
            archive: archive.to_owned(),
            path: path.to_owned(),
            failures,
        })
    }

    fn note_answer(
        &self,
        name: String,
        asked: &Result<(String, Blob), Failure>,
        mut failures: Vec<Failure>,
    ) {
        let (sha256, outcome) = match asked {
            Ok((label, blob)) => (
                Some(blob.sha256),
                Outcome::Provided {
                    provider: label.clone(),
                    bytes: blob.size,
                },
            ),
            Err(failure) => {
                failures.push(failure.clone());
                (None, Outcome::Missing)
            }
        };
        self.note(Looked {
            name,
            sha256,
            outcome,
            failures,
        });
    }

    /// Asks one source; an outer error is one of this machine. The answer has the source's label.
    fn ask(&self, source: Source, limit: u64) -> Result<Result<(String, Blob), Failure>, Error> {
        let Source { label, way } = source;
        let (result, tries) = match way {
            Ok(Way::Http(url)) if self.is_unreachable(&url) => (Err(Reason::Unreachable), 0),
            Ok(Way::Http(url)) => {
                let (result, tries) = self.read_url(&label, &url, limit)?;
                if let Err(reason) = &result {
                    self.note_failure(&url, reason);
                }
                (result, tries)
            }
            Ok(Way::File(path)) => (self.read_file(&path, limit), 1),
            Ok(Way::Registry(_)) => (Err(Reason::Url), 0),
            Err(reason) => (Err(reason), 0),
        };
        match result {
            Ok(blob) => Ok(Ok((label, blob))),
            Err(Reason::Store(error)) => Err(Error::Store(error)),
            Err(reason) => Ok(Err(Failure {
                provider: label,
                reason: Arc::new(reason),
                tries,
            })),
        }
    }

    /// Asks for a URL until it is all there or there is no point; and how often that was.
    fn read_url(
        &self,
        label: &str,
        url: &Url,
        limit: u64,
    ) -> Result<(Result<Blob, Reason>, u32), Error> {
        let network = self.network()?;
        let mut tries = Tries::new(self.settings(), 0);
        let mut transfer = self.observer().begin(label, None);
        loop {
            let request = Request::get(url.clone());
            let mut told = |there| transfer.bytes(there);
            let read = network
                .send(request)
                .and_then(|answer| self.take(answer, limit, &mut told));
            let wait = match &read {
                Ok(_) => None,
                Err(reason) => tries.next(reason, 0),
            };
            let Some(wait) = wait else {
                transfer.done(read.is_ok().then_some(label));
                return Ok((read, tries.made()));
            };
            if let Err(reason) = &read {
                transfer.retry(label, &reason.to_string(), wait);
            }
            thread::sleep(wait);
        }
    }

    /// Puts the body of an answer into the store.
    fn take(
        &self,
        mut answer: Answer<'_>,
        limit: u64,
        told: &mut dyn FnMut(u64),
    ) -> Result<Blob, Reason> {
        if answer.status() != 200 {
            return Err(answer.failure(|_| None));
        }
        if answer.announced().is_some_and(|size| size > limit) {
            return Err(Reason::TooLarge { limit });
        }
        let mut incoming = self.store().incoming().map_err(Reason::Store)?;
        while let Some(chunk) = answer.chunk()? {
            let chunk = chunk.as_ref();
            let count = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            if count > limit.saturating_sub(incoming.size()) {
                return Err(Reason::TooLarge { limit });
            }
            let stored = incoming.write_all(chunk);
            stored.map_err(|error| Reason::Store(enclair_store::Error::Source(error)))?;
            told(incoming.size());
        }
        let (sha256, size) = incoming.finish().map_err(Reason::Store)?;
        Ok(Blob { sha256, size })
    }

    /// Puts a file of this disk into the store.
    fn read_file(&self, path: &Path, limit: u64) -> Result<Blob, Reason> {
        let file = open_regular(path)?;
        if file.metadata().map_err(Reason::File)?.len() > limit {
            return Err(Reason::TooLarge { limit });
        }
        // It may grow while it is read.
        let mut content = file.take(limit);
        let (sha256, size) = self.store().add(&mut content).map_err(Reason::Store)?;
        Ok(Blob { sha256, size })
    }
}
