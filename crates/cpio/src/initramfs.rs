//! Walks a whole ramdisk as the kernel's unpacker does.
//!
//! ```text
//! ramdisk := ( zero | raw archives | compressed member )*
//! content of a member, raw archives := ( zeros to a multiple of 4, entry )* trailer? ...
//! ```
//!
//! Two surprises. To the kernel an archive is not a unit: entries may follow one another with
//! zeros between them, and the trailer does nothing but forget hard links. And the multiple of 4
//! is counted from the beginning of the *ramdisk* for what stands uncompressed, also behind a
//! compressed member of odd length, and from the beginning of its content inside a member.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use enclair_compress::{Format, Member};
use enclair_digest::Limits;
use enclair_finding::Findings;

use crate::archive::{Allowance, Archive, Found};
use crate::findings::{
    RAMDISK_CRC_ARCHIVE, RAMDISK_ENTRY_SKIPPED, RAMDISK_MISALIGNED, RAMDISK_NO_TRAILER,
};
use crate::input::{Input, to_u64};
use crate::{Entry, Error, FileType, Header, Magic};

/// What a segment is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Nothing: the archives stand in the ramdisk as they are.
    Raw,
    /// One member of a compressed format.
    Compressed(Format),
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("uncompressed"),
            Self::Compressed(format) => format.fmt(f),
        }
    }
}

/// A run of uncompressed archives, or one compressed member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What it is packed in.
    pub container: Container,
    /// Where it begins in the ramdisk, in bytes.
    pub offset: u64,
    /// Archives that were met in it so far.
    pub archives: u32,
    /// Entries that were met in it so far, without trailers.
    pub entries: u64,
}

/// An entry, and the segment that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RamdiskEntry {
    /// The entry.
    pub entry: Entry,
    /// The index of its segment in [`Walker::segments`].
    pub segment: usize,
}

/// The most segments of one ramdisk. Real ones have a handful; a list of them must not grow with
/// a hostile input.
const MOST_SEGMENTS: usize = 4096;
/// Decoded bytes that are held at a time.
const BUFFER: usize = 128 << 10;

type Decoded<R> = BufReader<Member<Input<R>>>;

/// Where the walk stands.
#[derive(Debug)]
enum Place<R> {
    Between(Input<R>),
    Raw(Archive<Input<R>>),
    Member(Box<Archive<Decoded<R>>>),
    Ended,
    Failed,
}

/// Whether an archive was begun and not ended by a trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trailer {
    Seen,
    Missing,
}

/// Walks the entries of a ramdisk. The body of the current entry is read through [`Read`].
///
/// Give it all ramdisks of an image one after another to see what the kernel sees: the loader
/// puts them together, and a compressed member or an alignment may not care for where one ends.
#[derive(Debug)]
pub struct Walker<R> {
    place: Place<R>,
    limits: Allowance,
    left: Allowance,
    segments: Vec<Segment>,
    findings: Findings,
    trailer: Trailer,
}

impl<R: BufRead> Walker<R> {
    /// A walk over the ramdisk `input`.
    ///
    /// `limits.entries` and `limits.unpacked_bytes` hold for the whole ramdisk; what stands
    /// uncompressed counts too.
    pub fn new(input: R, limits: Limits) -> Self {
        let limits = Allowance {
            entries: limits.entries,
            bytes: limits.unpacked_bytes,
        };
        Self {
            place: Place::Between(Input::new(input)),
            limits,
            left: limits,
            segments: Vec::new(),
            findings: Findings::new(),
            trailer: Trailer::Seen,
        }
    }

