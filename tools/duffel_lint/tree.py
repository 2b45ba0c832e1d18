# SPDX-License-Identifier: BSD-2-Clause
"""tree.py: questions about nodes of clang's tree."""

TRANSPARENT = ('ParenExpr', 'ImplicitCastExpr', 'CStyleCastExpr', 'ConstantExpr', 'FullExpr',
               'ExprWithCleanups')
MARK = 'co_lint_'
AWAITS = ('co_lint_await_', 'co_lint_try_', 'co_lint_each_')
PAUSES = ('co_lint_pause_', 'co_lint_yield_')
SIZEOF = 'UnaryExprOrTypeTraitExpr'


def inner(node):
    return [child for child in node.get('inner', ()) if child]


def kind(node):
    return node.get('kind', '')


def walk(node):
    """[node] and all below it, in print order."""
    yield node
    for child in node.get('inner', ()):
        if child:
            yield from walk(child)


def type_of(node):
    found = node.get('type', {})
    return found.get('desugaredQualType') or found.get('qualType', '')


def spelled_type(node):
    return node.get('type', {}).get('qualType', '')


def strip(node):
    """Without parentheses and casts."""
    while (kind(node) in TRANSPARENT or is_extension(node)) and inner(node):
        node = inner(node)[0]
    return node


def is_extension(node):
    """Whether it is the __extension__ that stands before a statement expression."""
    return kind(node) == 'UnaryOperator' and node.get('opcode') == '__extension__'


def unparen(node):
    while kind(node) in ('ParenExpr', 'ConstantExpr') and inner(node):
        node = inner(node)[0]
    return node


def is_op(node):
    return spelled_type(node) in ('co_op', 'struct co_op', 'const co_op')


def callee(node):
    """The name of the function that a call names, or ''."""
    if kind(node) != 'CallExpr':
        return ''
    function = strip(inner(node)[0])
    return function.get('referencedDecl', {}).get('name', '') if kind(function) == 'DeclRefExpr' \
        else ''


def arguments(node):
    return inner(node)[1:]


def fixed_parameters(node):
    """How many parameters the called function has, and whether more may follow."""
    text = spelled_type(inner(node)[0]).replace('(*)', '')
    if '(' not in text:
        return 0, True
    depth, count, start = 0, 1, text.index('(')
    for at in range(start, len(text)):
        depth += {'(': 1, ')': -1}.get(text[at], 0)
        count += text[at] == ',' and depth == 1
    variadic = text.rstrip(')').endswith('...')
    return (count - 1, True) if variadic else (count, False)


def points_to_const(type_text):
    """Whether a pointer of this type cannot write."""
    head = type_text.rpartition('*')[0]
    last = head.rpartition('*')[2]
    return 'const' in last.split() or last.strip().startswith('const ')


def constant(node):
    """The value of an integer that is written as such, or None."""
    node = strip(node)
    if kind(node) == 'IntegerLiteral':
        return int(node.get('value', '0'))
    if kind(node) == 'UnaryOperator' and node.get('opcode') == '-':
        value = constant(inner(node)[0])
        return -value if value is not None else None
    return None


def same(a, b):
    """Whether two expressions read alike."""
    a, b = strip(a), strip(b)
    for key in ('kind', 'opcode', 'value', 'name'):
        if a.get(key) != b.get(key):
            return False
    if a.get('referencedDecl', {}).get('id') != b.get('referencedDecl', {}).get('id'):
        return False
    left, right = inner(a), inner(b)
    return len(left) == len(right) and all(same(x, y) for x, y in zip(left, right))


def await_name(node):
    """What an await awaits, for a message: the op's name."""
    name = callee(node)
    if name == 'co_lint_pause_':
        return 'co_pause'
    if name == 'co_lint_yield_':
        return 'co_yield'
    return op_name(arguments(node)[0])


def op_name(op):
    op = strip(op)
    name = callee(op)
    if name == 'co_next_':
        return 'co_next'
    if name == 'co_gen_close_':
        return 'co_gen_close'
    if name in ('co_run_', 'co_run'):
        for child in walk(op):
            if kind(child) == 'CompoundLiteralExpr':
                return 'co_call of ' + spelled_type(child).replace('struct ', '')
        return 'co_call'
    return name or 'an op'


def may_suspend(node):
    """Whether an await can suspend: co_done() is complete."""
    if callee(node) in PAUSES:
        return True
    return callee(strip(arguments(node)[0])) != 'co_done'


class Function:
    """A function of the user's: its body, its locals, and, of a coroutine, its words."""
    def __init__(self, node):
        self.node = node
        self.name = node.get('name', '')
        self.file = node['at'][0]
        self.body = next((c for c in inner(node) if kind(c) == 'CompoundStmt'), {})
        self.nodes = list(walk(self.body))
        self.calls = [n for n in self.nodes if kind(n) == 'CallExpr']
        self.labels = any(callee(c) == 'co_lint_begin_labels_' for c in self.calls)
        self.is_coroutine = self.labels or any(callee(c) == 'co_lint_begin_' for c in self.calls)
        self.coroutine = self.name[len('co_run_'):] if self.is_coroutine else ''
        self.returns_op = spelled_type(node).startswith(('co_op ', 'struct co_op '))
        self.locals = {n['id']: n for n in self.nodes if kind(n) == 'VarDecl'
                       and n.get('storageClass') not in ('static', 'extern')}
        self.own = set(self.locals) | {n['id'] for n in inner(node) if kind(n) == 'ParmVarDecl'}
        self.parents = {}
        for node in self.nodes:
            for child in inner(node):
                self.parents[id(child)] = node

    def local(self, node):
        """The local that a DeclRefExpr names, or None."""
        if kind(node) != 'DeclRefExpr':
            return None
        return self.locals.get(node.get('referencedDecl', {}).get('id'))
