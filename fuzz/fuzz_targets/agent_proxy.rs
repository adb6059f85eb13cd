//! What a client of the proxy says, in HTTP or SOCKS: what the target gets is one head and no more.

#![no_main]

use enclair_agent::readers::proxied;
use enclair_fuzz::check_head;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((target, head)) = proxied(data) {
        check_head(&target, &head);
    }
});
