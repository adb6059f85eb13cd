//! The solver on an index that a stranger made: it ends, and what it gives does not depend on the
//! order of what was asked for.

#![no_main]

use enclair_packages::index::{Index, RelationKind};
use enclair_packages::solve::{
    Asked, Base, Choice, Pin, Reason, Recommends, Request, Source, Universe, solve,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(index) = Index::read(data) else {
        return;
    };
    let universe = Universe::new([Source {
        suite: "s",
        component: "c",
        pin: Pin::Normal,
        index: &index,
    }]);
    let names = index.packages().take(3).map(|package| Asked {
        name: package.name().into(),
        architecture: None,
        choice: Choice::Candidate,
    });
    let mut request = Request {
        architecture: "amd64".into(),
        install: names.collect(),
        exclude: Vec::new(),
        base: Base::Essential,
        recommends: Recommends::Install,
    };
    let found = solve(&universe, &request);
    request.install.reverse();
    let again = solve(&universe, &request);
    let solution = match (found, again) {
        (Ok(solution), Ok(again)) => {
            let name = |at: usize| again.chosen()[at].package.name();
            for (at, chosen) in solution.chosen().iter().enumerate() {
                assert_eq!(chosen.package.name(), name(at));
            }
            solution
        }
        (Err(error), Err(again)) => {
            assert_eq!(error, again);
            assert!(!error.to_string().is_empty());
            return;
        }
        _ => panic!("the order of what is asked for decides"),
    };
    for chosen in solution.chosen() {
        let chains = solution.why(chosen.package.name());
        assert!(!chains.is_empty());
        if let Reason::Needed { field, .. } = &chosen.reason {
            assert!(*field <= RelationKind::Recommends);
        }
    }
});
