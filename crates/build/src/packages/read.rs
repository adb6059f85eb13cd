//! Reads packages on several threads at once, each of which has a spool of its own.
//!
//! ```text
//! supply -> store -> reader  | -> digest -> ar -> decoder -> tar -> spool of the thread | -> packages
//!       calling thread       |             whichever thread is free                     |  in order
//! ```
//!
//! A package is read as soon as it is there, while others are still fetched. The largest go first, so
//! that no thread is left alone with one at the end. Which thread
//! reads which package depends on time, and only where in the spools a content lies depends on
//! that.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use enclair_digest::{Engine, Expected, Limits, Verified};
use enclair_finding::Findings;
use enclair_packages::deb::{self, DebError, Package, Sink};
use enclair_recipe::LockedPackage;
use enclair_tree::tar::EntryKind;
use enclair_tree::{Body, NodeKind, Spool as _};

use super::PackagesSource;
use super::error::PackagesError;
use crate::enclave::Tools;
use crate::spool::FileSpool;

/// Bytes read from a package at once.
const BUFFER: usize = 64 << 10;

/// A package that is open and not yet read.
struct Job<'a> {
    index: usize,
    locked: &'a LockedPackage,
    stored: Box<dyn Read + Send>,
}

/// What became of a package.
struct Done {
    index: usize,
    /// The package, what was found in it, and the number of the thread's spool.
    result: Result<(Package, Findings, usize), PackagesError>,
}

/// Obtains and reads all packages of `source`; their contents are in `spool` afterwards.
///
/// # Errors
///
/// Those of the supply; else that of the first package in the order of installation that has one,
/// whatever was read first.
pub(super) fn read_packages<E: Engine>(
    source: &PackagesSource,
    (threads, limits): (NonZeroUsize, &Limits),
    tools: &Tools<'_, E>,
    spool: &mut FileSpool,
) -> Result<Vec<(Package, Findings)>, PackagesError> {
    let threads = threads.get().min(source.packages.len()).max(1);
    let parts: io::Result<Vec<FileSpool>> = (0..threads).map(|_| spool.beside()).collect();
    let mut parts = parts.map_err(PackagesError::Spool)?;
    let done = run(source, &mut parts, limits, tools)?;
    let found = parts.iter().map(FileSpool::position).sum();
    let shifts: Vec<u64> = parts.into_iter().map(|part| spool.adopt(part)).collect();
    let mut read = Vec::with_capacity(done.len());
    for result in done {
        let (mut package, findings, part) = result?;
        shift(&mut package, shifts.get(part).copied().unwrap_or_default());
        read.push((package, findings));
    }
    let limit = limits.unpacked_bytes;
    if found > limit {
        return Err(PackagesError::Limit { found, limit });
    }
    Ok(read)
}

type Read1 = Result<(Package, Findings, usize), PackagesError>;

/// The places of packages, the largest first.
fn largest_first(packages: &[LockedPackage]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_key(|index| {
        let size = packages.get(*index).map_or(0, |locked| locked.blob.size);
        (std::cmp::Reverse(size), *index)
    });
    order
}

