//! Builtins of the shell that decide where control goes, run text, or print.

use super::super::error::ScriptError;
use super::Evaluator;
use super::flow::{Flow, Target};
use super::record::Opened;
use super::simple::Handled;
use super::state::{State, Status, Value};

/// Where debconf's shell functions are.
const CONFMODULE: &str = "/usr/share/debconf/confmodule";

impl Evaluator<'_> {
    /// Builtins that come before functions of the same name (XCU 2.14).
    pub(super) fn special(
        &mut self,
        name: &str,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Result<Handled, ScriptError> {
        let operands = words.get(1..).unwrap_or_default();
        let end = match name {
            ":" => return self.succeed(words, opened, state),
            "break" => self.leave_loop(Target::Break, operands, state)?,
            "continue" => self.leave_loop(Target::Continue, operands, state)?,
            "exit" => self.exit(operands, state)?,
            "return" => self.return_from(operands, state)?,
            "set" => Some(state.set_options(operands)),
            "shift" => Some(state.shift(operands)),
            "export" | "readonly" => Some(state.assign(operands)),
            "unset" => Some(state.unset(operands)),
            "times" => Some(state),
            "trap" => Some(self.set_trap(operands, state)),
            "eval" => self.eval(words, opened, state)?,
            "exec" => self.exec(words, opened, state)?,
            "." | "source" => self.source(words, opened, state)?,
            _ => return Ok(Handled::NotKnown(state, opened)),
        };
        Ok(Handled::Done(end))
    }

    /// Builtins that functions come before.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Result<Handled, ScriptError> {
        let operands = words.get(1..).unwrap_or_default();
        let mut state = state;
        match name {
            "umask" => {
                state.set_umask(operands);
                return self.succeed(words, opened, state);
            }
            "true" | "ulimit" | "wait" | "alias" | "unalias" | "bg" | "fg" | "shopt" => {
                return self.succeed(words, opened, state);
            }
            "false" => state.status = Status::FAILURE,
            "test" => state.status = self.test(operands, &state),
            "[" => {
                let bracket = matches!(operands.last(), Some(Value::Known(last)) if &**last == "]");
                let inner = operands.split_last().map_or(operands, |(_, inner)| inner);
                state.status = if bracket {
                    self.test(inner, &state)
                } else {
                    Status::Unknown
                };
            }
            "echo" => {
                let text = echoed(operands);
                self.print_by(words, text.as_deref(), opened, &mut state)?;
                state.status = Status::SUCCESS;
            }
            "printf" => {
                let text = formatted(operands);
                self.print_by(words, text.as_deref(), opened, &mut state)?;
                state.status = Status::SUCCESS;
            }
            "pwd" => {
                let here = state.variables.get("PWD").cloned();
                let text = match &here {
                    Some(Value::Known(path)) => Some(format!("{path}\n")),
                    _ => None,
                };
                self.print_by(words, text.as_deref(), opened, &mut state)?;
                state.status = Status::SUCCESS;
            }
            "cd" | "chdir" => state = self.change_directory(operands, state),
            "local" | "declare" | "typeset" => {
                self.make_local(operands);
                state = state.assign(operands);
            }
            "read" => state = state.read(operands),
            "getopts" => state = state.get_options(operands),
            _ => return Ok(Handled::NotKnown(state, opened)),
        }
        Ok(Handled::Done(Some(state)))
    }

    /// A command that does nothing and succeeds; its redirections may make files.
    fn succeed(
        &mut self,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Result<Handled, ScriptError> {
        let mut state = state;
        if opened.writes() {
            self.record(words, opened, &mut state)?;
        }
        state.status = Status::SUCCESS;
        Ok(Handled::Done(Some(state)))
    }

    fn leave_loop(&mut self, target: Target, operands: &[Value], state: State) -> Flow {
        let levels = match operands.first() {
            Some(Value::Known(text)) => text.parse().unwrap_or(1),
            Some(Value::Unknown(_)) | None => 1,
        };
        let mut state = state;
        state.status = Status::SUCCESS;
        self.jump(target, levels, state)?;
        Ok(None)
    }

    fn exit(&mut self, operands: &[Value], state: State) -> Flow {
        let mut state = state;
        state.status = given_status(operands, &state);
        if state.status.success() == Some(false) {
            return self.fail(state);
        }
        self.jump(Target::Exit, 1, state)?;
        Ok(None)
    }

    fn return_from(&mut self, operands: &[Value], state: State) -> Flow {
        if !self.can_return() {
            return self.exit(operands, state);
        }
        let mut state = state;
        state.status = given_status(operands, &state);
        self.jump(Target::Return, 1, state)?;
        Ok(None)
    }

    fn eval(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let mut text = String::new();
        for word in words.get(1..).unwrap_or_default() {
            let Value::Known(word) = word else {
                return self.keep_opaque(words, opened, state);
            };
            text.push_str(word);
            text.push(' ');
        }
        self.inherit(opened);
        let end = self.evaluate_text(&text, state);
        self.disinherit();
        end
    }

    /// Keeps a command that runs text which cannot be known: any variable may be another now.
    fn keep_opaque(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let end = self.keep(words, opened, state)?;
        Ok(end.map(|mut state| {
            state.forget_variables();
            state
        }))
    }

    fn exec(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let command = words.get(1..).unwrap_or_default();
        let mut state = state;
        if command.is_empty() {
            if opened.writes() {
                self.record(words, opened, &mut state)?;
            }
            state.status = Status::SUCCESS;
            return Ok(Some(state));
        }
        let Some(state) = self.run(command, opened, state)? else {
            return Ok(None);
        };
        self.exit(&[], state)
    }

    fn source(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let mut state = state;
        let Some(Value::Known(path)) = words.get(1) else {
            return self.keep_opaque(words, opened, state);
        };
        if &**path == CONFMODULE {
            state.status = Status::SUCCESS;
            return Ok(Some(state));
        }
        if self.test_path('f', &Value::known(path), &state) == Some(false) {
            // The shell ends where there is no such file.
            state.status = Status::FAILURE;
            return self.fail(state);
        }
        let Some(text) = self.content(path, &state) else {
            return self.keep_opaque(words, opened, state);
        };
        self.inherit(opened);
        let end = self.framed(Target::Return, state, |evaluator, state| {
            evaluator.evaluate_text(&text, state)
        });
        self.disinherit();
        end
    }

    /// Remembers what is run at the end; what is run on signals is not.
    fn set_trap(&mut self, operands: &[Value], state: State) -> State {
        let mut state = state;
        let at_exit = operands
            .iter()
            .skip(1)
            .any(|signal| matches!(signal.text(), "EXIT" | "0"));
        if at_exit {
            self.trap = operands
                .first()
                .filter(|command| !matches!(command.text(), "" | "-"))
                .cloned();
        }
        state.status = Status::SUCCESS;
        state
    }
}

