//! The signature section: one signing certificate and one `COSE_Sign1` over PCR0.
//!
//! ```text
//! section  = [ { "signing_certificate": bytes, "signature": bytes } ]
//! bytes    = array of unsigned integers, one for each byte
//! COSE     = [ bstr protected, {}, bstr payload, bstr r || s ], with or without tag 18
//! protected = { 1: -7 (ES256) | -35 (ES384) | -36 (ES512) }
//! payload  = { "register_index": 0, "register_value": bytes }
//! ```
//!
//! That the two byte strings are arrays of numbers is an accident of the first implementation
//! which every reader now insists on. The structure is parsed here and **nothing is verified**:
//! neither the signature nor whether the register value is that of the image.

use enclair_digest::{Engine, Hasher, Sha384};
use enclair_finding::Findings;
use minicbor::Decoder;
use minicbor::data::Tag;
use minicbor::decode::Error as CborError;

use crate::findings::{CERTIFICATE_EXTRA, SIGNATURE_FORM, SIGNATURE_HEADERS};
use crate::pem::parse_certificate;
use crate::section::MAX_SIGNATURE_SIZE;
use crate::{Error, Pcr};

/// The tag of a `COSE_Sign1`.
const COSE_SIGN1: u64 = 18;

/// A signature section, taken apart and not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureSection {
    /// The PEM text of the signing certificate.
    pub certificate_pem: Vec<u8>,
    /// The certificate in it, in DER.
    pub certificate_der: Vec<u8>,
    /// The `COSE_Sign1` with all of its parts.
    pub cose_sign1: Vec<u8>,
    /// Its protected header as it is signed.
    pub protected: Vec<u8>,
    /// The COSE algorithm in the protected header: -7, -35 or -36.
    pub algorithm: i64,
    /// Its payload as it is signed.
    pub payload: Vec<u8>,
    /// `r || s`: 64, 96 or 132 bytes.
    pub signature: Vec<u8>,
    /// The register that the payload names; 0 in every image so far.
    pub register_index: i32,
    /// The value that the payload states for it.
    pub register_value: Pcr,
    findings: Findings,
}

impl SignatureSection {
    /// Takes the section's data apart.
    ///
    /// # Errors
    ///
    /// Anything but the structure above: another number of entries, indefinite lengths, bytes
    /// behind the end, a signature of the wrong length for its algorithm, a certificate that is
    /// not PEM.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let Entry {
            certificate: certificate_pem,
            cose: cose_sign1,
        } = parse_entry(data)?;
        let certificate = parse_certificate(&certificate_pem)?;
        let cose = parse_cose(&cose_sign1)?;
        let (register_index, register_value) = parse_payload(&cose.payload)?;
        let mut findings = Findings::new();
        if cose.is_tagged || encode_signature_section(&certificate_pem, &cose_sign1) != data {
            findings.add(&SIGNATURE_FORM, "signature");
        }
        if cose.has_other_headers {
            findings.add(&SIGNATURE_HEADERS, "signature");
        }
        if certificate.has_extra_text {
            findings.add(&CERTIFICATE_EXTRA, "signature");
        }
        Ok(Self {
            certificate_pem,
            certificate_der: certificate.der,
            protected: cose.protected,
            algorithm: cose.algorithm,
            payload: cose.payload,
            signature: cose.signature,
            cose_sign1,
            register_index,
            register_value,
            findings,
        })
    }

    /// PCR8 of an image with this section: its content is the certificate in DER.
    pub fn pcr8<E: Engine>(&self, engine: &E) -> Pcr {
        let mut content = engine.sha384();
        content.update(&self.certificate_der);
        Pcr::extend_once(engine, content.finish())
    }

    /// What the section shows that a reader of the image should know.
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }
}

/// The data of a signature section with one entry.
pub fn encode_signature_section(certificate_pem: &[u8], cose_sign1: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    push_head(&mut data, Major::Array, 1);
    push_head(&mut data, Major::Map, 2);
    push_text(&mut data, "signing_certificate");
    push_numbers(&mut data, certificate_pem);
    push_text(&mut data, "signature");
    push_numbers(&mut data, cose_sign1);
    data
}

/// The payload that is signed for a value of PCR0.
pub fn encode_signed_payload(pcr0: &Pcr) -> Vec<u8> {
    let mut payload = Vec::new();
    push_head(&mut payload, Major::Map, 2);
    push_text(&mut payload, "register_index");
    push_head(&mut payload, Major::Unsigned, 0);
    push_text(&mut payload, "register_value");
    push_numbers(&mut payload, pcr0.as_bytes());
    payload
}

/// The CBOR major types that are written here, as the bits of the first byte.
#[derive(Clone, Copy)]
enum Major {
    Unsigned,
    Text,
    Array,
    Map,
}

