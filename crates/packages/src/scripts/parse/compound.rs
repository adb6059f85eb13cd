//! Compound commands: groups, `if`, `case`, loops, functions.

use std::rc::Rc;

use super::super::error::ScriptError;
use super::super::syntax::{Arm, Case, For, If, List, Negation, Node, Stage, While};
use super::{Dialect, Parser, begins_name, ends_word, in_name};

impl Parser {
    /// One command of a pipeline.
    pub(super) fn stage(&mut self) -> Result<Stage, ScriptError> {
        self.cursor.skip_blanks();
        let line = self.cursor.line();
        let Some(node) = self.compound()? else {
            return self.simple();
        };
        let mut redirections = Vec::new();
        self.cursor.skip_blanks();
        while let Some(redirection) = self.redirection()? {
            redirections.push(redirection);
            self.cursor.skip_blanks();
        }
        Ok(Stage {
            line,
            node,
            redirections,
        })
    }

    /// A compound command or a function's definition; `None` where neither begins.
    fn compound(&mut self) -> Result<Option<Node>, ScriptError> {
        if self.source.dialect == Dialect::Bash
            && self.cursor.looking_at("((")
            && let Some(node) = self.arithmetic_command()
        {
            return Ok(Some(node));
        }
        if self.cursor.take("(") {
            let list = self.some_list()?;
            self.expect(")")?;
            return Ok(Some(Node::Subshell(list)));
        }
        let node = match () {
            () if self.take_reserved("{") => {
                let list = self.some_list()?;
                self.expect_reserved("}")?;
                Node::Brace(list)
            }
            () if self.take_reserved("if") => Node::If(self.if_clause()?),
            () if self.take_reserved("case") => Node::Case(self.case_clause()?),
            () if self.take_reserved("for") => Node::For(self.for_clause()?),
            () if self.take_reserved("while") => self.while_clause(Negation::Plain)?,
            () if self.take_reserved("until") => self.while_clause(Negation::Negated)?,
            () if self.take_reserved("[[") => Node::Conditional(self.conditional()?),
            () if self.at_reserved("select") || self.at_reserved("coproc") => {
                return Err(self.cursor.unexpected("a command of a POSIX shell"));
            }
            () => return self.function(),
        };
        Ok(Some(node))
    }

    /// Takes `text` after lines that are empty.
    fn expect(&mut self, text: &'static str) -> Result<(), ScriptError> {
        self.skip_lines()?;
        if self.cursor.take(text) {
            return Ok(());
        }
        Err(self.cursor.unexpected(text))
    }

    fn if_clause(&mut self) -> Result<If, ScriptError> {
        let mut arms = Vec::new();
        let mut otherwise = List::new();
        loop {
            let condition = self.some_list()?;
            self.expect_reserved("then")?;
            arms.push((condition, self.some_list()?));
            if self.take_reserved("elif") {
                continue;
            }
            if self.take_reserved("else") {
                otherwise = self.some_list()?;
            }
            self.expect_reserved("fi")?;
            return Ok(If { arms, otherwise });
        }
    }

    fn case_clause(&mut self) -> Result<Case, ScriptError> {
        self.cursor.skip_blanks();
        let subject = self.expect_word()?;
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take_reserved("esac") {
                return Ok(Case { subject, arms });
            }
            arms.push(self.arm()?);
            self.skip_lines()?;
            if self.cursor.take(";;") {
                continue;
            }
            self.expect_reserved("esac")?;
            return Ok(Case { subject, arms });
        }
    }

    fn arm(&mut self) -> Result<Arm, ScriptError> {
        self.cursor.take("(");
        let mut patterns = Vec::new();
        loop {
            self.cursor.skip_blanks();
            patterns.push(self.expect_word()?);
            self.cursor.skip_blanks();
            if self.cursor.take("|") {
                continue;
            }
            self.expect(")")?;
            let body = self.list()?;
            return Ok(Arm { patterns, body });
        }
    }

    fn for_clause(&mut self) -> Result<For, ScriptError> {
        self.cursor.skip_blanks();
        if !self.cursor.peek().is_some_and(begins_name) {
            return Err(self.cursor.unexpected("the name of a variable"));
        }
        let name = self.cursor.take_while(in_name);
        self.skip_lines()?;
        let words = if self.take_reserved("in") {
            let mut words = Vec::new();
            self.cursor.skip_blanks();
            while let Some(word) = self.word()? {
                words.push(word);
                self.cursor.skip_blanks();
            }
            Some(words)
        } else {
            None
        };
        self.cursor.skip_blanks();
        self.cursor.take(";");
        let body = self.do_group()?;
        Ok(For { name, words, body })
    }

    fn while_clause(&mut self, negation: Negation) -> Result<Node, ScriptError> {
        let condition = self.some_list()?;
        let body = self.do_group()?;
        Ok(Node::While(While {
            negation,
            condition,
            body,
        }))
    }

    fn do_group(&mut self) -> Result<List, ScriptError> {
        self.expect_reserved("do")?;
        let body = self.some_list()?;
        self.expect_reserved("done")?;
        Ok(body)
    }

    /// `name()` or, in bash, `function name`; `None` where no function is defined.
    fn function(&mut self) -> Result<Option<Node>, ScriptError> {
        let place = self.cursor.place();
        let keyword = self.take_reserved("function");
        self.cursor.skip_blanks();
        let name = self
            .cursor
            .take_while(|letter| !ends_word(letter) && !"$`'\"\\=".contains(letter));
        self.cursor.skip_blanks();
        let parentheses = self.cursor.take("(") && {
            self.cursor.skip_blanks();
            self.cursor.take(")")
        };
        if name.is_empty() || !(parentheses || keyword) {
            self.cursor.return_to(place);
            return Ok(None);
        }
        self.skip_lines()?;
        let body = Rc::new(self.nested(Self::stage)?);
        Ok(Some(Node::Function { name, body }))
    }

    /// `(( .. ))` of bash, whose value is never known; `None` where it is not closed, so that it
    /// is a group in a group. Nothing may be run in it.
    fn arithmetic_command(&mut self) -> Option<Node> {
        let place = self.cursor.place();
        self.cursor.take("((");
        let mut open = 0_usize;
        loop {
            if self.cursor.looking_at("$(") {
                self.cursor.return_to(place);
                return None;
            }
            if open == 0 && self.cursor.take("))") {
                return Some(Node::Arithmetic);
            }
            match self.cursor.bump() {
                Some('(') => open = open.saturating_add(1),
                Some(')') if open > 0 => open = open.saturating_sub(1),
                Some(')' | ';' | '\n' | '`') | None => {
                    self.cursor.return_to(place);
                    return None;
                }
                Some(_) => {}
            }
        }
    }
}
