//! The table of failures and its page say the same.

use std::collections::BTreeSet;

use enclair_guest::{FAILURES, Failure};

const PAGE: &str = include_str!("../../../docs/runtime.md");

/// Numbers and names of the page's table, in its order.
fn documented() -> Vec<(String, String)> {
    let section = PAGE.split("\n## Failures\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split('|').map(|cell| cell.trim().to_owned());
        cells.collect()
    };
    let rows = section.lines().map(cells).filter(|cells| cells.len() == 5);
    rows.filter(|cells| cells.get(1).is_some_and(|cell| cell.parse::<u8>().is_ok()))
        .filter_map(|cells| Some((cells.get(1)?.clone(), cells.get(2)?.replace('`', ""))))
        .collect()
}

#[test]
fn the_page_has_every_row_and_no_other() {
    let table = FAILURES
        .iter()
        .map(|row| (row.status.to_string(), row.id.to_owned()));
    assert_eq!(documented(), table.collect::<Vec<_>>());
}

#[test]
fn numbers_ascend_and_names_are_used_once() {
    assert!(FAILURES.is_sorted_by(|one, next| one.status < next.status));
    let names: BTreeSet<_> = FAILURES.iter().map(|row| row.id).collect();
    assert_eq!(names.len(), FAILURES.len());
}

#[test]
fn a_failure_has_the_number_of_its_row() {
    assert_eq!(Failure::RootMissing.status(), 60);
    assert_eq!(Failure::ArgumentsTooLong.status(), 94);
    assert_eq!(Failure::NsmWrongAnswer.status(), 34);
}

/// The source of the enum: a variant whose name is in no row would have the number of `internal`.
#[test]
fn every_name_in_the_code_is_in_the_table() {
    let code = include_str!("../src/failure.rs");
    let (_, names) = code.split_once("pub const fn id").unwrap_or_default();
    let names = names.split("pub fn status").next().unwrap_or_default();
    let names: Vec<_> = names.split('"').skip(1).step_by(2).collect();
    assert_eq!(names, FAILURES.iter().map(|row| row.id).collect::<Vec<_>>());
}
