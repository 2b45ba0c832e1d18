# SPDX-License-Identifier: BSD-2-Clause
"""servers.py: whole servers, ours and well-known ones, measured under a foreign load program.

All servers are up at once, pinned to one core, the load to another. In each round every server gets
a slice of load, in shuffled order, the peer twice; each slice is measured by the server's CPU time
over the requests that the load program counts. A slice opens its own connections, which counts.
What http_hello.py and kv.py share. Linux."""
import argparse
import ctypes
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS, ROUNDS_QUICK = 14, 3
EACH_THIRD = 3                  # rounds for what has no budget: every third
PATIENCE = 10                   # seconds, for a server to start or to stop
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []
children = []                   # of this program: all are gone when it ends


def die(line):
    sys.exit('servers: ' + line)


def progress(text=''):
    if sys.stderr.isatty():
        print('\r%-60s\r%s' % ('', text), end='', file=sys.stderr, flush=True)


# ---- Processes -----------------------------------------------------------------------------------

def child(argv, core, **options):
    """Starts [argv] on [core]; it gets SIGTERM if this program is killed."""
    def pin():
        os.sched_setaffinity(0, {core})
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)          # PR_SET_PDEATHSIG
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=pin, **options)
    children.append(process)
    return process


def stop_all():
    for process in children:
        if process.poll() is None:
            process.terminate()
    for process in children:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(argv, seconds=None):
    """What [argv] prints, run on the core of the load; after [seconds] it gets SIGINT."""
    process = child(argv, CORES[-1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
    children.remove(process)
    return said


class Server:
    """A server that runs; [port] is what it was told to listen on, or 0: it prints its own."""

    def __init__(self, name, argv, directory, port=0):
        self.name, self.port = name, port
        self.log = os.path.join(directory, name + '.log')
        with open(self.log, 'w') as to:
            self.process = child(argv, CORES[0], stdout=to, stderr=to, cwd=directory,
                                 env=dict(os.environ, GOMAXPROCS='1'))
        late = time.monotonic() + PATIENCE
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > late:
                die('%s does not start: %s' % (name, last_line(self.said())))
            time.sleep(0.02)
        self.url = 'http://127.0.0.1:%d/' % self.port

    def said(self):
        with open(self.log, errors='replace') as file:
            return file.read()

    def listens(self):
        found = re.search(r'127\.0\.0\.1:(\d+)\D', self.said())
        self.port = self.port or int(found[1] if found else 0)
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), PATIENCE)

    def cpu(self):
        """Its CPU time in ns, and that of its children (nginx's worker), once it sleeps."""
        last, now, tries = -1, self.cpu_now(), 0
        while now != last and tries < 200:
            time.sleep(0.005)
            last, now, tries = now, self.cpu_now(), tries + 1
        return now

    def cpu_now(self):
        ns, own = 0, '/proc/%d/task/' % self.process.pid
        try:
            with open('%s%d/children' % (own, self.process.pid)) as file:
                tasks = [own] + ['/proc/%s/task/' % pid for pid in file.read().split()]
            for directory in tasks:
                for thread in os.listdir(directory):
                    with open(directory + thread + '/schedstat') as file:
                        ns += int(file.read().split()[0])
        except (OSError, IndexError):
            die('%s has ended: %s' % (self.name, last_line(self.said())))
        return ns


def last_line(text):
    return (text.strip().splitlines() or ['it says nothing'])[-1]


def same_answers(request, answers):
    """Stops unless all [answers], by the server's name, are the same."""
    first, *others = answers.items()
    for other in others:
        if other[1] != first[1]:
            die('to %s, %s answers %s, %s answers %s' % (request, *first, *other))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def program(name, what):
    """Its path, also from where only root looks; None, with one line, if it is not there."""
    path = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin')
    if not path:
        print('servers: no %s: %s is left out' % (name, what))
    return path and os.path.abspath(path)


# ---- The table: as bench.h prints it -------------------------------------------------------------

