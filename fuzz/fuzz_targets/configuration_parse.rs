//! The measured configuration: what is read is written back to the byte.

#![no_main]

use enclair_configuration::Configuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(configuration) = Configuration::parse(data) {
        assert_eq!(configuration.to_canonical_json().unwrap(), data);
    }
});
