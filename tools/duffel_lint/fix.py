# SPDX-License-Identifier: BSD-2-Clause
"""fix.py: moves a stale local into the frame of its coroutine.

Only where that is plain: the frame's struct stands in the same file, the local is a scalar, a
pointer or an array without initialiser that is declared alone, no member has its name, and no
macro's definition names it. The declaration goes, an initialiser becomes an assignment (below
co_begin if it stood above), and each use becomes self->NAME."""
import difflib
import os
import re
import sys

from . import clang, look
from .tree import Function, callee, inner, kind, spelled_type, strip
from .words import BEGINS


class Cannot(Exception):
    """Why a local is not moved."""


class Move:
    """One local of one coroutine: the edits that move it, as (start, end, text) by offset."""
    def __init__(self, text, function, local):
        self.text, self.function, self.local = text, function, local
        self.name, self.edits = local['name'], []
        if local.get('macro') or local.get('name_at', ('',))[0] != function.file:
            raise Cannot('a macro declares it')
        self.array = spelled_type(local).endswith(']')
        self.check()
        self.member()
        self.declaration()
        self.uses()

    def check(self):
        plain = spelled_type(self.local)
        if 'const' in plain.split('*')[-1].split() or plain.startswith('const ') and \
                '*' not in plain:
            raise Cannot('it is const')
        if '(' in plain or self.array and self.local.get('init') or \
                re.match(r'(struct|union) [^*]*$', plain):
            raise Cannot('it is no simple scalar')
        twins = [n for n in self.function.locals.values() if n.get('name') == self.name]
        if len(twins) > 1:
            raise Cannot('another local has its name')

    def struct(self):
        """Where the struct of the frame ends in the text: the offset of its brace."""
        name = re.escape(self.function.coroutine)
        found = re.search(rf'\bstruct\s+{name}\s*\{{', self.text)
        if not found:
            raise Cannot(f'struct {self.function.coroutine} is not in this file')
        depth, at = 1, found.end()
        while depth and at < len(self.text):
            depth += {'{': 1, '}': -1}.get(self.text[at], 0)
            at += 1
        if re.search(rf'\b{re.escape(self.name)}\b', self.text[found.end():at]):
            raise Cannot(f'struct {self.function.coroutine} has a member of its name')
        return found.end(), at - 1

    def declarator(self):
        """The text of the declaration without its initialiser."""
        begin, end = self.local['at'][3], self.local['end'][3] + self.local['end'][4]
        if self.local.get('init'):
            end = self.text.index('=', self.local['name_at'][3])
        return self.text[begin:end].strip()

    def member(self):
        start, end = self.struct()
        line = self.text.rfind('\n', 0, end) + 1
        if self.text[line:end].strip():         # struct x { co_frame; int n; };
            self.edits.append((end, end, f'{self.declarator()}; '))
        else:
            indent = re.match(r'\s*', self.text[start:].lstrip('\n')).group() or '    '
            self.edits.append((line, line, f'{indent}{self.declarator()};\n'))

    def declaration(self):
        statement = self.function.parents.get(id(self.local), {})
        if kind(statement) != 'DeclStmt' or len(inner(statement)) != 1:
            raise Cannot('it is declared together with others')
        begin = self.local['at'][3]
        value = ''
        if self.local.get('init'):
            first = self.text.index('=', self.local['name_at'][3])
            value = self.text[first:self.local['end'][3] + self.local['end'][4]]
        if not value:
            self.remove(begin, self.text.index(';', begin) + 1)
        elif begin < (start := self.begin()):
            self.remove(begin, self.text.index(';', begin) + 1)
            self.edits.append((start, start, f'\n    self->{self.name} {value};'))
        else:
            self.edits.append((begin, self.local['name_at'][3] + len(self.name),
                               f'self->{self.name}'))

    def begin(self):
        """The offset behind co_begin and its semicolon."""
        for call in self.function.calls:
            if callee(call) in BEGINS:
                return self.text.index(';', call['at'][3]) + 1
        raise Cannot('there is no co_begin')

    def remove(self, begin, end):
        """A declaration, with its line if it stands there alone."""
        line = self.text.rfind('\n', 0, begin) + 1
        after = self.text.find('\n', end)
        if not self.text[line:begin].strip() and not self.text[end:after].strip():
            begin, end = line, after + 1
        self.edits.append((begin, end, ''))

    def uses(self):
        for node in self.function.nodes:
            if self.function.local(node) is self.local:
                begin = node['at'][3]
                if node.get('macro') or node['at'][0] != self.function.file or \
                        self.text[begin:begin + len(self.name)] != self.name:
                    raise Cannot('a macro names it')
                self.edits.append((begin, begin + len(self.name), f'self->{self.name}'))


def apply(text, edits):
    for begin, end, new in sorted(set(edits), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def overlap(edits, more):
    return any(a < d and c < b for a, b, _ in edits for c, d, _ in more)


def of_file(path, job, found, text):
    """The edits for the findings in a file, and those findings that they mend."""
    name, flags, directory, _, program = job
    shown = clang.dump(program, name, clang.meaning(flags), directory)
    wanted = {(f.coroutine, f.fix) for f in found if f.fix}
    edits, moved = [], set()
    for node in clang.functions(shown, name):
        function = Function(node)
        for local in list(function.locals.values()):
            key = next((k for k in wanted if k[0] == function.coroutine and k[0] and
                        k[1] == (local['name'],)), None)
            if not key or function.file != path:
                continue
            try:
                move = Move(text, function, local)
            except Cannot as why:
                print(f"duffel-lint: {path}: '{local['name']}' was not moved: {why}",
                      file=sys.stderr)
                continue
            if not overlap(edits, move.edits):
                edits += move.edits
                moved.add(key)
    return edits, [f for f in found if (f.coroutine, f.fix) in moved]


def all_of(found, jobs, dry_run):
    """Mends what it can. Returns the findings that are left."""
    left = list(found)
    for job in jobs:
        path = os.path.join(job[2], job[0])     # as latin-1, so that offsets are those of bytes
        here = [f for f in left if f.file == look.shown(job[0], job[2])]
        if not any(f.fix for f in here):
            continue
        with open(path, newline='', encoding='latin-1') as file:
            text = file.read()
        edits, mended = look.deeply(of_file, job[0], job, here, text)
        new = apply(text, edits)
        if dry_run:
            sys.stdout.writelines(difflib.unified_diff(
                text.splitlines(True), new.splitlines(True), *[look.shown(job[0], job[2])] * 2))
        elif new != text:
            with open(path, 'w', newline='', encoding='latin-1') as file:
                file.write(new)
        left = [f for f in left if f not in mended]
    return left
