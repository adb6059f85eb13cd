//! Structure, scan and inspection of an image: sections lie within the file and cover it, and what
//! a visitor looks at does not change what is measured.

#![no_main]

use std::io::{Cursor, Read};

use enclair_digest::PureRust;
use enclair_eif::{Inline, ScanError, read_structure};
use enclair_fuzz::LIMITS;
use enclair_inspect::{Listing, inspect_eif};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data);
    // Few inputs have the right CRC by chance.
    let mut repaired = data.to_vec();
    if repaired.len() >= 548 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&repaired[..544]);
        crc.update(&repaired[548..]);
        repaired[544..548].copy_from_slice(&crc.finalize().to_be_bytes());
        read(&repaired);
    }
});

fn read(data: &[u8]) {
    let Ok(eif) = read_structure(&mut Cursor::new(data)) else {
        assert!(
            inspect_eif(
                &mut Cursor::new(data),
                Inline::new(&PureRust),
                LIMITS,
                Listing::Entries
            )
            .is_err()
        );
        return;
    };
    let mut end = 548;
    for section in eif.sections() {
        assert_eq!(section.header_offset, end);
        assert_eq!(section.data_offset, end + 12);
        end = section.data_offset.checked_add(section.size).unwrap();
    }
    assert_eq!(end, data.len() as u64);

    let mut seen = 0;
    let visited = eif.scan(
        &mut Cursor::new(data),
        Inline::new(&PureRust),
        |section, data| {
            let mut half = Vec::new();
            data.take(section.size / 2).read_to_end(&mut half)?;
            seen += half.len();
            Ok::<_, std::io::Error>(())
        },
    );
    let visited = visited.map_err(|error| match error {
        ScanError::File(error) => error.to_string(),
        ScanError::Visit { source, .. } => panic!("memory cannot fail: {source}"),
    });
    let plain = eif.measure(&mut Cursor::new(data), Inline::new(&PureRust));
    assert_eq!(visited, plain.map_err(|error| error.to_string()));
    let inspected = inspect_eif(
        &mut Cursor::new(data),
        Inline::new(&PureRust),
        LIMITS,
        Listing::Entries,
    );
    if let Ok(inspection) = inspected {
        assert_eq!(Ok(inspection.scanned), visited);
        assert_eq!(inspection.ramdisks.len(), eif.ramdisks().count());
    }
}
