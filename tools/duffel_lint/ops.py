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


LAZY = ('co_run_', 'co_run', 'co_next_', 'co_gen_close_')       # they begin when they are awaited


def shown(node):
    """How the user calls the place of an op."""
    node = strip(node)
    if kind(node) == 'MemberExpr':
        base = strip(inner(node)[0])
        joint = '->' if node.get('isArrow') else '.'
        return shown(base) + joint + node.get('name', '')
    return node.get('name') or node.get('referencedDecl', {}).get('name', '')


def kept(function):
    """Ops that are kept in a local or in the frame, and awaited never, late or twice."""
    steps = function.graph.steps
    sets = [s for s in steps if s.what == 'op-set' and made(s) and not s.node.get('macro')]
    for step in sets:
        if not read_later(step):
            name = shown(step.node)
            text = f"the op in '{name}' is never awaited, so nothing waits for it: write " \
                   f'co_await({name}), or make it where it is awaited'
            yield finding.make('co-not-awaited', step.node, text, function.coroutine)
        elif function.is_coroutine and '.' in step.path[0]:
            yield from misused(function, step)


def made(step):
    """The call that makes the op which a step stores, or None."""
    value = strip(step.path[1])
    return value if kind(value) == 'CallExpr' and callee(value) != 'co_done' else None


def following(step, stop):
    """The steps that may come after [step]; not those behind one for which stop(step)."""
    seen, waiting = set(), list(step.next)
    while waiting:
        after = waiting.pop()
        if id(after) not in seen:
            seen.add(id(after))
            yield after
            if not stop(after):
                waiting += after.next


def touches(step, what=('op-use', 'op-set')):
    """A test whether another step is about the same op."""
    return lambda after: after.what in what and after.path[0] == step.path[0]


def read_later(step):
    touched = touches(step)
    return any(after.what == 'op-use' and touched(after) for after in following(step, touched))


def misused(function, step):
    """An op of the frame that was made before another await, or is awaited again."""
    touched, name, line = touches(step), shown(step.node), step.node['at'][1]
    before = list(following(step, lambda s: touched(s) or s.what == 'await'))
    late = [s for s in before if s.what == 'await']
    used = [s for s in before if s.what == 'op-use' and touched(s)]
    for waited in late if callee(made(step)) not in LAZY else ():
        for after in following(waited, touched):
            if after.what == 'op-use' and touched(after):
                text = f"the op in '{name}' was made in line {line}, before another await in " \
                       f"line {waited.node['at'][1]}: make it where it is awaited"
                yield finding.make('co-not-awaited', after.node, text, function.coroutine)
    for first in used:
        for after in following(first, touched):
            if after.what == 'op-use' and touched(after):
                text = f"the op in '{name}' of line {line} was awaited already in line " \
                       f"{first.node['at'][1]}: make it anew for each await"
                yield finding.make('co-not-awaited', after.node, text, function.coroutine)
