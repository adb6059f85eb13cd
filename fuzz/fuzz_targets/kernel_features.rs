//! Kernels: kind, version, embedded configuration.

#![no_main]

use enclair_inspect::{check_kernel, parse_kernel};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(kernel) = parse_kernel(data) {
        let printable = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(kernel.version.as_ref().is_none_or(printable));
        let _ = check_kernel(&kernel, data);
    }
});
