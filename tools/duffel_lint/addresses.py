# SPDX-License-Identifier: BSD-2-Clause
"""addresses.py: addresses of the C stack that are given to an op, a frame or a slot.

What a local pointer points to is found without regard to order: whatever was ever assigned."""
from . import finding, tree
from .tree import arguments, callee, inner, kind, strip, unparen

# Calls that keep the addresses that they are given, besides every function that makes an op.
KEEPERS = ('co_task_init_', 'co_timer_start', 'co_as_completed_init', 'co_add_done_callback',
           'co_stream_init', 'co_queue_init', 'co_condition_init', 'co_group_alloc_')
LITERAL = 'a compound literal'


class Pointers:
    """What each local pointer of a function may point to: names of locals."""
    def __init__(self, function):
        self.function, self.to = function, {}
        stores = list(self.stores())
        grown = True
        while grown:
            grown = False
            for local, value in stores:
                known = self.to.setdefault(local, set())
                more = self.targets(value) - known
                known |= more
                grown = grown or bool(more)

    def stores(self):
        """Each local and a value that is put into it."""
        for node in self.function.nodes:
            if kind(node) == 'VarDecl' and node.get('init') and inner(node):
                yield node['id'], inner(node)[-1]
            elif kind(node) == 'BinaryOperator' and node.get('opcode') == '=':
                left, right = inner(node)
                local = self.function.local(unparen(left))
                if local:
                    yield local['id'], right

    def storage(self, lvalue):
        """The locals in whose storage an lvalue may lie."""
        lvalue = unparen(lvalue)
        name = kind(lvalue)
        if name == 'DeclRefExpr':
            local = self.function.local(lvalue)
            return {local['name']} if local else set()
        if name == 'CompoundLiteralExpr':
            return {LITERAL}
        if name == 'MemberExpr':
            base = inner(lvalue)[0]
            return self.targets(base) if lvalue.get('isArrow') else self.storage(base)
        if name == 'ArraySubscriptExpr':
            return self.targets(inner(lvalue)[0])
        if name == 'UnaryOperator' and lvalue.get('opcode') == '*':
            return self.targets(inner(lvalue)[0])
        return set()

    def targets(self, value):
        """The locals that a pointer may point to."""
        name = kind(value)
        if name in tree.TRANSPARENT:
            below = inner(value)[0] if inner(value) else {}
            if value.get('castKind') == 'ArrayToPointerDecay':
                return self.storage(below)
            if value.get('castKind') == 'LValueToRValue':
                local = self.function.local(unparen(below))
                return set(self.to.get(local['id'], ())) if local else set()
            return self.targets(below) if below else set()
        if name == 'UnaryOperator':
            return self.storage(inner(value)[0]) if value.get('opcode') == '&' else set()
        if name == 'BinaryOperator':
            left, right = inner(value)
            if value.get('opcode') in ('+', '-'):
                return self.targets(left) | self.targets(right) if '*' in tree.type_of(value) \
                    else set()
            return self.targets(right) if value.get('opcode') in (',', '=') else set()
        if name == 'ConditionalOperator':
            _, yes, no = inner(value)
            return self.targets(yes) | self.targets(no)
        if name == 'StmtExpr':
            statements = inner(inner(value)[0]) if inner(value) else []
            return self.targets(statements[-1]) if statements else set()
        return set()


def is_pointer(node):
    return tree.type_of(node).rstrip().endswith('*') or '(*)' in tree.type_of(node)


def given(node):
    """The values that a call hands on: its pointers, and those in the initialiser of a frame."""
    for argument in arguments(node):
        if kind(strip(argument)) == 'CompoundLiteralExpr' and not is_pointer(argument):
            yield from initialisers(strip(argument))
        elif is_pointer(argument) and callee(node) != 'co_group_alloc_':
            yield argument
    if callee(node) == 'co_group_alloc_':       # its last argument is a local of the macro
        yield arguments(node)[0]


def initialisers(node):
    for child in inner(node):
        if kind(child) == 'InitListExpr':
            yield from initialisers(child)
        elif is_pointer(child):
            yield child


def keeper(node, keepers, copies):
    """How a call that keeps addresses is called, or ''."""
    name = callee(node)
    if name in copies:
        return ''
    if name == 'co_lint_frame_':
        literal = strip(arguments(node)[1])
        return 'the frame of ' + tree.spelled_type(literal).replace('struct ', '')
    if name in keepers:
        return name.rstrip('_').replace('co_group_alloc', 'co_group_go')
    return tree.op_name(node) if tree.is_op(node) else ''


def check(function, config):
    """Yields a finding for each local whose address is given away."""
    if not function.is_coroutine and not function.returns_op:
        return
    pointers, told = Pointers(function), set()
    keepers = KEEPERS if function.is_coroutine else ()
    for call in function.calls:
        name = keeper(call, keepers, config.copies)
        if not name or callee(call) in ('co_run_', 'co_task_start_'):
            continue
        for value in given(call):
            for local in sorted(pointers.targets(value)):
                key = local, value['at'][1]
                if key not in told:
                    told.add(key)
                    yield report(function, value, local, name)


def report(function, value, local, name):
    what = local if local == LITERAL else f"the address of '{local}'"
    where = f'a member of struct {function.coroutine}' if function.coroutine else \
        'storage that stays until the await is over'
    text = f'{what} is given to {name}, but it lies on the C stack, which is gone when the ' \
           f'coroutine waits: make it {where}'
    return finding.make('co-local-address', value, text, function.coroutine)