/// The first bytes of an item: its type with the shortest form of a number (RFC 8949, 4.2.1).
fn push_head(out: &mut Vec<u8>, major: Major, number: usize) {
    let bits = match major {
        Major::Unsigned => 0x00,
        Major::Text => 0x60,
        Major::Array => 0x80,
        Major::Map => 0xa0,
    };
    match (u8::try_from(number), u16::try_from(number)) {
        (Ok(small @ 0..24), _) => out.push(bits | small),
        (Ok(byte), _) => out.extend([bits | 0x18, byte]),
        (_, Ok(word)) => {
            out.push(bits | 0x19);
            out.extend(word.to_be_bytes());
        }
        _ => {
            out.push(bits | 0x1b);
            out.extend(u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_head(out, Major::Text, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn push_numbers(out: &mut Vec<u8>, bytes: &[u8]) {
    push_head(out, Major::Array, bytes.len());
    for byte in bytes {
        push_head(out, Major::Unsigned, usize::from(*byte));
    }
}

/// Gives a CBOR error its place and what was wanted there.
fn cbor(offset: usize, expected: &'static str) -> impl FnOnce(CborError) -> Error {
    move |source| Error::SignatureCbor {
        offset,
        expected,
        source,
    }
}

fn check_number(
    offset: usize,
    expected: &'static str,
    found: Option<u64>,
    wanted: u64,
) -> Result<(), Error> {
    match found {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(Error::SignatureShape {
            offset,
            expected,
            found: found.into(),
        }),
        None => Err(Error::SignatureIndefinite { offset, expected }),
    }
}

fn check_end(decoder: &Decoder<'_>) -> Result<(), Error> {
    let (offset, size) = (decoder.position(), decoder.input().len());
    let found = u64::try_from(size.saturating_sub(offset)).ok();
    check_number(offset, "no more bytes", found, 0)
}

/// The two values of the section.
struct Entry {
    certificate: Vec<u8>,
    cose: Vec<u8>,
}

fn parse_entry(data: &[u8]) -> Result<Entry, Error> {
    const ARRAY: &str = "an array with one entry of known length";
    const MAP: &str = "a map with two entries of known length";
    const KEY: &str = "`signing_certificate` or `signature`, each once";
    let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
    if size > MAX_SIGNATURE_SIZE {
        return Err(Error::SignatureShape {
            offset: 0,
            expected: "at most 32768 bytes",
            found: size.into(),
        });
    }
    let mut decoder = Decoder::new(data);
    let entries = decoder.array().map_err(cbor(0, ARRAY))?;
    check_number(0, ARRAY, entries, 1)?;
    let offset = decoder.position();
    let members = decoder.map().map_err(cbor(offset, MAP))?;
    check_number(offset, MAP, members, 2)?;
    let (mut certificate, mut cose) = (None, None);
    for _ in 0..2 {
        let offset = decoder.position();
        let value = match decoder.str().map_err(cbor(offset, KEY))? {
            "signing_certificate" if certificate.is_none() => &mut certificate,
            "signature" if cose.is_none() => &mut cose,
            _ => {
                let expected = KEY;
                return Err(Error::SignatureKey { offset, expected });
            }
        };
        *value = Some(parse_numbers(&mut decoder)?);
    }
    check_end(&decoder)?;
    Ok(Entry {
        certificate: certificate.unwrap_or_default(),
        cose: cose.unwrap_or_default(),
    })
}

/// Bytes that are encoded as an array of numbers. A number takes at least one byte, so the input
/// bounds what is collected, whatever length is declared.
fn parse_numbers(decoder: &mut Decoder<'_>) -> Result<Vec<u8>, Error> {
    const NUMBERS: &str = "an array of numbers from 0 to 255, one for each byte";
    let offset = decoder.position();
    let count = decoder.array().map_err(cbor(offset, NUMBERS))?;
    let count = count.ok_or(Error::SignatureIndefinite {
        offset,
        expected: NUMBERS,
    })?;
    let mut bytes = Vec::new();
    for _ in 0..count {
        let offset = decoder.position();
        bytes.push(decoder.u8().map_err(cbor(offset, NUMBERS))?);
    }
    Ok(bytes)
}

/// The parts of a `COSE_Sign1`.
struct Cose {
    is_tagged: bool,
    has_other_headers: bool,
    protected: Vec<u8>,
    algorithm: i64,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

fn parse_cose(bytes: &[u8]) -> Result<Cose, Error> {
    const ARRAY: &str = "a COSE_Sign1: an array of four, with tag 18 or none";
    const BYTES: &str = "a byte string";
    const HEADERS: &str = "a map of unprotected headers";
    let mut decoder = Decoder::new(bytes);
    let is_tagged = is_tagged(&mut decoder)?;
    let offset = decoder.position();
    let parts = decoder.array().map_err(cbor(offset, ARRAY))?;
    check_number(offset, ARRAY, parts, 4)?;
    let offset = decoder.position();
    let protected = decoder.bytes().map_err(cbor(offset, BYTES))?;
    let (algorithm, protected_headers) = parse_protected(protected)?;
    let offset = decoder.position();
    let unprotected = skip_map(&mut decoder).map_err(cbor(offset, HEADERS))?;
    let offset = decoder.position();
    let payload = decoder.bytes().map_err(cbor(offset, BYTES))?;
    let offset = decoder.position();
    let signature = decoder.bytes().map_err(cbor(offset, BYTES))?;
    check_signature(offset, algorithm, signature)?;
    check_end(&decoder)?;
    Ok(Cose {
        is_tagged,
        has_other_headers: protected_headers != Some(1) || unprotected != Some(0),
        protected: protected.to_vec(),
        algorithm,
        payload: payload.to_vec(),
        signature: signature.to_vec(),
    })
}

/// Takes tag 18 if it is there.
fn is_tagged(decoder: &mut Decoder<'_>) -> Result<bool, Error> {
    const TAG: &str = "tag 18 or none";
    if decoder.datatype().ok() != Some(minicbor::data::Type::Tag) {
        return Ok(false);
    }
    let tag = decoder.tag().map_err(cbor(0, TAG))?;
    check_number(0, TAG, Some(Tag::as_u64(tag)), COSE_SIGN1)?;
    Ok(true)
}

/// Passes over a map and gives the number of its entries, if it says so.
fn skip_map(decoder: &mut Decoder<'_>) -> Result<Option<u64>, CborError> {
    let entries = decoder.probe().map()?;
    decoder.skip()?;
    Ok(entries)
}

/// The algorithm in the protected header, and how many entries the header has.
fn parse_protected(bytes: &[u8]) -> Result<(i64, Option<u64>), Error> {
    const HEADERS: &str = "a protected header that starts with 1 (algorithm)";
    const ALGORITHM: &str = "the algorithm -7, -35 or -36";
    let mut decoder = Decoder::new(bytes);
    let entries = decoder.probe().map().map_err(cbor(0, HEADERS))?;
    let mut end = Decoder::new(bytes);
    end.skip().map_err(cbor(0, HEADERS))?;
    check_end(&end)?;
    decoder.map().map_err(cbor(0, HEADERS))?;
    let label = decoder.u64().map_err(cbor(1, HEADERS))?;
    check_number(1, HEADERS, Some(label), 1)?;
    let algorithm = decoder.i64().map_err(cbor(2, ALGORITHM))?;
    Ok((algorithm, entries))
}

fn check_signature(offset: usize, algorithm: i64, signature: &[u8]) -> Result<(), Error> {
    let size = u64::try_from(signature.len()).ok();
    match algorithm {
        -7 => check_number(offset, "64 bytes of ES256 signature", size, 64),
        -35 => check_number(offset, "96 bytes of ES384 signature", size, 96),
        -36 => check_number(offset, "132 bytes of ES512 signature", size, 132),
        other => Err(Error::SignatureShape {
            offset,
            expected: "the algorithm -7, -35 or -36",
            found: other.into(),
        }),
    }
}

fn parse_payload(payload: &[u8]) -> Result<(i32, Pcr), Error> {
    const MAP: &str = "a payload that is a map with two entries of known length";
    const KEY: &str = "`register_index` or `register_value`, each once";
    const INDEX: &str = "a register number";
    let mut decoder = Decoder::new(payload);
    let entries = decoder.map().map_err(cbor(0, MAP))?;
    check_number(0, MAP, entries, 2)?;
    let (mut index, mut value) = (None, None);
    for _ in 0..2 {
        let offset = decoder.position();
        match decoder.str().map_err(cbor(offset, KEY))? {
            "register_index" if index.is_none() => {
                index = Some(decoder.i32().map_err(cbor(offset, INDEX))?);
            }
            "register_value" if value.is_none() => value = Some(parse_register(&mut decoder)?),
            _ => {
                let expected = KEY;
                return Err(Error::SignatureKey { offset, expected });
            }
        }
    }
    check_end(&decoder)?;
    Ok((index.unwrap_or_default(), value.unwrap_or(Pcr::ZERO)))
}

fn parse_register(decoder: &mut Decoder<'_>) -> Result<Pcr, Error> {
    let offset = decoder.position();
    let bytes = parse_numbers(decoder)?;
    let found = bytes.len();
    let bytes: [u8; Sha384::LEN] = bytes.try_into().map_err(|_| Error::SignatureShape {
        offset,
        expected: "a register value of 48 bytes",
        found: i128::try_from(found).unwrap_or(i128::MAX),
    })?;
    Ok(Pcr::from_bytes(bytes))
}
