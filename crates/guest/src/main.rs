//! `enclair-init`: PID 1 of an enclave. Everything is in the library; this is the entry point.
//!
//! It is C's `main` and not Rust's, because the code that the standard library runs before Rust's
//! opens `/dev/null` in place of closed standard streams and aborts when it cannot. At this moment
//! there is no `/dev/null`, and PID 1 must not abort. Arguments and environment, which the kernel
//! takes from an unmeasured command line, are not looked at.

#![no_main]
#![allow(
    unsafe_code,
    reason = "the name `main` is what the C start-up code calls; nothing here is unsafe to call"
)]

/// Called once, by the C start-up code.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> core::ffi::c_int {
    enclair_guest::run()
}
