//! What is said about files that are accepted.

use crate::examine::examine;
use crate::image::{Part, command_line, encode, kernel, metadata, patched, plain, ramdisk, signed};

fn found(file: &[u8]) -> Vec<String> {
    let findings = examine(file).unwrap().findings;
    findings
        .iter()
        .map(|finding| format!("{}: {}", finding.kind.id, finding.examples.join("; ")))
        .collect()
}

fn replaced(index: usize, part: Part) -> Vec<u8> {
    let mut parts = plain();
    parts[index] = part;
    encode(&parts)
}

#[test]
fn a_good_image_has_none() {
    assert!(found(&encode(&plain())).is_empty());
    assert!(found(&encode(&signed())).is_empty());
}

#[test]
fn fields_of_the_header_that_nobody_measures_are_reported() {
    let file = patched(
        &plain(),
        &[
            (6, &[0x80, 1]),
            (15, &[1]),
            (0x18, &[0, 7]),
            (0x21c, &[0, 0, 1, 0]),
        ],
    );
    assert_eq!(
        found(&file),
        [
            "eif-header-defaults: 1073741825 bytes, 2 CPUs",
            "eif-header-flags: offset 6: 0x8000",
            "eif-header-reserved: offset 24: 0x0007; offset 540: 0x00000100",
        ]
    );
}

#[test]
fn flags_of_a_section_are_reported() {
    let file = patched(&plain(), &[(550, &[0, 1])]);
    assert_eq!(
        found(&file),
        ["eif-section-flags: section 0 (kernel) at offset 548: 0x0001"]
    );
}

#[test]
fn a_ramdisk_that_hides_the_next_one_is_reported_and_the_last_one_is_not() {
    for size in [13, 14, 15] {
        let file = replaced(3, ramdisk(&"x".repeat(size)));
        let text =
            format!("eif-ramdisk-unaligned: section 3 (ramdisk) at offset 840: {size} bytes");
        assert_eq!(found(&file), [text]);
    }
    assert!(found(&replaced(3, ramdisk(&"x".repeat(16)))).is_empty());
    assert!(found(&replaced(4, ramdisk("x"))).is_empty());
}

#[test]
fn an_empty_ramdisk_that_moves_the_application_to_pcr2_is_reported() {
    let file = replaced(3, ramdisk(""));
    assert_eq!(
        found(&file),
        ["eif-section-empty: section 3 (ramdisk) at offset 840"]
    );
}

#[test]
fn invisible_bytes_of_the_command_line_are_reported() {
    let text = "console=ttyS0\n\0\u{a0}";
    let file = replaced(1, (2, text.as_bytes().to_vec()));
    assert_eq!(
        found(&file),
        ["eif-command-line-bytes: \
        command line offset 13: `\\n`; command line offset 14: `\\x00`; \
        command line offset 15: `\\xc2`; command line offset 16: `\\xa0`"]
    );
}

#[test]
fn another_place_of_the_metadata_is_reported() {
    let file = encode(&[kernel(), command_line(), ramdisk("r"), metadata()]);
    assert_eq!(
        found(&file),
        ["eif-metadata-position: section 3 (metadata) at offset 610"]
    );
}

#[test]
fn old_versions_and_what_they_did_not_have_are_reported() {
    let old = [kernel(), command_line(), ramdisk("r")];
    assert_eq!(
        found(&patched(&old, &[(4, &[0, 3])])),
        ["eif-old-version: version 3"]
    );
    assert_eq!(
        found(&patched(&signed(), &[(4, &[0, 2])])),
        [
            "eif-old-version: version 2",
            "eif-section-newer-than-version: section 2 (metadata) at offset 597; \
         section 5 (signature) at offset 888",
        ]
    );
}

#[test]
fn every_kind_has_an_id_of_its_own_and_all_of_its_texts() {
    let mut ids: Vec<_> = enclair_eif::KINDS.iter().map(|kind| kind.id).collect();
    for kind in enclair_eif::KINDS {
        assert!(kind.id.starts_with("eif-") && !kind.why.is_empty() && !kind.fix.is_empty());
        assert!(!kind.title.ends_with('.'), "{}", kind.title);
    }
    let sorted = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, sorted, "declared in order and once");
}
