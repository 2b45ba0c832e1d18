# SPDX-License-Identifier: BSD-2-Clause
"""look.py: all checks on one file, and the comments that switch them off."""
import dataclasses
import functools
import os
import re
import sys
import threading

from . import addresses, blocking, clang, ops, stale, words
from .graph import Graph
from .tree import Function

OFF = re.compile(r'co-lint:\s*off\b(?:\s*\(([^)]*)\))?')


@functools.lru_cache(maxsize=64)
def lines_of(path):
    try:
        with open(path, errors='replace') as file:
            return file.read().split('\n')
    except OSError:
        return []


def is_off(found, path):
    """Whether a comment on the line, or one alone on the line above, switches the check off."""
    lines = lines_of(path)
    for number in (found.line, found.line - 1):
        text = lines[number - 1] if 0 < number <= len(lines) else ''
        above = number != found.line
        if above and not re.match(r'\s*(//|/\*|\*)', text):
            continue
        if match := OFF.search(text):
            names = re.split(r'[,\s]+', (match.group(1) or '').strip())
            if match.group(1) is None or found.check in names or found.check[3:] in names:
                return True
    return False


def shown(path, directory):
    """How a path of a compile command is printed: from here, if it lies below."""
    near = os.path.relpath(os.path.join(directory, path))
    return os.path.abspath(near) if near.startswith('..') else near


def of_function(function, config):
    """All findings of one function."""
    function.graph = Graph(function)
    yield from addresses.check(function, config)
    yield from ops.dropped(function)
    if function.is_coroutine:
        yield from stale.check(function, function.graph)
        yield from words.in_switch(function)
        yield from words.above_begin(function)
        if config.has_tasks:
            yield from words.ignored_cancel(function)
        yield from words.release(function, config)
        yield from blocking.check(function, config)


def deeply(work, *arguments):
    """Calls work(*arguments) with a stack for deep trees."""
    result = []

    def call():
        try:
            result.append((work(*arguments), None))
        except BaseException as error:          # handed on to the caller below
            result.append((None, error))
    sys.setrecursionlimit(200000)
    threading.stack_size(256 << 20)
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


def at_file(path, flags, directory, config, program):
    """The findings of a file, sorted, and how many coroutines it has. Raises CannotRun."""
    flags = clang.meaning(flags)
    if not os.path.exists(os.path.join(directory, path)):
        raise clang.CannotRun(f'{path}: there is no such file')
    clang.compile_first(program, path, flags, directory)
    return deeply(findings, clang.dump(program, path, flags, directory), path, directory, config)


def findings(text, path, directory, config):
    found, coroutines = set(), 0
    config.has_tasks = '"name": "co_cancel"' in text    # without task.h there is no cancel
    for node in clang.functions(text, path):
        function = Function(node)
        if function.name == 'co_run_' or function.file.endswith('duffel_lint.h'):
            continue
        coroutines += function.is_coroutine
        found |= {f for f in of_function(function, config) if f.check in config.checks}
    left = [f for f in found if not is_off(f, os.path.join(directory, f.file))]
    left = [dataclasses.replace(f, file=shown(f.file, directory)) for f in left]
    return sorted(left), coroutines
