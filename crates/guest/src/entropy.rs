//! Entropy: what the security module gives goes to the kernel's pool, and counts there.
//!
//! Writing to `/dev/random` would mix the bytes in without counting them; the ioctl counts them,
//! so that `getrandom(2)` does not wait for a machine without interrupts to become unpredictable.

use std::fs::File;

use crate::failure::Failure;
use crate::nsm;
use crate::sys::random::{MAX_ENTROPY, add_entropy};

/// Bytes to credit at least: 512 bits, twice what the kernel's generator wants.
const ENOUGH: usize = 64;
/// Requests after which the module has had its chances.
const MAX_REQUESTS: usize = 8;

/// Feeds the kernel from the module. Gives the number of bits that were credited.
pub(crate) fn feed(module: &File) -> Result<usize, Failure> {
    let random = collect(|| nsm::random(module))?;
    let pool = File::options().write(true).open("/dev/random");
    let pool = pool.map_err(|error| Failure::EntropyNotCredited {
        errno: error.into(),
    })?;
    for chunk in random.chunks(MAX_ENTROPY) {
        add_entropy(&pool, chunk).map_err(|errno| Failure::EntropyNotCredited { errno })?;
    }
    Ok(random.len() * 8)
}

/// Asks until there is enough; bytes that are all the same are none.
fn collect(mut ask: impl FnMut() -> Result<Vec<u8>, Failure>) -> Result<Vec<u8>, Failure> {
    let mut random = Vec::new();
    for _ in 0..MAX_REQUESTS {
        random.append(&mut ask()?);
        if random.len() >= ENOUGH {
            let first = random.first().copied();
            return if random.iter().all(|byte| Some(*byte) == first) {
                Err(Failure::NsmConstantRandom)
            } else {
                Ok(random)
            };
        }
    }
    Err(Failure::NsmWrongAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_asked_until_it_gave_enough() {
        let mut number = 0;
        let mut ask = || {
            number += 1;
            Ok(vec![number; 20])
        };
        assert_eq!(collect(&mut ask).unwrap().len(), 80);
        assert_eq!(number, 4);
    }

    #[test]
    fn a_module_that_gives_nothing_is_a_failure_and_is_not_asked_for_ever() {
        let mut requests = 0;
        let ask = || {
            requests += 1;
            Ok(Vec::new())
        };
        assert_eq!(collect(ask).unwrap_err().id(), "nsm-wrong-answer");
        assert_eq!(requests, MAX_REQUESTS);
    }

    #[test]
    fn equal_bytes_are_not_random() {
        let constant = collect(|| Ok(vec![0; 256]));
        assert_eq!(constant.unwrap_err().id(), "nsm-constant-random");
    }
}
