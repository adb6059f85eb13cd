//! Questions for names: read without a look behind the message, and the same when more follows.

#![no_main]

use enclair_agent::readers::question;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(question) = question(data) {
        let more = [data, b"more"].concat();
        assert_eq!(enclair_agent::readers::question(&more), Some(question));
    }
});
