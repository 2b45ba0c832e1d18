#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How much of the library the tests reach: runs them, prints it, writes it into the documentation.

    test/coverage.py DIRECTORY [--no-run] [--no-write] [--missing] [PROGRAM ...]

make coverage builds the demos and the tests in DIRECTORY, by gcc --coverage. The figures that
README.md and docs/reliability.md name, as "100.0 % of lines" or "95.0 % of branches" behind the
name of a file or "the library", must not be more than 0.5 points above what was measured.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

from soak import PAGE, ROOT, table, write_part

FILES = ("coro.h", "task.c", "timer.c", "cancel.c", "loop.c", "loop_fd.c", "loop_ev.c",
         "loop_dump.c", "loop_sim.c", "trial.c", "net.c", "sync.c", "group.c", "isr.c", "debug.c",
         "stream.c", "thread.c", "process.c", "connect.c")
ALL = "the library"
LIMIT = 300                     # seconds for a program
SHORT = ("orders", "million")   # reach nothing more when they run at full length
SLACK = 0.5                     # points


def run_programs(directory, programs):
    """Runs the tests there; those that failed."""
    failed = []
    for name in programs:
        program = directory / "test" / name
        environment = {**os.environ, "DEMOS": str(directory / "demos")}
        if name in SHORT:
            environment["DUFFEL_SHORT"] = "1"
        try:
            done = subprocess.run([program], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=LIMIT)
            if done.returncode != 0:
                failed.append(name)
                sys.stderr.write((done.stdout + done.stderr).decode(errors="replace")[-2000:])
        except subprocess.TimeoutExpired:
            failed.append(name)
        print(f"{name}: {'failed' if name in failed else 'ran'}", flush=True)
    return failed


def measure(directory):
    """Of each file: {name: its report of gcovr}."""
    report = directory / "coverage.json"
    filters = [word for name in FILES for word in ("--filter", f"{re.escape(name)}$")]
    subprocess.run(["gcovr", "--root", ".", "--object-directory", directory, "--json", report,
                    "--exclude-throw-branches", *filters, directory], cwd=ROOT, check=True)
    return {file["file"]: file for file in json.loads(report.read_text())["files"]}


def counted(file):
    """Lines reached, lines, branches taken, branches."""
    lines = [line for line in file["lines"] if not line.get("gcovr/noncode")]
    branches = [branch for line in lines for branch in line["branches"]]
    return (sum(line["count"] > 0 for line in lines), len(lines),
            sum(branch["count"] > 0 for branch in branches), len(branches))


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def missing(file):
    lines = sorted({line["line_number"] for line in file["lines"]
                    if not line.get("gcovr/noncode") and line["count"] == 0})
    branches = sorted({line["line_number"] for line in file["lines"] if line["count"] > 0
                       and any(branch["count"] == 0 for branch in line["branches"])})
    return lines, branches


def claims():
    """Figures that the documents name: (document, line, file, percent, of what)."""
    names = "|".join(re.escape(name) for name in FILES + (ALL,))
    pattern = re.compile(rf"`?({names})`?[^|.]*?(\d+(?:\.\d+)?) % of (?:its )?(lines|branches)")
    for page in (ROOT / "README.md", PAGE):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for found in pattern.finditer(line):
                yield page.name, number, found[1], float(found[2]), found[3]


def check_claims(counts):
    """Prints each figure that is too high; how many."""
    wrong = 0
    for page, number, name, named, what in claims():
        at = counts[name]
        is_so = percent(*(at[:2] if what == "lines" else at[2:]))
        if named > is_so + SLACK:
            print(f"{page}:{number}: {name}: {named} % of {what} is said, "
                  f"{is_so:.1f} % was measured")
            wrong += 1
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--missing", action="store_true")
    options = parser.parse_intermixed_args()
    directory = ROOT / options.directory
    failed = [] if options.no_run else run_programs(directory, options.programs)
    measured = measure(directory)
    counts = {name: counted(measured[name]) for name in FILES if name in measured}
    counts[ALL] = tuple(map(sum, zip(*counts.values())))
    lines = table(("file", "lines", "reached", "branches", "taken"),
                  [(name, whole, f"{percent(got, whole):.1f} %", of, f"{percent(taken, of):.1f} %")
                   for name, (got, whole, taken, of) in counts.items()])
    print("\n".join(lines))
    for name in FILES if options.missing else ():
        if name in measured:
            lines, branches = missing(measured[name])
            print(f"{name}: lines not reached: {lines}; branches not taken: {branches}")
    if not options.no_write and not failed:
        write_part("coverage", lines)
    if failed:
        print("coverage: failed: " + ", ".join(failed))
    return 1 if failed or check_claims(counts) else 0


if __name__ == "__main__":
    sys.exit(main())
