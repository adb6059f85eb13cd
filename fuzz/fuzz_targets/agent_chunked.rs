//! A body of chunks ends at the same place whatever the pieces in which it comes.

#![no_main]

use enclair_agent::readers::chunked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = chunked(data, data.len());
    for piece in [1, 2, 3, 7] {
        assert_eq!(chunked(data, piece), whole, "{piece}");
    }
});
