//! Whether a `sed` only prints: `w` writes files and `e` runs programs, as commands and as flags
//! of `s`, and `-i` changes the files that are read.

/// Whether `sed` with `arguments` only prints. What is not understood does not.
pub(super) fn only_prints(arguments: &[&str]) -> bool {
    let mut scripts = Vec::new();
    let mut operands = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-n" | "-E" | "-r" | "-s" | "-u" | "--quiet" | "--silent" | "--regexp-extended" => {}
            "-e" | "-ne" | "-nre" | "-nEe" | "--expression" => match rest.next() {
                Some(script) => scripts.push(*script),
                None => return false,
            },
            option if option.starts_with('-') => return false,
            operand => operands.push(operand),
        }
    }
    if scripts.is_empty() {
        scripts.extend(operands.first());
    }
    !scripts.is_empty() && scripts.iter().all(|script| prints(script).is_some())
}

/// Reads a script whose commands only print, and `None` for any other.
fn prints(script: &str) -> Option<()> {
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches([';', '\n', ' ', '\t', '}']);
        if rest.is_empty() {
            return Some(());
        }
        rest = addresses(rest)?;
        let mut letters = rest.chars();
        let command = letters.next()?;
        let behind = letters.as_str();
        rest = match command {
            '{' | 'd' | 'D' | 'p' | 'P' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'x' | '=' => behind,
            'q' | 'Q' | 'l' => behind.trim_start_matches(|letter: char| letter.is_ascii_digit()),
            ':' | 'b' | 't' => behind.trim_start_matches(|letter| letter != ';' && letter != '\n'),
            // Text up to the end of a line that no `\` continues.
            'a' | 'i' | 'c' | '#' => text(behind),
            's' => substitution(behind)?,
            'y' => delimited(behind, 2)?,
            _ => return None,
        };
    }
}

/// Skips the lines that a command is for.
fn addresses(script: &str) -> Option<&str> {
    let mut rest = script;
    loop {
        let mut letters = rest.chars();
        rest = match letters.next()? {
            '0'..='9' | '$' | ',' | '!' | ' ' | '~' | '+' => letters.as_str(),
            '/' => delimited(rest, 1)?.trim_start_matches(['I', 'M']),
            '\\' => delimited(letters.as_str(), 1)?,
            _ => return Some(rest),
        };
    }
}

/// Skips what stands between the first letter and its next unquoted occurrences.
fn delimited(script: &str, parts: usize) -> Option<&str> {
    let mut letters = script.chars();
    let delimiter = letters.next()?;
    for _ in 0..parts {
        let mut in_class = false;
        loop {
            match letters.next()? {
                '\\' => drop(letters.next()),
                '[' => in_class = true,
                ']' => in_class = false,
                letter if letter == delimiter && !in_class => break,
                _ => {}
            }
        }
    }
    Some(letters.as_str())
}

/// Skips the parts and flags of `s`, of which `w` and `e` are not understood.
fn substitution(script: &str) -> Option<&str> {
    let rest = delimited(script, 2)?;
    let flag = |letter: char| letter.is_ascii_digit() || "gpiIm".contains(letter);
    let rest = rest.trim_start_matches(flag);
    rest.is_empty()
        .then_some(rest)
        .or_else(|| rest.starts_with([';', '\n', ' ', '}']).then_some(rest))
}

fn text(script: &str) -> &str {
    let mut letters = script.chars();
    loop {
        match letters.next() {
            Some('\\') => drop(letters.next()),
            Some('\n') | None => return letters.as_str(),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_only_print() {
        for script in [
            "s/a/b/",
            "s/^a/b/p",
            "s,/etc/w,/e,g;s|e|w|",
            "/^#/d",
            "1,/x/!{p;q5}",
            "$!N; $!D",
            "\\,/usr,p",
            "s/[/]w/x/",
            "y/abc/xyz/",
            ":again\ns/a/b/\ntagain",
            "a\\\ntext with w and e",
            "/a/,+3s/x/y/2 ; p",
        ] {
            assert_eq!(prints(script), Some(()), "{script}");
        }
    }

    #[test]
    fn scripts_that_do_more() {
        for script in [
            "w /etc/x",
            "s/a/b/w /etc/x",
            "s/a/b/ge",
            "s/a/b/e",
            "e tool",
            "1e",
            "/x/w/etc/x",
            "p;w x",
            "s/a/b",
            "W /etc/x",
            "r /etc/x;w y",
            "1,5",
        ] {
            assert_eq!(prints(script), None, "{script}");
        }
        assert!(only_prints(&["-n", "s/a/b/", "/etc/wew"]));
        assert!(only_prints(&["-e", "p", "-e", "d", "file"]));
        assert!(!only_prints(&["-e", "p", "-e", "w x", "file"]));
        assert!(!only_prints(&["-i", "s/a/b/", "file"]));
        assert!(!only_prints(&["-f", "script", "file"]));
        assert!(!only_prints(&["-n"]));
    }
}