/// The status that `exit` or `return` is given; that of the last command if it is given none.
fn given_status(operands: &[Value], state: &State) -> Status {
    match operands.first() {
        None => state.status,
        Some(Value::Unknown(_)) => Status::Unknown,
        Some(Value::Known(text)) => match text.parse::<u8>() {
            Ok(status) => Status::Known(status),
            Err(_) => Status::Unknown,
        },
    }
}

/// What `echo` prints; `None` where shells differ or it cannot be known.
fn echoed(operands: &[Value]) -> Option<String> {
    let without_end = matches!(operands.first(), Some(Value::Known(flag)) if &**flag == "-n");
    let mut text = String::new();
    for (position, operand) in operands.iter().skip(usize::from(without_end)).enumerate() {
        let Value::Known(word) = operand else {
            return None;
        };
        if word.contains('\\') || (position == 0 && matches!(&**word, "-e" | "-E" | "-n")) {
            return None;
        }
        if position > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
    if !without_end {
        text.push('\n');
    }
    Some(text)
}

/// What `printf` prints, for formats of `%s`, `%d`, `%%` and plain escapes whose operands are used
/// once.
fn formatted(operands: &[Value]) -> Option<String> {
    let (Value::Known(format), values) = operands.split_first()? else {
        return None;
    };
    let mut values = values.iter();
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next()? {
                '%' => text.push('%'),
                's' | 'd' => match values.next() {
                    Some(Value::Known(value)) => text.push_str(value),
                    Some(Value::Unknown(_)) => return None,
                    None => {}
                },
                _ => return None,
            },
            '\\' => text.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                '\\' => '\\',
                _ => return None,
            }),
            letter => text.push(letter),
        }
    }
    values.next().is_none().then_some(text)
}