    /// Passes over the rest of the current entry and gives the next; `None` is the end of the
    /// ramdisk.
    ///
    /// # Errors
    ///
    /// Every [`Error`]; what concerns one segment is inside [`Error::Segment`]. After an error the
    /// ramdisk cannot be walked on.
    pub fn next_entry(&mut self) -> Result<Option<RamdiskEntry>, Error> {
        loop {
            // What fails leaves `Failed` behind: there is no going on after an error.
            let entry = match std::mem::replace(&mut self.place, Place::Failed) {
                Place::Between(input) => {
                    self.begin_segment(input)?;
                    None
                }
                Place::Raw(archive) => self
                    .walk_raw(archive)
                    .map_err(|error| self.located(error))?,
                Place::Member(archive) => self
                    .walk_member(archive)
                    .map_err(|error| self.located(error))?,
                Place::Ended => {
                    self.place = Place::Ended;
                    return Ok(None);
                }
                Place::Failed => return Err(Error::Failed),
            };
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    /// The segments met so far, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What was found so far.
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// What was found, for good.
    pub fn into_findings(self) -> Findings {
        self.findings
    }

    /// Says in which segment an error lies.
    fn located(&self, error: Error) -> Error {
        match self.segments.last() {
            None => error,
            Some(segment) => Error::Segment {
                offset: segment.offset,
                container: segment.container,
                source: Box::new(error),
            },
        }
    }

    /// Passes over zeros, and opens what begins behind them.
    fn begin_segment(&mut self, mut input: Input<R>) -> Result<(), Error> {
        self.skip_zeros(&mut input)?;
        let offset = input.offset();
        let prefix = input
            .peek()
            .map_err(|source| Error::Read { offset, source })?;
        if prefix.is_empty() {
            self.place = Place::Ended;
            return Ok(());
        }
        let container = container(prefix, offset)?;
        if self.segments.len() >= MOST_SEGMENTS {
            let limit = MOST_SEGMENTS;
            return Err(Error::Segments { offset, limit });
        }
        self.segments.push(Segment {
            container,
            offset,
            archives: 0,
            entries: 0,
        });
        self.open(container, input)
    }

    fn skip_zeros(&mut self, input: &mut Input<R>) -> Result<(), Error> {
        loop {
            let offset = input.offset();
            let available = match input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Error::Read { offset, source }),
            };
            let zeros = available.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                return Ok(());
            }
            input.consume(zeros);
            let limit = self.limits.bytes;
            let left = self.left.bytes.checked_sub(to_u64(zeros));
            self.left.bytes = left.ok_or(Error::Unpacked { offset, limit })?;
        }
    }

    fn open(&mut self, container: Container, input: Input<R>) -> Result<(), Error> {
        let offset = input.offset();
        match container {
            Container::Raw => {
                if !offset.is_multiple_of(4) {
                    self.misaligned(offset);
                }
                self.place = Place::Raw(Archive::new(input, self.left, self.limits));
            }
            Container::Compressed(format) => {
                let member = Member::new(format, input)
                    .map_err(|_| Error::Unsupported { offset, format })?;
                let decoded = BufReader::with_capacity(BUFFER, member);
                let archive = Archive::new(decoded, self.left, self.limits);
                self.place = Place::Member(Box::new(archive));
            }
        }
        Ok(())
    }

    /// The next entry of an uncompressed run, or `None` where it ends.
    fn walk_raw(&mut self, mut archive: Archive<Input<R>>) -> Result<Option<RamdiskEntry>, Error> {
        let base = self.segments.last().map_or(0, |segment| segment.offset);
        let entry = self.walk(&mut archive, base)?;
        self.place = match entry {
            Some(_) => Place::Raw(archive),
            None => Place::Between(archive.into_inner()),
        };
        Ok(entry)
    }

    /// The next entry of a member, or `None` where it ends.
    fn walk_member(
        &mut self,
        mut archive: Box<Archive<Decoded<R>>>,
    ) -> Result<Option<RamdiskEntry>, Error> {
        let entry = self.walk(&mut archive, 0)?;
        if entry.is_some() {
            self.place = Place::Member(archive);
            return Ok(entry);
        }
        let offset = archive.offset();
        if let Some(found) = archive.peek()? {
            return Err(Error::Junk { offset, found });
        }
        if self.segments.last().is_some_and(|it| it.archives == 0) {
            return Err(Error::Empty { offset });
        }
        let member = archive.into_inner().into_inner();
        self.place = Place::Between(member.into_inner());
        Ok(None)
    }

    /// The next entry of a segment whose multiples of 4 are counted from `base` bytes before it.
    fn walk<S: BufRead>(
        &mut self,
        archive: &mut Archive<S>,
        base: u64,
    ) -> Result<Option<RamdiskEntry>, Error> {
        let outcome = self.walk_archives(archive, base);
        self.left = archive.left();
        outcome
    }

    fn walk_archives<S: BufRead>(
        &mut self,
        archive: &mut Archive<S>,
        base: u64,
    ) -> Result<Option<RamdiskEntry>, Error> {
        archive.skip_entry()?;
        loop {
            let before = archive.offset();
            archive.skip_zeros()?;
            let next = archive.peek()?;
            let place = archive.offset();
            if next.is_some() && place > before && !base.wrapping_add(place).is_multiple_of(4) {
                self.misaligned(place);
            }
            if next != Some(b'0') {
                self.end_archive();
                return Ok(None);
            }
            match archive.next()? {
                Found::Entry(entry) => return Ok(Some(self.note(entry))),
                Found::Trailer => {
                    if self.trailer == Trailer::Seen {
                        self.count_archive();
                    }
                    self.trailer = Trailer::Seen;
                }
            }
        }
    }

    fn note(&mut self, entry: Entry) -> RamdiskEntry {
        if self.trailer == Trailer::Seen {
            self.count_archive();
        }
        self.trailer = Trailer::Missing;
        let segment = self.segments.len().saturating_sub(1);
        if let Some(current) = self.segments.last_mut() {
            current.entries = current.entries.saturating_add(1);
        }
        let path = String::from_utf8_lossy(&entry.path);
        if entry.header.magic == Magic::Crc {
            self.findings.add(&RAMDISK_CRC_ARCHIVE, &path);
        }
        if is_skipped(&entry.header) {
            self.findings.add(&RAMDISK_ENTRY_SKIPPED, &path);
        }
        RamdiskEntry { entry, segment }
    }

    fn count_archive(&mut self) {
        if let Some(segment) = self.segments.last_mut() {
            segment.archives = segment.archives.saturating_add(1);
        }
    }

    /// Notes that a segment ends here.
    fn end_archive(&mut self) {
        if self.trailer == Trailer::Missing {
            let offset = self.segments.last().map_or(0, |segment| segment.offset);
            self.findings.add(
                &RAMDISK_NO_TRAILER,
                format_args!("the segment at ramdisk offset {offset}"),
            );
        }
        self.trailer = Trailer::Seen;
    }

    fn misaligned(&mut self, place: u64) {
        let segment = self.segments.last();
        let (offset, container) =
            segment.map_or((0, Container::Raw), |it| (it.offset, it.container));
        self.findings.add(
            &RAMDISK_MISALIGNED,
            format_args!("offset {place} of the {container} segment at ramdisk offset {offset}"),
        );
    }
}

