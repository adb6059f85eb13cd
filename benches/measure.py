#!/usr/bin/env python3
"""Measures the commands that `benches/run` has prepared, and prints the table for the documentation.

    measure.py DIR     DIR has the inputs; ENCLAIR and ORACLE name the two programs

CPU is user and system time together, memory the peak of the resident set, both as GNU time reports
them (a program that is started from a large one would inherit its peak). Commands that are compared
run one after another, five times over, and the medians are compared: what else the machine does
meanwhile then meets all of them. Each starts with nothing left to write to the disk, so that none
pays for what the one before it wrote. Ends with 1 when a target is missed.
"""

import datetime
import os
import statistics
import subprocess
import sys
from pathlib import Path

REPETITIONS = 5

# Measured once: they take long, and their memory is what matters.
BIG = {
    "`enclair build`, 3 GB in as many files (once)": "3GB-large",
    "`enclair build`, 3 GB in ten times the files (once)": "3GB-many",
}


class Cost:
    """The medians over all runs of a command."""

    def __init__(self, runs):
        self.cpu = statistics.median(user + system for user, system, _ in runs)
        self.memory = statistics.median(kibibytes for _, _, kibibytes in runs) / 1024

    def row(self, what, ratio=""):
        """A row of the table of measurements."""
        return f"| {what} | {self.cpu:.2f} s | {ratio} | {self.memory:.0f} MiB |"


def run_once(directory, command):
    """Runs a command and returns (user seconds, system seconds, peak KiB)."""
    os.sync()
    report = directory / "time"
    measured = ["/usr/bin/time", "--quiet", "-o", report, "-f", "%U %S %M", "bash", "-c", f"exec {command}"]
    subprocess.run(measured, cwd=directory, check=True, stdout=subprocess.DEVNULL)
    return tuple(map(float, report.read_text().split()))


def measure(directory, commands, repetitions):
    """Runs all commands in turn, `repetitions` times, and returns the cost of each by name."""
    runs = {name: [] for name in commands}
    for _ in range(repetitions):
        for name, command in commands.items():
            runs[name].append(run_once(directory, command))
    return {name: Cost(of_command) for name, of_command in runs.items()}


def fill_page_cache(path):
    """Fills free memory with the pages of a sparse file, which must stay until all is measured.

    The host of a virtual machine may take free memory back. Whoever writes to such a page next pays
    for getting it again, half a second for an image of 300 MB; pages of the cache are there.
    """
    with open(path, "w+b") as sparse:
        sparse.truncate(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        while sparse.read(1 << 20):
            pass


def sections():
    """Putting sections together, and reading them: against one digest of the result."""
    parts = "--kernel kernel --cmdline console=ttyS0 --ramdisk boot --ramdisk application"
    return {
        "`enclair assemble`": f"$ENCLAIR assemble {parts} -o ours.eif",
        "`enclair inspect`": "$ENCLAIR inspect ours.eif",
        "`openssl dgst -sha384` of the result": "openssl dgst -sha384 ours.eif",
        "the field's writer": f"./reference-writer theirs.eif {parts}",
    }


def images():
    """From an image to an EIF: against the programs that do it piece by piece."""
    return {
        "`enclair build`, 300 MB": build("300MB"),
        "umoci, GNU cpio and the field's writer, 300 MB": "./pieces 300MB",
    }


def build(layout):
    """The command for one image."""
    return f"$ENCLAIR build --image oci:{layout}:v1 --kernel bzImage --init init -o out"


def machine():
    """What the numbers were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    release = os.uname().release.split("-")[0]
    return f"{model}, {os.cpu_count()} cores, Linux {release}"


def main():
    """Prints both tables."""
    directory = Path(sys.argv[1])
    sparse = directory / "sparse"
    fill_page_cache(sparse)
    assembled = measure(directory, sections(), REPETITIONS)
    built = measure(directory, images(), REPETITIONS)
    big = measure(directory, {name: build(layout) for name, layout in BIG.items()}, 1)

    sparse.unlink()
    assemble, inspect, digest, writer = assembled.values()
    ours, pieces = built.values()
    larger, more = big.values()
    print(f"{datetime.date.today()}, {machine()}, median of {REPETITIONS} runs\n")
    print("| command | CPU | relative | peak memory |\n|---|---|---|---|")
    for name, cost in assembled.items():
        print(cost.row(name, f"{cost.cpu / digest.cpu:.2f}"))
    for name, cost in built.items():
        print(cost.row(name, f"{cost.cpu / ours.cpu:.2f}"))
    for name, cost in big.items():
        print(cost.row(name))

    targets = [
        ("`assemble`: CPU against one digest", assemble.cpu / digest.cpu, "<=", 3.5),
        ("`assemble`: MiB", assemble.memory, "<=", 40),
        ("`inspect`: CPU against one digest", inspect.cpu / digest.cpu, "<=", 3.0),
        ("`inspect`: MiB", inspect.memory, "<=", 20),
        ("`build`: CPU of the pieces against ours", pieces.cpu / ours.cpu, ">=", 4),
        ("`build`, 300 MB: MiB", ours.memory, "<=", 64),
        ("`build`, 3 GB in as many files: MiB against 300 MB", larger.memory / ours.memory, "<=", 1.1),
        ("`build`, 3 GB in ten times the files: MiB", more.memory, "<=", 64),
    ]
    print("\n| target | wanted | found | |\n|---|---|---|---|")
    missed = 0
    for what, found, sign, wanted in targets:
        held = found <= wanted if sign == "<=" else found >= wanted
        missed += not held
        print(f"| {what} | {sign} {wanted} | {found:.2f} | {'met' if held else '**missed**'} |")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
