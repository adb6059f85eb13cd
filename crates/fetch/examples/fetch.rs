//! Fetches what standard input lists into a store: `fetch STORE < LIST`, where a line of the list
//! is `SHA256 SIZE URL`. What `benches/fetch` measures.

use std::error::Error;
use std::io;
use std::path::Path;

use enclair_fetch::{Fetcher, Settings};
use enclair_recipe::{Blob, Place, Wanted};
use enclair_store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args().nth(1).ok_or("usage: fetch STORE < LIST")?;
    let store = Store::open(Path::new(&root))?;
    let wanted: Vec<Wanted> = io::stdin()
        .lines()
        .map(|line| parse(&line?))
        .collect::<Result<_, _>>()?;
    let fetcher = Fetcher::new(store, Settings::default())?;
    Ok(fetcher.obtain(&wanted)?)
}

fn parse(line: &str) -> Result<Wanted, Box<dyn Error>> {
    let mut words = line.split_whitespace();
    let mut word = || words.next().ok_or("a line is `SHA256 SIZE URL`");
    let blob = Blob {
        sha256: word()?.parse()?,
        size: word()?.parse()?,
    };
    let url = word()?.to_owned();
    Ok(Wanted {
        blob,
        name: url.clone(),
        place: Place::Url(url),
    })
}