/// Runs a thread for each of `parts`, and hands out packages as they come until all are read.
fn run<E: Engine>(
    source: &PackagesSource,
    parts: &mut [FileSpool],
    limits: &Limits,
    tools: &Tools<'_, E>,
) -> Result<Vec<Read1>, PackagesError> {
    let packages = &source.packages;
    let order = largest_first(packages);
    let ordered = order.iter().filter_map(|index| packages.get(*index));
    let wanted: Vec<_> = ordered
        .map(|locked| locked.wanted(&source.suites))
        .collect();
    // One waits for each thread: more open files would be of no use.
    let (sender, jobs) = sync_channel(parts.len());
    let jobs = Mutex::new(jobs);
    let (results, done) = channel();
    thread::scope(|scope| {
        for (number, part) in parts.iter_mut().enumerate() {
            let (jobs, results, engine) = (&jobs, results.clone(), tools.engine);
            let worker = Worker {
                engine,
                limits,
                number,
            };
            scope.spawn(move || worker.run(jobs, &results, part));
        }
        let mut finished = Finished::new(packages, tools);
        let obtained = tools.supply.obtain_each(&wanted, &mut |place| {
            let Some(index) = order.get(place).copied() else {
                return;
            };
            let Some(locked) = packages.get(index) else {
                return;
            };
            match tools.supply.open(&locked.blob.sha256) {
                Ok(stored) => {
                    let job = Job {
                        index,
                        locked,
                        stored,
                    };
                    // Threads end before the channel only by a panic, which the scope passes on.
                    drop(sender.send(job));
                }
                Err(source) => {
                    let package = named(locked);
                    let result = Err(PackagesError::Supply { package, source });
                    finished.take(Done { index, result });
                }
            }
            for one in done.try_iter() {
                finished.take(one);
            }
        });
        drop((sender, results));
        for one in done {
            finished.take(one);
        }
        obtained.map_err(PackagesError::Obtain)?;
        Ok(finished.results.into_iter().flatten().collect())
    })
}

/// Results at their places.
struct Finished<'a, E> {
    packages: &'a [LockedPackage],
    tools: &'a Tools<'a, E>,
    results: Vec<Option<Read1>>,
}

impl<'a, E> Finished<'a, E> {
    fn new(packages: &'a [LockedPackage], tools: &'a Tools<'a, E>) -> Self {
        let results = packages.iter().map(|_| None).collect();
        Self {
            packages,
            tools,
            results,
        }
    }

    fn take(&mut self, done: Done) {
        if let Some(locked) = self.packages.get(done.index) {
            self.tools.progress.advance(locked.blob.size);
        }
        if let Some(place) = self.results.get_mut(done.index) {
            *place = Some(done.result);
        }
    }
}

struct Worker<'a, E> {
    engine: &'a E,
    limits: &'a Limits,
    /// Which thread this is.
    number: usize,
}

impl<E: Engine> Worker<'_, E> {
    fn run(&self, jobs: &Mutex<Receiver<Job<'_>>>, results: &Sender<Done>, spool: &mut FileSpool) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else {
                return;
            };
            let index = job.index;
            let result = self
                .read(job, spool)
                .map(|(package, findings)| (package, findings, self.number));
            if results.send(Done { index, result }).is_err() {
                return;
            }
        }
    }

    fn read(
        &self,
        job: Job<'_>,
        spool: &mut FileSpool,
    ) -> Result<(Package, Findings), PackagesError> {
        let Job { locked, stored, .. } = job;
        let name = named(locked);
        let expected = Expected {
            name: name.clone(),
            digest: locked.blob.sha256,
            size: Some(locked.blob.size),
        };
        let verified = Verified::new(stored, self.engine, expected);
        let mut stored = BufReader::with_capacity(BUFFER, verified);
        let mut findings = Findings::new();
        let mut sink = Sink {
            spool,
            findings: &mut findings,
        };
        let read = deb::read(&mut stored, self.limits, &mut sink);
        // A package that is not what its digest says fails in some way of its own long before its
        // end, and that way would mislead.
        if let Err(source) = stored.into_inner().finish() {
            let package = name;
            return Err(PackagesError::Content { package, source });
        }
        let refuse = |source: DebError| PackagesError::Package {
            package: name.clone(),
            source: Box::new(source),
        };
        let package = read.map_err(refuse)?;
        package
            .check_identity(&locked.name, &locked.version, &locked.arch)
            .map_err(refuse)?;
        Ok((package, findings))
    }
}

/// A package in messages.
fn named(locked: &LockedPackage) -> String {
    format!("{} {}", locked.name, locked.version)
}

/// Moves the contents of a package to where its thread's spool has come to be.
fn shift(package: &mut Package, by: u64) {
    for entry in &mut package.entries {
        if let EntryKind::Node(NodeKind::File(Body::Spooled { offset, .. })) = &mut entry.kind {
            *offset += by;
        }
    }
}
