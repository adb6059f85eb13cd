//! Joining CRC-32 sums: the sum of two pieces from the sums of each.
//!
//! A CRC is the rest of a polynomial over GF(2) divided by a fixed one, P. Appending n bytes
//! multiplies what was there by x^8n and adds the new piece, so the joined sum is
//! `first * x^8n mod P + second`. The powers x^1, x^2, x^4, x^8 ... are a table, from which x^8n
//! takes one multiplication for every bit that is set in n. A general-purpose matrix method is
//! some twenty times slower, which counts with a body for every file of an image.
//!
//! Sums are reflected: the top bit is the coefficient of x^0.

/// P without its highest term, reflected: CRC-32/ISO-HDLC.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The polynomial 1.
const ONE: u32 = 1 << 31;

/// x^(2^n) mod P. The order of x divides 2^32 - 1, so the table repeats after 32 rows.
const POWERS: [u32; 32] = powers();

const fn multiply(mut a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    while a != 0 {
        if a & ONE != 0 {
            product ^= b;
        }
        a <<= 1;
        let carry = b & 1;
        b >>= 1;
        if carry != 0 {
            b ^= POLYNOMIAL;
        }
    }
    product
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "computed by the compiler, which would refuse a wrong index"
)]
const fn powers() -> [u32; 32] {
    let mut powers = [ONE >> 1; 32];
    let mut n = 1;
    while n < 32 {
        powers[n] = multiply(powers[n - 1], powers[n - 1]);
        n += 1;
    }
    powers
}

/// The sum of a piece with sum `first`, followed by `len` bytes with sum `second`.
pub(crate) fn combine(first: u32, second: u32, len: u64) -> u32 {
    let mut factor = ONE;
    let mut rest = len;
    // A byte is x^8, the row 3 of the table.
    for power in POWERS.iter().cycle().skip(3) {
        if rest == 0 {
            break;
        }
        if rest & 1 != 0 {
            factor = multiply(*power, factor);
        }
        rest >>= 1;
    }
    multiply(factor, first) ^ second
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::combine;

    proptest! {
        #[test]
        fn the_joined_sum_is_the_sum_of_the_joined_pieces(
            first: Vec<u8>,
            second in proptest::collection::vec(any::<u8>(), 0..5000),
        ) {
            let len = u64::try_from(second.len()).unwrap();
            let joined = combine(crc32fast::hash(&first), crc32fast::hash(&second), len);
            let whole = [first, second].concat();
            prop_assert_eq!(joined, crc32fast::hash(&whole));
        }

        #[test]
        fn it_agrees_with_another_method_on_any_length(first: u32, second: u32, len: u64) {
            let mut other = crc32fast::Hasher::new_with_initial(first);
            other.combine(&crc32fast::Hasher::new_with_initial_len(second, len));
            prop_assert_eq!(combine(first, second, len), other.finalize());
        }
    }
}
