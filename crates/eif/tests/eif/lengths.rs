//! The limits of certificate lengths: DER lengths in all the forms that certificates have.

use enclair_eif::SignatureSection;

use crate::image::{cose, pcr0, plain};

/// Base64 of `bytes` in lines of 64 characters, bit by bit.
fn base64_lines(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for place in 0..4 {
            let digit = ALPHABET[usize::try_from(bits >> (18 - 6 * place)).unwrap() & 63];
            text.push(if place > group.len() {
                '='
            } else {
                char::from(digit)
            });
        }
        if text.len() % 65 == 64 {
            text.push('\n');
        }
    }
    text
}

#[test]
fn certificates_of_every_length_are_decoded_whole() {
    for length in [0_u16, 1, 2, 127, 128, 255, 256, 1000, 5000] {
        let [high, low] = length.to_be_bytes();
        let mut der = match length {
            0..=127 => vec![0x30, low],
            128..=255 => vec![0x30, 0x81, low],
            _ => vec![0x30, 0x82, high, low],
        };
        der.extend((0..length).map(|n| u8::try_from(n % 251).unwrap()));
        let body = base64_lines(&der);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let section = enclair_eif::encode_signature_section(pem.as_bytes(), &cose(&pcr0(&plain())));
        let section = SignatureSection::parse(&section).unwrap();
        assert_eq!(section.certificate_der, der, "length {length}");
        assert!(section.findings().is_empty());
    }
}
