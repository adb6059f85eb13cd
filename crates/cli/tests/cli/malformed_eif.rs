//! Every malformed image of the corpus, and a few that are no files: one clear sentence, soon, and
//! nothing written.
//!
//! What is wrong with each is said by the tests of the format; here it is whether all commands
//! refuse it and how the refusal looks from outside.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::images::{bzimage, write_eif};
use crate::newc;
use crate::workshop::Workshop;

/// The commands that read an image. None may leave anything behind.
const COMMANDS: [&str; 5] = [
    "inspect x.eif",
    "inspect x.eif --json --files",
    "extract x.eif -C out/d",
    "extract x.eif --tar out/t",
    "extract x.eif --section 0 -o out/s",
];

/// Signatures are judged by whoever looks into them. `extract` copies the section as it is.
const BAD_SIGNATURE: [&str; 8] = [
    "certificate_of_2_62_bytes",
    "certificate_that_is_no_pem",
    "empty_signature_array",
    "empty_signature_section",
    "one_byte_of_cose",
    "one_byte_of_signature_section",
    "signature_array_of_2_62_entries",
    "signature_with_a_byte_behind_it",
];

/// Metadata is not measured and any bytes may stand there: a finding of `inspect`.
const BAD_METADATA: [&str; 2] = ["metadata_of_deep_arrays", "metadata_that_is_not_json"];

/// Only a pass over the whole file finds these.
const BAD_CRC: [&str; 2] = ["crc_of_another_file", "crc_that_was_never_written"];

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/eif");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 50, "the corpus is not here");
    files
}

