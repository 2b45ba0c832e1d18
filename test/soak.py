#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The long tests, for a bounded time; then their table in docs/reliability.md.

    test/soak.py [--minutes N] [--no-write] [--list] [ITEM ...]

make soak builds what this runs. An item that fails prints what it said and the command that repeats
it; the others go on, and the exit status is 1. The table is left alone under 5 minutes. A row of an
item that did not run stays as it was.
"""
import argparse
import datetime
import os
import pathlib
import platform
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
SWITCH, PLAIN = "build/switch/test/", "build/plain/test/"
HEAD = ("item", "tried", "failed", "seeds", "time", "figure", "date", "compiler, machine")
TAIL_LINES = 40


# ---- The page ------------------------------------------------------------------------------------

def part(text, name):
    """Where the part of the page between the marks of [name] begins and ends."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        sys.exit(f"{PAGE.name} has no marks '{begin.strip()}' and '{end}': put them where the "
                 "table is to be")
    return text.index(begin) + len(begin), text.index(end)


def read_part(name):
    text = PAGE.read_text()
    begin, end = part(text, name)
    return text[begin:end]


def write_part(name, lines):
    text = PAGE.read_text()
    begin, end = part(text, name)
    PAGE.write_text(text[:begin] + "".join(line + "\n" for line in lines) + text[end:])


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def table(head, rows, left=1):
    """The first [left] columns to the left, numbers to the right."""
    return [row(head), row(["---"] * left + ["---:"] * (len(head) - left))] + [row(r) for r in rows]


# ---- The machine, without its name ---------------------------------------------------------------

def compiler():
    cc = os.environ.get("CC") or "cc"
    said = subprocess.run(shlex.split(cc) + ["--version"], capture_output=True, text=True)
    line = said.stdout.partition("\n")[0]
    name = "clang" if "clang" in line else "gcc" if "gcc" in line.lower() or cc == "cc" else cc
    version = re.search(r"\d+(\.\d+)+", line.rpartition(")")[2] or line)
    return f"{name} {version[0] if version else ''}".strip()


def machine():
    system = f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores"
    return system + (" of a virtual machine" if is_virtual() else "")


def is_virtual():
    try:
        return "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


# ---- Running -------------------------------------------------------------------------------------

def clock(seconds):
    seconds = int(max(seconds, 0))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


class Job:
    """An item at work: what it tried, and how long it may still try."""

    def __init__(self, name, place, seconds):
        self.name, self.place, self.limit = name, place, seconds
        self.start = time.monotonic()
        self.tried = self.failed = 0
        self.wanted, self.unit = 0, "tries"
        self.seeds = self.figure = ""
        self.rows = []                  # more rows than its own: (name, tried, failed, figure)

    def seconds(self):
        return time.monotonic() - self.start

    def time_left(self):
        return self.limit - self.seconds()

    def goes_on(self):
        return self.tried < self.wanted and self.time_left() > 0

    def want(self, n, unit):
        self.wanted, self.unit = n, unit

    def show(self):
        """The one line of a terminal: done of how much, the rate, the time left."""
        if not sys.stdout.isatty():
            return
        seconds = self.seconds()
        rate = self.tried / seconds if seconds > 0 else 0
        left = self.time_left()
        if self.wanted and rate > 0:
            left = min(left, (self.wanted - self.tried) / rate)
        of = f"{self.tried:,} of {self.wanted:,} {self.unit}" if self.wanted else "running"
        text = f"{self.place} {self.name}: {of}, {rate:,.0f}/s, failed {self.failed}"
        print(f"\r\033[K{text}, {clock(left)} left", end="", flush=True)

    def say(self, text):
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        print(text, flush=True)

    def call(self, *command, limit=None, **environment):
        """Runs [command] in the tree, showing the line meanwhile. Its status, and what it said; -1:
        out of time."""
        limit = self.time_left() + 120 if limit is None else limit
        end = time.monotonic() + limit
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, start_new_session=True,
                                     env={**os.environ, **environment})
            try:
                status = self.wait(child, end)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
            out.seek(0)
            return status, out.read().decode(errors="replace")

    def wait(self, child, end):
        while time.monotonic() < end:
            self.show()
            try:
                return child.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                pass
        return -1

    def add(self, tried, failed):
        self.tried += tried
        self.failed += failed

    def fails(self, said, *command, **environment):
        """Tells of a failure: what was said, and how to have it again."""
        words = [f"{k}={shlex.quote(v)}" for k, v in environment.items()]
        again = " ".join(words + [shlex.quote(str(word)) for word in command])
        lines = said.rstrip().splitlines()[-TAIL_LINES:]
        self.say(f"{self.name}: FAILED\n" + "\n".join(f"    {line}" for line in lines))
        self.say(f"    again: {again}")

    def take(self, pattern, status, said, *command, **environment):
        """Adds tried and failed, the groups of [pattern], in what was said; without it, the call
        itself is a failure."""
        found = re.search(pattern, said)
        tried, failed = (int(found[1]), int(found[2])) if found else (1, 1)
        failed = max(failed, status != 0)
        self.add(tried, failed)
        if failed:
            self.fails(said, *command, **environment)
        return found


