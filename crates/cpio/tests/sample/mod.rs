//! Small archives and a reader that collects.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{self, BufRead, BufReader, Read};

use enclair_cpio::{Entry, Error, Header, Kind, Magic, Metadata, Reader, Walker, Writer};
use enclair_digest::Limits;

pub(crate) const META: Metadata = Metadata {
    permissions: 0o755,
    uid: 0,
    gid: 0,
    mtime: 0,
};

/// How many cases a property gets; failures are not kept in files.
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..Default::default()
    }
}

/// A plain header; change what matters.
pub(crate) fn header(mode: u32, size: usize) -> Header {
    Header {
        magic: Magic::Newc,
        ino: 1,
        mode,
        uid: 0,
        gid: 0,
        nlink: 1,
        mtime: 0,
        size: u32::try_from(size).unwrap(),
        dev: (0, 0),
        rdev: (0, 0),
        name_size: 0,
        check: 0,
    }
}

fn pad(bytes: &mut Vec<u8>) {
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
}

/// One entry with any header; the name size is filled in.
pub(crate) fn entry(mut header: Header, name: &[u8], body: &[u8]) -> Vec<u8> {
    header.name_size = u32::try_from(name.len() + 1).unwrap();
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(name);
    bytes.push(0);
    pad(&mut bytes);
    bytes.extend_from_slice(body);
    pad(&mut bytes);
    bytes
}

/// A file with permissions 0644.
pub(crate) fn file(name: &[u8], body: &[u8]) -> Vec<u8> {
    entry(header(0o100_644, body.len()), name, body)
}

pub(crate) fn trailer() -> Vec<u8> {
    entry(header(0, 0), b"TRAILER!!!", b"")
}

/// An archive of one file, without padding behind the trailer.
pub(crate) fn archive(name: &[u8], body: &[u8]) -> Vec<u8> {
    [file(name, body), trailer()].concat()
}

/// A canonical archive with everything that the format has.
pub(crate) fn canonical() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    let body = b"hello\n".as_slice();
    let group = 7;
    let links = 3;
    let entries: [(&[u8], Kind<'_, [u8]>); 11] = [
        (b"bin", Kind::Directory),
        (b"bin-x", Kind::File { body: b"" }),
        (b"bin/a", Kind::LinkFirst { body, links, group }),
        (b"bin/b", Kind::LinkNext { links, group }),
        (b"dev", Kind::Directory),
        (b"dev/console", Kind::CharacterDevice { major: 5, minor: 1 }),
        (
            b"dev/vda",
            Kind::BlockDevice {
                major: 254,
                minor: 0,
            },
        ),
        (b"init", Kind::Symlink(b"bin/a")),
        (b"pipe", Kind::Fifo),
        (b"socket", Kind::Socket),
        (b"zz", Kind::LinkNext { links, group }),
    ];
    for (path, kind) in entries {
        writer.entry(path, META, kind).unwrap();
    }
    writer
        .finish(Some(enclair_cpio::Marker {
            ramdisk: 0,
            mtime: 0,
        }))
        .unwrap()
}

pub(crate) type Read1 = (Entry, Vec<u8>);

/// Every entry with its body.
pub(crate) fn read_all(input: impl BufRead) -> Result<Vec<Read1>, Error> {
    read_limited(input, Limits::default())
}

pub(crate) fn read_limited(input: impl BufRead, limits: Limits) -> Result<Vec<Read1>, Error> {
    let mut reader = Reader::new(input, limits);
    let mut all = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut body = Vec::new();
        if let Err(error) = reader.read_to_end(&mut body) {
            return Err(error.downcast::<Error>().unwrap());
        }
        all.push((entry, body));
    }
    Ok(all)
}

/// What a walk gave: paths with segments and bodies, and the walker for its lists.
pub(crate) struct Walk<R> {
    pub(crate) entries: Vec<(String, usize, Vec<u8>)>,
    pub(crate) walker: Walker<R>,
    pub(crate) error: Option<Error>,
}

pub(crate) fn walk<R: BufRead>(input: R) -> Walk<R> {
    walk_limited(input, Limits::default())
}

pub(crate) fn walk_limited<R: BufRead>(input: R, limits: Limits) -> Walk<R> {
    let mut walker = Walker::new(input, limits);
    let mut entries = Vec::new();
    let error = loop {
        match walker.next_entry() {
            Err(error) => break Some(error),
            Ok(None) => break None,
            Ok(Some(found)) => {
                let mut body = Vec::new();
                if let Err(error) = walker.read_to_end(&mut body) {
                    break Some(error.downcast::<Error>().unwrap());
                }
                let path = String::from_utf8_lossy(&found.entry.path).into_owned();
                entries.push((path, found.segment, body));
            }
        }
    };
    Walk {
        entries,
        walker,
        error,
    }
}

impl<R: BufRead> Walk<R> {
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.entries
            .iter()
            .map(|(path, ..)| path.as_str())
            .collect()
    }

    pub(crate) fn finding_ids(&self) -> Vec<&'static str> {
        self.walker.findings().iter().map(|it| it.kind.id).collect()
    }
}

/// Gives one byte at a time.
pub(crate) fn trickle(bytes: &[u8]) -> impl BufRead {
    struct One<'a>(&'a [u8]);
    impl Read for One<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }
    BufReader::with_capacity(1, One(bytes))
}
