//! The signing certificate's PEM text (RFC 7468), as far as PCR8 needs it.
//!
//! PCR8 is computed over the DER inside. Readers in the field decode with a library that skips
//! unknown blocks and ignores bytes behind the certificate, so two readers could take different
//! bytes out of one text. Here the first block must be the certificate, and nothing may follow it
//! inside the block.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// A certificate out of a PEM text.
pub(crate) struct Certificate {
    /// The certificate in DER.
    pub(crate) der: Vec<u8>,
    /// Whether the text has anything but white space around it.
    pub(crate) has_extra_text: bool,
}

/// One line with its offset, without the white space at its end.
struct Line<'a> {
    offset: usize,
    text: &'a [u8],
}

fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0_usize;
    text.split_inclusive(|byte| *byte == b'\n')
        .map(move |line| {
            let start = offset;
            offset = offset.saturating_add(line.len());
            Line {
                offset: start,
                text: line.trim_ascii_end(),
            }
        })
}

pub(crate) fn parse_certificate(text: &[u8]) -> Result<Certificate, Error> {
    let pem = |offset, expected| Error::Pem { offset, expected };
    let mut lines = lines(text);
    let mut before = Vec::new();
    let begin = loop {
        let line = lines.next();
        let line = line.ok_or_else(|| pem(text.len(), "a line `-----BEGIN CERTIFICATE-----`"))?;
        if line.text == BEGIN {
            break line.offset;
        }
        if line.text.starts_with(b"-----BEGIN") {
            return Err(pem(line.offset, "a certificate as the first block"));
        }
        before.extend_from_slice(line.text);
    };
    let mut body = Vec::new();
    loop {
        let line = lines.next();
        let line = line.ok_or_else(|| pem(text.len(), "a line `-----END CERTIFICATE-----`"))?;
        if line.text == END {
            break;
        }
        body.extend_from_slice(line.text);
    }
    let der = STANDARD.decode(body).map_err(|source| Error::PemBase64 {
        offset: begin,
        source,
    })?;
    if !is_one_sequence(&der) {
        return Err(pem(begin, "one DER sequence and nothing behind it"));
    }
    let after = lines.any(|line| !line.text.is_empty());
    Ok(Certificate {
        der,
        has_extra_text: after || !before.is_empty(),
    })
}

/// Whether `der` is a SEQUENCE whose length, in its shortest form, covers all of it.
fn is_one_sequence(der: &[u8]) -> bool {
    let Some((&[0x30, first], rest)) = der.split_first_chunk() else {
        return false;
    };
    let (length, rest) = match (first, rest) {
        (0..=0x7f, rest) => (usize::from(first), rest),
        (0x81, [a, rest @ ..]) if *a >= 0x80 => (usize::from(*a), rest),
        (0x82, [a, b, rest @ ..]) if *a > 0 => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        _ => return false,
    };
    rest.len() == length
}