# ---- The items -----------------------------------------------------------------------------------

BATTERY = r"battery: programs \d+, runs (\d+), failed (\d+)"


def points(job):
    """A cancel, two, a deadline, a failure at each point of each program."""
    environment = {"DUFFEL_SOAK": "4" if job.time_left() > 60 else "1"}
    status, said = job.call(SWITCH + "battery", **environment)
    job.take(BATTERY, status, said, SWITCH + "battery", **environment)
    job.seeds = "1 to 1,600" if environment["DUFFEL_SOAK"] == "4" else "1 to 400"


def battery(job):
    """Faults at random, under seeds."""
    first, count = 1000001, 100
    job.want(1000000, "runs")
    while job.goes_on():
        command = (SWITCH + "battery", "soak", str(first), str(count))
        status, said = job.call(*command)
        job.take(BATTERY, status, said, *command)
        first += count
    job.seeds = f"1,000,001 to {first - 1:,}"


def differential(job):
    """Random coroutines in C, by several compilers, and in Python."""
    seed, count = 1, 100
    job.want(10000, "programs")
    while job.goes_on():
        command = ("test/differential.py", "--programs", str(count), "--seed", str(seed))
        status, said = job.call(*command)
        job.take(r"differential: programs (\d+), .*failed (\d+)", status, said, *command)
        seed += 1
    job.seeds = f"1 to {seed - 1}"


ORDERS = r"orders: programs (\d+), orders (\d+), failed (\d+)"


def orders_call(job, seed, programs):
    environment = {"DUFFEL_SEED": str(seed), "DUFFEL_PROGRAMS": str(programs)}
    status, said = job.call(SWITCH + "orders", **environment)
    found = re.search(ORDERS, said)
    failed = max(int(found[3]) if found else 1, status != 0)
    job.add(int(found[2]) if found else 1, failed)
    if failed:
        job.fails(said, SWITCH + "orders", **environment)
    return said


def orders(job):
    """Every order of small programs; random programs for the rest of the time."""
    some = 20000
    said = orders_call(job, 1, some)
    took = re.search(r"random programs from DUFFEL_SEED=\d+ +([\d.]+) s", said)
    rate = some / max(float(took[1]), 0.01) if took else 0
    spent = job.seconds()
    more = int(min(1000000 - some, rate * (job.time_left() - spent) * 0.9))
    if more > 0:
        orders_call(job, 1 + some, more)
    job.seeds = f"1 to {some + max(more, 0):,}"


def promise(job):
    """Random programs against the promise of cancels and deadlines."""
    seed, count = 1, 100000
    job.want(1000000, "programs")
    while job.goes_on():
        environment = {"DUFFEL_SEED": str(seed), "DUFFEL_PROGRAMS": str(count)}
        status, said = job.call(SWITCH + "promise", **environment)
        job.take(r"promise: programs (\d+), failed (\d+)", status, said, SWITCH + "promise",
                 **environment)
        seed += count
    job.seeds = f"1 to {seed - 1:,}"


def model(job):
    """SPIN: all states of the hand-off."""
    status, said = job.call("test/model.sh", limit=600)
    if "no spin here" in said:
        job.figure = "no spin here"
        return
    found = re.search(r"(\d+) passed, (\d+) failed", said)
    passed, failed = (int(found[1]), int(found[2])) if found else (0, 1)
    job.add(passed + failed, max(failed, status != 0))
    if job.failed:
        job.fails(said, "test/model.sh")
    states = [int(n) for n in re.findall(r"(\d+) states, errors: 0", said)]
    job.figure = f"{sum(states):,} states"


