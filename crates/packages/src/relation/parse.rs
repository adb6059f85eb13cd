//! A list of relations, read from the left.

use super::{
    Constraint, Group, MAX_RELATIONS, Operator, Qualifier, Relation, RelationError,
    RelationProblem, Term,
};
use crate::control::{check_architecture, check_name};
use crate::version::Version;

type Result<T> = std::result::Result<T, RelationError>;

pub(super) fn relations(text: &str) -> Result<Vec<Group>> {
    let mut cursor = Cursor {
        text,
        rest: text,
        count: 0,
    };
    let mut groups = Vec::new();
    loop {
        cursor.skip_blanks();
        if !cursor.rest.is_empty() && !cursor.rest.starts_with(',') {
            groups.push(cursor.group()?);
        }
        if !cursor.take(',') {
            break;
        }
    }
    if cursor.rest.is_empty() {
        Ok(groups)
    } else {
        Err(cursor.fail(RelationProblem::Trailing))
    }
}

/// The text, and what of it is still to be read.
struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
    /// Relations that were read.
    count: usize,
}

impl<'a> Cursor<'a> {
    fn fail(&self, problem: RelationProblem) -> RelationError {
        let at = self.text.len().saturating_sub(self.rest.len());
        RelationError { at, problem }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Everything until a character of `ends`, which is not taken.
    fn until(&mut self, ends: &[char]) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        word
    }

    fn group(&mut self) -> Result<Group> {
        let mut alternatives = vec![self.relation()?];
        while self.take('|') {
            self.skip_blanks();
            alternatives.push(self.relation()?);
        }
        Ok(Group(alternatives))
    }

    fn relation(&mut self) -> Result<Relation> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_RELATIONS {
            return Err(self.fail(RelationProblem::TooMany));
        }
        let mut relation = Relation {
            name: self.name()?,
            qualifier: self.qualifier()?,
            constraint: None,
            architectures: Vec::new(),
            profiles: Vec::new(),
        };
        self.skip_blanks();
        if self.take('(') {
            relation.constraint = Some(self.constraint()?);
            self.skip_blanks();
        }
        if self.take('[') {
            relation.architectures = self.terms(']')?;
            self.skip_blanks();
        }
        while self.take('<') {
            relation.profiles.push(self.terms('>')?);
            self.skip_blanks();
        }
        Ok(relation)
    }

    fn name(&mut self) -> Result<Box<str>> {
        let before = self.rest;
        let name = self.until(&[' ', '\t', '\n', '\r', ':', '(', '[', '<', ',', '|', ')']);
        let problem = match check_name(name) {
            Ok(()) => return Ok(name.into()),
            Err(_) if name.is_empty() => RelationProblem::NoName,
            Err(source) => RelationProblem::Name {
                name: name.into(),
                source,
            },
        };
        self.rest = before;
        Err(self.fail(problem))
    }

    fn qualifier(&mut self) -> Result<Option<Qualifier>> {
        if !self.take(':') {
            return Ok(None);
        }
        let before = self.rest;
        let name = self.until(&[' ', '\t', '\n', '\r', '(', '[', '<', ',', '|', ')']);
        if let Err(source) = check_architecture(name) {
            self.rest = before;
            let name = name.into();
            return Err(self.fail(RelationProblem::Architecture { name, source }));
        }
        Ok(Some(match name {
            "any" => Qualifier::Any,
            "native" => Qualifier::Native,
            name => Qualifier::Architecture(name.into()),
        }))
    }

    /// What is between `(` and `)`.
    fn constraint(&mut self) -> Result<Constraint> {
        self.skip_blanks();
        let operator = self.operator()?;
        self.skip_blanks();
        let before = self.rest;
        let text = self.until(&[' ', '\t', '\n', '\r', ')']);
        let version = match Version::parse(text) {
            Ok(version) => version,
            Err(source) => {
                self.rest = before;
                return Err(self.fail(RelationProblem::Version(source)));
            }
        };
        self.skip_blanks();
        if !self.take(')') {
            return Err(self.fail(RelationProblem::Unclosed { bracket: ')' }));
        }
        Ok(Constraint { operator, version })
    }

    fn operator(&mut self) -> Result<Operator> {
        // The longer ones first: `<` begins three of them.
        for (text, operator) in [
            ("<<", Operator::Earlier),
            ("<=", Operator::EarlierEqual),
            ("<", Operator::EarlierEqual),
            (">>", Operator::Later),
            (">=", Operator::LaterEqual),
            (">", Operator::LaterEqual),
            ("=", Operator::Equal),
        ] {
            if let Some(rest) = self.rest.strip_prefix(text) {
                self.rest = rest;
                return Ok(operator);
            }
        }
        Err(self.fail(RelationProblem::Operator))
    }

    /// Architectures or profiles until the bracket that closes them; at least one.
    fn terms(&mut self, bracket: char) -> Result<Vec<Term>> {
        let mut terms = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(bracket) && !terms.is_empty() {
                return Ok(terms);
            }
            let before = self.rest;
            let word = self.until(&[' ', '\t', '\n', '\r', bracket, ',', '|']);
            if self.rest.is_empty() {
                return Err(self.fail(RelationProblem::Unclosed { bracket }));
            }
            let (name, term) = match word.strip_prefix('!') {
                Some(name) => (name, Term::Not(name.into())),
                None => (word, Term::Is(word.into())),
            };
            // Profiles are names like those of packages, as in `pkg.NAME.stage1`.
            if check_name(name).is_err() {
                self.rest = before;
                let term = word.into();
                return Err(self.fail(RelationProblem::Term { term }));
            }
            terms.push(term);
        }
    }
}