impl<R: BufRead> Read for Walker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (outcome, left) = match &mut self.place {
            Place::Raw(archive) => (archive.read_body(buffer), archive.left()),
            Place::Member(archive) => (archive.read_body(buffer), archive.left()),
            Place::Between(_) | Place::Ended => return Ok(0),
            Place::Failed => return Err(Error::Failed.into_io()),
        };
        self.left = left;
        outcome.map_err(|error| {
            let error = self.located(error).into_io();
            if error.kind() != io::ErrorKind::Interrupted {
                self.place = Place::Failed;
            }
            error
        })
    }
}

/// What begins with `prefix`.
fn container(prefix: &[u8], offset: u64) -> Result<Container, Error> {
    if prefix.first() == Some(&b'0') {
        return Ok(Container::Raw);
    }
    match Format::detect(prefix) {
        // Kernels have no decoder for frames, only for the legacy format.
        Some(format @ Format::Lz4) => Err(Error::Unsupported { offset, format }),
        Some(format) => Ok(Container::Compressed(format)),
        None => {
            let found = prefix.to_vec();
            Err(Error::Unknown { offset, found })
        }
    }
}

/// Whether the kernel makes nothing of an entry.
fn is_skipped(header: &Header) -> bool {
    match header.file_type() {
        Some(FileType::Regular) => false,
        Some(FileType::Symlink) => header.size == 0 || header.size > 4095,
        Some(
            FileType::Directory
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Fifo
            | FileType::Socket,
        ) => header.size != 0,
        None => true,
    }
}
