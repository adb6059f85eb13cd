//! The fetcher: what is missing, fetched by several threads, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use enclair_digest::{Engine, PureRust, Sha256};
use enclair_eif::Arch;
use enclair_recipe::{Blob, Supply, SupplyError, Wanted};
use enclair_store::Store;
use reqwest::Url;

use crate::error::{Error, Missing};
use crate::network::Network;
use crate::observer::{Observer, Unobserved};
use crate::reason::Reason;
use crate::registry::{Sessions, check_registries};
use crate::settings::Settings;
use crate::source::{CheckedProvider, Source, checked_providers, sources};
use crate::summary::{Failure, Looked, Outcome, Summary};

/// Bytes of something derived that are read; a parsed index has some ten million.
const DERIVED_LIMIT: u64 = 256 << 20;

/// Brings content into a store.
///
/// Calls block. Nothing of a network exists before something is missing, and with
/// [`Settings::offline`] it never does.
#[derive(Debug)]
pub struct Fetcher<E: Engine = PureRust> {
    store: Store<E>,
    settings: Settings,
    providers: Vec<CheckedProvider>,
    observer: Arc<dyn Observer>,
    network: OnceLock<Network>,
    sessions: Sessions,
    summary: Mutex<Summary>,
    /// Servers with whom there was no connection. A hundred packages are not each to wait for a
    /// mirror that is not there.
    unreachable: Mutex<BTreeSet<String>>,
}

impl<E: Engine> Fetcher<E> {
    /// A fetcher for a store.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] for a provider whose template is none, [`Error::Registry`] for a
    /// registry or mirror that is none.
    pub fn new(store: Store<E>, settings: Settings) -> Result<Self, Error> {
        let providers = checked_providers(&settings)?;
        check_registries(&settings)?;
        Ok(Self {
            sessions: Sessions::new(settings.credentials.clone()),
            store,
            settings,
            providers,
            observer: Arc::new(Unobserved),
            network: OnceLock::new(),
            summary: Mutex::default(),
            unreachable: Mutex::default(),
        })
    }

    /// Tells `observer` of every transfer.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The store that content comes into.
    pub fn store(&self) -> &Store<E> {
        &self.store
    }

    /// What was looked for elsewhere than in the store so far: who gave it, and why others did
    /// not.
    pub fn summary(&self) -> Summary {
        self.lock_summary().clone()
    }

