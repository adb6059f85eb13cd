//! In which order packages are installed.
//!
//! What a package needs comes before it, as far as that is possible: packages that need each other
//! in a circle are taken together, and inside of a circle only `Pre-Depends` count. Essential
//! packages and what they need come before all others, because nobody names them. Where nothing
//! else decides, names do.

use std::collections::BTreeSet;

/// Who comes before whom, by the places of packages in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) place: usize,
    /// Whether that holds inside of a circle too.
    pub(super) strict: bool,
}

/// The places of packages in the order of installation. `needs` has, for each place, what has to
/// come before; `first` are those that all others wait for.
pub(super) fn order(needs: &[Vec<Before>], first: &[usize]) -> Vec<usize> {
    let mut order = Vec::with_capacity(needs.len());
    let others = (0..needs.len()).filter(|place| !first.contains(place));
    let begin: Vec<_> = first.iter().copied().chain(others).collect();
    for circle in circles(&begin, |place| edges(needs, place, |_| true)) {
        if circle.len() < 2 {
            order.extend(circle);
            continue;
        }
        let members: BTreeSet<usize> = circle.iter().copied().collect();
        let begin: Vec<_> = members.iter().copied().collect();
        let inside = circles(&begin, |place| {
            edges(needs, place, |before| {
                before.strict && members.contains(&before.place)
            })
        });
        // What cannot be told apart by its needs is told apart by its name.
        for mut circle in inside {
            circle.sort_unstable();
            order.extend(circle);
        }
    }
    order
}

fn edges(needs: &[Vec<Before>], place: usize, counts: impl Fn(&Before) -> bool) -> BTreeSet<usize> {
    let before = needs.get(place).map(Vec::as_slice).unwrap_or_default();
    let counting = before.iter().filter(|before| counts(before));
    counting.map(|before| before.place).collect()
}

/// A place that is being walked.
struct Visit {
    place: usize,
    /// Where it goes on to, the next one last.
    open: Vec<usize>,
    /// The earliest place on the path that can be reached from here.
    low: usize,
}

/// The circles of a graph (its strongly connected components), each after those that it leads to.
/// Tarjan's algorithm, with its own stack instead of the program's.
fn circles(begin: &[usize], edges: impl Fn(usize) -> BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut numbers = std::collections::HashMap::new();
    let mut on_path: Vec<usize> = Vec::new();
    let mut waiting = BTreeSet::new();
    let mut circles = Vec::new();
    for start in begin {
        let mut visits: Vec<Visit> = Vec::new();
        let mut next = Some(*start).filter(|place| !numbers.contains_key(place));
        loop {
            if let Some(place) = next.take() {
                let low = numbers.len();
                numbers.insert(place, low);
                on_path.push(place);
                waiting.insert(place);
                let open = edges(place).into_iter().rev().collect();
                visits.push(Visit { place, open, low });
            }
            let Some(visit) = visits.last_mut() else {
                break;
            };
            if let Some(place) = visit.open.pop() {
                match numbers.get(&place) {
                    None => next = Some(place),
                    Some(number) if waiting.contains(&place) => visit.low = visit.low.min(*number),
                    Some(_) => {}
                }
                continue;
            }
            let (place, low) = (visit.place, visit.low);
            visits.pop();
            if let Some(above) = visits.last_mut() {
                above.low = above.low.min(low);
            }
            if numbers.get(&place) == Some(&low) {
                let from = on_path.iter().rposition(|found| *found == place);
                let circle = on_path.split_off(from.unwrap_or_default());
                for place in &circle {
                    waiting.remove(place);
                }
                circles.push(circle);
            }
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(edges: &[(usize, usize, bool)], count: usize) -> Vec<Vec<Before>> {
        let mut needs = vec![Vec::new(); count];
        for (from, place, strict) in edges {
            needs[*from].push(Before {
                place: *place,
                strict: *strict,
            });
        }
        needs
    }

    #[test]
    fn what_is_needed_comes_first_and_names_decide_the_rest() {
        assert_eq!(order(&needs(&[], 3), &[]), [0, 1, 2]);
        assert_eq!(order(&needs(&[], 3), &[2]), [2, 0, 1]);
        let chain = needs(&[(0, 3, false), (3, 2, true)], 4);
        assert_eq!(order(&chain, &[]), [2, 3, 0, 1]);
    }

    #[test]
    fn a_circle_is_broken_where_it_is_not_strict() {
        // 0 -> 1 -> 2 -> 0, and 3 behind the circle; only the edge 1 -> 2 has to hold.
        let edges = [(0, 1, false), (1, 2, true), (2, 0, false), (3, 1, false)];
        assert_eq!(order(&needs(&edges, 4), &[]), [0, 2, 1, 3]);
        // Whoever is looked at first, the circle comes before what needs it.
        assert_eq!(order(&needs(&edges, 4), &[3]), [0, 2, 1, 3]);
        let strict = [(0, 1, true), (1, 2, true), (2, 0, true)];
        assert_eq!(order(&needs(&strict, 3), &[]), [0, 1, 2]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let count = 200_000;
        let edges: Vec<_> = (1..count).map(|place| (place - 1, place, false)).collect();
        let found = order(&needs(&edges, count), &[]);
        assert!(found.iter().copied().eq((0..count).rev()));
    }
}
