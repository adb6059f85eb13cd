#!/usr/bin/env python3
"""Makes the score in docs/packages.md from what `examples/score` printed.

    table.py TABLE DETAILS [--write]

Without `--write` the text is printed; with it, it replaces what stands between the two marks.
"""

import collections
import sys

DOCUMENT = "docs/packages.md"
MARKS = ("<!-- score: made by .ci/packages-score --write -->", "<!-- end of the score -->")
STANDINGS = {
    "nothing": "have no script that does anything on a fresh system",
    "ignored": "have scripts of which everything need not be done in an enclave",
    "emulated": "have scripts of which everything that matters is done by effects",
    "reported": "have a script of which something is not done, and is said",
    "failed": "cannot be unpacked",
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def rows(path):
    names = ("name", "standing", "effects", "ignored", "reported", "packages", "whole")
    for line in read(path):
        fields = line.split("\t")
        standing = fields[1].split(":")[0]
        yield dict(zip(names, [fields[0], standing, *fields[2:]]))


def details(path):
    """Programs that are not run, by package, in the order of the scripts."""
    found = collections.defaultdict(list)
    for line in read(path):
        package, _, rest = line.partition(": ")
        command = rest.split(": ", 1)[-1] if " line " in rest else rest
        program = command.split(" ", 1)[0].rsplit("/", 1)[-1].strip("\"'")
        if program and program not in found[package]:
            found[package].append(program)
    return found


def text(table, found):
    table = list(table)
    own = collections.Counter(row["standing"] for row in table)
    whole = collections.Counter(row["whole"] for row in table)
    yield "| of {} packages | alone | with everything that they need |".format(len(table))
    yield "|---|---|---|"
    for standing, words in STANDINGS.items():
        if own[standing] or whole[standing]:
            yield f"| {words} | {own[standing]} | {whole[standing]} |"
    yield ""
    yield "Reported, each with the programs that its scripts would have run:"
    yield ""
    for row in table:
        if row["standing"] == "reported":
            programs = found.get(row["name"], [])
            shown = ", ".join(f"`{program}`" for program in programs[:6])
            more = f" and {len(programs) - 6} more" if len(programs) > 6 else ""
            yield f"- {row['name']}: {shown}{more}"


def main():
    table, commands, *options = sys.argv[1:]
    made = "\n".join(text(rows(table), details(commands)))
    if options != ["--write"]:
        print(made)
        return
    with open(DOCUMENT, encoding="utf-8") as file:
        document = file.read()
    before, rest = document.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(f"{before}{MARKS[0]}\n\n{made}\n\n{MARKS[1]}{after}")


main()
