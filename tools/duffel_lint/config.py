# SPDX-License-Identifier: BSD-2-Clause
"""config.py: what the user adds to the checks, by options and by a file.

A line of the file .duffel-lint, or of --config FILE, is one of:
    blocking NAME               a call of NAME blocks
    copies NAME                 NAME makes an op, but copies what it is given at once
    pair ACQUIRE RELEASE        RELEASE must not be called if ACQUIRE has failed
    disable CHECK               that check is off
and a # begins a comment."""
import dataclasses
import os

from .clang import CannotRun
from .finding import CHECKS

FILE = '.duffel-lint'
WORDS = {'blocking': 1, 'copies': 1, 'pair': 2, 'disable': 1}


@dataclasses.dataclass
class Config:
    blocking: set = dataclasses.field(default_factory=set)
    copies: set = dataclasses.field(default_factory=set)
    pairs: dict = dataclasses.field(default_factory=dict)       # of a release: its acquire
    checks: set = dataclasses.field(default_factory=lambda: set(CHECKS))
    has_tasks: bool = True              # of the file that is looked at: it includes task.h


def full_name(check):
    """The name of a check, which may be given without co-."""
    name = check if check.startswith('co-') else 'co-' + check
    if name not in CHECKS:
        raise CannotRun(f'there is no check {check}: duffel-lint --list shows them')
    return name


def read(path, config):
    """Adds the lines of a file."""
    try:
        lines = open(path).read().splitlines()
    except OSError as error:
        raise CannotRun(f'{path}: {error.strerror}')
    for number, line in enumerate(lines, 1):
        words = line.partition('#')[0].split()
        if not words:
            continue
        if WORDS.get(words[0]) != len(words) - 1:
            raise CannotRun(f'{path}:{number}: expected blocking NAME, copies NAME, '
                            'pair ACQUIRE RELEASE or disable CHECK')
        add(config, *words)


def add(config, word, *names):
    if word == 'pair':
        config.pairs[names[1]] = names[0]
    elif word == 'disable':
        config.checks.discard(full_name(names[0]))
    else:
        getattr(config, word).add(names[0])


def of(options):
    config = Config()
    if options.config:
        read(options.config, config)
    elif os.path.exists(FILE):
        read(FILE, config)
    config.blocking |= set(options.blocking)
    if options.only:
        config.checks = {full_name(name) for name in options.only}
    config.checks -= {full_name(name) for name in options.disable}
    return config
