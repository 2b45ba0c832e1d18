#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs that misuse the library, and what each must get from the compiler and from a run.

    test/misuse.py [NAME...]        checks test/misuse/NAME.c, or all; ends with N passed, M failed
    test/misuse.py --show NAME...   prints what comes in each form, for who writes expectations
    test/misuse.py --table          writes the table of docs/how-to/mistakes.md
    test/misuse.py --lines [SINCE]  prints the lines of message of the commonest mistakes, with the
                                    headers in directory SINCE instead of ours

A program says in the comments of one line that open it what it is and what it must get:

    /* mistake: WORDS */                    `mistake: none: WORDS` for a program that is right
    /* flags: FLAG... */                    more flags, in each form
    /* forms: FORM... */                    it is compiled in these forms only
    /* expect: COMPILER KIND [REGEX] */     COMPILER: gcc, clang, both; KIND: error, warning, silent
    /* expect FORM...: COMPILER KIND [REGEX] */     in these forms, whatever other lines say
    /* expect: run OUTCOME [REGEX] */       OUTCOME: stop (by CO_STOP), ends (with status 0), goes
                                            (with any status), dies (by SIGSEGV), hangs
    /* expect: debug OUTCOME [REGEX] */     the same under CO_DEBUG; else it must be as the run
    /* expect: lint CHECK */                what tools/duffel-lint must find, if it is there

A form that no line names must be silent. REGEX must be found in the first line of the first
diagnostic, or in the text of the stop: so that line must say what to do. A program is run if the
compiler makes an object of it and it has a main.

An outcome `pending` instead of `stop` is a stop that is wanted and does not come yet. It is counted
apart, and named when it comes, so that the word can be corrected.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs/how-to/mistakes.md'
LINT = ROOT / 'tools/duffel-lint'
WARN = '-Wall -Wextra -O2'
FORMS = {
    'plain': '-I{headers}',
    'strict': '-I{headers} -std=c11 -Wpedantic -Wshadow -Wconversion ' + WARN,
    'system': '-isystem {headers} ' + WARN,
    'c++': '-I{headers} -x c++ -std=c++17 ' + WARN,
    'labels': '-I{headers} -DCO_LABELS ' + WARN,
    'debug': '-I{headers} -DCO_DEBUG ' + WARN,
}
COMPILERS = [c for c in os.environ.get('CC_LIST', 'gcc clang').split() if shutil.which(c)]
ENV = dict(os.environ, LC_ALL='C')
TIMEOUT = 3
OUTCOMES = ('stop', 'pending', 'ends', 'goes', 'dies', 'hangs')

# The mistakes that users make most often, for the table of lines of message.
COMMON = '''local_jumped_over local_in_for await_as_value await_as_condition await_in_declaration
    begin_missing await_in_function pause_in_function names_differ call_without_frame
    call_without_address wrong_frame undeclared_coroutine unknown_field field_without_self
    forgotten_await await_in_switch return_plain return_number frame_without_head'''.split()


def family(compiler):
    return 'clang' if 'clang' in compiler else 'gcc'


