//! Every decoder: the same however slowly the input arrives, and a stream of one member is that
//! member.

#![no_main]

use std::io::{BufRead, Read};

use enclair_compress::{Format, Member, Stream};
use enclair_digest::Bounded;
use enclair_fuzz::{Trickle, assert_same};
use libfuzzer_sys::fuzz_target;

/// Bytes that are decoded at most.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let formats: Vec<Format> = match Format::detect(data) {
        Some(format) => vec![format],
        None => Format::ALL.to_vec(),
    };
    for format in formats {
        let member = decode(Member::new(format, data));
        assert_same(
            member.as_ref().map_err(ToString::to_string),
            decode(Member::new(format, Trickle(data)))
                .as_ref()
                .map_err(ToString::to_string),
        );
        let stream = decode(Stream::new(format, data));
        assert_same(
            stream.as_ref().map_err(ToString::to_string),
            decode(Stream::new(format, Trickle(data)))
                .as_ref()
                .map_err(ToString::to_string),
        );
        if let (Ok(member), Ok(stream)) = (member, stream) {
            assert!(stream.starts_with(&member), "{format}");
        }
        // What a member leaves is a tail of the input.
        if let Ok(mut member) = Member::new(format, data)
            && Bounded::new(&mut member, LIMIT)
                .read_to_end(&mut Vec::new())
                .is_ok()
        {
            let mut rest = member.into_inner();
            assert!(data.ends_with(rest.fill_buf().unwrap_or_default()));
        }
    }
});

fn decode<R: Read>(decoder: Result<R, enclair_compress::Error>) -> Result<Vec<u8>, String> {
    let decoder = decoder.map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    let read = Bounded::new(decoder, LIMIT).read_to_end(&mut content);
    read.map(|_| content).map_err(|error| error.to_string())
}
