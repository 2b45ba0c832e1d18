# SPDX-License-Identifier: BSD-2-Clause
"""ops.py: ops that are made and not awaited, and results of tasks that are dropped."""
from . import finding, tree
from .tree import callee, inner, kind, strip, unparen

STARTERS = {'co_task_start_': 'co_spawn', 'co_task_went_': 'co_go',
            'co_group_went_': 'co_group_go'}
FAILS = {
    'co_spawn': 'the task can never be joined or freed',
    'co_go': 'if there is no memory, nothing runs and what its arguments own leaks',
    'co_group_go': 'upon a failure nothing runs and what its arguments own leaks',
}
MEND = {
    'co_spawn': 'keep the task, or use co_go for one that frees itself',
    'co_go': 'write if (co_go(...) < 0), and release there what the arguments own',
    'co_group_go': 'write if (co_group_go(...) < 0), and release there what the arguments own',
}


def statements(function):
    """Each expression whose value is dropped without a cast to void."""
    for node in function.nodes:
        name = kind(node)
        if name == 'CompoundStmt':
            parent = function.parents.get(id(node), {})
            children = inner(node)
            dropped = children[:-1] if kind(parent) == 'StmtExpr' else children
        elif name == 'ForStmt':
            parts = (node['inner'] + [{}] * 5)[:5]
            dropped = [parts[0], parts[3], parts[4]]
        elif name in ('IfStmt', 'WhileStmt', 'CaseStmt', 'DefaultStmt', 'LabelStmt'):
            dropped = inner(node)[1:] if name in ('IfStmt', 'WhileStmt') else inner(node)[-1:]
        elif name == 'DoStmt':
            dropped = inner(node)[:1]
        else:
            continue
        for child in dropped:
            yield from values(child)


def values(node):
    """The parts of an expression that are dropped with it."""
    node = unparen(node) if node else {}
    if kind(node) == 'BinaryOperator' and node.get('opcode') == ',':
        for child in inner(node):
            yield from values(child)
    elif kind(node) == 'BinaryOperator' and node.get('opcode') in ('&&', '||'):
        yield from values(inner(node)[1])
    elif kind(node) == 'ConditionalOperator':
        yield from values(inner(node)[1])
        yield from values(inner(node)[2])
    elif kind(node).endswith(('Expr', 'Operator', 'Literal')):
        yield node


def starter(node):
    """Which call that starts a task an expression is, or ''."""
    if kind(node) == 'CStyleCastExpr':
        return ''
    plain = strip(node)
    if name := STARTERS.get(callee(plain)):
        return name
    if kind(plain) == 'StmtExpr' and any(
            kind(n) == 'VarDecl' and n.get('name') == 'co_group_task_' for n in tree.walk(plain)):
        return 'co_group_go'
    return ''


def dropped(function):
    for node in statements(function):
        if name := starter(node):
            text = f'the result of {name} is dropped: {FAILS[name]}; {MEND[name]}'
            yield finding.make('co-dropped-result', node, text, function.coroutine)
        elif tree.is_op(node) and kind(strip(node)) in ('CallExpr', 'StmtExpr'):
            yield lost(function, node)
    yield from kept(function)


def lost(function, node):
    name = tree.op_name(node)
    text = f'{name} makes an op that nobody awaits, so nothing happens: write co_await({name}' \
           '(...)) or co_try(...)' if not name.startswith('co_call') else \
           f'this {name} is not awaited, so it never runs: write co_await(co_call(...)) or ' \
           'co_try(...)'
    return finding.make('co-not-awaited', node, text, function.coroutine)


def kept(function):
    """Ops that are put into a local which is not read on any path from there."""
    ops = {key for key, local in function.locals.items() if tree.is_op(local)}
    if not ops:
        return
    graph = function.graph
    for step in graph.steps:
        if step.what == 'set' and step.place[0] in ops and not read_later(step):
            local = function.locals[step.place[0]]
            if kind(step.node) == 'UnaryOperator' or step.node.get('macro'):
                continue
            text = f"the op in '{local['name']}' is never awaited, so nothing waits for it: " \
                   f'write co_await({local["name"]}), or make it where it is awaited'
            yield finding.make('co-not-awaited', step.node, text, function.coroutine)


def read_later(step):
    seen, waiting = set(), list(step.next)
    while waiting:
        following = waiting.pop()
        if id(following) in seen:
            continue
        seen.add(id(following))
        if following.place and following.place[0] == step.place[0]:
            if following.what == 'use':
                return True
            if following.what in ('set', 'forget') and not following.place[1]:
                continue
        waiting += following.next
    return False
