//! Locks: what is read is written back to the byte, apart from line ends.

#![no_main]

use enclair_recipe::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = str::from_utf8(data) else {
        return;
    };
    if let Ok(lock) = Lock::parse(document) {
        assert_eq!(lock.to_toml(), document.replace("\r\n", "\n"));
        let _ = lock.wanted();
    }
});
