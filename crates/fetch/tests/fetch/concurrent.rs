//! Many fetchers at once.

use std::thread;

use enclair_recipe::Wanted;

use crate::servers::Nginx;
use crate::{Bench, noise, quick, wanted};

#[test]
fn eight_fetchers_with_one_store_fetch_each_blob_once() {
    // Slow enough for all of them to meet.
    let nginx = Nginx::start("limit_rate 2m;", None);
    let contents: Vec<_> = (0..6).map(|seed| noise(600_000, 50 + seed)).collect();
    let pieces: Vec<Wanted> = contents
        .iter()
        .enumerate()
        .map(|(index, content)| {
            nginx.put(&index.to_string(), content);
            wanted(content, &nginx.url(&index.to_string()))
        })
        .collect();
    let bench = Bench::new(quick());
    let fetchers: Vec<_> = (0..8).map(|_| bench.again(quick())).collect();
    thread::scope(|scope| {
        for fetcher in &fetchers {
            scope.spawn(|| fetcher.obtain(&pieces).unwrap());
        }
    });
    for content in &contents {
        assert!(bench.holds(content));
    }
    let log = nginx.log();
    assert_eq!(log.len(), contents.len(), "{log:?}");
    let brought = fetchers.iter().map(|fetcher| fetcher.summary().to_string());
    let brought: String = brought.collect();
    assert_eq!(
        brought.matches("600000 bytes from").count(),
        contents.len(),
        "{brought}"
    );
}

#[test]
fn one_blob_that_is_wanted_twice_is_fetched_once() {
    let nginx = Nginx::start("", None);
    let content = noise(1000, 60);
    nginx.put("a", &content);
    let bench = Bench::new(quick());
    let kernel = wanted(&content, &nginx.url("a"));
    let again = Wanted {
        name: "the kernel again".into(),
        ..kernel.clone()
    };
    bench.fetcher.obtain(&[kernel, again]).unwrap();
    assert_eq!(nginx.log().len(), 1);
}

#[test]
fn each_piece_is_told_of_when_it_is_there() {
    // The second needs a second: what comes of the first is known before.
    let nginx = Nginx::start("limit_rate 100k;", None);
    let (known, small, large) = (noise(10, 61), noise(1000, 62), noise(100_000, 63));
    nginx.put("small", &small);
    nginx.put("large", &large);
    let bench = Bench::new(quick());
    bench.fetcher.store().add(&mut &known[..]).unwrap();
    let pieces = [
        wanted(&large, &nginx.url("large")),
        wanted(&small, &nginx.url("small")),
        wanted(&known, &nginx.url("known")),
        wanted(&small, &nginx.url("small")),
        wanted(&noise(5, 64), &nginx.url("nowhere")),
    ];
    let mut told = Vec::new();
    let result = bench.fetcher.obtain_each(&pieces, &mut |place| {
        told.push((place, bench.holds(&large)));
    });
    assert!(result.unwrap_err().to_string().contains("the kernel"));
    assert_eq!(told, [(2, false), (1, false), (3, false), (0, true)]);
}

#[test]
fn everything_that_is_missing_is_named() {
    let nginx = Nginx::start("", None);
    let contents: Vec<_> = (0..3).map(|seed| noise(1000, 70 + seed)).collect();
    nginx.put("1", &contents[1]);
    let pieces: Vec<Wanted> = contents
        .iter()
        .enumerate()
        .map(|(index, content)| Wanted {
            name: format!("layer {index}"),
            ..wanted(content, &nginx.url(&index.to_string()))
        })
        .collect();
    let bench = Bench::new(quick());
    let error = bench.fetcher.obtain(&pieces).unwrap_err().to_string();
    assert!(
        error.contains("layer 0 (") && error.contains("layer 2 ("),
        "{error}"
    );
    assert!(!error.contains("layer 1 ("), "{error}");
    assert!(bench.holds(&contents[1]));
}
