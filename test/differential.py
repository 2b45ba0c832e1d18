#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random coroutines in C and the same in Python: both must print the same trace.

    test/differential.py [--programs N] [--seed S] [--jobs N]
    test/differential.py --seed S --only N [--config 'gcc -O2']     one program again; it is printed
    test/differential.py --self-test                                that it notices what is wrong

Program N of seed S is always the same. Each is a few coroutines: loops, branches, calls, recursion,
generators, tasks that cancel each other and themselves, groups, nested deadlines, clean-up that
awaits, early returns. World, below, says what the words of coro.h, task.h and group.h mean; it is
written from what these promise, not from how the library does it.
The C programs are compiled in many configurations: compilers, forms, optimisation. A program that
differs is made as small as it can be and left in build/differential/.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import errno
import functools
import heapq
import io
import itertools
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEEP = ROOT / "build" / "differential"
LIBRARY = ("task.c", "timer.c", "cancel.c", "group.c")
INCLUDED = ("coro.h", "task.h", "task_impl.h", "group.h")
SLOTS, EVENTS, COUNTS = 5, 3, 4         # as in differential.h
DEADLINES = 4                           # so many at most around one op of one coroutine
MS, TICK, FUEL, BUDGET = 1000000, 100000, 300, 128
BATCH = 10                              # programs in a file: a compiler is slow to start
LABELS_EVERY = 6                        # each 6th file has awaits inside a switch: CO_LABELS only

# -DPACKED is for this program: several statements on a line. -DUNCOUNTED: no __COUNTER__.
CHEAP = ["tcc", "tcc -DCO_DEBUG"]
CONFIGS = [
    "gcc -O0", "clang -O0 -DPACKED", "gcc -O2 -DPACKED", "clang -O2", "clang -O0 -DCO_LABELS",
    "clang -O2 -DCO_LABELS", "gcc -O2 -DCO_LABELS -DPACKED", "gcc -O0 -DCO_LABELS",
    "gcc -O2 -DCO_DEBUG", "g++ -O0", "g++ -O2 -DCO_LABELS", "gcc -O1 -DUNCOUNTED",
    "clang -O1 -DCO_DEBUG -DCO_LABELS", "gcc -O2 -DCO_TINY", "clang++ -O0",
    "gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DCO_DEBUG",
]
WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


# ---- What the words mean -------------------------------------------------------------------------
# An await of an op is a Python generator that yields WAIT or PAUSE to the scheduler, and YIELD to
# whoever awaits its next value. An op is a pair: ("done", result), ("wait", None), ("run", what).

WAIT, PAUSE, YIELD = "wait", "pause", "yield"
NONE, ASKED, LENT, BACK, LENT_AGAIN, UNSEEN = "none asked lent back again unseen".split()
CANCELED, TIMEDOUT = -errno.ECANCELED, -errno.ETIMEDOUT


Kind = collections.namedtuple("Kind", "name body clean")


class Frame:
    """A coroutine's frame. co_finally is a function of its own, so that nothing runs by chance."""

    def __init__(self, kind, **fields):
        self.a = self.b = self.depth = self.c = self.d = self.r = self.value = 0
        self.kind, self.running, self.ended = kind, None, False
        self.__dict__.update(fields)

    def whole(self):
        result = yield from self.kind.body(self)
        other = yield from self.kind.clean(self)
        return other if other is not None else result or 0

    def clean_only(self):
        return (yield from self.kind.clean(self)) or 0

    def step(self):
        """To the next co_yield (1), or to the end."""
        value = None
        while True:
            try:
                out = self.running.send(value)
            except StopIteration as end:
                self.ended = True
                return end.value
            if out is YIELD:
                return 1
            value = yield out


class Scope:
    """Where a request belongs: a task, or a deadline that the task stands in. A request is

        ASKED       and met by the wait in progress, else by the next await
        LENT        while the task waits for tasks, which were asked instead
        BACK        if that await then gave something else than -ECANCELED: ASKED once more
        LENT_AGAIN  from BACK: whatever the tasks give, that await gives -ECANCELED
        UNSEEN      met while the task waited, and the task has not run since; the task's own only

    [met]: a -ECANCELED was this scope's. [overruled]: one that passes it belongs farther out."""

    def __init__(self):
        self.state, self.met, self.overruled = NONE, False, False

    def is_asked(self):
        return self.state in (ASKED, BACK)

    def is_lent(self):
        return self.state in (LENT, LENT_AGAIN)


class Group:
    def __init__(self):
        self.tasks = []
        self.begin()

    def begin(self):
        self.cancelled, self.failure, self.waiter = False, 0, None


class Task:
    def __init__(self, slot, frame, group=None):
        self.slot, self.frame, self.run, self.group = slot, frame, frame.whole(), group
        self.state, self.value = "ready", None
        self.wait = self.on = self.timer = self.members = None
        self.stands = frame.kind.name, ""           # the innermost coroutine, and its await
        self.scopes = [Scope()]         # its own, then its deadlines, the outermost first
        self.joiners, self.failures, self.paused = [], [], False

    def is_lent(self):
        return any(scope.is_lent() for scope in self.scopes)