def row(what, ours, peer, budget=0):
    """Medians of both sides, of the ratios of the rounds, and their quartiles. No [peer]: ours."""
    values = sorted(a / b for a, b in zip(ours, peer)) if peer else sorted(ours)
    low, high = values[len(values) // 4], values[-1 - len(values) // 4]
    numbers = [statistics.median(ours), statistics.median(peer or [0]),
               statistics.median(values) if peer else 0]
    if peer:
        line = '%-48s %8.2f %8.2f %6.3f  %.3f-%.3f' % (what, *numbers, low, high)
    else:
        line = '%-48s %8.2f %8s %6s  %5.1f-%-5.1f' % (what, numbers[0], '', '', low, high)
    if budget:
        line += '  %6g  %s' % (budget, 'pass' if numbers[2] <= budget else 'falls short')
    print(line, flush=True)
    if os.environ.get('BENCH_RESULTS'):
        with open(os.environ['BENCH_RESULTS'], 'a') as file:
            file.write('{"what": "%s", "unit": "us", "ours": %.6g, "peer": %.6g, "ratio": %.6g, '
                       '"low": %.6g, "high": %.6g, "budget": %.6g}\n'
                       % (what, *numbers, low, high, budget))


# ---- Rounds --------------------------------------------------------------------------------------

def compare(what, servers, rounds, load, budget):
    """[servers]: ours, the peer that the budget is for, others; [load](server) loads one of them
    for a slice, and returns how many requests it answered."""
    def slice_of(server):
        before = server.cpu()
        requests = load(server)
        return (server.cpu() - before) / 1000 / requests

    ours, *peers = servers
    us = {key: {} for key in [*servers, 'again']}
    for done in range(rounds):
        turns = [ours, *peers[:1], *(['again'] if peers else [])]
        if done % EACH_THIRD == 0:
            turns += peers[1:]
        for turn in random.sample(turns, len(turns)):
            progress('%s: round %d of %d' % (what, done + 1, rounds))
            us[turn][done] = slice_of(peers[0] if turn == 'again' else turn)
    progress()
    if not peers:
        row('%s: ours' % what, list(us[ours].values()), [])
    for peer in peers:
        first = peer is peers[0]
        base = {i: (t + us['again'][i]) / 2 if first else t for i, t in us[peer].items()}
        row('%s: ours / %s' % (what, peer.name), [us[ours][i] for i in base], list(base.values()),
            budget if first else 0)
        if first:
            row('%s: %s / itself (noise)' % (what, peer.name), list(us['again'].values()),
                list(us[peer].values()))


# ---- The program ---------------------------------------------------------------------------------

def begin(what, options):
    print('%s,\nmedians of %d rounds with a slice of about %g s for each, in shuffled order '
          '(seed %d)\n' % (what, options.rounds, options.slice, options.seed))
    print('%-48s %8s %8s %6s  %-11s  %6s'
          % ('what', 'ours', 'peer', 'ratio', 'quartiles', 'budget'))


def main(bench, text, slices):
    """Runs bench(options, a directory to throw away); [slices]: seconds, and those of --quick."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument('--quick', action='store_true', help='about 10 s; says little')
    parser.add_argument('--seed', type=int, default=time.time_ns() % 1000000)
    parser.add_argument('--slice', type=float, metavar='SECONDS')
    parser.add_argument('server', type=os.path.abspath, help='our program')
    parser.add_argument('peers', nargs='*', type=os.path.abspath, help='peers built for it')
    options = parser.parse_args()
    if not os.path.exists('/proc/self/schedstat'):
        print('servers: no /proc/PID/schedstat here: left out')
        return
    options.rounds = ROUNDS_QUICK if options.quick else ROUNDS
    options.slice = options.slice or slices[options.quick]
    random.seed(options.seed)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(4096, hard) if hard >= 0 else 4096
    if 0 <= soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    if len(CORES) < 2:
        print('servers: one core only: the figures say little')
    for signo in signal.SIGTERM, signal.SIGHUP:
        signal.signal(signo, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as directory:
        try:
            bench(options, directory)
        except KeyboardInterrupt:
            progress()
            sys.exit(130)
        except OSError as error:
            die(str(error))
        finally:
            stop_all()
