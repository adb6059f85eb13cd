//! Requests for documents: nobody is both outside and inside.

#![no_main]

use enclair_agent::readers::attestation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((outside, inside)) = attestation(data) {
        assert!(
            outside.is_none() || inside.is_none(),
            "{outside:?} {inside:?}"
        );
    }
});