/// An image whose ramdisk is one.
fn good_image() -> Vec<u8> {
    let shop = Workshop::new();
    write_eif(
        &shop,
        &[newc::archive([
            newc::dir("dev"),
            newc::file("init", "content"),
        ])],
    );
    shop.read("app.eif")
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

fn shop_with(file: &[u8]) -> Workshop {
    let shop = Workshop::new();
    shop.write("x.eif", file);
    fs::create_dir(shop.path("out")).unwrap();
    shop
}

#[test]
fn every_command_refuses_every_broken_structure_and_writes_nothing() {
    let special = [&BAD_SIGNATURE[..], &BAD_METADATA, &BAD_CRC].concat();
    let files = corpus();
    let broken = files.iter().filter(|(name, _)| {
        !name.starts_with("good_") && !name.starts_with("fuzz_") && !is_in(&special, name)
    });
    let mut count = 0;
    for (name, file) in broken {
        let shop = shop_with(file);
        let before = shop.listing();
        for command in COMMANDS {
            let message = shop.enclair(command).refused();
            let place = ["offset ", "section", "magic"]
                .iter()
                .any(|word| message.contains(word));
            assert!(place, "{name}: {command}: no place in {message}");
            assert!(message.lines().count() <= 3, "{name}: {command}: {message}");
        }
        assert_eq!(shop.listing(), before, "{name}");
        count += 1;
    }
    assert!(count >= 44, "{count}");
}

#[test]
fn a_crc_that_does_not_match_is_an_error_wherever_the_content_is_used() {
    for (name, file) in corpus().iter().filter(|(name, _)| is_in(&BAD_CRC, name)) {
        let shop = shop_with(file);
        let before = shop.listing();
        for command in &COMMANDS[..2] {
            let message = shop.enclair(command).refused();
            assert!(message.contains("crc at offset 544"), "{name}: {message}");
        }
        assert_eq!(shop.listing(), before, "{name}");
    }
    // In any section: the kernel, the command line, the metadata, the name in a ramdisk.
    let good = good_image();
    let text = |needle: &[u8]| {
        good.windows(needle.len())
            .position(|w| w == needle)
            .unwrap()
    };
    for place in [
        560 + 0x1000,
        560 + 0x2000 + 12,
        text(b"ImageName"),
        text(b"content"),
    ] {
        let mut file = good.clone();
        file[place] ^= 1;
        let shop = shop_with(&file);
        let before = shop.listing();
        for command in &COMMANDS[..4] {
            let message = shop.enclair(command).refused();
            assert!(message.contains("crc at offset 544"), "{place}: {message}");
        }
        assert_eq!(shop.listing(), before, "{place}");
    }
}

#[test]
fn a_damaged_signature_is_an_error_of_inspect() {
    for (name, file) in corpus()
        .iter()
        .filter(|(name, _)| is_in(&BAD_SIGNATURE, name))
    {
        let shop = shop_with(file);
        for command in &COMMANDS[..2] {
            let message = shop.enclair(command).refused();
            let place =
                message.contains("signature offset") || message.contains("certificate offset");
            assert!(place, "{name}: {message}");
        }
    }
}

#[test]
fn metadata_that_cannot_be_read_is_a_finding_with_the_place() {
    for (name, file) in corpus()
        .iter()
        .filter(|(name, _)| is_in(&BAD_METADATA, name))
    {
        let shop = shop_with(file);
        let outcome = shop.enclair("inspect x.eif");
        assert_eq!(outcome.status, Some(0), "{name}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains("metadata offset"),
            "{name}: {}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
}

#[test]
fn the_good_images_of_the_corpus_are_read() {
    for (name, file) in corpus()
        .iter()
        .filter(|(name, _)| name.starts_with("good_"))
    {
        let shop = shop_with(file);
        shop.enclair("inspect x.eif").done();
        shop.enclair("extract x.eif --section 0 -o out/s").done();
        assert_eq!(shop.names("out"), ["s"], "{name}");
    }
}

#[test]
fn every_length_of_a_header_and_of_the_first_sections_is_refused() {
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    let whole = shop.read("app.eif");
    let lengths = (0..whole.len()).filter(|length| {
        *length < 16 || length % 97 == 0 || (540..580).contains(length) || whole.len() - length < 3
    });
    for length in lengths {
        shop.write("x.eif", &whole[..length]);
        shop.enclair("inspect x.eif").refused();
    }
}

#[test]
fn what_is_not_a_regular_file_is_refused() {
    let shop = shop_with(b"");
    fs::remove_file(shop.path("x.eif")).unwrap();
    let _socket = UnixListener::bind(shop.path("x.eif")).unwrap();
    refused_by_all(&shop);

    fs::remove_file(shop.path("x.eif")).unwrap();
    fs::create_dir(shop.path("x.eif")).unwrap();
    refused_by_all(&shop);

    fs::remove_dir(shop.path("x.eif")).unwrap();
    std::os::unix::fs::symlink("x.eif", shop.path("x.eif")).unwrap();
    refused_by_all(&shop);

    fs::remove_file(shop.path("x.eif")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", shop.path("x.eif")).unwrap();
    refused_by_all(&shop);
}

/// A pipe has no size and cannot be read twice.
#[test]
fn a_pipe_is_refused() {
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    for command in [
        "inspect",
        "extract -C d",
        "extract --tar t",
        "extract --section 0 -o s",
    ] {
        let script = format!("mkfifo p-$$; cat app.eif > p-$$ & \"$ENCLAIR\" {command} p-$$");
        shop.shell(&script).refused();
    }
    let left: Vec<_> = shop
        .names(".")
        .into_iter()
        .filter(|name| !name.starts_with("p-"))
        .collect();
    assert_eq!(left, ["app.eif"]);
}

fn refused_by_all(shop: &Workshop) {
    for command in COMMANDS {
        let message = shop.enclair(command).refused();
        assert!(message.contains("x.eif"), "{command}: {message}");
    }
    assert!(shop.names("out").is_empty());
}

#[test]
fn a_section_that_is_not_there_leaves_no_file() {
    let shop = Workshop::new();
    write_eif(&shop, &[newc::archive([newc::dir("dev")])]);
    for index in ["4", "32", "18446744073709551615"] {
        let arguments = format!("extract app.eif --section {index} -o s");
        let message = shop.enclair(&arguments).refused();
        assert!(message.contains("the image has 4"), "{message}");
    }
    assert_eq!(shop.names("."), ["app.eif"]);
}

#[test]
fn a_file_of_another_kind_is_refused_by_its_magic() {
    let shop = Workshop::new();
    for (content, shown) in [
        (bzimage(), "0"),
        (b"\x7fELF\x02\x01\x01".repeat(100), "7f454c46"),
        (b"#!/bin/sh\necho\n".repeat(50), "23212f62"),
    ] {
        shop.write("x.eif", content);
        let message = shop.enclair("inspect x.eif").refused();
        assert!(message.contains("magic at offset 0"), "{message}");
        assert!(message.contains(shown), "{message}");
    }
}
