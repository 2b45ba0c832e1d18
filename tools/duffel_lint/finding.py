# SPDX-License-Identifier: BSD-2-Clause
"""finding.py: a finding, and the names of the checks."""
import dataclasses

CHECKS = {
    'co-stale-local': 'a local is read after an await that it was set before',
    'co-local-address': 'the address of a local, or a compound literal, is given to an op, a frame '
                        'or a slot',
    'co-await-in-switch': 'an await stands inside a switch (allowed with CO_LABELS)',
    'co-above-begin': 'a statement above co_begin runs anew at each resume',
    'co-not-awaited': 'an op is made and not awaited, so that nothing happens',
    'co-blocking': 'a call in a coroutine stops the whole loop',
    'co-ignored-cancel': 'a loop awaits for ever and ignores -ECANCELED',
    'co-finally-release': 'co_finally releases what may not have been acquired',
    'co-dropped-result': 'the result of co_go, co_group_go or co_spawn is dropped',
}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    column: int
    check: str
    text: str
    coroutine: str = dataclasses.field(default='', compare=False)
    fix: tuple = dataclasses.field(default=(), compare=False)   # what --fix needs

    def __str__(self):
        return f'{self.file}:{self.line}:{self.column}: warning: {self.text} [{self.check}]'


def make(check, node, text, coroutine='', fix=()):
    file, line, column = node['at'][:3]
    return Finding(file, line, column, check, text, coroutine, fix)
