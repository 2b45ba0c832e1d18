# SPDX-License-Identifier: BSD-2-Clause
"""cli.py: the command line.

    duffel-lint [OPTIONS] FILE... [-- FLAGS...]     the flags are those of the compiler
    duffel-lint [OPTIONS] -p DIR [FILE...]          the files and flags of compile_commands.json

Finds in coroutines of Duffel what no compiler sees. Each file is compiled by clang as it is, and
its syntax tree is read. A finding is a line like a warning of gcc's, with what to do about it:

    x.c:15:10: warning: 'n' is read here, but ...: make 'n' a member of struct m [co-stale-local]

The comment  // co-lint: off(co-stale-local)  on that line, or alone on the line above, switches
the check off there; without parentheses, all checks."""
import argparse
import concurrent.futures
import json
import os
import shlex
import sys

from . import clang, config, fix, look, sarif
from .finding import CHECKS

NONE, SOME, FAILED = 0, 1, 2


def help_text():
    checks = '\n'.join(f'  {name:<20} {text}' for name, text in CHECKS.items())
    file = config.__doc__.split('\n\n', 1)[1]
    return f'checks:\n{checks}\n\nThe file {config.FILE} of the directory where it is started is ' \
           f'read, if it is there.\n{file}\n\nThe exit status is 0 if there is no finding, 1 if ' \
           'there are some, and 2 if a file could not be\nlooked at. docs/how-to/lint.md shows ' \
           'each check with a wrong and a right example.'


def parser():
    made = argparse.ArgumentParser(
        prog='duffel-lint', usage='duffel-lint [OPTIONS] FILE... [-- FLAGS...]\n'
        '       duffel-lint [OPTIONS] -p DIR [FILE...]',
        description=__doc__.split('\n\n', 2)[2], epilog=help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = made.add_argument
    add('files', nargs='*', metavar='FILE')
    add('-p', dest='database', metavar='DIR', help='where compile_commands.json is')
    add('-j', dest='jobs', type=int, default=os.cpu_count() or 1, metavar='N',
        help='files at a time (default: as many as there are processors)')
    add('--only', action='append', default=[], metavar='CHECK', help='this check; repeat for more')
    add('--disable', action='append', default=[], metavar='CHECK', help='all but this check')
    add('--blocking', action='append', default=[], metavar='NAME', help='a call of NAME blocks')
    add('--config', metavar='FILE', help=f'instead of {config.FILE}')
    add('--clang', metavar='PATH', help='instead of clang; as the environment variable CLANG')
    add('--sarif', metavar='FILE', help='writes the findings there as well, as SARIF 2.1.0')
    add('--fix', action='store_true', help='moves simple locals into the frame, in your files')
    add('--dry-run', action='store_true', help='with --fix: only prints the difference')
    add('--list', action='store_true', help='lists the checks')
    add('-q', dest='quiet', action='store_true', help='no summary on the error output')
    return made


def from_database(directory, wanted):
    """The files of compile_commands.json, or those of them that are wanted."""
    path = os.path.join(directory, 'compile_commands.json')
    try:
        with open(path) as file:
            entries = json.load(file)
    except OSError as error:
        raise clang.CannotRun(f'{path}: {error.strerror}')
    except ValueError as error:
        raise clang.CannotRun(f'{path}: no JSON: {error}')
    found, wanted = {}, {os.path.realpath(name) for name in wanted}
    for entry in entries:
        where = entry.get('directory', '.')
        full = os.path.realpath(os.path.join(directory, where, entry['file']))
        if full.endswith('.c') and (not wanted or full in wanted):
            words = entry.get('arguments') or shlex.split(entry.get('command', ''))
            found[full] = (entry['file'], words[1:], os.path.join(directory, where))
    if missing := wanted - set(found):
        raise clang.CannotRun(f'{sorted(missing)[0]}: not in {path}')
    return list(found.values())


def work(job):
    """One file, in a process of its own: its findings, how many coroutines, or why not."""
    path, flags, directory, settings, program = job
    try:
        return *look.at_file(path, flags, directory, settings, program), ''
    except clang.CannotRun as error:
        return [], 0, str(error)


def at_all(jobs, at_a_time):
    """The findings of all files, sorted and each once; how many coroutines; what went wrong."""
    if at_a_time > 1 and len(jobs) > 1:
        with concurrent.futures.ProcessPoolExecutor(at_a_time) as pool:
            results = list(pool.map(work, jobs))
    else:
        results = [work(job) for job in jobs]
    found = sorted({f for findings, _, _ in results for f in findings})
    return found, sum(n for _, n, _ in results), [why for _, _, why in results if why]


def jobs_of(options, flags):
    program, settings = clang.find_clang(options.clang), config.of(options)
    if options.database:
        files = from_database(options.database, options.files)
    else:
        files = [(name, flags, '.') for name in options.files]
    if not files:
        raise clang.CannotRun('no files to look at; duffel-lint --help says how to name them')
    return [(*file, settings, program) for file in files]


def split(argv):
    """The arguments before -- and the flags behind it."""
    if '--' not in argv:
        return argv, []
    at = argv.index('--')
    return argv[:at], argv[at + 1:]


def say(text):
    print(text, file=sys.stderr)


def run(options, flags):
    found, coroutines, problems = at_all(jobs := jobs_of(options, flags), options.jobs)
    for problem in problems:
        say(problem)
    if options.fix:
        found = fix.all_of(found, jobs, options.dry_run)
    for one in found:
        print(one)
    if options.sarif:
        sarif.write(options.sarif, found)
    if not options.quiet:
        say(f'duffel-lint: {len(jobs)} files, {coroutines} coroutines, {len(found)} findings')
    return FAILED if problems else SOME if found else NONE


def main(argv):
    argv, flags = split(argv)
    options = parser().parse_args(argv)
    if options.list:
        print('\n'.join(f'{name:<20} {text}' for name, text in CHECKS.items()))
        return NONE
    try:
        return run(options, flags)
    except clang.CannotRun as error:
        say(f'duffel-lint: {error}')
        return FAILED
