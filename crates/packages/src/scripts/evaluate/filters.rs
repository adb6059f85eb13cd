//! Filters whose input is known: `cut`, `tr`, `head`, `tail`, `sort`, `grep`, `sed`, in the few
//! forms in which scripts take values apart. Expressions that are more than text and anchors are
//! not followed.

use super::super::error::ScriptError;
use super::Evaluator;
use super::programs::Answer;
use super::record::Opened;
use super::state::{Input, State, Status, Value};

impl Evaluator<'_> {
    /// What a filter prints; `None` for one that is not understood or whose input is not known.
    pub(super) fn filter(
        &mut self,
        name: &str,
        operands: &[&str],
        opened: &Opened,
        state: &mut State,
    ) -> Result<Option<Answer>, ScriptError> {
        let parsed = match name {
            "cat" => match operands {
                [] => Some((Filter::Same, None)),
                _ => None,
            },
            "cut" => cut(operands),
            "tr" => tr(operands),
            "head" => lines(operands).map(|(count, file)| (Filter::Head(count), file)),
            "tail" => lines(operands).map(|(count, file)| (Filter::Tail(count), file)),
            "sort" => sort(operands),
            "grep" | "fgrep" => grep(name, operands),
            "sed" => sed(operands),
            _ => None,
        };
        let Some((filter, file)) = parsed else {
            return Ok(None);
        };
        if let Some(path) = file
            && self.test_path('e', &Value::known(path), state) == Some(false)
        {
            return Ok(Some(Answer::status(Status::Known(2))));
        }
        let text = match file {
            Some(path) => self.content(path, state),
            None => self.take_input(opened, state),
        };
        let Some(text) = text else {
            return Ok(None);
        };
        self.step(text.len().saturating_mul(8))?;
        Ok(Some(filter.apply(&text)))
    }

    /// All that is left of the input of a command.
    fn take_input(&mut self, opened: &Opened, state: &mut State) -> Option<String> {
        if let Some(input) = self.opened_input(opened, state) {
            return input.rest().map(str::to_owned);
        }
        let text = state.input.rest().map(str::to_owned);
        state.input = Input::of(text.as_ref().map(|_| ""));
        text
    }
}

/// A filter and the file that it reads, if it is not its standard input.
type Parsed<'a> = Option<(Filter<'a>, Option<&'a str>)>;

/// What a filter does.
#[derive(Debug)]
enum Filter<'a> {
    Same,
    Fields {
        delimiter: char,
        ranges: Vec<(usize, usize)>,
    },
    Letters(Vec<(usize, usize)>),
    Translate {
        from: Vec<char>,
        to: Vec<char>,
    },
    Delete(Vec<char>),
    Head(usize),
    Tail(usize),
    Sort {
        unique: bool,
    },
    Match {
        text: Anchored<'a>,
        quiet: bool,
        inverted: bool,
    },
    Replace {
        text: Anchored<'a>,
        with: String,
        all: bool,
    },
}

/// A text that may have to stand at the start or the end of a line.
#[derive(Debug)]
struct Anchored<'a> {
    text: &'a str,
    start: bool,
    end: bool,
}

impl<'a> Anchored<'a> {
    /// An expression that is text with anchors; `None` for one that is more.
    fn expression(expression: &'a str) -> Option<Self> {
        let (start, rest) = match expression.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, expression),
        };
        let (end, text) = match rest.strip_suffix('$') {
            Some(text) => (true, text),
            None => (false, rest),
        };
        let plain = !text.contains(['.', '*', '[', ']', '\\', '^', '$']);
        plain.then_some(Self { text, start, end })
    }

    fn is_in(&self, line: &str) -> bool {
        match (self.start, self.end) {
            (true, true) => line == self.text,
            (true, false) => line.starts_with(self.text),
            (false, true) => line.ends_with(self.text),
            (false, false) => line.contains(self.text),
        }
    }

    fn replaced(&self, line: &str, with: &str, all: bool) -> String {
        let whole = |rest: Option<&str>, before: bool| match rest {
            Some(rest) if before => format!("{with}{rest}"),
            Some(rest) => format!("{rest}{with}"),
            None => line.to_owned(),
        };
        match (self.start, self.end) {
            (true, true) if line == self.text => with.to_owned(),
            (true, true) => line.to_owned(),
            (true, false) => whole(line.strip_prefix(self.text), true),
            (false, true) => whole(line.strip_suffix(self.text), false),
            (false, false) if all => line.replace(self.text, with),
            (false, false) => line.replacen(self.text, with, 1),
        }
    }
}

