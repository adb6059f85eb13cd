//! PEM files (RFC 7468) that hold certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
/// The labels under which OpenSSL takes a certificate.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// The certificate of a file that holds one and nothing else in PEM; `None` otherwise.
pub(super) fn only_certificate(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut found = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after.split_once(DASHES)?;
        let (body, after) = after.split_once(&format!("-----END {label}{DASHES}"))?;
        if found.is_some() || !LABELS.contains(&label) {
            return None;
        }
        let letters: Vec<u8> = body
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        found = Some(STANDARD.decode(letters).ok()?);
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::only_certificate;

    #[test]
    fn one_and_only_one() {
        let one = "text\n-----BEGIN CERTIFICATE-----\nAAEC\nAw==\n-----END CERTIFICATE-----\n";
        assert_eq!(only_certificate(one.as_bytes()), Some(vec![0, 1, 2, 3]));
        assert_eq!(only_certificate(format!("{one}{one}").as_bytes()), None);
        assert_eq!(only_certificate(one.replace("CERT", "X").as_bytes()), None);
        assert_eq!(
            only_certificate(one.replace("-----END", "").as_bytes()),
            None
        );
        assert_eq!(
            only_certificate(one.replace("AAEC", "A*EC").as_bytes()),
            None
        );
        assert_eq!(only_certificate(b""), None);
        assert_eq!(only_certificate(b"\xff"), None);
    }
}
