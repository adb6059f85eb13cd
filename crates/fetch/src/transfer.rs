//! One piece of content from one source into the store's partial, whole or from where it stopped.
//!
//! What is in the partial may be another provider's, and nothing proves it before all is there.
//! So a result that was continued and is wrong says nothing about who continued it: it starts over
//! there once, and only then that source has failed.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

use enclair_digest::Engine;
use enclair_recipe::{Blob, Wanted};
use enclair_store::{Claim, Partial};
use reqwest::header::CONTENT_RANGE;

use crate::fetcher::Fetcher;
use crate::header::parse_content_range;
use crate::network::{Answer, Request};
use crate::observer::Transfer;
use crate::reason::{Chain, Reason};
use crate::retry::Tries;
use crate::source::{Source, Way};
use crate::summary::{Failure, Looked, Outcome};

/// Bytes that are copied from a file at a time.
const PIECE: usize = 256 << 10;

/// A search for one piece of content.
pub(crate) struct Search<'a, E: Engine> {
    fetcher: &'a Fetcher<E>,
    blob: Blob,
    transfer: &'a mut dyn Transfer,
}

/// What one source did.
enum End<E: Engine> {
    /// Gave it.
    Given { bytes: u64 },
    /// It is there, and another process brought it.
    Appeared,
    /// Did not; what is there so far may be of use to the next.
    Failed {
        partial: Partial<E>,
        reason: Reason,
        tries: u32,
    },
}

impl<E: Engine> Fetcher<E> {
    /// Asks one source after the other. An error is one of this machine, not of a source.
    pub(crate) fn search(&self, wanted: &Wanted) -> Result<Looked, Reason> {
        let mut transfer = self.observer().begin(&wanted.name, Some(wanted.blob.size));
        let search = Search {
            fetcher: self,
            blob: wanted.blob,
            transfer: transfer.as_mut(),
        };
        let looked = search.run(wanted);
        let provider = match &looked {
            Ok(Looked {
                outcome: Outcome::Provided { provider, .. },
                ..
            }) => Some(provider.as_str()),
            _ => None,
        };
        transfer.done(provider);
        looked
    }
}

impl<'a, E: Engine> Search<'a, E> {
    fn run(mut self, wanted: &Wanted) -> Result<Looked, Reason> {
        let looked = |outcome, failures| Looked {
            name: wanted.name.clone(),
            sha256: Some(wanted.blob.sha256),
            outcome,
            failures,
        };
        let mut failures = Vec::new();
        let Some(mut partial) = self.claim()? else {
            return Ok(looked(Outcome::Appeared, failures));
        };
        for source in self.fetcher.sources(wanted) {
            let label = source.label.clone();
            match self.ask(&source, partial)? {
                End::Given { bytes } => {
                    let provider = label;
                    return Ok(looked(Outcome::Provided { provider, bytes }, failures));
                }
                End::Appeared => return Ok(looked(Outcome::Appeared, failures)),
                End::Failed {
                    partial: rest,
                    reason,
                    tries,
                } => {
                    partial = rest;
                    let reason = match source.way {
                        Err(skipped) => skipped,
                        Ok(_) => reason,
                    };
                    self.tell(&label, &reason, Duration::ZERO);
                    failures.push(Failure {
                        provider: label,
                        reason: reason.into(),
                        tries,
                    });
                }
            }
        }
        Ok(looked(Outcome::Missing, failures))
    }

    /// Waits for its turn. Nothing to do when another process brought it, or when one that was
    /// killed had all of it.
    fn claim(&mut self) -> Result<Option<Partial<E>>, Reason> {
        let Blob { sha256, size } = self.blob;
        loop {
            let claim = self.fetcher.store().partial(&sha256, size);
            let partial = match claim.map_err(Reason::Store)? {
                Claim::Present => return Ok(None),
                Claim::Partial(partial) => partial,
            };
            self.transfer.bytes(partial.len());
            if partial.len() < size {
                return Ok(Some(partial));
            }
            match partial.commit() {
                Ok(()) => return Ok(None),
                Err(enclair_store::Error::Digest { .. }) if size > 0 => {}
                Err(enclair_store::Error::Digest { expected, found }) => {
                    return Err(Reason::Digest { expected, found });
                }
                Err(error) => return Err(Reason::Store(error)),
            }
        }
    }

    /// Asks one source, again where that may help.
    fn ask(&mut self, source: &Source, mut partial: Partial<E>) -> Result<End<E>, Reason> {
        let Ok(way) = &source.way else {
            return Ok(End::Failed {
                partial,
                reason: Reason::Offline,
                tries: 0,
            });
        };
        if let Way::Http(url) = way
            && self.fetcher.is_unreachable(url)
        {
            return Ok(End::Failed {
                partial,
                reason: Reason::Unreachable,
                tries: 0,
            });
        }
        let mut tries = Tries::new(self.fetcher.settings(), partial.len());
        let mut started_over = false;
        loop {
            let mut received = 0;
            let reason = match self.receive(way, &mut partial, &mut received) {
                Ok(()) => match partial.commit() {
                    Ok(()) => return Ok(End::Given { bytes: received }),
                    Err(enclair_store::Error::Digest { expected, found }) => {
                        match self.claim()? {
                            Some(fresh) => partial = fresh,
                            None => return Ok(End::Appeared),
                        }
                        let continued = received < self.blob.size;
                        if continued && !started_over {
                            started_over = true;
                            tries.again();
                            continue;
                        }
                        Reason::Digest { expected, found }
                    }
                    Err(error) => return Err(Reason::Store(error)),
                },
                Err(reason) if reason.is_ours() => return Err(reason),
                Err(reason) => reason,
            };
            let Some(wait) = tries.next(&reason, partial.len()) else {
                if let Way::Http(url) = way {
                    self.fetcher.note_failure(url, &reason);
                }
                let tries = tries.made();
                return Ok(End::Failed {
                    partial,
                    reason,
                    tries,
                });
            };
            self.tell(&source.label, &reason, wait);
            thread::sleep(wait);
        }
    }

