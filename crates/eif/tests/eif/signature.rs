//! The signature section: structure only.

use enclair_digest::PureRust;
use enclair_eif::{Pcr, SignatureSection, encode_signature_section, encode_signed_payload};

use crate::image::{PEM, cose, pcr0, plain, signature_section};
use crate::measure::sha384;

fn good() -> Vec<u8> {
    signature_section(&cose(&pcr0(&plain())))
}

fn findings(section: &[u8]) -> Vec<&'static str> {
    let section = SignatureSection::parse(section).unwrap();
    section
        .findings()
        .iter()
        .map(|finding| finding.kind.id)
        .collect()
}

fn refusal(section: &[u8]) -> String {
    SignatureSection::parse(section).unwrap_err().to_string()
}

fn with_cose(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut cose = cose(&pcr0(&plain()));
    change(&mut cose);
    signature_section(&cose)
}

fn with_pem(pem: &[u8]) -> Vec<u8> {
    encode_signature_section(pem, &cose(&pcr0(&plain())))
}

#[test]
fn all_parts_are_shown() {
    let section = SignatureSection::parse(&good()).unwrap();
    assert_eq!(section.certificate_pem, PEM);
    assert_eq!(section.certificate_der, [0x30, 3, 2, 1, 5]);
    assert_eq!(section.cose_sign1, cose(&pcr0(&plain())));
    assert_eq!(section.protected, [0xa1, 1, 0x38, 0x22]);
    assert_eq!(section.algorithm, -35);
    assert_eq!(section.payload, encode_signed_payload(&pcr0(&plain())));
    assert_eq!(section.signature, [0x11; 96]);
    assert_eq!(section.register_index, 0);
    assert_eq!(section.register_value, pcr0(&plain()));
    assert!(section.findings().is_empty());
    let content = sha384(&[&[0x30, 3, 2, 1, 5]]);
    assert_eq!(
        section.pcr8(&PureRust),
        Pcr::extend_once(&PureRust, content)
    );
}

#[test]
fn both_byte_strings_are_arrays_of_numbers() {
    let text = [
        &[0x81, 0xa2, 0x73],
        &b"signing_certificate"[..],
        &[0x98, 63, 0x18, 0x2d],
    ]
    .concat();
    assert_eq!(good()[..text.len()], text);
    let mut payload = [
        &[0xa2, 0x6e],
        &b"register_index"[..],
        &[0, 0x6e],
        b"register_value",
    ]
    .concat();
    payload.extend([0x98, 48]);
    payload.extend([0x18, 0x21].repeat(48));
    assert_eq!(encode_signed_payload(&Pcr::from_bytes([0x21; 48])), payload);
}

#[test]
fn a_byte_string_instead_of_numbers_is_refused() {
    let section = [&[0x81, 0xa2, 0x73], &b"signing_certificate"[..], &[0x41, 0]].concat();
    assert_eq!(
        refusal(&section),
        "signature offset 22: expected an array of numbers from 0 to 255, one for each byte"
    );
    let section = [
        &[0x81, 0xa2, 0x73],
        &b"signing_certificate"[..],
        &[0x81, 0x19, 1, 0],
    ]
    .concat();
    assert!(refusal(&section).starts_with("signature offset 23: expected an array of numbers"));
}

#[test]
fn two_entries_unknown_keys_and_indefinite_lengths_are_refused() {
    let key = "expected `signing_certificate` or `signature`, each once, found another key";
    assert!(refusal(&[&[0x82], &good()[1..]].concat()).ends_with("found 2"));
    assert_eq!(
        refusal(&[0x81, 0xa2, 0x61, b'x']),
        format!("signature offset 2: {key}")
    );
    let twice = [
        &[0x81, 0xa2, 0x69],
        &b"signature"[..],
        &[0x80, 0x69],
        b"signature",
        &[0x80],
    ]
    .concat();
    assert_eq!(refusal(&twice), format!("signature offset 13: {key}"));
    assert_eq!(
        refusal(&[0x9f, 0xff]),
        "signature offset 0: expected an array with one entry of known length, \
         found an indefinite length"
    );
    let section = [&[0x81, 0xa2, 0x69], &b"signature"[..], &[0x9f, 1, 0xff]].concat();
    assert!(refusal(&section).ends_with("found an indefinite length"));
    assert_eq!(
        refusal(&vec![0; 32_769]),
        "signature offset 0: expected at most 32768 bytes, found 32769"
    );
}

#[test]
fn a_tagged_cose_is_a_finding_and_another_tag_is_refused() {
    assert_eq!(
        findings(&with_cose(|cose| cose.insert(0, 0xd2))),
        ["eif-signature-form"]
    );
    assert_eq!(
        refusal(&with_cose(|cose| cose.insert(0, 0xd1))),
        "signature offset 0: expected tag 18 or none, found 17"
    );
}

