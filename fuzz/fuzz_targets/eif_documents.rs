//! Metadata and signature sections: what was parsed is written, parsed again and the same.

#![no_main]

use enclair_digest::PureRust;
use enclair_eif::{Metadata, SignatureSection};
use enclair_fuzz::LIMITS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok((metadata, findings)) = Metadata::parse(data, &LIMITS) {
        let json = metadata.to_json();
        let (again, _) = Metadata::parse(&json, &enclair_digest::Limits::default()).unwrap();
        assert_eq!(again, metadata);
        assert_eq!(again.to_json(), json);
        assert!(
            json == data || !findings.is_empty(),
            "another form, and nothing said"
        );
    }
    if let Ok(signature) = SignatureSection::parse(data) {
        let _ = signature.pcr8(&PureRust);
        assert!(signature.certificate_der.len() < data.len());
    }
});