def hostile(job):
    """Peers, signals and limits that mean no good."""
    programs = sorted(p.stem for p in (ROOT / "test").glob("hostile*.c")
                      if not p.stem.endswith("_other"))
    for name in programs:
        command, environment = SWITCH + name, {"DUFFEL_SOAK": "1"}
        status, said = job.call(command, limit=600, **environment)
        found = re.findall(r"^hostile: (.*?): tried (\d+), failed (\d+),? *(.*)$", said, re.M)
        bad = sum(int(failed) for _, _, failed, _ in found)
        bad = max(bad, int(status != 0 or not found))
        for what, tried, failed, figure in found:
            job.rows.append((f"{job.name}: {what}", int(tried), int(failed), figure))
        job.add(sum(int(tried) for _, tried, _, _ in found), bad)
        if bad:
            job.fails(said, command, **environment)


def figure_of(job, word, number, unit):
    """An item that is one run of the plain program."""
    command = (PLAIN + "battery", word, str(number))
    status, said = job.call(*command, limit=600)
    found = re.search(rf"^{word}: (.*)$", said, re.M)
    job.add(number, int(status != 0 or not found))
    job.figure = re.sub(r"\d{4,}(?![\da-f])", lambda n: f"{int(n[0]):,}", found[1]) if found else ""
    job.unit = unit
    if job.failed:
        job.fails(said, *command)


def day(job):
    """24 hours of virtual time, twice: one trace."""
    figure_of(job, "day", 24 * 3600, "seconds")


def crowd(job):
    """A million sleeping tasks, cancelled: their memory is back to within 1 %."""
    figure_of(job, "crowd", 1000000, "tasks")


# Each with its share of the time that is left when it starts.
ITEMS = {
    "points": (points, 3), "battery": (battery, 8), "differential": (differential, 30),
    "orders": (orders, 3), "promise": (promise, 3), "model": (model, 2), "hostile": (hostile, 3),
    "day": (day, 1), "crowd": (crowd, 1),
}


def write_table(done, date, where):
    """The rows of [done]; what was there of other items stays."""
    kept = {}
    for line in read_part("soak").splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(HEAD):
            kept[cells[0]] = cells
    rows = []
    for name in ITEMS:
        of = [cells for item, cells in kept.items() if item.split(":")[0] == name]
        if name in done:
            job = done[name]
            of = [[name, f"{job.tried:,}", job.failed, job.seeds, clock(job.took), job.figure,
                   date, where]]
            of += [[what, f"{tried:,}", failed, "", "", figure, date, where]
                   for what, tried, failed, figure in job.rows]
        rows += of
    write_part("soak", table(HEAD, rows))
    print(f"{PAGE.relative_to(ROOT)}: its table is written")


def run_item(name, place, seconds):
    run, _ = ITEMS[name]
    job = Job(name, place, seconds)
    try:
        run(job)
    except OSError as error:
        job.add(1, 1)
        job.say(f"{name}: FAILED: {error}: make soak builds it")
    job.took = job.seconds()
    result = f"tried {job.tried:,}, failed {job.failed}, time {clock(job.took)}"
    job.say(f"{place} {name}: {result}" + (f", {job.figure}" if job.figure else ""))
    return job


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("items", nargs="*", metavar="ITEM")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--no-write", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_intermixed_args()
    if options.list:
        for name, (run, _) in ITEMS.items():
            print(f"{name:14}{run.__doc__}")
        return 0
    unknown = [name for name in options.items if name not in ITEMS]
    if unknown:
        parser.error(f"no item '{unknown[0]}': there are {', '.join(ITEMS)}")
    names = [name for name in ITEMS if not options.items or name in options.items]
    end = time.monotonic() + 60 * options.minutes
    done = {}
    for i, name in enumerate(names):
        shares = sum(ITEMS[later][1] for later in names[i:])
        seconds = max(end - time.monotonic(), 0) * ITEMS[name][1] / shares
        done[name] = run_item(name, f"[{i + 1}/{len(names)}]", seconds)
    failed = [name for name in names if done[name].failed]
    print(f"soak: items {len(names)}, failed {len(failed)}" + (": " if failed else "")
          + ", ".join(failed))
    if not options.no_write and options.minutes >= 5:
        write_table(done, datetime.date.today().isoformat(), f"{compiler()}, {machine()}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
