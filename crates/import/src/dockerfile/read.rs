//! A Dockerfile as a list of instructions: comments, continued lines, directives and heredocs.
//!
//! It follows what BuildKit takes: a comment inside of a continued line is skipped, and so is an
//! empty line; `escape` is a directive only before everything else.

use super::keyword::Keyword;
use crate::error::{DockerfileProblem, Error, Shown};
use crate::text::Text;

/// Instructions of a file.
const MAX_INSTRUCTIONS: usize = 4096;
/// Directives that mean something; any other one is a comment.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

/// A directive, as in `# syntax=docker/dockerfile:1`.
#[derive(Debug)]
pub(super) struct Directive {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: String,
}

/// An option of an instruction, as in `--chown=app`.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// An instruction.
#[derive(Debug)]
pub(super) struct Instruction {
    pub(super) line: usize,
    pub(super) keyword: Keyword,
    pub(super) flags: Vec<Flag>,
    /// What follows the flags, without space around it.
    pub(super) arguments: String,
    /// Whether text of the file itself belongs to it.
    pub(super) has_heredoc: bool,
}

/// A Dockerfile.
#[derive(Debug)]
pub(super) struct Dockerfile {
    pub(super) directives: Vec<Directive>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) escape: char,
}

pub(super) fn read(text: &Text<'_>) -> Result<Dockerfile, Error> {
    let lines: Vec<&str> = text.as_str().split('\n').collect();
    let directives = read_directives(&lines);
    let escape = escape_of(&directives)?;
    let mut lines = Lines { lines, next: 0 };
    let mut instructions = Vec::new();
    while let Some((line, statement)) = lines.statement(escape) {
        if instructions.len() >= MAX_INSTRUCTIONS {
            return Err(Error::Limit {
                line,
                what: "instructions",
                most: MAX_INSTRUCTIONS,
            });
        }
        let mut instruction = parse(line, &statement)?;
        for name in heredocs(&instruction) {
            lines.skip_heredoc(line, &name)?;
            instruction.has_heredoc = true;
        }
        instructions.push(instruction);
    }
    Ok(Dockerfile {
        directives,
        instructions,
        escape,
    })
}

fn read_directives(lines: &[&str]) -> Vec<Directive> {
    let mut found = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        let Some((name, value)) = line
            .trim()
            .strip_prefix('#')
            .and_then(|l| l.split_once('='))
        else {
            break;
        };
        let name = name.trim().to_ascii_lowercase();
        if !DIRECTIVES.contains(&name.as_str()) {
            break;
        }
        found.push(Directive {
            line: position.saturating_add(1),
            name,
            value: value.trim().to_owned(),
        });
    }
    found
}

fn escape_of(directives: &[Directive]) -> Result<char, Error> {
    let Some(directive) = directives.iter().find(|found| found.name == "escape") else {
        return Ok('\\');
    };
    match directive.value.as_str() {
        "\\" => Ok('\\'),
        "`" => Ok('`'),
        other => {
            let problem = DockerfileProblem::Escape(Shown::new(other));
            Err(Error::dockerfile(directive.line, problem))
        }
    }
}

struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl<'a> Lines<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let line = self.lines.get(self.next).copied();
        self.next = self.next.saturating_add(1);
        line
    }

    /// The next instruction with its continued lines, and the line that it begins on.
    fn statement(&mut self, escape: char) -> Option<(usize, String)> {
        let mut first = 0;
        let mut statement = String::new();
        while let Some(line) = self.take() {
            let shown = line.trim();
            if shown.is_empty() || shown.starts_with('#') {
                continue;
            }
            if first == 0 {
                first = self.next;
            }
            let Some(part) = continued(line, escape) else {
                statement.push_str(line);
                break;
            };
            statement.push_str(part);
        }
        let statement = statement.trim().to_owned();
        (!statement.is_empty()).then_some((first, statement))
    }

    fn skip_heredoc(&mut self, line: usize, heredoc: &Heredoc) -> Result<(), Error> {
        while let Some(text) = self.take() {
            let text = if heredoc.tabs {
                text.trim_start_matches('\t')
            } else {
                text
            };
            if text == heredoc.name {
                return Ok(());
            }
        }
        let problem = DockerfileProblem::Heredoc(Shown::new(&heredoc.name));
        Err(Error::dockerfile(line, problem))
    }
}

/// What is before the escape character at the end of a line. Two of them are one that is meant.
fn continued(line: &str, escape: char) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

struct Heredoc {
    name: String,
    /// `<<-`: tabs in front do not count.
    tabs: bool,
}

