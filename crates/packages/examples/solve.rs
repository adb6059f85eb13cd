//! Finds the packages that names come to: `solve [OPTION].. NAME..`
//!
//! ```text
//! --source SUITE,COMPONENT,PIN,FILE   a file `Packages`; PIN: normal, automatic-upgrades or
//!                                     not-automatic
//! --architecture NAME                 amd64 without it
//! --base none|essential|required      none without it
//! --exclude NAME
//! --recommends
//! --why NAME                          how it came in, instead of the list
//! --order                             in the order of installation
//! --time                              what it took, on standard error
//! ```
//!
//! Prints `NAME VERSION ARCHITECTURE SUITE`, sorted.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example prints"
)]

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use enclair_packages::index::Index;
use enclair_packages::solve::{Base, Pin, Recommends, Request, Solution, Source, Universe, solve};

type Failure = Box<dyn std::error::Error>;

/// A file `Packages` that was read.
struct Read {
    suite: String,
    component: String,
    pin: Pin,
    index: Index,
}

/// What the arguments say.
struct Arguments {
    sources: Vec<Read>,
    request: Request,
    why: Option<String>,
    in_order: bool,
    timed: bool,
}

fn read_source(text: &str) -> Result<Read, Failure> {
    let mut parts = text.splitn(4, ',');
    let mut part = || parts.next().ok_or("SUITE,COMPONENT,PIN,FILE is expected");
    let (suite, component, pin, file) = (part()?, part()?, part()?, part()?);
    Ok(Read {
        suite: suite.to_owned(),
        component: component.to_owned(),
        pin: match pin {
            "normal" => Pin::Normal,
            "automatic-upgrades" => Pin::AutomaticUpgrades,
            "not-automatic" => Pin::NotAutomatic,
            _ => return Err(format!("`{pin}` is no pin").into()),
        },
        index: Index::read(BufReader::with_capacity(1 << 16, File::open(file)?))?,
    })
}

fn read_arguments() -> Result<Arguments, Failure> {
    let mut arguments = Arguments {
        sources: Vec::new(),
        request: Request {
            architecture: "amd64".into(),
            install: Vec::new(),
            exclude: Vec::new(),
            base: Base::None,
            recommends: Recommends::Leave,
        },
        why: None,
        in_order: false,
        timed: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word}: a value is missing"));
        let request = &mut arguments.request;
        match word.as_str() {
            "--source" => arguments.sources.push(read_source(&value()?)?),
            "--architecture" => request.architecture = value()?.into(),
            "--exclude" => request.exclude.push(value()?.into()),
            "--recommends" => request.recommends = Recommends::Install,
            "--why" => arguments.why = Some(value()?),
            "--order" => arguments.in_order = true,
            "--time" => arguments.timed = true,
            "--base" => {
                request.base = match value()?.as_str() {
                    "none" => Base::None,
                    "essential" => Base::Essential,
                    "required" => Base::Required,
                    other => return Err(format!("`{other}` is no base").into()),
                }
            }
            name => request.install.push(name.parse()?),
        }
    }
    Ok(arguments)
}

fn print_why(solution: &Solution<'_>, name: &str) {
    let name_of = |place: usize| {
        let chosen = solution.chosen().get(place);
        chosen.map_or("", |chosen| chosen.package.name())
    };
    for chain in solution.why(name) {
        print!("{}", name_of(chain.root));
        for (link, place) in chain.links {
            print!(
                " -- {} `{}` -> {}",
                link.field,
                link.relation,
                name_of(place)
            );
        }
        println!();
    }
}

fn print_list(solution: &Solution<'_>, in_order: bool) {
    let line = |chosen: &enclair_packages::solve::Chosen<'_>| {
        let package = chosen.package;
        let (name, version) = (package.name(), package.version());
        format!(
            "{name} {version} {} {}",
            package.architecture(),
            chosen.source.suite
        )
    };
    let mut lines: Vec<_> = solution.chosen().iter().map(line).collect();
    if !in_order {
        lines.sort();
    }
    for line in lines {
        println!("{line}");
    }
}

fn main() -> Result<(), Failure> {
    let arguments = read_arguments()?;
    let universe = Universe::new(arguments.sources.iter().map(|read| Source {
        suite: &read.suite,
        component: &read.component,
        pin: read.pin,
        index: &read.index,
    }));
    let begin = Instant::now();
    let solution = match solve(&universe, &arguments.request) {
        Ok(solution) => solution,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            std::process::exit(1);
        }
    };
    if arguments.timed {
        eprintln!(
            "{} packages, {:.2?}",
            solution.chosen().len(),
            begin.elapsed()
        );
    }
    match &arguments.why {
        Some(name) => print_why(&solution, name),
        None => print_list(&solution, arguments.in_order),
    }
    Ok(())
}
