//! The machine's own shell as an oracle: what it passes to a command is what is read.

use std::process::Command as Process;

use enclair_packages::scripts::{Certainty, NoFacts, Script, commands};

use crate::system::call;

/// What the shell passes to `record`, a line each.
fn shell(body: &str) -> Vec<String> {
    let script = format!(
        "record() {{ for word in \"$@\"; do printf '[%s]' \"$word\"; done; printf '\\n'; }}\n\
         set -e\n{body}"
    );
    let output = Process::new("/bin/sh")
        .args(["-c", &script, "postinst", "configure", ""])
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .output()
        .expect("a shell");
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{body}\n{text}{errors}");
    text.lines().map(str::to_owned).collect()
}

/// What is read to be passed to `record`.
fn read(body: &str) -> Vec<String> {
    let script = format!("#!/bin/sh\nset -e\n{body}");
    let commands = commands(script.as_bytes(), &call(Script::Postinst), &NoFacts).expect(body);
    let mut lines = Vec::new();
    for command in commands {
        assert_eq!(command.certainty, Certainty::Always, "{body}\n{command}");
        assert_eq!(command.program(), Some("record"), "{body}\n{command}");
        let words = command.known_arguments().expect(body);
        let words = words.iter();
        let text = words.fold(String::new(), |text, word| text + "[" + word + "]");
        lines.extend(text.split('\n').map(str::to_owned));
    }
    lines
}

fn same(bodies: &[&str]) {
    for body in bodies {
        let expected = shell(body);
        assert!(!expected.is_empty(), "{body}");
        assert_eq!(read(body), expected, "{body}");
    }
}

#[test]
fn quotes() {
    same(&[
        r#"record a 'b c' "d e" f\ g"#,
        r#"record '' "" a"#,
        r#"record "a\"b\$c\\d\e" 'a\b' a\\b"#,
        "record a\\\nb \"c\\\nd\" 'e\\\nf'",
        r#"x=1; record "$x"'$x'$x"a$x"b"#,
        r#"record "a'b" 'a"b' \'\""#,
        "record a#b # a comment\nrecord '#' \\# c",
        "record \"two\nlines\"",
    ]);
}

#[test]
fn parameters() {
    same(&[
        r#"record "$#" "$1" "[$2]" "$@""#,
        r#"set -- a "b c" d; record "$@"; record $@; record "$*"; record $*; record "x$@y""#,
        r#"set -- a b c; shift; record "$@" $#; shift 2; record $# "$@" end"#,
        r#"record ${none-default} ${none:-default} "${none-}" ${none+set} end"#,
        r#"x=; record "${x-default}" "${x:-default}" "${x+set}" "${x:+set}""#,
        r#"record ${x:=value} $x; record "${y:-"$x z"}" ${z:-'q r'}"#,
        r"x=/usr/lib/a.b.c; record ${x##*/} ${x#*/} ${x%/*} ${x%%/*}. ${x%.*} ${x%%.*}",
        r#"x=aXbXc; record "${x%X*}" "${x#*"X"}" "${x#?X}" ${#x} "${x%[c-z]}""#,
        r#"x='a*b'; y='*'; record "${x%"$y"b}" "${x%$y}""#,
        r"a=1 b=2; a=$b b=$a; record $a $b",
        r#"x=abc; unset x; record "${x-unset}""#,
        r#"record ${1}0 "${10-none}" $1"#,
        r"true; record $?; false || record $?",
    ]);
}

#[test]
fn fields() {
    same(&[
        "x='  a  b '; record $x \"$x\" end",
        "x='a b'; y=$x; record \"$y\" $y; record \"$x\"c $x\"c d\"e",
        "IFS=:; x=a:b::c; record $x",
        "IFS=:; x=a:b:; record $x end",
        "IFS=,; x='a b,c'; record $x; IFS=' '; record $x",
        "x=; record $x a \"$x\" $x$x b$x",
        "for x in a 'b c' $(echo d e); do record \"$x\"; done",
        "x='a b'; set -- $x c; record $# \"$2\"",
    ]);
}

#[test]
fn substitutions() {
    same(&[
        r#"record "$(echo a b)" $(echo a b) `echo c d`"#,
        r#"x=$(printf 'a\n\n'); record "[$x]""#,
        r#"record "$(echo "$(echo "a  b")")" "`echo \`echo c\``""#,
        r#"f() { echo "$1-$2"; }; record "$(f a b)" "$(f c)""#,
        r#"x=$(false) || record failed "[$x]"; y=$(true); record "$?""#,
        r#"record "$(basename /a/b.c .c)" "$(dirname /a/b/c)" "$(dirname a)""#,
        "record \"$(cat <<EOF\ntext $1\nEOF\n)\"",
        r#"record "$(echo a:b:c | cut -d: -f2)" "$(echo a:b:c | cut -f 1,3 -d ':')""#,
        r#"record "$(echo aBc | tr A-Z a-z)" "$(echo aBc | tr '[:lower:]' '[:upper:]')""#,
        r#"record "$(echo a,b | tr , ' ')" $(echo a,b | tr ',' '\n')"#,
        r#"record "$(echo a.b.c | sed 's/b/x/')" "$(echo aba | sed -e 's/a/x/g')""#,
        r#"record "$(echo abc | sed 's/^a/x/')" "$(echo abc | sed s,c$,y,)""#,
        r#"record "$(printf 'c\na\nb\na\n' | sort -u | head -n 2)" "$(printf 'a\nb\n' | tail -1)""#,
        r#"record "$(printf 'one\ntwo\n' | grep -v one)" "$(echo abcdef | cut -c 2-4)""#,
        "record $((1 + 2 * 3)) $(((1+2)*3)) $((7 / 2)) $((-7 % 3)) $((1 << 4 | 1))",
        "x=5; record $((x + 1)) $(($x * 2)) $((x > 4 && x != 6)) $((!x)) $((0x10 + 010))",
        "record $( (echo a); (echo b) )",
    ]);
}

