//! Texts that are written to files: `echo ... > file`, `printf`, here-documents, `: > file`.

use enclair_tree::Node;

use super::{directory_of, path_of};
use crate::effects::problem::Problem;
use crate::effects::work::{Answer, Invocation, Site};
use crate::scripts::{Certainty, Redirects};

/// A command that does nothing but write what is known to one file.
pub(super) fn write(site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
    let certain = call.certainty == Certainty::Always;
    let Some((path, redirects)) = output(call).filter(|_| certain) else {
        return Ok(Answer::NotMine);
    };
    let Some(text) = text(call) else {
        return Ok(Answer::NotMine);
    };
    let directory = site.files.is_directory(directory_of(&path));
    if !directory
        || site
            .files
            .node(&path)
            .is_some_and(|node| !Node::is_file(node))
    {
        return Ok(Answer::NotMine);
    }
    let mut content = match redirects {
        Redirects::Append => site.files.read(&path)?.unwrap_or_default(),
        Redirects::Write | Redirects::Read | Redirects::ReadWrite | Redirects::Text => Vec::new(),
    };
    content.extend_from_slice(text.as_bytes());
    site.files.write(&path, content)?;
    Ok(Answer::Emulated)
}

/// The one file that standard output goes to.
fn output(call: &Invocation<'_>) -> Option<(String, Redirects)> {
    let mut written = call.command.written();
    let (one, none) = (written.next()?, written.next());
    if none.is_some() || one.descriptor != 1 {
        return None;
    }
    Some((path_of(one.target.known()?)?, one.redirects))
}

/// What the command writes.
fn text(call: &Invocation<'_>) -> Option<String> {
    match (call.program, call.arguments) {
        (":" | "true", _) => Some(String::new()),
        ("echo", words) => echo(words),
        ("printf", [format, words @ ..]) => printf(format, words),
        ("cat", [] | ["-"]) => {
            let mut read = call.command.redirections.iter();
            let text = read.find(|one| one.redirects == Redirects::Text)?;
            text.target.known().map(str::to_owned)
        }
        _ => None,
    }
}

/// The shell's `echo`, but for what `dash` and `bash` do not agree about.
fn echo(words: &[&str]) -> Option<String> {
    let (words, end) = match words {
        ["-n", words @ ..] => (words, ""),
        words => (words, "\n"),
    };
    let plain = !words.iter().any(|word| word.contains('\\'));
    let plain = plain && !words.first().is_some_and(|word| word.starts_with('-'));
    plain.then(|| words.join(" ") + end)
}

/// `printf` with texts and the usual escapes; the format is used again while words are left.
fn printf(format: &str, words: &[&str]) -> Option<String> {
    let mut text = String::new();
    let mut left = words.iter();
    loop {
        let before = left.len();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => text.push(match letters.next()? {
                    'n' => '\n',
                    't' => '\t',
                    '\\' => '\\',
                    _ => return None,
                }),
                '%' => match letters.next()? {
                    '%' => text.push('%'),
                    's' => text.push_str(left.next().copied().unwrap_or_default()),
                    _ => return None,
                },
                other => text.push(other),
            }
        }
        if left.len() == 0 {
            return Some(text);
        }
        if left.len() == before {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(echo(&["a", "b"]).unwrap(), "a b\n");
        assert_eq!(echo(&["-n", "a"]).unwrap(), "a");
        assert_eq!(echo(&[]).unwrap(), "\n");
        assert_eq!(echo(&["-e", "a"]), None);
        assert_eq!(echo(&["a\\n"]), None);
        assert_eq!(printf("%s=%s\\n", &["a", "1", "b"]).unwrap(), "a=1\nb=\n");
        assert_eq!(printf("100%%\\t\\\\", &[]).unwrap(), "100%\t\\");
        assert_eq!(printf("%d", &["1"]), None);
        assert_eq!(printf("plain", &["word"]), None);
        assert_eq!(printf("\\x41", &[]), None);
    }
}