    /// Sees to it that all of `wanted` is in the store; see [`Supply::obtain`].
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] and [`Error::Offline`] with everything that could not be had, and those
    /// of the store.
    pub fn obtain(&self, wanted: &[Wanted]) -> Result<(), Error> {
        self.obtain_each(wanted, &mut |_| ())
    }

    /// Sees to it that all of `wanted` is in the store, and tells `there` of each piece; see
    /// [`Supply::obtain_each`]. It is called on the thread that calls this.
    ///
    /// # Errors
    ///
    /// Those of [`Self::obtain`].
    pub fn obtain_each(
        &self,
        wanted: &[Wanted],
        there: &mut dyn FnMut(usize),
    ) -> Result<(), Error> {
        let absent = self.absent(wanted)?;
        if absent.is_empty() {
            (0..wanted.len()).for_each(there);
            return Ok(());
        }
        if !self.settings.offline {
            self.network()?;
        }
        let mut places: BTreeMap<Blob, Vec<usize>> = BTreeMap::new();
        for (place, piece) in wanted.iter().enumerate() {
            places.entry(piece.blob).or_default().push(place);
        }
        let missing = self.search_all(&absent, &places, there)?;
        if missing.is_empty() {
            return Ok(());
        }
        if self.settings.offline {
            let blobs = missing.into_iter().map(|lost| (lost.name, lost.blob));
            return Err(Error::Offline {
                blobs: blobs.collect(),
            });
        }
        Err(Error::Missing { missing })
    }

    /// Each piece that the store lacks, once; the largest first, so that none is left over for
    /// one thread at the end.
    fn absent<'a>(&self, wanted: &'a [Wanted]) -> Result<Vec<&'a Wanted>, Error> {
        let mut seen = BTreeSet::new();
        let mut absent = Vec::new();
        for piece in wanted {
            let Blob { sha256, size } = piece.blob;
            if seen.insert(piece.blob)
                && self.store.blob_size(&sha256).map_err(Error::Store)? != Some(size)
            {
                absent.push(piece);
            }
        }
        absent.sort_by_key(|piece| std::cmp::Reverse(piece.blob.size));
        Ok(absent)
    }

    /// Searches for all of `absent` on several threads. `there` is told of what the store has already
    /// as soon as they are at work, and then of what they found; `places` says where a blob is wanted.
    fn search_all(
        &self,
        absent: &[&Wanted],
        places: &BTreeMap<Blob, Vec<usize>>,
        there: &mut dyn FnMut(usize),
    ) -> Result<Vec<Missing>, Error> {
        let threads = self.settings.parallel.clamp(1, absent.len().max(1));
        let next = AtomicUsize::new(0);
        let broken = AtomicBool::new(false);
        let results: Mutex<Vec<Result<Option<Missing>, Error>>> = Mutex::default();
        let (found, arrivals) = channel();
        thread::scope(|scope| {
            for _ in 0..threads {
                let found = found.clone();
                let (next, broken, results) = (&next, &broken, &results);
                scope.spawn(move || {
                    while !broken.load(Ordering::Relaxed)
                        && let Some(wanted) = absent.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let result = self.search_one(wanted);
                        broken.fetch_or(result.is_err(), Ordering::Relaxed);
                        if matches!(result, Ok(None)) {
                            // Whoever listens does so until the last thread has ended.
                            let _ = found.send(wanted.blob);
                        }
                        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                        results.push(result);
                    }
                });
            }
            drop(found);
            let lacking: BTreeSet<Blob> = absent.iter().map(|piece| piece.blob).collect();
            let known = places
                .keys()
                .copied()
                .filter(|blob| !lacking.contains(blob));
            for blob in known.chain(arrivals) {
                places
                    .get(&blob)
                    .into_iter()
                    .flatten()
                    .copied()
                    .for_each(&mut *there);
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Searches for one piece, and notes how that ended.
    pub(crate) fn search_one(&self, wanted: &Wanted) -> Result<Option<Missing>, Error> {
        let looked = match self.search(wanted) {
            Ok(looked) => looked,
            Err(Reason::Store(error)) => return Err(Error::Store(error)),
            // The digest of nothing is known without asking anybody.
            Err(reason) => Looked {
                name: wanted.name.clone(),
                sha256: Some(wanted.blob.sha256),
                outcome: Outcome::Missing,
                failures: vec![Failure {
                    provider: "nothing".to_owned(),
                    reason: Arc::new(reason),
                    tries: 0,
                }],
            },
        };
        let missing = (looked.outcome == Outcome::Missing).then(|| Missing {
            name: wanted.name.clone(),
            blob: wanted.blob,
            place: wanted.place.clone(),
            failures: looked.failures.clone(),
        });
        self.note(looked);
        Ok(missing)
    }

    pub(crate) fn sources(&self, wanted: &Wanted) -> Vec<Source> {
        sources(wanted, &self.providers, &self.settings)
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The network, which exists from the first call on.
    pub(crate) fn network(&self) -> Result<&Network, Error> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let started = Network::start(&self.settings)?;
        Ok(self.network.get_or_init(|| started))
    }

    /// The network, if there is one.
    pub(crate) fn started(&self) -> Result<&Network, Reason> {
        self.network.get().ok_or(Reason::Offline)
    }

    /// Whether there was no connection with the server of a URL.
    pub(crate) fn is_unreachable(&self, url: &Url) -> bool {
        self.lock_unreachable().contains(&server(url))
    }

    /// Notes the server of a URL, if this is what a failure says of it.
    pub(crate) fn note_failure(&self, url: &Url, reason: &Reason) {
        if reason.is_unreachable() {
            self.lock_unreachable().insert(server(url));
        }
    }

    fn lock_unreachable(&self) -> MutexGuard<'_, BTreeSet<String>> {
        let servers = self.unreachable.lock();
        servers.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, looked: Looked) {
        self.lock_summary().looked.push(looked);
    }

    fn lock_summary(&self) -> MutexGuard<'_, Summary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn server(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl<E: Engine> Supply for Fetcher<E> {
    fn obtain(&self, wanted: &[Wanted]) -> Result<(), SupplyError> {
        Ok(Self::obtain(self, wanted)?)
    }

    fn obtain_each(
        &self,
        wanted: &[Wanted],
        there: &mut dyn FnMut(usize),
    ) -> Result<(), SupplyError> {
        Ok(Self::obtain_each(self, wanted, there)?)
    }

    fn open(&self, sha256: &Sha256) -> Result<Box<dyn Read + Send>, SupplyError> {
        Ok(Box::new(self.store.open_blob(sha256)?))
    }

    fn keep(&self, content: &mut dyn Read) -> Result<Blob, SupplyError> {
        let (sha256, size) = self.store.add(content)?;
        Ok(Blob { sha256, size })
    }

    fn set_aside(&self, sha256: &Sha256) -> Result<(), SupplyError> {
        self.store.set_aside(sha256)?;
        Ok(())
    }

    fn resolve_image(&self, reference: &str, arch: Arch) -> Result<Blob, SupplyError> {
        Ok(Self::resolve_image(self, reference, arch)?)
    }

    fn resolve_url(&self, url: &str, limit: u64) -> Result<Blob, SupplyError> {
        Ok(Self::resolve_url(self, url, limit)?)
    }

    fn save_daemon_image(&self, name: &str, archive: &mut dyn Write) -> Result<(), SupplyError> {
        Ok(Self::save_daemon_image(self, name, archive)?)
    }

    fn resolve_archive_file(
        &self,
        archive: &str,
        path: &str,
        limit: u64,
    ) -> Result<Blob, SupplyError> {
        Ok(Self::resolve_archive_file(self, archive, path, limit)?)
    }

    fn derived(&self, kind: &str, of: &Sha256) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let file = self.store.derived(kind, of).ok()??;
        file.take(DERIVED_LIMIT).read_to_end(&mut content).ok()?;
        Some(content)
    }

    fn keep_derived(&self, kind: &str, of: &Sha256, content: &[u8]) {
        // It only saves time, and the store may be on a disk that can only be read.
        let _ = self.store.keep_derived(kind, of, content);
    }
}