    fn tell(&mut self, label: &str, reason: &Reason, wait: Duration) {
        self.transfer.retry(label, &Chain(reason).to_string(), wait);
    }

    /// One try: what is missing, to the end.
    fn receive(
        &mut self,
        way: &Way,
        partial: &mut Partial<E>,
        received: &mut u64,
    ) -> Result<(), Reason> {
        match way {
            Way::File(path) => self.copy(path, partial, received),
            Way::Http(_) | Way::Registry(_) => {
                let answer = self.open(way, partial)?;
                self.drain(answer, partial, received)
            }
        }
    }

    /// An answer whose body goes on exactly where the partial ends.
    fn open(&self, way: &Way, partial: &mut Partial<E>) -> Result<Answer<'a>, Reason> {
        let from = partial.len();
        let answer = self.request(way, from)?;
        match answer.status() {
            200 => {
                self.check_announced(&answer, 0)?;
                if from > 0 {
                    partial.restart().map_err(Reason::Store)?;
                }
                Ok(answer)
            }
            206 if from > 0 && self.continues(&answer, from) => {
                self.check_announced(&answer, from)?;
                Ok(answer)
            }
            // This server cannot continue, or says so in a way that does not hold.
            206 | 416 if from > 0 => {
                drop(answer);
                partial.restart().map_err(Reason::Store)?;
                let answer = self.request(way, 0)?;
                if answer.status() == 200 {
                    self.check_announced(&answer, 0)?;
                    Ok(answer)
                } else {
                    Err(failure(way, answer))
                }
            }
            206 => Err(Reason::Range),
            _ => Err(failure(way, answer)),
        }
    }

    fn request(&self, way: &Way, from: u64) -> Result<Answer<'a>, Reason> {
        let network = self.fetcher.started()?;
        match way {
            Way::Http(url) => network.send(Request::get(url.clone()).starting_at(from)),
            Way::Registry(endpoint) => {
                let sessions = self.fetcher.sessions();
                sessions.content(network, endpoint, (&self.blob, from))
            }
            Way::File(_) => Err(Reason::Url),
        }
    }

    /// Whether a 206 answer has what is behind the first `from` bytes.
    fn continues(&self, answer: &Answer<'_>, from: u64) -> bool {
        let range = answer.header(&CONTENT_RANGE).and_then(parse_content_range);
        range.is_some_and(|range| {
            range.first == from
                && range.last < self.blob.size
                && range.whole.is_none_or(|whole| whole == self.blob.size)
        })
    }

    /// Refuses a wrong size before anything of it is read.
    fn check_announced(&self, answer: &Answer<'_>, from: u64) -> Result<(), Reason> {
        let Some(announced) = answer.announced() else {
            return Ok(());
        };
        let found = from.saturating_add(announced);
        let expected = self.blob.size;
        // A part may be less than the rest; then it ends early and is continued.
        if found == expected || (from > 0 && found < expected) {
            return Ok(());
        }
        Err(Reason::Size { expected, found })
    }

    fn drain(
        &mut self,
        mut answer: Answer<'_>,
        partial: &mut Partial<E>,
        received: &mut u64,
    ) -> Result<(), Reason> {
        while let Some(chunk) = answer.chunk()? {
            self.append(chunk.as_ref(), partial, received)?;
        }
        self.check_end(partial)
    }

    fn copy(
        &mut self,
        path: &Path,
        partial: &mut Partial<E>,
        received: &mut u64,
    ) -> Result<(), Reason> {
        let mut file = open_regular(path)?;
        let found = file.metadata().map_err(Reason::File)?.len();
        let expected = self.blob.size;
        if found != expected {
            return Err(Reason::Size { expected, found });
        }
        file.seek(SeekFrom::Start(partial.len()))
            .map_err(Reason::File)?;
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return self.check_end(partial),
                Ok(count) => {
                    let bytes = piece.get(..count).unwrap_or_default();
                    self.append(bytes, partial, received)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Reason::File(error)),
            }
        }
    }

    fn append(
        &mut self,
        bytes: &[u8],
        partial: &mut Partial<E>,
        received: &mut u64,
    ) -> Result<(), Reason> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let limit = self.blob.size;
        if count > limit.saturating_sub(partial.len()) {
            // Whatever this is, its beginning is not the beginning of what is wanted.
            partial.restart().map_err(Reason::Store)?;
            return Err(Reason::TooLarge { limit });
        }
        partial.append(bytes).map_err(Reason::Store)?;
        *received = received.saturating_add(count);
        self.transfer.bytes(partial.len());
        Ok(())
    }

    fn check_end(&self, partial: &Partial<E>) -> Result<(), Reason> {
        let (expected, found) = (self.blob.size, partial.len());
        if found == expected {
            Ok(())
        } else {
            Err(Reason::Truncated { expected, found })
        }
    }
}

fn failure(way: &Way, answer: Answer<'_>) -> Reason {
    match way {
        Way::Registry(_) => answer.failure(crate::registry::message),
        Way::Http(_) | Way::File(_) => answer.failure(|_| None),
    }
}

/// Opens a file that is one: opening a pipe would wait for somebody at its other end.
pub(crate) fn open_regular(path: &Path) -> Result<File, Reason> {
    let is_file = fs::metadata(path).map_err(Reason::File)?.is_file();
    if !is_file {
        return Err(Reason::File(ErrorKind::InvalidInput.into()));
    }
    File::open(path).map_err(Reason::File)
}
