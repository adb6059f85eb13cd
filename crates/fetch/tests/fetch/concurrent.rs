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