#[cfg(test)]
mod tests {
    use enclair_recipe::Place;

    use super::*;

    /// A fetcher with `content` in its store, and what it is asked for.
    fn fetcher(content: &[u8], offline: bool) -> (Fetcher, [Wanted; 1], tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let (sha256, size) = store.add(&mut &content[..]).unwrap();
        let settings = Settings {
            offline,
            ..Settings::default()
        };
        let wanted = Wanted {
            blob: Blob { sha256, size },
            name: "kernel".into(),
            place: Place::Url("http://127.0.0.1:1/".into()),
        };
        let fetcher = Fetcher::new(store, settings).unwrap();
        (fetcher, [wanted], directory)
    }

    #[test]
    fn there_is_no_network_while_nothing_is_missing() {
        let (fetcher, wanted, _directory) = fetcher(b"content", false);
        fetcher.obtain(&wanted).unwrap();
        fetcher.obtain(&[]).unwrap();
        assert!(fetcher.network.get().is_none());
    }

    #[test]
    fn offline_there_is_never_a_network() {
        let (fetcher, [mut wanted], _directory) = fetcher(b"content", true);
        wanted.blob.size += 1;
        assert!(fetcher.obtain(&[wanted]).is_err());
        assert!(fetcher.resolve_url("http://127.0.0.1:1/", 1).is_err());
        let image = fetcher.resolve_image("localhost/a:1", Arch::X86_64);
        assert!(image.is_err());
        let saved = fetcher.save_daemon_image("a", &mut Vec::new());
        assert!(saved.is_err());
        assert!(fetcher.network.get().is_none());
    }
}