class Program:
    """One file of test/misuse, with what its first lines say."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.mistake, self.flags, self.forms = None, [], list(FORMS)
        self.compile, self.outcome, self.lint, self.bad = {}, {}, None, []
        text = path.read_text()
        self.has_main = re.search(r'\bmain\(', text) is not None
        for line in text.splitlines():
            if not line.startswith('/* '):
                break
            self.read(line)
        if not self.mistake:
            self.bad.append('its first lines do not say what the mistake is')

    def read(self, line):
        match = re.fullmatch(r'/\* (mistake|flags|forms|expect)([^:]*): (.*) \*/', line)
        if not match:
            return
        key, where, text = match.groups()
        if key == 'mistake':
            self.mistake = text
        elif key == 'flags':
            self.flags = text.split()
        elif key == 'forms':
            self.forms = text.split()
        else:
            self.expect(where.split(), *(text.split(' ', 2) + [''])[:3])

    def expect(self, forms, who, kind, regex):
        if who == 'lint':
            self.lint = kind
        elif who in ('run', 'debug') and kind in OUTCOMES:
            self.outcome[who] = kind, regex
        elif who in ('gcc', 'clang', 'both') and kind in ('error', 'warning', 'silent'):
            if set(forms) - set(FORMS):
                self.bad.append(f'there is no form {forms}')
            for form in forms or FORMS:
                for compiler in ('gcc', 'clang') if who == 'both' else (who,):
                    if forms or (compiler, form, 'named') not in self.compile:
                        self.compile[compiler, form] = kind, regex
                    if forms:
                        self.compile[compiler, form, 'named'] = True
        else:
            self.bad.append(f'not understood: expect {who} {kind}')

    def expected(self, compiler, form):
        return self.compile.get((family(compiler), form), ('silent', ''))

    def right(self):
        return self.mistake.startswith('none')


class Result:
    """What a compiler said."""

    def __init__(self, status, output):
        self.lines = output.splitlines()
        said = [line for line in self.lines if re.search(r'(error|warning): ', line)
                and not line.startswith('<command-line>')]
        self.first = said[0] if said else ''
        self.kind = 'error' if status else 'warning' if said else 'silent'

    def matches(self, kind, regex):
        return self.kind == kind and re.search(regex, self.first)


def compile_program(program, compiler, form, tmp, headers=ROOT):
    flags = FORMS[form].format(headers=headers).split() + program.flags
    target = pathlib.Path(tmp) / f'{program.name}.{family(compiler)}.{form}.o'
    done = subprocess.run([compiler, *flags, '-c', '-o', str(target), program.path.name], text=True,
                          cwd=program.path.parent, env=ENV, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    return Result(done.returncode, done.stdout), target


class Library:
    """The library, built without and with CO_DEBUG, to link the programs that can be run."""

    def __init__(self, tmp, pool):
        self.tmp = pathlib.Path(tmp)
        sources = [p for p in sorted(ROOT.glob('*.c'))]
        jobs = {(form, p): pool.submit(self.build, form, p)
                for form in ('run', 'debug') for p in sources}
        for job in jobs.values():
            job.result()
        self.objects = {form: [str(self.target(form, p)) for p in sources]
                        for form in ('run', 'debug')}

    def target(self, form, source):
        return self.tmp / f'library.{form}.{source.stem}.o'

    def build(self, form, source):
        flags = ['-DCO_DEBUG'] if form == 'debug' else []
        subprocess.run([COMPILERS[0], '-O1', *flags, '-I', str(ROOT), '-c', '-o',
                        str(self.target(form, source)), str(source)], check=True)

    def run(self, form, target):
        """How the program ends, and the text of a stop."""
        program = target.with_suffix('.' + form)
        linker = 'g++' if '.c++.' in target.name else COMPILERS[0]
        subprocess.run([linker, '-o', str(program), str(target), *self.objects[form], '-lev',
                        '-pthread'], check=True)
        try:
            done = subprocess.run([str(program)], stdin=subprocess.DEVNULL, text=True,
                                  errors='replace', stdout=subprocess.PIPE, timeout=TIMEOUT,
                                  stderr=subprocess.PIPE, check=False)
        except subprocess.TimeoutExpired:
            return 'hangs', ''
        text = done.stderr.strip().splitlines()[-1:] or ['']
        if done.returncode == -6 and re.match(r'\S+:\d+: ', text[0]):
            return 'stop', text[0]
        if done.returncode < 0:
            return 'dies', f'signal {-done.returncode}'
        return ('goes' if done.returncode else 'ends'), text[0]


def run_forms(program):
    """The forms whose objects are run, each with the library that they are linked with."""
    if not program.has_main or not COMPILERS:
        return []
    if program.forms == ['c++']:
        return [('c++', 'run')]
    return [(form, library) for form, library in (('strict', 'run'), ('debug', 'debug'))
            if form in program.forms]


def check_outcome(program, library, kind, text):
    """None if the outcome is as expected, 'pending', or what is wrong with it."""
    wanted, regex = program.outcome.get(library) or program.outcome.get('run', ('', ''))
    if wanted == 'pending':
        if kind == 'stop' and re.search(regex, text):
            print(f'{program.name}: {library}: it stops now: write stop for pending: {text}')
        return 'pending'
    if program.right() and kind != 'ends':
        return f'a right program: {kind} {text}'
    if wanted and (kind != wanted and (wanted, kind) != ('goes', 'ends')
                   or not re.search(regex, text)):
        return f'expected: {wanted} {regex}; came: {kind} {text}'
    return None


def check_program(program, compiler, library, tmp):
    """Counts of what passed and what is pending, and what failed."""
    passed, pending, failed, objects = 0, 0, list(program.bad), {}
    for form in program.forms:
        result, objects[form] = compile_program(program, compiler, form, tmp)
        kind, regex = program.expected(compiler, form)
        if result.matches(kind, regex):
            passed += 1
        else:
            failed.append(f'{form}: expected: {kind} {regex}; came: {result.kind} {result.first}')
    for form, built in run_forms(program):
        if not objects[form].exists() or not (program.outcome or program.right()):
            continue
        wrong = check_outcome(program, built, *library.run(built, objects[form]))
        if wrong == 'pending':
            pending += 1
        elif wrong:
            failed.append(f'{built}: {wrong}')
        else:
            passed += 1
    return passed, pending, [f'test/misuse/{program.name}.c: {compiler}: {f}' for f in failed]


def check_lint(program):
    done = subprocess.run([str(LINT), str(program.path), '--', '-I', str(ROOT)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = set(re.findall(r'\[(co-[a-z-]+)\]', done.stdout))
    if program.lint and program.lint not in found or program.right() and found:
        return [f'test/misuse/{program.name}.c: lint: expected: {program.lint}; came: {found}']
    return []


def check(programs, pool, tmp):
    library = Library(tmp, pool)
    jobs = [pool.submit(check_program, program, compiler, library, tmp)
            for program in programs for compiler in COMPILERS]
    passed = pending = failed = 0
    for job in jobs:
        more, wait, failures = job.result()
        passed, pending, failed = passed + more, pending + wait, failed + len(failures)
        for line in failures:
            print(line)
    if LINT.exists() and shutil.which('clang'):
        for failures in pool.map(check_lint, [p for p in programs if p.lint or p.right()]):
            passed, failed = passed + (not failures), failed + len(failures)
            for line in failures:
                print(line)
    if pending:
        print(f'misuse: {pending} stops are pending')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


def show(programs, pool, tmp):
    library = Library(tmp, pool)
    for program in programs:
        print(f'{program.name}: {program.mistake}')
        for compiler in COMPILERS:
            objects = {}
            for form in program.forms:
                result, objects[form] = compile_program(program, compiler, form, tmp)
                print(f'  {compiler:5} {form:6} {result.kind:7} {len(result.lines):3} lines  '
                      f'{result.first}')
            for form, built in run_forms(program):
                if objects[form].exists():
                    print(f'  {compiler:5} {built:6} ', *library.run(built, objects[form]))


# ---- The table -----------------------------------------------------------------------------------

# Before there were these texts: of 106 programs, those that each compiler said nothing of, and what
# a run then did; and the lines of message of COMMON, by gcc 12 and clang 14.
BEFORE = {
    'gcc': {'silent': 52, 'stop': 15, 'dies': 8, 'hangs': 2, 'goes': 27},
    'clang': {'silent': 60, 'stop': 16, 'dies': 9, 'hangs': 2, 'goes': 33},
}
LINES_BEFORE = {
    'gcc': dict(
        local_jumped_over=67, local_in_for=78, await_as_value=20, await_as_condition=20,
        await_in_declaration=20, begin_missing=222, await_in_function=146, pause_in_function=278,
        names_differ=129, call_without_frame=146, call_without_address=29, wrong_frame=29,
        undeclared_coroutine=56, unknown_field=29, field_without_self=5, forgotten_await=10,
        await_in_switch=41, return_plain=14, return_number=4, frame_without_head=71,
    ),
    'clang': dict(
        local_jumped_over=13, local_in_for=0, await_as_value=7, await_as_condition=7,
        await_in_declaration=7, begin_missing=116, await_in_function=76, pause_in_function=51,
        names_differ=138, call_without_frame=54, call_without_address=23, wrong_frame=23,
        undeclared_coroutine=10, unknown_field=4, field_without_self=4, forgotten_await=7,
        await_in_switch=11, return_plain=4, return_number=4, frame_without_head=67,
    ),
}
WORDS = [('refused', 'refused by the compiler'), ('warned', 'warned of'),
         ('silent', 'the compiler is silent; of these,'), ('stop', '- the run stops with a text'),
         ('dies', '- SIGSEGV'), ('hangs', '- it hangs'), ('goes', '- it goes on')]


def judge(program, compiler, library, tmp):
    """The words that the program counts for in the table."""
    form = 'strict' if 'strict' in program.forms else program.forms[0]
    result, target = compile_program(program, compiler, form, tmp)
    if result.kind != 'silent':
        return ['refused' if result.kind == 'error' else 'warned']
    if not program.has_main:
        return ['silent', 'goes']
    kind, _ = library.run('run', target)
    debug = 'debug' if 'debug' in program.forms else form
    stopped = kind
    if kind != 'stop' and debug == 'debug':
        _, target = compile_program(program, compiler, debug, tmp)
        stopped, _ = library.run('debug', target)
    words = ['silent', 'goes' if kind == 'ends' else kind]
    if stopped == 'dies':
        words.append('debug dies')
    if kind != 'stop' and stopped == 'stop':
        words.append('debug stop')
    if kind != 'stop' and stopped != 'stop':
        words.append('harmful')
        if not program.lint:
            words.append('unseen')
    return words


def lines_of(names, compiler, tmp, headers=ROOT):
    """The lines of message without a warning's flag, as a first compilation shows them."""
    lines = {}
    for name in names:
        program = Program(ROOT / f'test/misuse/{name}.c')
        result, _ = compile_program(program, compiler, 'strict', tmp, headers)
        lines[name] = len(result.lines)
    return lines


