//! Manifests of Enclaver: what is read becomes TOML, and notes of one line.

#![no_main]

use enclair_fuzz::check_import;
use enclair_import::ForeignKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| check_import(ForeignKind::Enclaver, data));