#[test]
fn conditions() {
    same(&[
        r#"if [ "$1" = configure ]; then record yes; else record no; fi"#,
        r#"if [ "$1" = install ]; then record a; elif [ -z "$2" ]; then record b; else record c; fi"#,
        r#"[ -n "$2" ] || record empty; [ -z "$2" ] && record empty"#,
        r#"test "$1" = configure -a -z "$2" && record both; [ a = b -o c = c ] && record either"#,
        r#"[ ! a = b ] && record not; [ ! ] && record one; [ "!" = "!" ] && record bang"#,
        r"if ! [ 2 -lt 1 ] && [ 2 -ge 2 ] && [ 1 -ne 2 ]; then record numbers; fi",
        r#"[ \( a = a \) -a \( b = b \) ] && record group; [ "" ] || record empty"#,
        r"if false; then record a; fi; record after",
        r"true && false || record third; false && record never || record fourth",
        r#"f() { return 3; }; if f; then record a; else record "$?"; fi"#,
        r"! false; record $?; ! true || record b",
    ]);
}

#[test]
fn cases() {
    same(&[
        r#"case "$1" in configure) record a ;; *) record b ;; esac"#,
        r#"case "$1" in install|upgrade) record a ;; conf*|x) record b ;; esac"#,
        r#"for x in a.b "a b" [x] 5 Z ''; do case $x in
            *.*) record dot ;; *" "*) record space ;; "[x]") record bracket ;;
            [0-9]) record digit ;; [!a-z]) record other ;; "") record empty
           esac; done"#,
        r#"p='*'; case abc in "$p") record quoted ;; $p) record pattern ;; esac"#,
        r"case a in (a) record open ;; esac; case b in a) record never; esac; record end",
        r"case x in x) ;; *) record never ;; esac; record $?",
        r"for x in a b - ] _; do case $x in [a-]) record 1 ;; []_]) record 2 ;; *) record 3 ;; esac; done",
    ]);
}

#[test]
fn loops() {
    same(&[
        "for x in a b c; do [ $x = b ] && continue; record $x; done",
        "for x in a b c; do [ $x = b ] && break; record $x; done; record end",
        "for x; do record \"$x\"; done",
        "for x in a b; do for y in 1 2; do [ $y = 2 ] && continue 2; record $x$y; done; done",
        "for x in a b; do for y in 1 2; do record $x$y; break 2; done; done; record end",
        "i=0; while [ $i -lt 3 ]; do record $i; i=$((i + 1)); done",
        "i=3; until [ $i -eq 0 ]; do i=$((i - 1)); record $i; done",
        "while true; do record once; break; done",
        "while [ $# -gt 0 ]; do record \"[$1]\"; shift; done",
        "printf 'a b\\nc d e\\n' | while read x y; do record \"$x\" \"$y\"; done",
        "while read x; do record \"$x\"; done <<EOF\none\ntwo  words\nEOF",
        "for x in $(echo 'a b'); do (x=z; record $x); record $x; done",
    ]);
}

#[test]
fn functions() {
    same(&[
        r#"f() { record "$#" "$@"; }; f a "b c"; record "$1""#,
        r#"f() { local x=inner y; y=2; record $x $y; }; x=outer; f; record $x "${y-none}""#,
        r"f() { x=changed; return 0; record never; }; f; record $x",
        r#"f() { if [ "$1" = a ]; then return 1; fi; record $1; }; f a || record failed; f b"#,
        r"f() { case $1 in 0) ;; *) record $1; f $(($1 - 1)) ;; esac; }; f 3",
        r"f() ( x=inner; record $x ); x=outer; f; record $x",
        "f()\n{\n  record body\n}\nf",
        r#"g() { f "$@" last; }; f() { record "$@"; }; g one"#,
    ]);
}

#[test]
fn the_rest_of_the_language() {
    same(&[
        "(record a; exit 0; record never); record b",
        "{ record a; record b; }",
        "eval 'record \"$1\"'; x='record a'; eval $x b; $x c",
        "set +e; false; record goes on; set -e",
        "trap 'record trapped' EXIT; record first",
        "record a; exit 0; record never",
        "x=a; y=x; eval record \\$$y",
        ": ${x:=assigned}; record $x",
        "record a\nrecord d; record e",
        "cd /; record \"$(pwd)\" ~ ~/x \"~\"",
        "record a b\\\n  c",
        "i=1; record $i; i=2 true; record $i",
        "record a 2>/dev/null; record b 2>&1; record c 3>&2 2>&-",
    ]);
}
