#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run.py: what `make test` and `make check` run, several programs at once.

    run.py --cc CC --root DIRECTORY --tests NAME... --raced NAME... --fuzz NAME...
           --scripts FILE...
    run.py --check --tests NAME...

Every program of test/ in build/switch and build/labels (sanitizers), and in build/plain under
valgrind; those of --raced under the thread sanitizer; the fuzz targets over their corpus; the
scripts; the snippets. With --check: the programs in build/switch alone, at their smaller sizes. The
output of each is printed when it has ended; at the end, what took longest, and what failed.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

MEMORY = '-q --leak-check=full --error-exitcode=9 --track-fds=yes --child-silent-after-fork=yes'
printing = threading.Lock()
done, failed, begun = 0, [], time.monotonic()


class Job:
    def __init__(self, argv, limit=120, log=None, **env):
        self.argv, self.limit, self.log, self.env = argv, limit, log, env

    def name(self):
        return ' '.join(self.argv)

    def run(self):
        """Why it failed, or '', and its output. Ends it, and all that it started, in time."""
        child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, env=dict(os.environ, **self.env),
                                 start_new_session=True)
        why = ''
        try:
            said, _ = child.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            why = 'timed out'
            os.killpg(child.pid, signal.SIGKILL)
            said, _ = child.communicate()
        said = said.decode(errors='replace')
        if not why and child.returncode != 0:
            why = 'failed'
        if self.log:
            left = left_open(self.log)
            if why or left:
                said += open(self.log, errors='replace').read()
            why = why or (left and 'left fds open')
        return why, said


def left_open(log):
    """Whether valgrind saw an fd at the end that was not inherited."""
    fd = False
    for line in open(log, errors='replace'):
        if re.search(r'Open .*(descriptor|socket)', line):
            fd = True
        elif fd and 'inherited from parent' not in line:
            return True
        else:
            fd = False
    return fd


def check_jobs(options):
    for test in options.tests:
        yield Job(['build/switch/test/' + test], DEMOS='build/switch/demos', DUFFEL_SHORT='1')


def test_jobs(options):
    """The slow ones first."""
    for script in options.scripts:
        yield Job([script], 300, CC=options.cc)
    yield Job(['test/snippets.py'], 300, CC=options.cc,
              DUFFEL_CFLAGS='-I%s/include' % options.root,
              DUFFEL_LIBS='-L%s/lib -lduffel -lev' % options.root)
    for test in options.tests:
        for form in 'switch', 'labels':
            yield Job(['build/%s/test/%s' % (form, test)], DEMOS='build/%s/demos' % form)
        if shutil.which('valgrind'):
            log = 'build/plain/test/%s.log' % test
            yield Job(['valgrind', 'build/plain/test/' + test], log=log, DEMOS='build/plain/demos',
                      VALGRIND_OPTS='%s --log-file=%s' % (MEMORY, log), DUFFEL_SHORT='1')
    for target in options.fuzz:
        for form in 'switch', 'labels':
            yield Job(['build/%s/test/fuzz/%s' % (form, target), 'test/fuzz/corpus/' + target])
    for test in options.raced:
        yield Job(['build/races/test/' + test])


def run(job, count):
    global done
    start = time.monotonic()
    why, said = job.run()
    job.took = time.monotonic() - start
    with printing:
        done += 1
        if sys.stderr.isatty():
            sys.stderr.write('\r%40s\r' % '')
        print('\n--- %s\n%s' % (job.name(), said.rstrip('\n')))
        if why:
            failed.append('%s: %s' % (why, job.name()))
            print('--- ' + failed[-1])
        sys.stdout.flush()
        if sys.stderr.isatty():
            sys.stderr.write('%d of %d, %d s, %d failed ' % (done, count, time.monotonic() - begun,
                                                             len(failed)))


def main():
    parser = argparse.ArgumentParser(description='runs all tests')
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--root')
    parser.add_argument('--check', action='store_true')
    for name in 'tests', 'raced', 'fuzz', 'scripts':
        parser.add_argument('--' + name, nargs='*', default=[])
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)    # which `make test &` has ignored
    todo = list(check_jobs(options) if options.check else test_jobs(options))
    workers = os.cpu_count() * (2 if options.check else 1)      # at small sizes most of them sleep
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for result in [pool.submit(run, job, len(todo)) for job in todo]:
            result.result()
    took = time.monotonic() - begun
    slowest = sorted(todo, key=lambda job: -job.took)[:5]
    print('\nthe longest: ' + ', '.join('%s %d s' % (job.name(), job.took) for job in slowest))
    print('make %s: %d passed, %d failed, %d s' % ('check' if options.check else 'test',
                                                   len(todo) - len(failed), len(failed), took))
    for line in failed:
        print('    ' + line)
    sys.exit(bool(failed))


main()
