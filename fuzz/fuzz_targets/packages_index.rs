//! Control files, indexes and their caches: what was read is the same after it was written, and
//! nothing in an index leads out of an archive.

#![no_main]

use enclair_digest::Sha256;
use enclair_packages::control::{Control, Paragraphs};
use enclair_packages::index::{Index, RelationKind};
use libfuzzer_sys::fuzz_target;

const KEY: Sha256 = Sha256::from_bytes([1; 32]);

fuzz_target!(|data: &[u8]| {
    for paragraph in Paragraphs::new(data).flatten() {
        let fields = paragraph.fields();
        assert!(!fields.is_empty());
        for field in fields {
            assert_eq!(paragraph.field(field.name()), Some(field.value()));
        }
    }
    if let Ok(control) = Control::parse(data) {
        assert_eq!(control.field("package"), Some(control.name()));
    }
    if let Ok(index) = Index::from_bytes(data, &KEY) {
        check(&index);
    }
    if let Ok(index) = Index::read(data) {
        check(&index);
        // A cache with one byte changed is refused or, with its CRC, read as suspiciously.
        let mut bytes = index.to_bytes(&KEY);
        if let Some(at) = data.first().map(|at| 52 + usize::from(*at)).filter(|at| *at < bytes.len()) {
            bytes[at] ^= data[data.len() - 1];
            let crc = crc32fast::hash(&bytes[52..]);
            bytes[48..52].copy_from_slice(&crc.to_le_bytes());
            if let Ok(index) = Index::from_bytes(&bytes, &KEY) {
                check(&index);
            }
        }
    }
});

fn check(index: &Index) {
    for package in index.packages() {
        let path = package.filename();
        assert!(!path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | "..")));
        assert!(package.size() > 0);
        assert!(index.named(package.name()).any(|found| found.sha256() == package.sha256()));
        for relation in package.relations(RelationKind::Provides).unwrap().iter() {
            let mut found = index.providers(&relation.name);
            assert!(found.any(|found| found.name() == package.name()));
        }
    }
    let bytes = index.to_bytes(&KEY);
    let again = Index::from_bytes(&bytes, &KEY).unwrap();
    assert!(again == *index);
    assert_eq!(again.to_bytes(&KEY), bytes);
}