def counts_table(programs, pool, tmp):
    library = Library(tmp, pool)
    wrong = [p for p in programs if not p.right()]
    counts = {}
    for compiler in COMPILERS:
        judged = list(pool.map(lambda p, c=compiler: judge(p, c, library, tmp), wrong))
        counts[family(compiler)] = [w for words in judged for w in words]
    yield f'| of {len(wrong)} wrong programs | gcc before | gcc | clang before | clang |'
    yield '|---|---|---|---|---|'
    for word, text in WORDS + [('debug stop', '- and of the last three, CO_DEBUG stops'),
                               ('debug dies', '- SIGSEGV under CO_DEBUG'),
                               ('harmful', 'silent, and no stop in any build'),
                               ('unseen', 'the same, and no check of duffel-lint is for it')]:
        cells = []
        for name in ('gcc', 'clang'):
            cells.append(str(BEFORE[name].get(word, '')))
            cells.append(str(counts[name].count(word)) if name in counts else '')
        yield f'| {text} | ' + ' | '.join(cells) + ' |'


def lines_table(tmp):
    now = {family(c): lines_of(COMMON, c, tmp) for c in COMPILERS}
    yield '| lines of message | gcc before | gcc | clang before | clang |'
    yield '|---|---|---|---|---|'
    for name in COMMON:
        mistake = Program(ROOT / f'test/misuse/{name}.c').mistake
        cells = [str(source.get(c, {}).get(name, '')) for c in ('gcc', 'clang')
                 for source in (LINES_BEFORE, now)]
        yield f'| {mistake} | ' + ' | '.join(cells) + ' |'
    sums = [str(sum(source.get(c, {}).values())) for c in ('gcc', 'clang')
            for source in (LINES_BEFORE, now)]
    yield '| together | ' + ' | '.join(sums) + ' |'


