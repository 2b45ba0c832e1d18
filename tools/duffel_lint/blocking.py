# SPDX-License-Identifier: BSD-2-Clause
"""blocking.py: calls in a coroutine that stop the whole loop."""
from . import finding, tree
from .tree import arguments, callee, constant, kind, strip

THREAD = 'run it by co_thread()'
SLEEP = 'await co_sleep()'
LOCK = 'use co_lock, or lock it in a function of co_thread()'
STDIN = 'await co_readable(0), or read it by co_thread()'
CHILD = 'await co_child() of process.h, or pass WNOHANG'
WAIT = 'await co_readable() or co_writable()'
SIGNAL = 'await co_signal()'

ALWAYS = {
    'nanosleep': SLEEP, 'clock_nanosleep': SLEEP, 'thrd_sleep': SLEEP,
    'system': 'start it by process.h', 'pclose': THREAD, 'wait': CHILD,
    'getaddrinfo': 'await co_resolve() or co_connect()', 'gethostbyname': 'await co_resolve()',
    'gethostbyaddr': THREAD, 'gethostbyname_r': THREAD,
    'pthread_mutex_lock': LOCK, 'pthread_rwlock_rdlock': LOCK, 'pthread_rwlock_wrlock': LOCK,
    'pthread_cond_wait': LOCK, 'pthread_cond_timedwait': LOCK, 'pthread_join': THREAD,
    'pthread_barrier_wait': LOCK, 'sem_wait': LOCK, 'sem_timedwait': LOCK, 'mtx_lock': LOCK,
    'cnd_wait': LOCK, 'thrd_join': THREAD, 'pause': SIGNAL, 'sigsuspend': SIGNAL,
    'sigwait': SIGNAL, 'sigwaitinfo': SIGNAL, 'getchar': STDIN, 'gets': STDIN, 'scanf': STDIN,
    'vscanf': STDIN, 'getpass': STDIN, 'readline': STDIN,
}
SLEEPS = ('sleep', 'usleep')                    # which are nothing for 0
OF_STDIN = {'fgets': 2, 'getc': 0, 'fgetc': 0, 'fscanf': 0, 'getline': 2, 'getdelim': 3, 'fread': 3}
OF_FD = ('read', 'readv', 'pread')              # of fd 0, which is stdin


def argument(call, number):
    given = arguments(call)
    return given[number] if number < len(given) else {}


def is_null(node):
    return any(constant(part) == 0 for part in [node] if node)


def why(call, name, more):
    """What to do instead of a call that may block, or ''."""
    if name in more:
        return THREAD
    if name in ALWAYS:
        return ALWAYS[name]
    if name in SLEEPS:
        return SLEEP if constant(argument(call, 0)) != 0 else ''
    if name in OF_STDIN:
        at = strip(argument(call, OF_STDIN[name]))
        return STDIN if at.get('referencedDecl', {}).get('name') in ('stdin', '__stdinp') else ''
    if name in OF_FD:
        return STDIN if constant(argument(call, 0)) == 0 else ''
    if name in ('waitpid', 'wait3', 'wait4'):
        return CHILD if constant(argument(call, 1 if name == 'wait3' else 2)) == 0 else ''
    if name in ('poll', 'epoll_wait'):
        return WAIT if constant(argument(call, 2 if name == 'poll' else 3)) not in (0, None) else ''
    if name == 'select':
        return WAIT if is_null(argument(call, 4)) else ''
    if name == 'ppoll':
        return WAIT if is_null(argument(call, 2)) else ''
    return ''


def check(function, config):
    for call in function.calls:
        name = callee(call)
        if name and kind(call) == 'CallExpr' and not name.startswith(tree.MARK):
            if mend := why(call, name, config.blocking):
                text = f'{name}() blocks, so it stops every task of the loop: {mend}'
                yield finding.make('co-blocking', call, text, function.coroutine)
