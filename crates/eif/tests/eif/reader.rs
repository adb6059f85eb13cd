//! The reader: what it shows, what it leaves, and a file that changes under it.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use enclair_digest::PureRust;
use enclair_eif::{Arch, Error, Inline, ScanError, SectionKind, read_structure};

use crate::examine::examine;
use crate::image::{encode, patched, plain, put, repair_crc, signed};

#[test]
fn a_signed_image_shows_all_of_its_sections() {
    let eif = examine(&encode(&signed())).unwrap().eif;
    assert_eq!(eif.arch(), Arch::X86_64);
    assert_eq!(eif.header().version, 4);
    assert_eq!((eif.kernel().index, eif.kernel().size), (0, 12));
    assert_eq!((eif.command_line().index, eif.command_line().size), (1, 13));
    assert_eq!(eif.metadata().unwrap().index, 2);
    assert_eq!(eif.signature().unwrap().index, 5);
    let ramdisks: Vec<_> = eif.ramdisks().map(|s| (s.index, s.ramdisk)).collect();
    assert_eq!(ramdisks, [(3, Some(0)), (4, Some(1))]);
    assert_eq!(eif.sections().len(), 6);
    assert_eq!(eif.file_size(), 1417);
}

#[test]
fn the_visitor_sees_the_data_of_every_section() {
    let file = encode(&signed());
    let mut source = Cursor::new(&file);
    let eif = read_structure(&mut source).unwrap();
    let mut seen = Vec::new();
    eif.scan(&mut source, Inline::new(&PureRust), |section, data| {
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)?;
        seen.push((section.kind.to_type(), bytes));
        io::Result::Ok(())
    })
    .unwrap();
    assert_eq!(seen, signed());
}

#[test]
fn what_the_visitor_leaves_is_measured_all_the_same() {
    let file = encode(&signed());
    let whole = examine(&file).unwrap().scanned;
    let mut source = Cursor::new(&file);
    let eif = read_structure(&mut source).unwrap();
    assert_eq!(
        eif.measure(&mut source, Inline::new(&PureRust)).unwrap(),
        whole
    );
    for taken in [0, 1, 5] {
        let part = eif.scan(&mut source, Inline::new(&PureRust), |_, data| {
            data.fill_buf()?;
            data.consume(taken);
            data.take(2).read_to_end(&mut Vec::new()).map(drop)
        });
        assert_eq!(part.unwrap(), whole);
    }
}

#[test]
fn the_visitors_error_comes_back_with_the_section() {
    let mut source = Cursor::new(encode(&plain()));
    let eif = read_structure(&mut source).unwrap();
    let error = eif.scan(&mut source, Inline::new(&PureRust), |section, _| {
        let known = section.kind != SectionKind::Ramdisk;
        known
            .then_some(())
            .ok_or_else(|| io::Error::other("no cpio"))
    });
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "section 3 (ramdisk) at offset 840: cannot be examined"
    );
    assert!(matches!(error, ScanError::Visit { source, .. } if source.to_string() == "no cpio"));
}

#[test]
fn a_file_that_changes_after_its_structure_was_read_is_refused() {
    let file = encode(&plain());
    let eif = read_structure(&mut Cursor::new(&file)).unwrap();
    let refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = file.clone();
        change(&mut changed);
        let mut source = Cursor::new(changed);
        eif.measure(&mut source, Inline::new(&PureRust))
            .unwrap_err()
            .to_string()
    };
    let other = "expected the bytes that were there before, found others";
    let architecture = refusal(&|file| {
        put(file, 6, &[0, 1]);
        repair_crc(file);
    });
    assert_eq!(architecture, format!("offset 0: {other}"));
    assert_eq!(
        refusal(&|file| put(file, 840, &[0, 4])),
        format!("offset 840: {other}")
    );
    assert_eq!(
        refusal(&|file| file.push(0)),
        format!("offset 888: {other}")
    );
    assert_eq!(
        refusal(&|file| file.truncate(880)),
        "section 4 (ramdisk) at offset 864: expected 12 bytes of data, found 4 bytes to the end"
    );
    assert_eq!(
        refusal(&|file| file.truncate(870)),
        "offset 864: input or output failed"
    );
    assert_eq!(
        refusal(&|file| file[565] ^= 1),
        "crc at offset 544: expected 81c4262d as the content gives, found 82e33291"
    );
}

#[test]
fn structure_takes_the_header_and_the_section_headers_only() {
    /// Counts what is read.
    struct Counted(Cursor<Vec<u8>>, usize);
    impl Read for Counted {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(bytes)?;
            self.1 += count;
            Ok(count)
        }
    }
    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let mut parts = plain();
    parts[0].1 = vec![7; 1 << 20];
    let mut source = Counted(Cursor::new(encode(&parts)), 0);
    read_structure(&mut source).unwrap();
    assert_eq!(source.1, 548 + 5 * 12);
}

/// One byte at a time, and an interruption before each.
pub(crate) struct Trickle<R>(pub(crate) R, pub(crate) bool);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let window = bytes.len().min(1);
        self.0.read(&mut bytes[..window])
    }
}

impl<R: Seek> Seek for Trickle<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same() {
    let file = encode(&signed());
    let whole = examine(&file).unwrap();
    let mut source = Trickle(Cursor::new(&file), false);
    let eif = read_structure(&mut source).unwrap();
    assert_eq!(eif, whole.eif);
    let scanned = eif.measure(&mut source, Inline::new(&PureRust)).unwrap();
    assert_eq!(scanned, whole.scanned);
}

#[test]
fn a_failing_disk_is_an_error_with_an_offset_and_a_source() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(1000)
        }
    }
    let error = read_structure(&mut Failing).unwrap_err();
    assert_eq!(error.to_string(), "offset 0: input or output failed");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "bad sector");
    assert!(matches!(error, Error::Io { .. }));
}

#[test]
fn every_refusal_that_needs_advice_has_a_hint() {
    let file = patched(&plain(), &[(0x1c, &[0xff; 8])]);
    let hint = examine(&file).err().unwrap().hint().unwrap();
    assert!(hint.contains("would measure different bytes"), "{hint}");
}