def write_table(programs, pool, tmp):
    table = '\n'.join([*counts_table(programs, pool, tmp), '', *lines_table(tmp)])
    page = PAGE.read_text()
    begin, end = '<!-- table: make misuse-table -->', '<!-- end of the table -->'
    head, rest = page.split(begin)
    PAGE.write_text(f'{head}{begin}\n\n{table}\n\n{end}{rest.split(end)[1]}')
    print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', help='programs of test/misuse; default: all')
    parser.add_argument('--show', action='store_true')
    parser.add_argument('--table', action='store_true')
    parser.add_argument('--lines', nargs='?', const=str(ROOT), metavar='SINCE')
    args = parser.parse_args()
    names = args.names or sorted(p.stem for p in (ROOT / 'test/misuse').glob('*.c'))
    programs = [Program(ROOT / f'test/misuse/{name}.c') for name in names]
    with tempfile.TemporaryDirectory() as tmp, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        if args.lines:
            for compiler in COMPILERS:
                lines = lines_of(COMMON, compiler, tmp, pathlib.Path(args.lines).resolve())
                print(f'    {family(compiler)!r}: {lines},')
        elif args.show:
            show(programs, pool, tmp)
        elif args.table:
            write_table(programs, pool, tmp)
        else:
            return check(programs, pool, tmp)
    return 0


if __name__ == '__main__':
    sys.exit(main())