impl Filter<'_> {
    fn apply(&self, text: &str) -> Answer {
        let lines: Vec<&str> = text.lines().collect();
        let mut status = Status::SUCCESS;
        let printed = match self {
            Self::Same => text.to_owned(),
            Self::Translate { from, to } => text.chars().map(|one| mapped(one, from, to)).collect(),
            Self::Delete(set) => text.chars().filter(|one| !set.contains(one)).collect(),
            Self::Fields { delimiter, ranges } => {
                joined(lines.iter().map(|line| fields(line, *delimiter, ranges)))
            }
            Self::Letters(ranges) => joined(lines.iter().map(|line| letters(line, ranges))),
            Self::Head(count) => joined(lines.iter().take(*count).map(|&line| line.to_owned())),
            Self::Tail(count) => {
                let skipped = lines.len().saturating_sub(*count);
                joined(lines.iter().skip(skipped).map(|&line| line.to_owned()))
            }
            Self::Sort { unique } => {
                let mut sorted = lines;
                sorted.sort_unstable();
                if *unique {
                    sorted.dedup();
                }
                joined(sorted.iter().map(|&line| line.to_owned()))
            }
            Self::Match {
                text,
                quiet,
                inverted,
            } => {
                let found = lines.iter().filter(|line| text.is_in(line) != *inverted);
                let printed = joined(found.map(|&line| line.to_owned()));
                if printed.is_empty() {
                    status = Status::FAILURE;
                }
                if *quiet { String::new() } else { printed }
            }
            Self::Replace { text, with, all } => {
                joined(lines.iter().map(|line| text.replaced(line, with, *all)))
            }
        };
        let prints = Some(printed);
        Answer { prints, status }
    }
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn fields(line: &str, delimiter: char, ranges: &[(usize, usize)]) -> String {
    if !line.contains(delimiter) {
        return line.to_owned();
    }
    let mut kept = String::new();
    for (field, number) in line.split(delimiter).zip(1..) {
        if in_ranges(number, ranges) {
            if !kept.is_empty() {
                kept.push(delimiter);
            }
            kept.push_str(field);
        }
    }
    kept
}

fn letters(line: &str, ranges: &[(usize, usize)]) -> String {
    let numbered = line.chars().zip(1..);
    let kept = numbered.filter(|(_, number)| in_ranges(*number, ranges));
    kept.map(|(letter, _)| letter).collect()
}

fn in_ranges(number: usize, ranges: &[(usize, usize)]) -> bool {
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&number))
}

fn mapped(letter: char, from: &[char], to: &[char]) -> char {
    match from.iter().position(|one| *one == letter) {
        None => letter,
        Some(place) => to.get(place).or(to.last()).copied().unwrap_or(letter),
    }
}

/// `cut -d X -f LIST` and `cut -b LIST`, of text that is ASCII where bytes are meant.
fn cut<'a>(operands: &[&'a str]) -> Parsed<'a> {
    let (mut delimiter, mut ranges, mut by_letter, mut file) = ('\t', None, false, None);
    let mut rest = operands.iter();
    while let Some(&operand) = rest.next() {
        let mut value = |flag: &str| match operand.strip_prefix(flag) {
            Some("") => rest.next().copied(),
            Some(value) => Some(value),
            None => None,
        };
        if operand.starts_with("-d") {
            delimiter = value("-d")?.chars().next()?;
        } else if operand.starts_with("-f") {
            ranges = Some(list(value("-f")?)?);
        } else if operand.starts_with("-b") || operand.starts_with("-c") {
            by_letter = true;
            let flag = if operand.starts_with("-b") {
                "-b"
            } else {
                "-c"
            };
            ranges = Some(list(value(flag)?)?);
        } else if operand.starts_with('-') || file.is_some() {
            return None;
        } else {
            file = Some(operand);
        }
    }
    let ranges = ranges?;
    let filter = if by_letter {
        Filter::Letters(ranges)
    } else {
        Filter::Fields { delimiter, ranges }
    };
    Some((filter, file))
}

