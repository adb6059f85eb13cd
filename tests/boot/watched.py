#!/usr/bin/env python3
"""Runs a command and says how much memory it had at most.

    watched.py FILE COMMAND..    the peak of its resident memory, in KiB, is written to FILE

Of the command alone: what it starts (QEMU, with the guest's memory) is not counted. Its status is
this program's.
"""

import re
import subprocess
import sys
import time


def resident(process, name="VmHWM"):
    """A line of memory of /proc/PID/status in KiB; 0 when the process is gone."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as status:
            found = re.search(rf"^{name}:\s+([0-9]+) kB", status.read(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def main():
    file, *command = sys.argv[1:]
    process = subprocess.Popen(command)
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.05)
    with open(file, "w", encoding="ascii") as output:
        print(peak, file=output)
    status = process.returncode
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
