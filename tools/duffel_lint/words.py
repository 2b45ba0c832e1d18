# SPDX-License-Identifier: BSD-2-Clause
"""words.py: where the words of a coroutine stand, and what its loops and co_finally do."""
from . import finding, tree
from .tree import arguments, callee, constant, inner, kind, strip, unparen

LOOPS = ('ForStmt', 'WhileStmt', 'DoStmt')
BEGINS = ('co_lint_begin_', 'co_lint_begin_labels_')
EFFECTS = ('malloc', 'calloc', 'realloc', 'strdup', 'strndup', 'open', 'fopen', 'socket', 'fork',
           'accept', 'co_tcp_listen')
PAIRS = {'co_semaphore_release': 'co_semaphore_acquire', 'co_queue_task_done': 'co_queue_get'}


def in_switch(function):
    if function.labels:
        return
    for node in function.nodes:
        if kind(node) != 'SwitchStmt':
            continue
        for call in tree.walk(node):
            if callee(call) in tree.AWAITS + tree.PAUSES:
                text = f'the await of {tree.await_name(call)} stands inside a switch, where it ' \
                       'cannot be resumed: write the switch as if and else, or define CO_LABELS'
                yield finding.make('co-await-in-switch', call, text, function.coroutine)


def has_effect(node):
    """Whether an initialiser does something that must not be done at each resume."""
    for part in tree.walk(node):
        if kind(part) == tree.SIZEOF:
            return False
        if kind(part) == 'UnaryOperator' and part.get('opcode') in ('++', '--'):
            return True
        if kind(part) == 'CompoundAssignOperator' or callee(part) in EFFECTS:
            return True
        if kind(part) == 'BinaryOperator' and part.get('opcode') == '=':
            return True
    return False


def above_begin(function):
    for node in inner(function.body):
        if callee(strip(node)) in BEGINS:
            return
        plain = unparen(node)
        if kind(node) == 'DeclStmt':
            values = [d for d in inner(node) if kind(d) == 'VarDecl' and d.get('init')
                      and d.get('storageClass') != 'static']
            wrong = any(has_effect(inner(d)[-1]) for d in values if inner(d))
        else:
            void = kind(plain) == 'CStyleCastExpr' and tree.spelled_type(plain) == 'void'
            wrong = kind(node) != 'NullStmt' and not (void and not has_effect(plain))
        if wrong:
            text = 'this stands above co_begin, so it runs anew at each resume: put it below'
            yield finding.make('co-above-begin', node, text, function.coroutine)


def leaves(node, depth=0):
    """Whether [node], in a loop, has a way out: a break of that loop, a return, a co_try ..."""
    name = kind(node)
    if name in ('ReturnStmt', 'GotoStmt', 'IndirectGotoStmt'):
        return True
    if name == 'BreakStmt':
        return depth == 0
    called = callee(node)
    if called in ('co_lint_try_', 'co_lint_pause_', 'co_lint_yield_', 'exit', '_exit', 'abort'):
        return True
    depth += name in LOOPS or name == 'SwitchStmt'
    return any(leaves(child, depth) for child in inner(node))


def condition_of(loop):
    if kind(loop) == 'ForStmt':
        return (loop['inner'] + [{}] * 5)[2]
    return inner(loop)[-2 if kind(loop) == 'WhileStmt' else 1]


def endless(loop):
    test = condition_of(loop)
    return not test or bool(constant(test))


def ignored_cancel(function, node=None):
    node = node or function.body
    if kind(node) in LOOPS and endless(node):
        awaits = [c for c in tree.walk(node) if callee(c) in tree.AWAITS and tree.may_suspend(c)]
        if awaits and not any(leaves(child) for child in inner(node)):
            text = 'this loop awaits for ever and ignores -ECANCELED, so a task that is ' \
                   f'cancelled never ends: write co_try({tree.await_name(awaits[0])}(...)), or ' \
                   'leave the loop when the result is negative'
            yield finding.make('co-ignored-cancel', node, text, function.coroutine)
            return
    for child in inner(node):
        yield from ignored_cancel(function, child)


def clean_up(function):
    """The statements of co_finally."""
    children = inner(function.body)
    for number, child in enumerate(children):
        if callee(strip(child)) == 'co_lint_finally_':
            return children[:number], children[number + 1:]
    return children, []


def unguarded(node):
    """The calls that a statement makes in any case."""
    if kind(node) in ('IfStmt', 'ConditionalOperator') + LOOPS or kind(node) == 'SwitchStmt':
        return
    if kind(node) == 'BinaryOperator' and node.get('opcode') in ('&&', '||'):
        return
    if kind(node) == 'CallExpr':
        yield node
    for child in inner(node):
        yield from unguarded(child)


def release(function, config):
    body, cleaning = clean_up(function)
    pairs = dict(PAIRS, **config.pairs)
    acquired = [c for child in body for c in tree.walk(child) if callee(c) in pairs.values()]
    for statement in cleaning:
        for call in unguarded(statement):
            wanted = pairs.get(callee(call))
            for before in acquired:
                if callee(before) == wanted and arguments(call) and \
                        tree.same(arguments(call)[0], arguments(before)[0]):
                    yield report(function, call, wanted)
                    break


def report(function, call, wanted):
    text = f'co_finally also runs when {wanted} has failed or was cancelled, and then this ' \
           'releases what was not acquired: note the success of the acquire in a member of ' \
           f'struct {function.coroutine}, and release if it is set'
    return finding.make('co-finally-release', call, text, function.coroutine)
