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
//! --lines                             more arguments from each line of standard input, with
//!                                     a line `= LINE` before each answer
//! ```
//!
//! Prints `NAME VERSION ARCHITECTURE SUITE`, sorted; on standard error what it took.

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

/// What is asked for, and how it is answered.
#[derive(Clone)]
struct Question {
    request: Request,
    why: Option<String>,
    in_order: bool,
}

/// What the arguments say.
struct Arguments {
    sources: Vec<Read>,
    question: Question,
    lines: bool,
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
    let request = Request {
        architecture: "amd64".into(),
        install: Vec::new(),
        exclude: Vec::new(),
        base: Base::None,
        recommends: Recommends::Leave,
    };
    let mut arguments = Arguments {
        sources: Vec::new(),
        question: Question {
            request,
            why: None,
            in_order: false,
        },
        lines: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--source" => {
                let value = words.next().ok_or("--source: a value is missing")?;
                arguments.sources.push(read_source(&value)?);
            }
            "--lines" => arguments.lines = true,
            _ => arguments.question.take(&word, &mut words)?,
        }
    }
    Ok(arguments)
}

impl Question {
    /// Takes one argument, and its value if it has one.
    fn take(
        &mut self,
        word: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), Failure> {
        let mut value = || words.next().ok_or(format!("{word}: a value is missing"));
        match word {
            "--architecture" => self.request.architecture = value()?.into(),
            "--exclude" => self.request.exclude.push(value()?.into()),
            "--recommends" => self.request.recommends = Recommends::Install,
            "--why" => self.why = Some(value()?),
            "--order" => self.in_order = true,
            "--base" => {
                self.request.base = match value()?.as_str() {
                    "none" => Base::None,
                    "essential" => Base::Essential,
                    "required" => Base::Required,
                    other => return Err(format!("`{other}` is no base").into()),
                }
            }
            name => self.request.install.push(name.parse()?),
        }
        Ok(())
    }

    /// `false` when there is no such set of packages.
    fn answer(&self, universe: &Universe<'_>) -> bool {
        let begin = Instant::now();
        let solution = match solve(universe, &self.request) {
            Ok(solution) => solution,
            Err(error) => {
                eprintln!("error: {error}");
                if let Some(hint) = error.hint() {
                    eprintln!("hint: {hint}");
                }
                return false;
            }
        };
        eprintln!(
            "{} packages, {:.2?}",
            solution.chosen().len(),
            begin.elapsed()
        );
        match &self.why {
            Some(name) => print_why(&solution, name),
            None => print_list(&solution, self.in_order),
        }
        true
    }
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
    if !arguments.lines {
        let answered = arguments.question.answer(&universe);
        std::process::exit(i32::from(!answered));
    }
    for line in std::io::stdin().lines() {
        let line = line?;
        println!("= {line}");
        let mut question = arguments.question.clone();
        let mut words = line.split_whitespace().map(str::to_owned);
        while let Some(word) = words.next() {
            question.take(&word, &mut words)?;
        }
        question.answer(&universe);
    }
    Ok(())
}
