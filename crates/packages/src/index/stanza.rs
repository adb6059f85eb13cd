//! The paragraphs of a file that is not in memory as a whole.

use std::io::Read;

use super::{IndexError, MAX_INDEX};
use crate::control::{Paragraph, Paragraphs};

/// Most bytes of one paragraph. The largest of Debian has 76,000.
pub const MAX_STANZA: usize = 1 << 20;

/// Bytes that are asked of the input at once.
const BLOCK: usize = 256 << 10;

/// Calls `each` with every paragraph of `input`, in its order.
///
/// One paragraph and one block are in memory at a time.
pub(super) fn for_each(
    mut input: impl Read,
    mut each: impl FnMut(&Paragraph<'_>) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut buffer = Vec::new();
    let (mut line, mut total) = (1_u32, 0_u64);
    loop {
        let before = buffer.len();
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        let count = input.by_ref().take(block).read_to_end(&mut buffer);
        let count = count.map_err(IndexError::Read)?;
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if total > MAX_INDEX {
            return Err(IndexError::TooLong);
        }
        // Only what was read now, and the line's end before it, can have a new end of a paragraph.
        let complete = if count == 0 {
            buffer.len()
        } else {
            let fresh = buffer.get(before.saturating_sub(1)..).unwrap_or_default();
            memchr::memmem::rfind(fresh, b"\n\n").map_or(0, |at| {
                at.saturating_add(before.saturating_sub(1))
                    .saturating_add(2)
            })
        };
        let text = buffer.get(..complete).unwrap_or_default();
        for paragraph in Paragraphs::from_line(text, line) {
            each(&paragraph.map_err(IndexError::Control)?)?;
        }
        let lines = memchr::memchr_iter(b'\n', text).count();
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        if count == 0 {
            return Ok(());
        }
        buffer.drain(..complete);
        if buffer.len() > MAX_STANZA {
            return Err(IndexError::Stanza { line });
        }
    }
}
