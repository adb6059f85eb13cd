#!/usr/bin/env python3
"""Measures what commands take when nothing has changed; for `benches/supply`.

    measure_unchanged.py PROJECT     locked and built into PROJECT/out; ENCLAIR names the program

Elapsed time is what somebody waits for, and CPU (user and system time) what a busy machine leaves
of it. Each command is run a few times unmeasured, then 20 times; the medians count. What it says is
compared, too: a command that did something is not the one that is measured. Ends with 1 when a
target is missed.
"""

import os
import statistics
import subprocess
import sys
import time

WARM_UP = 3
REPETITIONS = 20


def run_once(command, words):
    """Runs a command, which must say `words`, and returns (elapsed, CPU) in milliseconds."""
    reading, writing = os.pipe()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=writing, stderr=writing)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    if process.returncode != 0 or words not in said:
        sys.exit(f"{command}: expected status 0 and `{words}`, found {process.returncode}: {said}")
    return elapsed * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def measure(command, words):
    """The medians of elapsed time and CPU."""
    runs = [run_once(command, words) for _ in range(WARM_UP + REPETITIONS)][WARM_UP:]
    return tuple(statistics.median(column) for column in zip(*runs))


def main():
    """Prints the table."""
    enclair, project = os.environ["ENCLAIR"], sys.argv[1]
    build = [enclair, "build", project, "-o", f"{project}/out"]
    rows = [
        ("`lock --offline`", [enclair, "lock", project, "--offline"], "is as it was", 50),
        ("`build`, 300 MB", build, "up to date", 150),
        ("`build --locked --offline`, 300 MB", [*build, "--locked", "--offline"], "up to date", 150),
    ]
    print(f"Nothing has changed, median of {REPETITIONS} runs\n")
    print("| command | elapsed | CPU | wanted | |\n|---|---|---|---|---|")
    missed = 0
    for name, command, words, wanted in rows:
        elapsed, cpu = measure(command, words)
        missed += elapsed >= wanted
        verdict = "met" if elapsed < wanted else "**missed**"
        print(f"| {name} | {elapsed:.1f} ms | {cpu:.1f} ms | < {wanted} ms | {verdict} |")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