fn heredocs(instruction: &Instruction) -> Vec<Heredoc> {
    let takes = matches!(
        instruction.keyword,
        Keyword::Add | Keyword::Copy | Keyword::Run
    );
    if !takes || instruction.arguments.starts_with('[') {
        return Vec::new();
    }
    let words = instruction.arguments.split_whitespace();
    words.filter_map(heredoc).collect()
}

fn heredoc(word: &str) -> Option<Heredoc> {
    let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = word.strip_prefix("<<")?;
    let (tabs, name) = match name.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let name: String = name.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
    (!name.is_empty() && name.chars().all(plain)).then_some(Heredoc { name, tabs })
}

fn parse(line: usize, statement: &str) -> Result<Instruction, Error> {
    let (word, rest) = split_word(statement);
    let keyword = Keyword::parse(word)
        .ok_or_else(|| Error::dockerfile(line, DockerfileProblem::Instruction(Shown::new(word))))?;
    let mut flags = Vec::new();
    let mut arguments = rest;
    while arguments.starts_with("--") {
        let (flag, rest) = split_word(arguments);
        arguments = rest;
        if flag == "--" {
            break;
        }
        let flag = flag.trim_start_matches("--");
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        flags.push(Flag {
            name: name.to_owned(),
            value,
        });
    }
    if flags.len() > MAX_FLAGS {
        return Err(Error::Limit {
            line,
            what: "flags of an instruction",
            most: MAX_FLAGS,
        });
    }
    if arguments.is_empty() {
        return Err(arguments_error(
            line,
            keyword,
            "something behind it",
            statement,
        ));
    }
    Ok(Instruction {
        line,
        keyword,
        flags,
        arguments: arguments.to_owned(),
        has_heredoc: false,
    })
}

/// Flags of an instruction.
const MAX_FLAGS: usize = 64;

pub(super) fn arguments_error(
    line: usize,
    keyword: Keyword,
    expected: &'static str,
    found: &str,
) -> Error {
    let problem = DockerfileProblem::Arguments {
        keyword: keyword.name(),
        expected,
        found: Shown::new(found),
    };
    Error::dockerfile(line, problem)
}

/// The first word, and what follows it.
fn split_word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::kind::ForeignKind;
    use crate::text::Text;

    fn lines(text: &str) -> Vec<(usize, String)> {
        let text = Text::new(ForeignKind::Dockerfile, text).expect("text");
        let file = read(&text).expect("a Dockerfile");
        let shown = file.instructions.iter().map(|instruction| {
            let name = instruction.keyword.name();
            (
                instruction.line,
                format!("{name} {}", instruction.arguments),
            )
        });
        shown.collect()
    }

    #[test]
    fn lines_are_continued_and_comments_skipped() {
        assert_eq!(
            lines("# a\n\nrun a \\\n  # no\n\n  && b \\  \n c\nRUN d\\\\\nUSER x\\"),
            [
                (3, "RUN a   && b  c".to_owned()),
                (8, "RUN d\\\\".to_owned()),
                (9, "USER x".to_owned())
            ]
        );
    }

    #[test]
    fn the_escape_character_can_be_a_backquote() {
        assert_eq!(
            lines("# escape=`\nRUN a `\nb\nRUN c\\\nUSER x"),
            [
                (2, "RUN a b".to_owned()),
                (4, "RUN c\\".to_owned()),
                (5, "USER x".to_owned())
            ]
        );
        // A comment before it makes it a comment.
        assert_eq!(lines("# x\n# escape=`\nRUN a \\\nb").len(), 1);
    }

    #[test]
    fn heredocs_are_no_instructions() {
        assert_eq!(
            lines("RUN <<EOF\nFROM x\nEOF\nCOPY <<-\"A\" <<B /x\n\tA\nx\nB\nUSER y"),
            [
                (1, "RUN <<EOF".to_owned()),
                (4, "COPY <<-\"A\" <<B /x".to_owned()),
                (8, "USER y".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_dockerfile_is_an_error() {
        for (bad, line) in [
            ("FROM a\nRUM x", "line 2: `RUM` is no"),
            ("FROM", "line 1: `FROM` needs"),
            ("RUN <<EOF\nx", "line 1: the heredoc"),
            ("# escape=x\nFROM a", "line 1: `escape`"),
        ] {
            let text = Text::new(ForeignKind::Dockerfile, bad).expect("text");
            let error = read(&text).expect_err(bad).to_string();
            assert!(error.starts_with(line), "{error}");
        }
    }
}
