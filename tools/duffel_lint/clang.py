# SPDX-License-Identifier: BSD-2-Clause
"""clang.py: runs clang on a source file, and reads the functions of its tree.

The dump of a file has ten megabytes, nearly all of system headers. So it is cut as text into
top-level declarations, and only the functions of the user's own files are parsed. In the dump,
"file" and "line" stand only where they change, in print order over the whole document."""
import json
import os
import re
import shutil
import subprocess

HEADER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'duffel_lint.h')
SYSTEM = ('/usr/', '/opt/', '/Library/', '/Applications/', '/nix/')
NAMES = ('clang', 'clang-16', 'clang-15', 'clang-14', 'clang-13', 'clang-17', 'clang-18')

# The flags of a compile command that say what a file means; others are for other tools.
WITH_VALUE = ('-D', '-U', '-I', '-isystem', '-iquote', '-idirafter', '-include', '-imacros',
              '-isysroot', '--sysroot', '-target', '-x')
ALONE = ('-std=', '--sysroot=', '--target=', '-ansi', '-pthread', '-m32', '-m64', '-nostdinc',
         '-fsigned-char', '-funsigned-char', '-fshort-enums', '-fgnu89-inline', '-fms-extensions')


class CannotRun(Exception):
    """Why a file could not be looked at, in words for the user."""


def find_clang(name=None):
    """The path of clang. Raises CannotRun if there is none."""
    wanted = name or os.environ.get('CLANG')
    for candidate in [wanted] if wanted else NAMES:
        if path := shutil.which(candidate):
            return path
    raise CannotRun(f'{wanted or "clang"} is not installed: duffel-lint reads its syntax tree '
                    '(version 13 or later; --clang PATH names another)')


def meaning(flags):
    """Those of [flags] that change what a file means, for clang."""
    kept, rest = [], iter(flags)
    for flag in rest:
        if flag in WITH_VALUE:
            kept += [flag, next(rest, '')]
        elif flag.startswith(WITH_VALUE) or flag.startswith(ALONE):
            kept.append(flag)
    return kept


def run(command, directory):
    return subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors='replace')


def compile_first(clang, source, flags, directory):
    """Compiles for real, since the words of the lint would hide true errors."""
    real = run([clang, '-fsyntax-only', '-w', '-fno-caret-diagnostics', *flags, source], directory)
    if real.returncode:
        first = next((line for line in real.stderr.splitlines() if 'error' in line),
                     f'{source}: clang ended with {real.returncode}')
        raise CannotRun(f'{first}\nduffel-lint: {source} does not compile, so it was not looked at')


def dump(clang, source, flags, directory):
    """The tree of [source] as text, with the words of the lint."""
    flags = [*flags, f'-DCO_LINT_TOOL="{HEADER}"', '-UCO_DEBUG']
    shown = run([clang, '-fsyntax-only', '-w', '-ferror-limit=0', *flags, '-Xclang',
                 '-ast-dump=json', source], directory)
    if not shown.stdout.startswith('{'):
        raise CannotRun(f'{source}: clang printed no tree: {shown.stderr.strip()[:200]}')
    return shown.stdout


class Place:
    """Walks over the source locations of a dump in print order."""
    def __init__(self):
        self.file, self.line = '', 0

    def bare(self, loc):
        """A location without macros: file, line, column, offset, length."""
        if 'offset' not in loc:
            return None
        self.file = loc.get('file', self.file)
        self.line = loc.get('line', self.line)
        return self.file, self.line, loc.get('col', 0), loc['offset'], loc.get('tokLen', 0)

    def location(self, loc):
        """Where the user sees it, and whether it came out of a macro's definition."""
        if 'spellingLoc' not in loc and 'expansionLoc' not in loc:
            at = self.bare(loc)
            return (at, False) if at else None
        spelled = self.bare(loc.get('spellingLoc', {}))
        expanded = self.bare(loc.get('expansionLoc', {}))
        if spelled and expanded and spelled[0] == expanded[0]:
            in_argument = bool(loc['expansionLoc'].get('isMacroArgExpansion'))
            return spelled, not in_argument
        return (expanded, True) if expanded else None

    def annotate(self, node):
        """Gives [node] and all below it 'at' and 'end'; 'macro' where a macro wrote it."""
        loc = node.get('loc')
        where = self.location(loc) if loc else None
        if span := node.get('range'):
            begin, end = self.location(span['begin']), self.location(span['end'])
            if begin:
                node['at'], node['macro'] = begin
            if end:
                node['end'] = end[0]
        if where:
            node['name_at'] = where[0]
            node.setdefault('at', where[0])
        for below in node.values():             # "inner", and "array_filler" of initialisers
            if isinstance(below, list):
                for child in below:
                    if isinstance(child, dict):
                        self.annotate(child)


def is_ours(path, source):
    """Whether a finding in [path] is the user's to mend."""
    if path == source or os.path.dirname(path) == os.path.dirname(source):
        return True
    return bool(path) and not path.startswith(SYSTEM) and not path.startswith('<')


INCLUDED = re.compile(r',\n *"includedFrom": \{\n *"file": "(?:[^"\\]|\\.)*"\n *\}')
FILE = re.compile(r'"file": ("(?:[^"\\]|\\.)*")')


def functions(text, source):
    """The functions with a body of the files that are the user's, annotated."""
    place, found = Place(), []
    text = INCLUDED.sub('', text)
    for piece in text.split('\n    {\n')[1:]:
        files = [json.loads(name) for name in FILE.findall(piece)]
        ours = any(is_ours(name, source) for name in [place.file, *files])
        if ours and '"kind": "FunctionDecl"' in piece[:120] and '"CompoundStmt"' in piece:
            node = json.loads('{' + piece[:piece.rindex('\n    }') + 6])
            place.annotate(node)
            if is_ours(node['at'][0], source) and node.get('inner'):
                found.append(node)
        else:
            if files:
                place.file = files[-1]
            at = piece.rfind('"line": ')
            if at >= 0:
                place.line = int(re.match(r'\d+', piece[at + 8:]).group())
    return found
