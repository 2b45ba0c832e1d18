#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run.py: what `make test` runs, as many at once as there are cores.

    run.py --cc CC --root DIRECTORY --tests NAME... --fuzz NAME... --scripts FILE...

Every program of test/ in build/switch and build/labels (sanitizers), and in build/plain under
valgrind; the fuzz targets over their corpus; test/thread under the thread sanitizer; the scripts;
the snippets. The output of each is printed when it has ended; what failed is listed at the end."""
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


def jobs(options):
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
    yield Job(['build/races/test/thread'])


def run(job, count):
    global done
    why, said = job.run()
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
    parser.add_argument('--root', required=True)
    for name in 'tests', 'fuzz', 'scripts':
        parser.add_argument('--' + name, nargs='*', default=[])
    options = parser.parse_args()
    todo = list(jobs(options))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in [pool.submit(run, job, len(todo)) for job in todo]:
            result.result()
    print('\nmake test: %d of %d passed, %d s' % (len(todo) - len(failed), len(todo),
                                                 time.monotonic() - begun))
    for line in failed:
        print('    ' + line)
    sys.exit(bool(failed))


main()