class World:
    """A scheduler and its clock. Methods that give an op are named as in C, without co_."""

    def __init__(self):
        self.T, self.W, self.g = [None] * SLOTS, [None] * EVENTS, [0] * COUNTS
        self.now, self.sequence, self.fuel_left = 1000 * MS, 0, FUEL
        self.ready, self.timers = collections.deque(), []
        self.own = []                   # the tasks of no group; and the groups that have some
        self.groups = []
        self.current, self.budget, self.trace = None, 0, []
        self.walk = []                  # those that wait and are to hear of a request, each once

    # Plain calls

    @staticmethod
    def mod(x):
        return x % 997

    def fuel(self):
        self.fuel_left -= 1
        return self.fuel_left >= 0

    def say(self, place, value):
        slot = self.current.slot if self.current else -1
        self.trace.append(f"{place} {value} task {slot} at {self.now // 1000}")

    def tick(self):
        self.now = self.now + 1 | 1

    def moment(self, ms):
        self.sequence += 2
        return (self.now // MS + ms) * MS + self.sequence

    def in_ms(self, ms):
        return self.moment(ms) - self.now if ms > 0 else ms

    def at_ms(self, ms):
        return self.moment(ms) if ms > 0 else ms

    def spawn(self, slot, frame):
        """A new task runs on the next turn, behind those that are ready."""
        task = Task(slot, frame)
        if slot >= 0:
            self.T[slot] = task
        self.own.append(task)
        self.ready.append(task)

    def retire(self, slot):
        if self.T[slot] and self.T[slot].state == "ended":
            self.T[slot] = None

    def co_group_go(self, group, frame):
        if group.cancelled:
            return CANCELED
        if not group.tasks:
            self.groups.append(group)
        group.tasks.append(Task(-1, frame, group))
        self.ready.append(group.tasks[-1])
        return 0

    def tasks(self):
        return self.own + [task for group in self.groups for task in group.tasks]

    def result(self, slot):
        task = self.T[slot]
        if task is None:
            return -errno.ENOMEM
        return task.value if task.state == "ended" else -errno.EINPROGRESS

    def state(self, slot):
        task = self.T[slot]
        if task and task.state != "ended":
            return 0
        return 2 if self.result(slot) == CANCELED else 1

    def where(self, place, slot):
        task = self.T[slot]
        self.say(place, 0)
        if task and task is not self.current:
            self.trace.append("where {}: {}".format(*task.stands))

    # Timers

    def start(self, when, fire):
        timer = [when, fire]
        heapq.heappush(self.timers, timer)
        return timer

    @staticmethod
    def stop(timer):
        if timer:
            timer[1] = None

    def next_timer(self):
        while self.timers and self.timers[0][1] is None:
            heapq.heappop(self.timers)
        return self.timers[0][0] if self.timers else None

    # Cancel: one request gives one -ECANCELED, by the wait in progress or else by the next await

    def cancel(self, task):
        if task is None or task.state == "ended":
            return 0
        self.request(task)
        self.deliver()
        return 1

    def request(self, task):
        """Asks the task itself. The request is merged with one that waits for an await or has not
        been seen; if one was lent, it is passed on once more."""
        own = task.scopes[0]
        if own.state in (ASKED, BACK, UNSEEN):
            return
        if own.state == NONE:
            own.state = ASKED
        self.hears(task)

    def hears(self, task):
        if task.state == "waiting" and task not in self.walk:
            self.walk.append(task)

    def deliver(self):
        """The walk: a task that waits for tasks passes its request on to them, and they queue up
        behind the others. Each hears of it once, however many ways lead to it."""
        for task in self.walk:
            if task.wait == "join":
                self.request(task.on)
            elif task.wait == "gather":
                for member in task.on:
                    if member and member.members is task:
                        self.request(member)
            elif task.wait == "group":
                self.request_all(task.on)
            else:
                self.take_back(task)
                continue
            self.lend(task)
        self.walk = []

    def request_all(self, group):
        group.cancelled = True
        for task in group.tasks:
            self.request(task)

    def take_back(self, task):
        self.stop(task.timer)
        if task.wait == "shield":
            task.on.joiners.remove(task)
        self.meet(task, UNSEEN)
        self.wake_task(task, CANCELED)

    @staticmethod
    def lend(task):
        for scope in task.scopes:
            if scope.is_asked():
                scope.state = LENT_AGAIN if scope.state == BACK else LENT

    @staticmethod
    def met(task, n, state):
        """Scope [n] is met by a -ECANCELED that the task is about to get. The deadlines inside it
        pass that on under this name."""
        task.scopes[n].state, task.scopes[n].met = state, True
        for deadline in task.scopes[n + 1:]:
            deadline.overruled = True

    def meet(self, task, own=NONE):
        """Meets the outermost scope that is asked; False if none is. [own] is the state in which
        that leaves the task's own scope."""
        for n, scope in enumerate(task.scopes):
            if scope.is_asked():
                self.met(task, n, NONE if n else own)
                return True
        return False

    def settle(self, task, value):
        """What a wait that ends with [value] gives, if requests were lent to it; by that they are
        met, or come back."""
        if any(scope.state == LENT_AGAIN for scope in task.scopes):
            value = CANCELED
        for n, scope in enumerate(task.scopes):
            if scope.is_lent() and value == CANCELED:
                self.met(task, n, NONE if n else UNSEEN)
            elif scope.is_lent():
                scope.state = BACK
        return value

    def co_group_cancel(self, group):
        if not group.cancelled:
            self.request_all(group)
            self.deliver()

    def cancel_all(self):
        """All are asked before any meets it."""
        for task in self.tasks():
            self.request(task)
        self.deliver()

    # Awaits

    def await_(self, op, name, text):
        """[name] and [text] say which coroutine awaits, and what."""
        kind, what = op
        if kind == "done":
            return what
        if kind == "wait":
            return (yield from self.suspend(WAIT, name, text))
        return (yield from what())

    def suspend(self, signal, name, text):
        self.current.stands = name, text
        return (yield signal)

    @staticmethod
    def done(value):
        return "done", value

    @staticmethod
    def call(kind, **fields):
        return "run", Frame(kind, **fields).whole

    @staticmethod
    def next(frame):
        if frame.ended:
            return "done", 0
        if frame.running is None:
            frame.running = frame.whole()
        return "run", frame.step

    @staticmethod
    def close(frame):
        if frame.ended or frame.running is None:
            frame.ended = True
            return "done", 0
        frame.running = frame.clean_only()
        return "run", frame.step

    def later(self, value):
        """The op is complete, but the others run first."""
        self.current.state, self.current.value, self.current.wait = "ready", value, None
        self.ready.append(self.current)
        return "wait", None

    def complete(self, value):
        """An op that completes at once; so many of them in a row, and the others run first."""
        self.budget -= 1
        return ("done", value) if self.budget > 0 else self.later(value)

    def waits(self, wait, on=None):
        task = self.current
        task.state, task.wait, task.on = "waiting", wait, on
        return task

    def wake_task(self, task, value):
        task.state, task.value, task.timer = "ready", self.settle(task, value), None
        self.ready.append(task)

    def sleep_ns(self, when, at_once):
        if self.meet(self.current):
            return "done", CANCELED
        if at_once:
            return self.later(0)
        task = self.waits("sleep")
        task.timer = self.start(when, lambda: self.wake_task(task, 0))
        return "wait", None

    def sleep(self, ns):
        return self.sleep_ns(self.now + ns, ns <= 0)

    def sleep_until(self, when):
        return self.sleep_ns(when, when <= self.now)

    def wait(self):
        return "wait", None

    def wait_begin(self, event):
        self.W[event] = self.current

    def wait_end(self, event):
        if self.W[event] is self.current:
            self.W[event] = None

    def wake(self, event, value):
        """A callback; one that comes after a cancel is ignored."""
        task, self.W[event] = self.W[event], None
        if task and task.state == "waiting":
            self.wake_task(task, value)

    def all_ended(self, value):
        """An await of tasks that have all ended; -ECANCELED, from them, meets a request too."""
        if value == CANCELED:
            self.meet(self.current)
        return self.complete(value)

    def waits_for(self, wait, on=None):
        """The running task waits, and its request, if it has one, is delivered at once."""
        task = self.waits(wait, on)
        if any(scope.is_asked() for scope in task.scopes):
            self.hears(task)
            self.deliver()
        return "wait", None

    def join(self, slot, wait="join"):
        task = self.T[slot]
        if task is None:
            return self.complete(-errno.ENOMEM)
        if task is self.current:
            return self.complete(-errno.EDEADLK)
        if task.state == "ended":       # a shield lends nothing, so its result meets nothing
            return (self.complete if wait == "shield" else self.all_ended)(task.value)
        task.joiners.append(self.current)
        return self.waits_for(wait, task)

    def shield(self, slot):
        return self.join(slot, "shield")

    def wait_for(self, slot, ns):
        return self.within(ns, self.join(slot))

    def gather(self, *slots):
        me, tasks = self.current, [self.T[slot] for slot in slots]
        for task in tasks:
            if task is me:
                return self.complete(-errno.EDEADLK)
            if task and task.state != "ended" and task.members:
                return self.complete(-errno.EBUSY)
        ends = [self.result(slot) for slot in slots]
        me.failures = [r for r in ends if r < 0 and r != -errno.EINPROGRESS]
        left = [task for task in tasks if task and task.state != "ended"]
        if not left:
            return self.all_ended(self.gathered(me))
        for task in left:
            task.members = me
        return self.waits_for("gather", tasks)

    @staticmethod
    def gathered(task):
        """The first failure in time. That a task was cancelled counts as one if nobody asked for
        it; if this gather was asked, only if there is no other."""
        if task.is_lent():
            return next((r for r in task.failures if r != CANCELED), CANCELED)
        return task.failures[0] if task.failures else 0

    def group(self, group):
        if not group.tasks:
            failure = group.failure
            group.begin()
            return self.complete(failure)
        group.waiter = self.current
        return self.waits_for("group", group)

    def within(self, ns, op):
        """A deadline; one over an op that is complete has nothing to do."""
        return op if op[0] == "done" else ("run", functools.partial(self.within_run, ns, op))

    def within_run(self, ns, op):
        task, deadline = self.current, Scope()
        task.scopes.append(deadline)

        def expire():
            deadline.state = ASKED
            self.hears(task)
            self.deliver()

        timer = self.start(self.now + max(ns, 0), expire)
        result = yield from self.await_(op, "co_within", "self->result, self->op")
        self.stop(timer)
        task.scopes.pop()
        if result != CANCELED or not deadline.met or deadline.overruled:
            return result
        if task.scopes[0].is_asked():   # met by this same -ECANCELED
            self.meet(task)
            return CANCELED
        return TIMEDOUT

    # Turns

    def end(self, task, result):
        task.state, task.value = "ended", result
        (task.group.tasks if task.group else self.own).remove(task)
        task.stands = task.frame.kind.name, ""
        for joiner in task.joiners:
            self.wake_task(joiner, result)
        if task.members:
            self.member_ended(task.members, task)
        if task.group:
            self.group_ended(task.group, result)

    def group_ended(self, group, result):
        if not group.tasks:
            self.groups.remove(group)
        if result < 0 and result != CANCELED and group.failure == 0:
            group.failure = result
            self.co_group_cancel(group)
        if not group.tasks and group.waiter:
            self.wake_task(group.waiter,
                           group.failure or (CANCELED if group.waiter.is_lent() else 0))
            group.begin()

    def member_ended(self, owner, task):
        task.members = None
        if task.value < 0:
            owner.failures.append(task.value)
        if all(member is None or member.state == "ended" for member in owner.on):
            self.wake_task(owner, self.gathered(owner))

    def step(self, task):
        if task.paused:
            task.value, task.paused = CANCELED if self.meet(task) else 0, False
        if task.scopes[0].state == UNSEEN:
            task.scopes[0].state = NONE
        task.state = "running"
        self.current, self.budget = task, BUDGET
        try:
            out = task.run.send(task.value)
        except StopIteration as end:
            self.current = None
            self.end(task, end.value)
            return
        if out is PAUSE:
            task.paused, task.state = True, "ready"
            self.ready.append(task)
        elif task.state == "running":   # co_wait() itself
            self.waits_for("call")
        self.current = None

    def turn(self):
        until = self.now
        while (when := self.next_timer()) is not None and when <= until:
            heapq.heappop(self.timers)[1]()
        batch, self.ready = self.ready, collections.deque()
        for task in batch:
            self.step(task)

    def run(self, coarse):
        for turn in itertools.count(1):
            if not self.tasks():
                break
            if turn > 20000:
                raise RuntimeError("endless")
            self.turn()
            when = self.next_timer()
            if self.ready:
                self.now += TICK
            elif when is not None and when > self.now:
                self.now = (when // MS + 1) * MS if coarse else when
            if self.tasks() and (not self.ready and when is None or turn % 200 == 0):
                self.trace.append(f"cancel all at {self.now // 1000}")
                self.cancel_all()
        for slot in range(SLOTS):
            state = ("pending", "finished", "cancelled")[self.state(slot)]
            self.trace.append(f"slot {slot} {state} {self.result(slot)}")
        self.trace.append(f"end at {self.now // 1000}, {' '.join(map(str, self.g))}")
        return self.trace


# ---- Programs ------------------------------------------------------------------------------------

class Statement:
    """[kind] says how it is written; [words] are its numbers, texts and ops; [blocks] its blocks.
    In texts @x is a member of the frame."""

    def __init__(self, place, kind, words=(), blocks=()):
        self.place, self.kind, self.words, self.blocks = place, kind, words, list(blocks)


class Coroutine:
    def __init__(self, name, is_generator):
        self.name, self.is_generator = name, is_generator
        self.awaits = True              # else nothing in it does
        self.body, self.clean = [], []
        self.loops = 0                  # how many counters it has

    def has_group(self):
        """Then it awaits the group in its co_finally, before its frame goes."""
        return any(s.kind.startswith("co_group") or "group" in flat(s.words)
                   for s in statements_of(self.body + self.clean))


def statements_of(block):
    for s in block:
        yield s
        for b in s.blocks:
            yield from statements_of(b)


def flat(words):
    return [w for word in words for w in (flat(word) if isinstance(word, tuple) else [word])]


def count(block):
    return sum(1 + sum(map(count, s.blocks)) for s in block)


def innermost(op):
    """What the deadlines are over."""
    return innermost(op[3]) if op[0] == "within" else op


def is_soon(op):
    """It has a deadline of 0 seconds, which is due at the moment when it begins."""
    return op[0] == "wait_for" and op[3] == 0 \
        or op[0] == "within" and (op[2] == 0 or is_soon(op[3]))


class Program:
    """Coroutine 0 is the main task's; number k < tasks is what task k runs, and waits for tasks of
    higher numbers only, so that no tasks wait for each other in a ring. A coroutine calls those of
    higher numbers, and itself to a bounded depth."""

    def __init__(self, seed, number):
        self.number = number
        self.dice = dice = random.Random(f"{seed} {number}")
        self.labels = has_labels(number // BATCH)
        self.coarse = dice.random() < 0.5
        self.tasks = dice.randint(2, SLOTS)
        total = self.tasks + dice.randint(1, 4)
        self.coroutines = [Coroutine(f"p{number}_c{i}", i >= self.tasks and dice.random() < 0.5)
                           for i in range(total)]
        self.places = 0
        for i, co in enumerate(self.coroutines):
            co.awaits = i == 0 or dice.random() < 0.9
            writer = Writer(self, i, False)
            writer.start_others(co.body)
            writer.start_early(co.body)
            writer.fill(co.body, dice.randint(4, 14))
            if dice.random() < 0.5:
                Writer(self, i, True).fill(co.clean, dice.randint(1, 4))

    def statements(self):
        return sum(count(co.body) + count(co.clean) for co in self.coroutines)


class Writer:
    """Writes the statements of one section of one coroutine."""

    def __init__(self, program, index, in_finally):
        self.program, self.index, self.in_finally = program, index, in_finally
        self.co = program.coroutines[index]
        self.dice = program.dice
        self.counters, self.breakable, self.depth = [], False, 0
        self.no_await = not self.co.awaits
        others = range(index + 1, len(program.coroutines))
        self.generators = [j for j in others if program.coroutines[j].is_generator][-2:]
        self.callees = [j for j in others if not program.coroutines[j].is_generator]
        self.callees = self.dice.sample(self.callees, min(3, len(self.callees)))
        self.higher = list(range(index + 1, program.tasks)) if index < program.tasks else []

    def fill(self, block, budget):
        while budget > 0:
            statement = self.statement(budget)
            if statement.kind == "await" and self.dice.random() < 0.06:
                block.append(self.make("cancel_self"))      # the op finds a pending request
            block.append(statement)
            budget -= count([statement])

    def start_others(self, block):
        block += [self.make("spawn", slot, *self.arguments())
                  for slot in self.higher if self.dice.random() < 0.6]

    def start_early(self, block):
        """What few deadlines would be around if it came late: one deadline more, several
        that expire while the task is ready, loops of waits for tasks."""
        d = self.dice
        if self.co.awaits and self.callees and d.random() < 0.25:
            call = "call", d.choice(self.callees), *self.arguments()
            block.append(self.make("await", "await", "r", ("within", 0, d.choice([1, 2, 3]), call)))
        if self.co.awaits and d.random() < 0.2:
            block += [self.make("busy", 4000), self.make("pause")]
        if self.may_go_round() and d.random() < 0.3:
            block.append(self.rounds(0))

    def block(self, budget, breakable=None):
        self.depth += 1
        kept, out = self.breakable, []
        self.breakable = kept if breakable is None else breakable
        self.fill(out, self.dice.randint(1, max(1, min(budget, 4))))
        self.breakable, self.depth = kept, self.depth - 1
        return out

    # Expressions: small numbers, the same text in C and in Python

    def member(self):
        choice = ["@a", "@b", "@c", "@d", "@r"] + [f"@n{n}" for n in self.counters]
        choice += [f"@g{j}.value" for j in self.generators]
        choice.append(f"g[{self.dice.randrange(COUNTS)}]")
        return self.dice.choice(choice)

    def expression(self):
        d = self.dice
        return d.choice([
            lambda: f"mod({self.member()} + {d.randint(1, 99)})",
            lambda: f"mod({self.member()} * {d.randint(2, 9)} - {self.member()})",
            lambda: f"mod({self.member()} + {self.member()})",
            lambda: str(d.randint(0, 99)),
        ])()

    def condition(self):
        d = self.dice
        return d.choice([
            lambda: f"mod({self.member()}) < {d.choice([3, 50, 300, 600])}",
            lambda: f"mod({self.member()} * 3 + {d.randint(0, 9)}) > {d.choice([3, 50, 300])}",
            lambda: "@r < 0", lambda: "@r >= 0",
            lambda: f"{self.member()} != {d.randint(0, 2)}",
        ])()

    def arguments(self):
        return self.expression(), self.expression(), self.dice.randint(0, 2)

    # Ops

    def op(self, nested=0, soon=False):
        """[nested] is the number of deadlines around it. [soon]: one of them is of 0 seconds; an
        await has one of these at most, since two would be due at the same moment."""
        d, k = self.dice, self.program.tasks
        choice = [("sleep", d.choice([-1, 0, 0, 1, 1, 2, 3, 5, 8]))] * 3
        choice.append(("sleep_until", d.choice([0, 1, 4])))
        choice.append(("done", d.choice([self.expression(), self.expression(), "-44"])))
        choice += [("wait", d.randrange(EVENTS))] if nested or d.random() < 0.3 else []
        if self.callees:
            call = "call", d.choice(self.callees), *self.arguments()
            choice += [call] * (12 if nested else 4)
        for j in self.generators:
            choice += [("next", j)] * 2 + [("close", j)]
        least = 1 if soon else 0
        if self.higher:
            slot = d.choice(self.higher)
            choice += [("join", slot), ("shield", slot)] * 3
            choice += [("wait_for", nested, slot, max(least, d.choice([0, 1, 2, 4, 9])))] * 2
            choice += [("gather", *(d.randrange(self.index + 1, k)
                                    for _ in range(d.randint(1, 3))))] * (4 if nested else 2)
        if not self.co.is_generator:
            choice += [("group",)] * (4 if nested else 2)
        if nested < DEADLINES - 1:
            choice += [("within", nested, max(least, d.choice([0, 1, 2, 3, 6])))] * 2
        op = d.choice(choice)
        if op[0] == "within":
            return (*op, self.op(nested + 1, soon or op[2] == 0))
        return op

    # Statements

    def make(self, kind, *words, blocks=()):
        self.program.places += 1
        return Statement(self.program.places, kind, words, blocks)

    def statement(self, budget):
        d = self.dice
        plain = [self.set, self.bump, self.bump, self.local, self.leave, self.wake, self.wake,
                 self.probe, self.where, self.spawn, self.cancel, self.busy]
        plain += [self.cancel_self] if d.random() < 0.3 else []
        awaits = [self.await_] * 14 + [self.pause, self.until, self.recurse]
        awaits = [] if self.no_await else awaits
        if self.co.is_generator and not (self.in_finally or self.no_await):
            awaits += [self.yield_] * 8
        if self.generators:
            plain.append(self.reinit)
            awaits += [] if self.no_await or self.depth > 2 else [self.each] * 3
        if self.depth < 3 and budget > 1:
            plain += [self.branch] * 3 + [self.loop] * 3 + [self.switch]
        if self.breakable:
            plain += [self.jump] * 2
        if self.has_groups():
            plain += [self.co_group_go] * 2 + [self.co_group_cancel]
        awaits += [self.rounds] if self.may_go_round() else []
        if self.higher and not self.no_await:
            awaits += [self.storm] if d.random() < 0.1 else []
            plain += [self.spawn] * 3
        return d.choice(plain + awaits)(budget)

    def set(self, _):
        return self.make("set", self.dice.choice("abcd"), self.expression())

    def bump(self, _):
        return self.make("bump", self.dice.randrange(COUNTS), self.dice.randint(1, 3))

    def local(self, _):
        return self.make("local", self.expression(), self.dice.choice("cd"))

    def leave(self, _):
        d = self.dice
        value = f"0 - mod({self.member()}) % 6" if self.co.is_generator or d.random() < 0.3 \
            else self.expression()
        rare = f"mod({self.member()} + {d.randint(0, 9)}) {d.choice(['< 12', '> 500'])}"
        return self.make("return", rare, value)

    def wake(self, _):
        return self.make("wake", self.dice.randrange(EVENTS), self.expression())

    def probe(self, _):
        return self.make("probe", self.dice.randrange(self.program.tasks))

    def where(self, _):
        return self.make("where", self.dice.randrange(self.program.tasks))

    def spawn(self, _):
        d = self.dice
        if self.higher and d.random() < 0.9:
            return self.make("spawn", d.choice(self.higher), *self.arguments())
        if self.callees:
            return self.make("go", d.choice(self.callees), *self.arguments())
        return self.set(_)

    def cancel(self, _):
        least = 0 if self.dice.random() < 0.2 else 1
        return self.make("cancel", self.dice.randrange(least, self.program.tasks))

    def cancel_self(self, _):
        return self.make("cancel_self")

    def rounds(self, _):
        """A loop that starts tasks, waits for them and goes on whatever they give."""
        d, slots = self.dice, self.higher[:2]
        if self.higher and (d.random() < 0.6 or not self.has_groups()):
            body = [self.make("spawn_anew", slot, *self.arguments()) for slot in slots]
            op = d.choice([("join", slots[0]), ("gather", *slots), ("gather", *slots)])
        else:
            body, op = [self.co_group_go(_)], ("group",)
        if d.random() < 0.3:
            op = "within", 0, d.choice([0, 1, 3]), op
        body.append(self.make("await", "await", "r", op))
        return self.make("for", self.new_counter(), d.randint(2, 5), blocks=[body])

    def may_go_round(self):
        return not self.no_await and self.depth < 3 and (self.higher or self.has_groups())

    def has_groups(self):
        """It may start tasks in its group, which it awaits in its co_finally."""
        return self.callees and self.co.awaits and not (self.co.is_generator or self.in_finally)

    def co_group_go(self, _):
        return self.make("co_group_go", self.dice.choice(self.callees), *self.arguments())

    def co_group_cancel(self, _):
        return self.make("co_group_cancel")

    def busy(self, _):
        return self.make("busy", self.dice.choice([10, 300, 2000]))

    def reinit(self, _):
        return self.make("init", self.dice.choice(self.generators), *self.arguments())

    def await_(self, _):
        d, op = self.dice, self.op()
        word = "await" if innermost(op)[0] == "wait" or d.random() < 0.7 else "try"
        return self.make("await", word, d.choice(["r", "r", "r", "c", None]), op)

    def pause(self, _):
        return self.make("pause")

    def until(self, _):
        return self.make("until", self.dice.randrange(COUNTS), self.dice.randint(0, 2))

    def recurse(self, _):
        """A generator does not co_yield in its co_finally."""
        if self.co.is_generator and self.in_finally:
            return self.pause(_)
        return self.make("recurse_each" if self.co.is_generator else "recurse", self.index,
                         self.expression(), self.expression())

    def yield_(self, _):
        return self.make("yield", self.expression())

    def each(self, budget):
        return self.make("each", self.dice.choice(self.generators), self.dice.choice("rc"),
                         blocks=[self.block(budget - 1, True)])

    def storm(self, _):
        return self.make("storm", self.new_counter(), self.dice.choice(self.higher))

    def new_counter(self):
        self.co.loops += 1
        return self.co.loops

    def branch(self, budget):
        other = self.block(budget - 1) if self.dice.random() < 0.5 else []
        return self.make("if", self.condition(), blocks=[self.block(budget - 1), other])

    def loop(self, budget):
        n = self.new_counter()
        self.counters.append(n)
        body = self.block(budget - 1, True)
        self.counters.pop()
        return self.make(self.dice.choice(["for", "while", "do"]), n, self.dice.randint(1, 4),
                         blocks=[body])

    def switch(self, budget):
        kept = self.no_await
        self.no_await = kept or not self.program.labels
        blocks = [self.block(budget - 1, False) for _ in range(3)]
        self.no_await = kept
        return self.make("switch", self.member(), blocks=blocks)

    def jump(self, _):
        return self.make(self.dice.choice(["break", "continue"]), self.condition())


# ---- The same in C and in Python -----------------------------------------------------------------

class Lines:
    def __init__(self, self_text):
        self.lines, self.depth, self.self_text = [], 0, self_text

    def put(self, text):
        self.lines.append("    " * self.depth + text.replace("@", self.self_text))

    @contextlib.contextmanager
    def deeper(self):
        self.depth += 1
        yield
        self.depth -= 1

    def text(self):
        return "\n".join(self.lines) + "\n"


class InC(Lines):
    def __init__(self, program, packed):
        super().__init__("self->")
        self.program, self.number, self.packed = program, program.number, packed

    def name(self, i):
        return f"p{self.number}_c{i}"

    def arguments(self, a, b, depth):
        return f".a = {a}, .b = {b}, .depth = {depth}"

    def op(self, op):
        """Its text; what must come before is written."""
        kind, *w = op
        if kind in ("sleep", "sleep_until"):
            return f"co_{kind}({'in' if kind == 'sleep' else 'at'}_ms({w[0]}))"
        if kind == "done":
            return f"co_done({w[0]})"
        if kind == "wait":
            self.put(f"wait_begin({w[0]});")
            return "co_wait()"
        if kind == "call":
            return f"co_call(&@k{w[0]}, {self.name(w[0])}, {self.arguments(*w[1:])})"
        if kind == "group":
            return "co_group_wait(&@group)"
        if kind in ("next", "close"):
            return f"co_{'gen_close' if kind == 'close' else kind}(&@g{w[0]})"
        if kind in ("join", "shield"):
            return f"co_{kind}(T[{w[0]}])"
        if kind == "wait_for":
            return f"co_wait_for(&@slot[{w[0]}], T[{w[1]}], in_ms({w[2]}))"
        if kind == "gather":
            self.put(" ".join(f"@set[{i}] = T[{slot}];" for i, slot in enumerate(w)))
            return f"co_gather(@set, {len(w)})"
        assert kind == "within"
        self.put(f"@seconds[{w[0]}] = in_ms({w[1]});")
        return f"co_within(&@slot[{w[0]}], @seconds[{w[0]}], {self.op(w[2])})"

    def block(self, block):
        with self.deeper():
            for statement in block:
                self.statement(statement)

    def statement(self, s):
        getattr(self, "c_" + s.kind)(s, *s.words)

    def c_set(self, s, name, text):
        self.put(f"@{name} = {text};")

    def c_bump(self, s, k, n):
        self.put(f"g[{k}] = mod(g[{k}] + {n});")
        self.put(f"say({s.place}, g[{k}]);")

    def c_local(self, s, text, name):
        self.put("{")
        self.put(f"    intptr_t t = {text};")
        self.put(f"    @{name} = mod(t * 3 + 1);")
        self.put("}")

    def c_return(self, s, condition, value):
        self.put(f"if ({condition}) {{")
        self.put(f"    say({s.place}, 0);")
        self.put(f"    co_return({value});")
        self.put("}")

    def c_wake(self, s, event, text):
        self.put(f"wake({event}, {text});")

    def c_probe(self, s, slot):
        self.put(f"say({s.place}, co_task_state(T[{slot}]));")
        self.put(f"say({s.place}, co_task_result(T[{slot}]));")
        self.put(f"say({s.place}, T[{slot}] ? "
                 f"CO_TASK_FRAME(T[{slot}], {self.name(slot)})->c : -1);")

    def c_where(self, s, slot):
        self.put(f"say_where({s.place}, T[{slot}]);")

    def c_spawn_anew(self, s, slot, *arguments):
        self.put(f"retire({slot});")
        self.c_spawn(s, slot, *arguments)

    def c_spawn(self, s, slot, *arguments):
        name, fields = self.name(slot), self.arguments(*arguments)
        self.put(f"if (!T[{slot}]) {{")
        if slot % 2:
            self.put(f"    T[{slot}] = co_spawn({name}, {fields});")
        else:
            self.put(f"    struct {name} *frame = (struct {name} *)fresh(sizeof *frame);")
            self.put(f"    T[{slot}] = (struct co_task *)fresh(sizeof(struct co_task));")
            self.put(f"    co_task_init(T[{slot}], frame, {name}, {fields});")
        self.put("}")

    def c_go(self, s, index, *arguments):
        self.put(f"say({s.place}, co_go({self.name(index)}, {self.arguments(*arguments)}));")

    def c_co_group_go(self, s, index, *arguments):
        self.put(f"say({s.place}, co_group_go(&@group, {self.name(index)}, "
                 f"{self.arguments(*arguments)}));")

    def c_co_group_cancel(self, s):
        self.put("co_group_cancel(&@group);")

    def c_cancel(self, s, slot):
        self.put(f"say({s.place}, co_cancel(T[{slot}]));")

    def c_cancel_self(self, s):
        self.put(f"say({s.place}, co_cancel(co_current()));")

    def c_busy(self, s, us):
        self.put(f"now_ns += {us} * 1000;")

    def c_init(self, s, j, *arguments):
        self.put(f"co_init(&@g{j}, {self.name(j)}, {self.arguments(*arguments)});")

    def c_await(self, s, word, name, op):
        if is_soon(op):
            self.put("tick();")
        text = self.op(op)
        self.put(f"co_{word}({f'@{name}, ' if name else ''}{text});")
        if innermost(op)[0] == "wait":
            self.put(f"wait_end({innermost(op)[1]});")
        self.put(f"say({s.place}, {f'@{name}' if name else 0});")

    def c_pause(self, s):
        self.put("co_pause;")
        self.put(f"say({s.place}, 0);")

    def c_until(self, s, k, n):
        self.put(f"co_wait_until(g[{k}] >= {n});")
        self.put(f"say({s.place}, g[{k}]);")

    def recursion(self, i):
        self.put("if (@depth > 0) {")
        self.put(f"    @again = (struct {self.name(i)} *)fresh(sizeof *@again);")

    def c_recurse(self, s, i, a, b):
        self.recursion(i)
        self.put(f"    co_await(@r, co_call(@again, {self.name(i)}, "
                 f"{self.arguments(a, b, '@depth - 1')}));")
        self.put(f"    say({s.place}, @r);")
        self.put("}")

    def c_recurse_each(self, s, i, a, b):
        self.recursion(i)
        self.put(f"    co_init(@again, {self.name(i)}, {self.arguments(a, b, '@depth - 1')});")
        self.put("    co_for_each(@r, @again) {")
        self.put("        @value = mod(@again->value + 1);")
        self.put("        co_yield;")
        self.put("    }")
        self.put(f"    say({s.place}, @r);")
        self.put("}")

    def c_yield(self, s, text):
        self.put(f"@value = {text};")
        self.put("co_yield;")
        self.put(f"say({s.place}, @value);")

    def c_each(self, s, j, name):
        self.put(f"co_for_each(@{name}, &@g{j}) {{")
        self.put("    if (!fuel())")
        self.put("        break;")
        self.put(f"    say({s.place}, @g{j}.value);")
        self.block(s.blocks[0])
        self.put("}")
        self.put(f"say({s.place}, @{name});")

    def c_storm(self, s, n, slot):
        self.put(f"for (@n{n} = 0; @n{n} < 150; @n{n}++) {{")
        self.put(f"    co_await(co_join(T[{slot}]));")
        self.put("}")
        self.put(f"say({s.place}, 0);")

    def c_if(self, s, condition):
        self.put(f"if ({condition}) {{")
        self.block(s.blocks[0])
        if s.blocks[1]:
            self.put("} else {")
            self.block(s.blocks[1])
        self.put("}")

    def c_for(self, s, n, times):
        self.put(f"for (@n{n} = 0; @n{n} < {times} && fuel(); @n{n}++) {{")
        self.block(s.blocks[0])
        self.put("}")

    def c_while(self, s, n, times):
        self.put(f"@n{n} = 0;")
        self.put(f"while (@n{n}++ < {times} && fuel()) {{")
        self.block(s.blocks[0])
        self.put("}")

    def c_do(self, s, n, times):
        self.put(f"@n{n} = 0;")
        self.put("do {")
        self.block(s.blocks[0])
        self.put(f"}} while (++@n{n} < {times} && fuel());")

    def c_switch(self, s, text):
        self.put(f"switch (mod({text}) % 3) {{")
        for label, block in zip(("case 0:", "case 1:", "default:"), s.blocks):
            self.put(label)
            self.block(block)
            self.put("    break;")
        self.put("}")

    def c_break(self, s, condition):
        self.put(f"if ({condition})")
        self.put(f"    {s.kind};")

    c_continue = c_break

    def coroutine(self, i):
        """Its frame, which has what the body names, and its body."""
        co, name = self.program.coroutines[i], self.name(i)
        self.block(co.body)
        grouped = co.has_group()
        if co.clean or grouped:
            self.put("    co_finally;")
        if grouped:
            self.put("    co_group_cancel(&@group);")
            self.put("    co_await(co_group_wait(&@group));")
        self.block(co.clean)
        body, self.lines = self.lines, []
        used = set(re.findall(r"self->(\w+)", "\n".join(body)))
        children = sorted(word for word in used if re.fullmatch(r"[gk]\d+", word))
        counters = sorted(word for word in used if re.fullmatch(r"n\d+", word))
        frame = [f"struct {name} {{", "    co_frame;",
                 "    intptr_t a, b, depth, c, d, r, value;"]
        frame += [f"    intptr_t {', '.join(counters)};"] if counters else []
        frame += [f"    struct {self.name(child[1:])} {child};" for child in children]
        frame += [text for word, text in (
            ("again", f"    struct {name} *again;"), ("set", "    struct co_task *set[3];"),
            ("slot", f"    struct co_within slot[{DEADLINES}];"),
            ("seconds", f"    double seconds[{DEADLINES}];"),
            ("group", "    struct co_group group;"),
        ) if word in used]
        self.put(f"static co_define({name}) {{")
        self.put("    co_begin;")
        for child in children:
            if child[0] == "g":
                self.put(f"    co_init(&@{child}, {self.name(child[1:])}, .a = @a, "
                         f".b = {child[1:]}, .depth = 1);")
        if grouped:
            self.put("    co_group_init(&@group, NULL);")
        self.put("    if (!fuel())")
        self.put("        co_return(-7);")
        head, self.lines = self.lines, []
        return frame + ["};"], head + self.pack(body) + ["    co_end;", "}"]

    def pack(self, lines):
        """Some neighbours on one line."""
        out = []
        for i, line in enumerate(lines):
            if self.packed and i % 3 and re.search("^ +(self|co_[at]|say).*;$", line) \
                    and out and re.search("^ +(self|co_[at]|say).*;$", out[-1]) \
                    and len(out[-1]) < 200:
                out[-1] += " " + line.strip()
            else:
                out.append(line)
        return out

    def write(self):
        """Those coroutines that coroutine 0 leads to."""
        number, texts, names = self.number, {}, {0}
        while names - texts.keys():
            i = min(names - texts.keys())
            texts[i] = self.coroutine(i)
            names |= set(map(int, re.findall(rf"p{number}_c(\d+)", "\n".join(sum(texts[i], [])))))
        order = sorted(texts, reverse=True)
        out = [f"static co_declare({self.name(i)});" for i in order]
        out += sum((texts[i][0] for i in order), [])
        out += sum((texts[i][1] for i in order), [])
        out += [f"static void p{number}_start(void)", "{",
                f"    T[0] = co_spawn({self.name(0)}, .a = 1, .b = 2, .depth = 1);", "}", ""]
        return "\n".join(out)


class InPython(Lines):
    def __init__(self, program):
        super().__init__("self.")
        self.program, self.name = program, None

    def arguments(self, a, b, depth):
        return f"a={a}, b={b}, depth={depth}"

    def op(self, op):
        kind, *w = op
        if kind in ("sleep", "sleep_until"):
            return f"w.{kind}(w.{'in' if kind == 'sleep' else 'at'}_ms({w[0]}))"
        if kind == "done":
            return f"w.done({w[0]})"
        if kind == "wait":
            self.put(f"w.wait_begin({w[0]})")
            return "w.wait()"
        if kind == "call":
            return f"w.call(c{w[0]}, {self.arguments(*w[1:])})"
        if kind == "group":
            return "w.group(@group)"
        if kind in ("next", "close"):
            return f"w.{kind}(@g{w[0]})"
        if kind == "wait_for":
            return f"w.wait_for({w[1]}, w.in_ms({w[2]}))"
        if kind in ("join", "shield", "gather"):
            return f"w.{kind}({', '.join(map(str, w))})"
        assert kind == "within"
        self.put(f"seconds{w[0]} = w.in_ms({w[1]})")
        return f"w.within(seconds{w[0]}, {self.op(w[2])})"

    def block(self, block):
        with self.deeper():
            for statement in block:
                getattr(self, "py_" + statement.kind)(statement, *statement.words)
            if not block:
                self.put("pass")

    @staticmethod
    def in_c(text):
        return text.replace("@", "self->")

    def pause(self, text):
        self.put(f"x = yield from w.suspend(PAUSE, '{self.name}', '{text}')")
        self.put("if x < 0: return x")

    def say(self, s, text):
        self.put(f"w.say({s.place}, {text})")

    def await_(self, word, name, op, text):
        self.put(f"x = yield from w.await_({op}, '{self.name}', '{self.in_c(text)}')")
        if name:
            self.put(f"@{name} = x")
        if word == "try":
            self.put("if x < 0: return x")

    def py_set(self, s, name, text):
        self.put(f"@{name} = {text}")

    def py_bump(self, s, k, n):
        self.put(f"g[{k}] = mod(g[{k}] + {n})")
        self.say(s, f"g[{k}]")

    def py_local(self, s, text, name):
        self.put(f"@{name} = mod(({text}) * 3 + 1)")

    def py_return(self, s, condition, value):
        self.put(f"if {condition}:")
        with self.deeper():
            self.say(s, 0)
            self.put(f"return {value}")

    def py_wake(self, s, event, text):
        self.put(f"w.wake({event}, {text})")

    def py_probe(self, s, slot):
        self.say(s, f"w.state({slot})")
        self.say(s, f"w.result({slot})")
        self.say(s, f"T[{slot}].frame.c if T[{slot}] else -1")

    def py_where(self, s, slot):
        self.put(f"w.where({s.place}, {slot})")

    def py_spawn_anew(self, s, slot, *arguments):
        self.put(f"w.retire({slot})")
        self.py_spawn(s, slot, *arguments)

    def py_spawn(self, s, slot, *arguments):
        self.put(f"if not T[{slot}]: w.spawn({slot}, Frame(c{slot}, {self.arguments(*arguments)}))")

    def py_go(self, s, index, *arguments):
        self.put(f"w.spawn(-1, Frame(c{index}, {self.arguments(*arguments)}))")
        self.say(s, 0)

    def py_co_group_go(self, s, index, *arguments):
        frame = f"Frame(c{index}, {self.arguments(*arguments)})"
        self.say(s, f"w.co_group_go(@group, {frame})")

    def py_co_group_cancel(self, s):
        self.put("w.co_group_cancel(@group)")

    def py_cancel(self, s, slot):
        self.say(s, f"w.cancel(T[{slot}])")

    def py_cancel_self(self, s):
        self.say(s, "w.cancel(w.current)")

    def py_busy(self, s, us):
        self.put(f"w.now += {us} * 1000")

    def py_init(self, s, j, *arguments):
        self.put(f"@g{j} = Frame(c{j}, {self.arguments(*arguments)})")

    def py_await(self, s, word, name, op):
        if is_soon(op):
            self.put("w.tick()")
        text = (f"@{name}, " if name else "") + InC(self.program, False).op(op)
        self.await_(word, name, self.op(op), text)
        if innermost(op)[0] == "wait":
            self.put(f"w.wait_end({innermost(op)[1]})")
        self.say(s, f"@{name}" if name else 0)

    def py_pause(self, s):
        self.pause("co_pause")
        self.say(s, 0)

    def py_until(self, s, k, n):
        self.put(f"while not g[{k}] >= {n}:")
        with self.deeper():
            self.pause(f"g[{k}] >= {n}")
        self.say(s, f"g[{k}]")

    def py_recurse(self, s, i, a, b):
        self.put("if @depth > 0:")
        with self.deeper():
            call = f"w.call(c{i}, {self.arguments(a, b, '@depth - 1')})"
            self.await_("await", "r", call, "")
            self.say(s, "@r")

    def py_recurse_each(self, s, i, a, b):
        self.put("if @depth > 0:")
        with self.deeper():
            self.put(f"@again = Frame(c{i}, {self.arguments(a, b, '@depth - 1')})")
            self.put("while True:")
            with self.deeper():
                self.await_("await", "r", "w.next(@again)", "")
                self.put("if x <= 0: break")
                self.put("@value = mod(@again.value + 1)")
                self.put("yield YIELD")
            self.say(s, "@r")

    def py_yield(self, s, text):
        self.put(f"@value = {text}")
        self.put("yield YIELD")
        self.say(s, "@value")

    def py_each(self, s, j, name):
        self.put("while True:")
        with self.deeper():
            self.await_("await", name, f"w.next(@g{j})", "")
            self.put("if x <= 0: break")
            self.put("if not fuel(): break")
            self.say(s, f"@g{j}.value")
        self.block(s.blocks[0])
        self.say(s, f"@{name}")

    def py_storm(self, s, n, slot):
        self.put("for _ in range(150):")
        with self.deeper():
            op = f"co_join(T[{slot}])"
            self.await_("await", None, f"w.join({slot})", op)
        self.say(s, 0)

    def py_if(self, s, condition):
        self.put(f"if {condition}:")
        self.block(s.blocks[0])
        self.put("else:")
        self.block(s.blocks[1])

    def py_for(self, s, n, times):
        self.put(f"for @n{n} in range({times}):")
        self.put("    if not fuel(): break")
        self.block(s.blocks[0])

    def py_while(self, s, n, times):
        self.put(f"for @n{n} in range(1, {times + 1}):")
        self.put("    if not fuel(): break")
        self.block(s.blocks[0])

    def py_do(self, s, n, times):
        self.put(f"for @n{n} in range({times}):")
        self.put(f"    if @n{n} > 0 and not fuel(): break")
        self.block(s.blocks[0])

    def py_switch(self, s, text):
        self.put(f"x = mod({text}) % 3")
        for head, block in zip(("if x == 0:", "elif x == 1:", "else:"), s.blocks):
            self.put(head)
            self.block(block)

    def py_break(self, s, condition):
        self.put(f"if {condition}: {s.kind}")

    py_continue = py_break

    def function(self, name, block, before=()):
        self.put(f"def {name}(self):")
        with self.deeper():
            self.put("if False: yield")
            for line in before:
                self.put(line)
        self.block(block)

    def write(self):
        p = self.program
        for i, co in enumerate(p.coroutines):
            self.name = co.name
            begin = [f"@g{j} = Frame(c{j}, a=@a, b={j}, depth=1)"
                     for j in range(i + 1, len(p.coroutines)) if p.coroutines[j].is_generator]
            end = []
            if co.has_group():
                begin.append("@group = Group()")
                end = ["w.co_group_cancel(@group)", "yield from w.await_(w.group(@group), "
                       f"'{self.name}', 'co_group_wait(&self->group)')"]
            self.function(f"body{i}", co.body, begin + ["if not fuel(): return -7"])
            self.function(f"clean{i}", co.clean, end)
            self.put(f"c{i} = Kind('{co.name}', body{i}, clean{i})")
        return self.text()


# ---- Running both --------------------------------------------------------------------------------

def expected(program, world_type=None):
    """The trace of the Python program."""
    w = (world_type or World)()
    names = dict(w=w, T=w.T, g=w.g, mod=w.mod, fuel=w.fuel, YIELD=YIELD, PAUSE=PAUSE, Frame=Frame,
                 Kind=Kind, Group=Group)
    exec(compile(InPython(program).write(), f"program {program.number}", "exec"), names)
    w.spawn(0, Frame(names["c0"], a=1, b=2, depth=1))
    return w.run(program.coarse)


class Failure(Exception):
    """[what] is one word or two for its kind; [detail] is what was seen."""

    def __init__(self, what, detail):
        super().__init__(what, detail)
        self.what, self.detail = what, detail


def words_of(config, tree):
    """The command without files, and the one for the library, which is C always."""
    compiler, *flags = config.split()
    in_c = {"g++": "gcc", "clang++": "clang"}.get(compiler, compiler)
    cxx = ["-x", "c++", "-std=c++17"] if in_c != compiler else ["-std=c11"]
    if compiler == "tcc":
        return ([compiler, "-Wall", *flags, f"-I{tree}", f"-I{ROOT}/test"],) * 2
    common = [*WARN, *flags, f"-I{tree}", f"-I{ROOT}/test"]
    return [compiler, *cxx, *common], [in_c, "-std=c11", *common]


def execute(command, seconds=120, busy=None):
    """[busy]: the seconds of processor time after which a program is taken to hang."""
    limit = busy and functools.partial(resource.setrlimit, resource.RLIMIT_CPU, (busy, busy))
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=seconds, preexec_fn=limit)
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode(errors="replace")
        return subprocess.CompletedProcess(command, "timeout", out, "")


def objects(config, tree, directory):
    """The library's files in this configuration, compiled once."""
    return [str(library_object(file, config, tree, directory)) for file in LIBRARY]


def library_object(file, config, tree, directory):
    path = directory / (f"{file} {config}.o".replace("/", "_"))
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        done = execute(words_of(config, tree)[1] + ["-c", "-o", str(part), str(tree / file)])
        if done.returncode:
            raise Failure(f"{file} does not compile", done.stdout + done.stderr)
        part.rename(path)
    return path


def whole_file(programs, config):
    out = ['#include "differential.h"\n']
    out += [InC(program, "-DPACKED" in config).write() for program in programs]
    out.append("static const struct program programs[] = {")
    out += [f"    {{ {p.number}, p{p.number}_start, {int(p.coarse)} }}," for p in programs]
    out += ["};", "int main(int argc, char **argv)", "{",
            f"    return world_main(argc, argv, programs, {len(programs)});", "}", ""]
    return "\n".join(out)


def build(programs, config, tree, directory):
    source = directory / f"{os.getpid()}.c"
    binary = directory / f"{os.getpid()}"
    source.write_text(whole_file(programs, config))
    command, _ = words_of(config, tree)
    compiler = [] if config.startswith("tcc") else ["-x", "none"]
    done = execute(command + ["-o", str(binary), str(source)] + compiler
                   + objects(config, tree, directory))
    if done.returncode:
        raise Failure("does not compile", done.stdout + done.stderr)
    return binary


def traces(binary, programs):
    """Runs it; the trace of each by its number. One that dies ends with a line that says so."""
    found, start = {}, 0
    while True:
        done = execute([str(binary), str(start)], 5 + len(programs), busy=2)
        last = None
        for line in done.stdout.splitlines():
            if line.startswith("== "):
                last = int(line[3:])
                found[last] = []
            elif last is not None:
                found[last].append(line)
        if not done.returncode:
            return found
        last = start if last is None else last
        first = next((line for line in done.stderr.splitlines() if line.strip("= ")), "")
        found.setdefault(last, []).append(f"died: {done.returncode}: {first}")
        if last >= programs[-1].number:
            return found
        start = last + 1


def difference(want, got, config):
    """The first differing line, with those before it; or None."""
    if "-DCO_TINY" in config:           # knows not where a coroutine stands
        want = [line for line in want if not line.startswith("where ")]
    if want == got:
        return None
    n = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    lines = [f"    {line}" for line in want[max(0, n - 3):n]]
    lines.append("  - " + (want[n] if n < len(want) else "(its end)") + "      as Python says")
    lines.append("  + " + (got[n] if n < len(got) else "(its end)") + "      as C says")
    return f"line {n + 1} of the trace:\n" + "\n".join(lines)


def check(program, config, tree, directory, world_type=None):
    """Raises Failure if this program fails."""
    want = expected(program, world_type)
    got = traces(build([program], config, tree, directory), [program])
    detail = difference(want, got.get(program.number, []), config)
    if detail:
        died = any(line.startswith("died") for line in got.get(program.number, []))
        raise Failure("dies" if died else "differs", detail)


def check_batch(programs, configs, tree, directory, world_type=None):
    """Those that fail: number, configuration, failure."""
    want, failed = {}, []
    for program in programs:
        try:
            want[program.number] = expected(program, world_type)
        except RuntimeError:            # it has no end: there is nothing to compare
            pass
    programs = [program for program in programs if program.number in want]
    for config in configs:
        try:
            got = traces(build(programs, config, tree, directory), programs)
        except Failure as why:
            failed += one_by_one(programs, config, tree, directory, why)
            continue
        for p in programs:
            detail = difference(want[p.number], got.get(p.number, []), config)
            if detail:
                failed.append((p.number, config, Failure("differs", detail)))
    return failed


def one_by_one(programs, config, tree, directory, why):
    """The first program of a file that does not compile."""
    for p in programs:
        try:
            build([p], config, tree, directory)
        except Failure as alone:
            return [(p.number, config, alone)]
    return [(programs[0].number, config, why)]


# ---- The smallest that fails ---------------------------------------------------------------------

def blocks_of(program):
    def inner(block):
        yield block
        for s in block:
            for b in s.blocks:
                yield from inner(b)
    for co in program.coroutines:
        yield from inner(co.body)
        yield from inner(co.clean)


def cuts(block):
    """Smaller contents for [block], as it is when each is asked for: without a run of statements,
    the longest first; with what a statement holds in its place."""
    size = len(block)
    while size:
        for i in reversed(range(0, len(block), size)):
            yield block[:i] + block[i + size:]
        size //= 2
    for i in reversed(range(len(block))):
        if block[i].blocks:
            yield block[:i] + sum(block[i].blocks, []) + block[i + 1:]


def shrink(program, fails, seconds=45):
    """Deletes statements as long as fails(program) holds."""
    until, again = time.monotonic() + seconds, True
    while again:
        again = False
        for block in list(blocks_of(program)):
            for new in cuts(block):
                if time.monotonic() > until:
                    return
                old = list(block)
                block[:] = new
                if fails(program):
                    again = True
                else:
                    block[:] = old


def still_fails(what, config, tree, directory, world_type):
    def fails(program):
        try:
            check(program, config, tree, directory, world_type)
        except Failure as why:
            return why.what == what
        except (SyntaxError, RuntimeError, AttributeError):
            return False                # no valid program any more
        return False
    return fails


def smallest(seed, number, config, tree, directory, world_type=None, keep=KEEP):
    """Prints the smallest program that fails like this one; gives its statements."""
    program = Program(seed, number)
    try:
        check(program, config, tree, directory, world_type)
        print("alone it does not fail")
        return None
    except Failure as why:
        what = why.what
    shrink(program, still_fails(what, config, tree, directory, world_type))
    try:
        check(program, config, tree, directory, world_type)
    except Failure as why:
        text = whole_file([program], config)
        keep.mkdir(parents=True, exist_ok=True)
        path = keep / f"{seed}-{number}.c"
        path.write_text(text)
        path.with_suffix(".py").write_text(InPython(program).write())
        print(f"the smallest that {what}, {program.statements()} statements: "
              f"{os.path.relpath(path, ROOT)}\n"
              f"    {config} -I. -Itest {os.path.relpath(path, ROOT)} {' '.join(LIBRARY)}\n"
              f"{text}\n{why.detail}")
    return program.statements()


def library(directory, changed="", old="", new=""):
    """A copy of the files that programs stand on, which nobody edits; [changed] has one change."""
    directory.mkdir()
    for name in (*INCLUDED, *LIBRARY):
        text = (ROOT / name).read_text()
        if name == changed:
            if text.count(old) != 1:
                raise SystemExit(f"self-test: {name} does not have one '{old}': adapt CHANGES")
            text = text.replace(old, new)
        (directory / name).write_text(text)
    return directory


# ---- Many of them --------------------------------------------------------------------------------

def installed(configs):
    return [config for config in configs if shutil.which(config.split()[0])]


def has_labels(batch):
    return batch % LABELS_EVERY == LABELS_EVERY - 1


def configs_of(batch, every):
    """A cheap one; and for each [every]-th batch another, in rotation, so that they all come."""
    all_, turn = installed(CONFIGS), batch - batch // LABELS_EVERY
    cheap = installed(CHEAP) or [all_[0]]
    if has_labels(batch):
        all_, turn = [config for config in all_ if "-DCO_LABELS" in config], batch // LABELS_EVERY
        cheap = all_[:1]
    more = [all_[turn // every % len(all_)]] if turn % every == 0 else []
    return list(dict.fromkeys([cheap[turn % len(cheap)]] + more))


def job(seed, first, n, configs, tree, directory):
    programs = [Program(seed, number) for number in range(first, first + n)]
    failed = check_batch(programs, configs, tree, directory)
    return n, sum(p.statements() for p in programs), failed


def progress(done, of, started):
    if sys.stderr.isatty():
        rate = done / max(0.1, time.monotonic() - started)
        left = int((of - done) / rate) if rate else 0
        end = "\n" if done == of else ""
        print(f"\rdifferential: {done} of {of} programs, {rate:.0f} a second, "
              f"{left // 60}:{left % 60:02} left ", end=end, file=sys.stderr, flush=True)


def run(options, directory):
    started = time.monotonic()
    files = -(-options.programs // BATCH)
    configs = [configs_of(f, 1 if options.programs <= 1000 else 4) for f in range(files)]
    done = statements = 0
    failed, tree = [], library(directory / "tree")
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(job, options.seed, f * BATCH, min(BATCH, options.programs - f * BATCH),
                            configs[f], tree, directory) for f in range(files)]
        for future in concurrent.futures.as_completed(jobs):
            n, s, bad = future.result()
            done, statements, failed = done + n, statements + s, failed + bad
            for number, config, why in bad[:5]:
                print(f"\nFAILED: seed {options.seed}, program {number}, `{config}`: {why.what}: "
                      f"{why.detail[:2000]}", flush=True)
            progress(done, options.programs, started)
    for number, config, why in failed[:3]:
        print(f"\nseed {options.seed}, program {number}, `{config}`:")
        smallest(options.seed, number, config, tree, directory)
    print(f"differential: programs {done}, configurations {len(set(sum(configs, [])))}, "
          f"statements {statements}, failed {len({number for number, _, _ in failed})}, "
          f"seed {options.seed}, seconds {time.monotonic() - started:.0f}")
    return 1 if failed or not done else 0


def only(options, directory):
    program, tree = Program(options.seed, options.only), library(directory / "tree")
    config = options.config or configs_of(options.only // BATCH, 1)[0]
    print(whole_file([program], config))
    print(InPython(program).write())
    print("\n".join(expected(program)))
    try:
        check(program, config, tree, directory)
    except Failure as why:
        print(f"FAILED: `{config}`: {why.what}: {why.detail}")
        smallest(options.seed, options.only, config, tree, directory)
        return 1
    print(f"`{config}`: the same trace")
    return 0


# ---- That the check can fail ---------------------------------------------------------------------
# Worlds that are wrong in one place, and libraries that are: each must be noticed.

class LastInFirstOut(World):
    def turn(self):
        self.ready.reverse()
        super().turn()


class TwoRequestsAreTwo(World):
    def request(self, task):
        own = task.scopes[0]
        own.state = NONE if own.state == UNSEEN else own.state
        super().request(task)


class RequestLost(World):
    """One that was lent, and met by nobody, does not come back."""

    def settle(self, task, value):
        value = super().settle(task, value)
        for scope in task.scopes:
            scope.state = NONE if scope.state == BACK else scope.state
        return value


class SleepOfZeroIsNone(World):
    def sleep_ns(self, when, at_once):
        return ("done", 0) if at_once else super().sleep_ns(when, at_once)


class CloseForgetsToCleanUp(World):
    @staticmethod
    def close(frame):
        frame.ended = True
        return "done", 0


class NoBudget(World):
    def complete(self, value):
        return "done", value


class DeadlineWithoutName(World):
    def within_run(self, ns, op):
        result = yield from super().within_run(ns, op)
        return CANCELED if result == TIMEDOUT else result


class ShieldHandsDown(World):
    def shield(self, slot):
        return self.join(slot)


WORLDS = (LastInFirstOut, TwoRequestsAreTwo, RequestLost, SleepOfZeroIsNone, CloseForgetsToCleanUp,
          NoBudget, DeadlineWithoutName, ShieldHandsDown)
CHANGES = {
    "a co_return skips co_finally": ("coro.h",
        "co_leaving_ = 1, co_state_ = CO_FINALLY_;", "co_leaving_ = 1, co_state_ = CO_ENDED_;"),
    "co_try fails at 0": ("coro.h",
        "#define CO_CHECK_ if (co_op_.result < 0)", "#define CO_CHECK_ if (co_op_.result <= 0)"),
    "a co_pause overlooks a cancel": ("coro.h",
        "if (chain_->result < 0) CO_LEAVE_", "if (0) CO_LEAVE_"),
    "an ended generator gives once more": ("coro.h",
        "CO_ENDED_ ? co_done(0) : co_run_(co)", "CO_ENDED_ ? co_done(1) : co_run_(co)"),
    "a co_return in co_finally starts it anew": ("coro.h", "if (co_in_finally_)", "if (0)"),
    "a request that was lent does not come back": ("cancel.c",
        "then = result == -ECANCELED ? CO_NONE_ : CO_BACK_;", "then = CO_NONE_;"),
    "a request comes back again and again": ("cancel.c",
        "== CO_BACK_ ? CO_LENT_AGAIN_ : CO_LENT_;", "== CO_BACK_ ? CO_LENT_ : CO_LENT_;"),
    "the innermost deadline is met first": ("cancel.c",
        "if (is_asked(w->request))\n            outermost = w;",
        "if (is_asked(w->request) && !outermost)\n            outermost = w;"),
    "no deadline is overruled": ("cancel.c", "w->overruled = 1;", "w->overruled = 0;"),
    "a deadline's edge leaves the task's own request": ("cancel.c",
        "if (!is_asked(task->request))\n        return w->error;", "return w->error;"),
    "a request to one that is lent ends there": ("cancel.c",
        "walk_add(task);      /* passed on", "/* not passed on"),
    "an unseen request is forgotten": ("cancel.c",
        "|| task->flags & CO_TASK_UNSEEN_)", "|| 0)"),
    "a task that was cancelled before meets nothing": ("cancel.c",
        "if (result == -ECANCELED)\n        (void)", "if (0)\n        (void)"),
    "what a cancelled co_gather finds to have failed is lost": ("task.c",
        "return failure < 0 ? failure : -ECANCELED;", "return -ECANCELED;"),
    "a cancelled co_group_wait gives no failure": ("group.c",
        "group->failure ? group->failure : asked ? -ECANCELED : 0",
        "asked ? -ECANCELED : group->failure"),
}


def noticed_after(config, tree, directory, world_type):
    """How many programs it took; None if 1,000 do not show it."""
    directory.mkdir(exist_ok=True)
    for first in range(0, 1000, BATCH):
        programs = [Program("self-test", number) for number in range(first, first + BATCH)
                    if not has_labels(number // BATCH)]
        try:
            failed = check_batch(programs, [config], tree, directory, world_type)
        except RuntimeError:
            return first + BATCH        # the wrong world goes on for ever
        for _, _, why in failed:
            if "compile" in why.what:
                raise SystemExit(f"self-test: {why.what}: {why.detail}")
        if failed:
            return min(number for number, _, _ in failed) + 1
    return None


def self_test(directory):
    config, unnoticed = (installed(CHEAP) or ["gcc -O0"])[0], []
    tree = library(directory / "tree")
    cases = [(world_type.__name__, world_type, tree) for world_type in WORLDS]
    cases += [(name, World, library(directory / f"tree{i}", *change))
              for i, (name, change) in enumerate(CHANGES.items())]
    for i, (name, world_type, mutant) in enumerate(cases):
        n = noticed_after(config, mutant, directory / f"work{i}", world_type)
        print(f"{name}: " + (f"noticed by program {n}" if n else "NOT NOTICED"), flush=True)
        unnoticed += [] if n else [name]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        statements = smallest_of_self_test(config, tree, directory / "work0")
    if statements is None or statements > 8:
        print(f"the smallest program has {statements} statements\n{said.getvalue()}")
        unnoticed.append("the smallest program")
    print(f"differential: self-test: {len(cases) + 1 - len(unnoticed)} of {len(cases) + 1} noticed")
    return 1 if unnoticed else 0


def smallest_of_self_test(config, tree, directory):
    """What LastInFirstOut shows needs a few statements only."""
    n = noticed_after(config, tree, directory, LastInFirstOut)
    return smallest("self-test", n - 1, config, tree, directory, LastInFirstOut, directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", type=int, metavar="N", help="this program of the seed alone")
    parser.add_argument("--config", help="with --only: compiler and flags")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        if options.self_test:
            return self_test(directory)
        return only(options, directory) if options.only is not None else run(options, directory)


if __name__ == "__main__":
    sys.exit(main())