/// A list such as `1,3-5,7-`.
fn list(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split(',')
        .map(|range| match range.split_once('-') {
            None => {
                let number = range.parse().ok()?;
                Some((number, number))
            }
            Some(("", last)) => Some((1, last.parse().ok()?)),
            Some((first, "")) => Some((first.parse().ok()?, usize::MAX)),
            Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        })
        .collect()
}

/// `tr SET SET` and `tr -d SET`.
fn tr<'a>(operands: &[&str]) -> Parsed<'a> {
    match operands {
        ["-d", deleted] => Some((Filter::Delete(set(deleted)?), None)),
        [from, to] if !from.starts_with('-') => Some((
            Filter::Translate {
                from: set(from)?,
                to: set(to)?,
            },
            None,
        )),
        _ => None,
    }
}

/// The letters that a set of `tr` has.
fn set(text: &str) -> Option<Vec<char>> {
    match text {
        "[:upper:]" => return Some(('A'..='Z').collect()),
        "[:lower:]" => return Some(('a'..='z').collect()),
        "[:digit:]" => return Some(('0'..='9').collect()),
        "[:space:]" => return Some(vec![' ', '\t', '\n', '\u{b}', '\u{c}', '\r']),
        _ if text.contains("[:") => return None,
        _ => {}
    }
    let mut set = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '\\' => match letters.next()? {
                'n' => '\n',
                't' => '\t',
                '\\' => '\\',
                _ => return None,
            },
            letter => letter,
        };
        if letters.next_if_eq(&'-').is_none() {
            set.push(letter);
            continue;
        }
        match letters.next() {
            Some(last) if letter <= last && last.is_ascii() => set.extend(letter..=last),
            Some(_) => return None,
            None => set.extend([letter, '-']),
        }
    }
    Some(set)
}

/// `-1`, `-n1`, `-n 1` and a file.
fn lines<'a>(operands: &[&'a str]) -> Option<(usize, Option<&'a str>)> {
    let (count, rest) = match operands {
        ["-n", count, rest @ ..] => (*count, rest),
        [flag, rest @ ..] => {
            let digits = flag.strip_prefix("-n").or(flag.strip_prefix('-'))?;
            (digits, rest)
        }
        [] => ("10", operands),
    };
    match rest {
        [] => Some((count.parse().ok()?, None)),
        [file] => Some((count.parse().ok()?, Some(file))),
        _ => None,
    }
}

fn sort<'a>(operands: &[&str]) -> Parsed<'a> {
    match operands {
        [] => Some((Filter::Sort { unique: false }, None)),
        ["-u"] => Some((Filter::Sort { unique: true }, None)),
        _ => None,
    }
}

/// `grep` for one text in at most one file.
fn grep<'a>(name: &str, operands: &[&'a str]) -> Parsed<'a> {
    let (mut fixed, mut quiet, mut inverted, mut lines) = (name == "fgrep", false, false, false);
    let mut rest = operands;
    while let [flags, behind @ ..] = rest
        && let Some(letters) = flags.strip_prefix('-')
    {
        rest = behind;
        for letter in letters.chars() {
            match letter {
                'q' => quiet = true,
                'F' => fixed = true,
                'x' => lines = true,
                'v' => inverted = true,
                's' => {}
                'e' if letters.ends_with('e') => {}
                _ => return None,
            }
        }
    }
    let (expression, file) = match rest {
        [expression] => (expression, None),
        [expression, file] => (expression, Some(*file)),
        _ => return None,
    };
    let mut text = if fixed {
        Anchored {
            text: expression,
            start: false,
            end: false,
        }
    } else {
        Anchored::expression(expression)?
    };
    text.start |= lines;
    text.end |= lines;
    Some((
        Filter::Match {
            text,
            quiet,
            inverted,
        },
        file,
    ))
}

/// `sed s/TEXT/TEXT/`.
fn sed<'a>(operands: &[&'a str]) -> Parsed<'a> {
    let command = match operands {
        ["-e", command] => *command,
        [command] if !command.starts_with('-') => command,
        _ => return None,
    };
    let rest = command.strip_prefix('s')?;
    let delimiter = rest.chars().next()?;
    let mut parts = rest.split(delimiter).skip(1);
    let (text, with, flags) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || with.contains(['\\', '&']) || !matches!(flags, "" | "g") {
        return None;
    }
    let filter = Filter::Replace {
        text: Anchored::expression(text)?,
        with: with.to_owned(),
        all: flags == "g",
    };
    Some((filter, None))
}