#[test]
fn numbers_that_are_longer_than_needed_are_a_finding() {
    let mut section = good();
    section.splice(..1, [0x98, 1]);
    assert_eq!(findings(&section), ["eif-signature-form"]);
}

#[test]
fn headers_besides_the_algorithm_are_a_finding() {
    let unprotected = with_cose(|cose| drop(cose.splice(6..7, [0xa1, 4, 0x41, 7])));
    assert_eq!(findings(&unprotected), ["eif-signature-headers"]);
    let protected = with_cose(|cose| drop(cose.splice(1..6, [0x46, 0xa2, 1, 0x38, 0x22, 4, 0])));
    assert_eq!(findings(&protected), ["eif-signature-headers"]);
}

#[test]
fn an_algorithm_or_a_length_that_no_curve_has_is_refused() {
    assert_eq!(
        refusal(&with_cose(|cose| cose[5] = 0x18)),
        "signature offset 133: expected the algorithm -7, -35 or -36, found -25"
    );
    assert_eq!(
        refusal(&with_cose(|cose| cose[5] = 0x23)),
        "signature offset 133: expected 132 bytes of ES512 signature, found 96"
    );
    assert_eq!(
        refusal(&with_cose(|cose| {
            cose.truncate(133);
            cose.extend([0x41, 0]);
        })),
        "signature offset 133: expected 96 bytes of ES384 signature, found 1"
    );
    assert_eq!(
        refusal(&with_cose(|cose| cose[3] = 2)),
        "signature offset 1: expected a protected header that starts with 1 (algorithm), found 2"
    );
}

#[test]
fn bytes_behind_the_protected_header_are_refused() {
    assert_eq!(
        refusal(&with_cose(|cose| drop(
            cose.splice(1..6, [0x45, 0xa1, 1, 0x38, 0x22, 0])
        ))),
        "signature offset 4: expected no more bytes, found 1"
    );
}

#[test]
fn a_payload_of_another_shape_is_refused() {
    let place = cose(&pcr0(&plain()))
        .windows(14)
        .position(|w| w == b"register_index")
        .unwrap();
    assert_eq!(
        refusal(&with_cose(|cose| cose[place] = b'R')),
        "signature offset 1: expected `register_index` or `register_value`, each once, \
         found another key"
    );
    // The payload as `null`: a detached signature.
    let detached = with_cose(|cose| drop(cose.splice(7..133, [0xf6])));
    assert_eq!(
        refusal(&detached),
        "signature offset 7: expected a byte string"
    );
    let count = place + 14 + 1 + 15 + 1;
    assert_eq!(
        refusal(&with_cose(|cose| cose[count] = 47)),
        "signature offset 32: expected a register value of 48 bytes, found 47"
    );
}

#[test]
fn bytes_behind_the_cose_are_refused() {
    assert_eq!(
        refusal(&with_cose(|cose| cose.push(0))),
        "signature offset 231: expected no more bytes, found 1"
    );
}

#[test]
fn line_ends_and_text_around_the_certificate() {
    let crlf = String::from_utf8(PEM.to_vec())
        .unwrap()
        .replace('\n', "\r\n");
    assert!(findings(&with_pem(crlf.as_bytes())).is_empty());
    for pem in [
        [b"subject=x\n", PEM].concat(),
        [PEM, PEM].concat(),
        [PEM, b"x"].concat(),
    ] {
        assert_eq!(findings(&with_pem(&pem)), ["eif-certificate-extra-text"]);
        let der = SignatureSection::parse(&with_pem(&pem))
            .unwrap()
            .certificate_der;
        assert_eq!(der, [0x30, 3, 2, 1, 5]);
    }
}

#[test]
fn text_that_two_readers_would_decode_differently_is_refused() {
    let with_body = |label: &str, body: &str| {
        let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        refusal(&with_pem(pem.as_bytes()))
    };
    let place = "signing certificate offset 0: expected";
    assert_eq!(
        with_body("X509 CERTIFICATE", "MAMCAQU="),
        format!("{place} a certificate as the first block")
    );
    assert_eq!(
        with_body("CERTIFICATE", "MAMCAQ!="),
        format!("{place} base64")
    );
    // One byte behind the sequence, one byte too few, nothing, and lengths in a longer form.
    for body in [
        "MAMCAQUA",
        "MAQCAQU=",
        "",
        "MIEDAgEF",
        "MIIAAwIBBQ==",
        "MA==",
    ] {
        assert_eq!(
            with_body("CERTIFICATE", body),
            format!("{place} one DER sequence and nothing behind it"),
            "{body}"
        );
    }
    assert_eq!(
        refusal(&with_pem(b"-----BEGIN CERTIFICATE-----\nMAMCAQU=\n")),
        "signing certificate offset 37: expected a line `-----END CERTIFICATE-----`"
    );
    assert!(refusal(&with_pem(b"-----BEGIN CERTIFICATE-----")).contains("END CERTIFICATE"));
}
