# SPDX-License-Identifier: BSD-2-Clause
"""graph.py: the control flow of a function, built from its tree.

A step is one thing that happens: 'use' or 'set' of a place, 'await', 'begin' (co_begin), or a
'join' where paths meet. A place is a local, or a member of one: (id, name), or (id, '') for all of
it. 'op-use' and 'op-set' are the same for ops, whose places are paths, of members of the frame too.
co_try, co_pause, co_yield and co_return have an edge to co_finally."""
from . import tree
from .tree import arguments, callee, constant, inner, kind, strip, unparen

NO_RETURN = ('abort', 'exit', '_exit', '_Exit', 'longjmp', '__builtin_trap', '_fail', 'quick_exit',
             '__builtin_unreachable', '__assert_fail', 'pthread_exit', 'execve')
ADDRESS = ('ArrayToPointerDecay', 'FunctionToPointerDecay')


def path(lvalue):
    """The path of a variable, or of a member behind it, as text; None for others."""
    lvalue = strip(lvalue)
    if kind(lvalue) == 'DeclRefExpr':
        return lvalue.get('referencedDecl', {}).get('id')
    if kind(lvalue) == 'MemberExpr' and (base := path(inner(lvalue)[0])):
        return f'{base}.{lvalue.get("name", "")}'
    return None


class Step:
    def __init__(self, what, node=None, place=None):
        self.what, self.node, self.place, self.next = what, node, place, []
        self.placed, self.path = False, None
        self.weak = False               # a set of a part: what was there may still be


class Graph:
    """The steps of a function; [first] is where it begins."""
    def __init__(self, function):
        self.function = function
        self.steps, self.open = [], []
        self.breaks, self.continues, self.cases = [], [], []
        self.labels = {}
        self.cleaning = False
        has_finally = any(callee(c) == 'co_lint_finally_' for c in function.calls)
        self.finally_ = Step('join') if has_finally else None
        self.end = Step('join')
        self.first = self.step('join')
        self.statement(function.body)
        self.join(self.end)

    # ---- steps

    def link(self, step):
        for before in self.open:
            before.next.append(step)
        self.open = [step]

    def step(self, what, node=None, place=None):
        step = Step(what, node, place)
        self.steps.append(step)
        self.link(step)
        return step

    def op(self, what, node, where, value=None):
        """A use or a set of an op, to [value], if [node] is one of a local or of the frame."""
        if where and where.partition('.')[0] in self.function.own and tree.is_op(node):
            self.step(what, node).path = where, value

    def op_read(self, lvalue):
        """A use of the op that [lvalue] is, or whose member it is."""
        lvalue = unparen(lvalue)
        if kind(lvalue) == 'MemberExpr' and not lvalue.get('isArrow'):
            self.op('op-use', inner(lvalue)[0], path(inner(lvalue)[0]))
        self.op('op-use', lvalue, path(lvalue))

    def join(self, step):
        if not step.placed:
            step.placed = True
            self.steps.append(step)
        self.link(step)

    def go(self, step):
        """Leaves for [step]."""
        self.link(step)
        self.open = []

    def maybe_finally(self):
        if self.finally_ and not self.cleaning:
            target = self.finally_
        else:
            target = self.end
        for before in self.open:
            before.next.append(target)

    # ---- statements

    def statement(self, node):
        name = kind(node)
        method = getattr(self, 'on_' + name, None)
        if method:
            method(node)
        elif name.endswith('Stmt') and name != 'StmtExpr':
            for child in inner(node):
                self.statement(child)
        elif name.endswith('Decl'):
            pass
        elif name:
            self.value(node)

    def on_DeclStmt(self, node):
        for decl in inner(node):
            if kind(decl) != 'VarDecl' or decl['id'] not in self.function.locals:
                continue
            if decl.get('init') and inner(decl):
                self.value(inner(decl)[-1])
                self.step('set', decl, (decl['id'], ''))
                self.op('op-set', decl, decl['id'], inner(decl)[-1])
            else:
                self.step('forget', decl, (decl['id'], ''))

    def condition(self, node):
        """Evaluates a condition. Returns its open ends if true, and if false."""
        node = unparen(node)
        plain = strip(node)
        if kind(plain) == 'BinaryOperator' and plain.get('opcode') in ('&&', '||'):
            left, right = inner(plain)
            yes, no = self.condition(left)
            self.open = yes if plain['opcode'] == '&&' else no
            yes_too, no_too = self.condition(right)
            return (yes_too, no + no_too) if plain['opcode'] == '&&' else (yes + yes_too, no_too)
        if kind(plain) == 'UnaryOperator' and plain.get('opcode') == '!':
            yes, no = self.condition(inner(plain)[0])
            return no, yes
        self.value(node)
        known = constant(node)
        return (self.open if known != 0 else []), (self.open if not known else [])

    def on_IfStmt(self, node):
        parts = inner(node)
        otherwise = parts.pop() if node.get('hasElse') else None
        then, test = parts.pop(), parts.pop()
        for part in parts:
            self.statement(part)
        yes, no = self.condition(test)
        self.open = yes
        self.statement(then)
        after = self.open
        self.open = no
        if otherwise:
            self.statement(otherwise)
        self.open = after + self.open

    def body_of_loop(self, body, again):
        """Runs [body]; continue goes to [again]. Returns where break goes."""
        out = Step('join')
        self.breaks.append(out)
        self.continues.append(again)
        self.statement(body)
        self.breaks.pop()
        self.continues.pop()
        return out

    def filled(self, start):
        """After a loop that filled an array and did not await: it is taken to have run."""
        steps = self.steps[start:]
        if not any(step.what == 'await' for step in steps):
            for step in steps:
                if step.what == 'set' and step.weak:
                    self.step('set', step.node, step.place).weak = True

    def on_WhileStmt(self, node):
        start = len(self.steps)
        head = Step('join')
        self.join(head)
        test, body = inner(node)[-2:]
        yes, no = self.condition(test)
        self.open = yes
        out = self.body_of_loop(body, head)
        self.go(head)
        self.open = no
        self.join(out)
        self.filled(start)

    def on_DoStmt(self, node):
        head, test_at = Step('join'), Step('join')
        self.join(head)
        body, test = inner(node)[:2]
        out = self.body_of_loop(body, test_at)
        self.join(test_at)
        yes, no = self.condition(test)
        self.open = yes
        self.go(head)
        self.open = no
        self.join(out)

    def on_ForStmt(self, node):
        first, _, test, advance, body = (node['inner'] + [{}] * 5)[:5]
        if first:
            self.statement(first)
        start = len(self.steps)
        head, again = Step('join'), Step('join')
        self.join(head)
        yes, no = self.condition(test) if test else (self.open, [])
        self.open = yes
        out = self.body_of_loop(body, again)
        self.join(again)
        if advance:
            self.value(advance)
        self.go(head)
        self.open = no
        self.join(out)
        self.filled(start)

    def on_SwitchStmt(self, node):
        parts = inner(node)
        self.value(parts[-2])
        before, out = self.open, Step('join')
        self.breaks.append(out)
        self.cases.append((before, [False]))
        self.open = []
        self.statement(parts[-1])
        if not self.cases.pop()[1][0]:
            self.open = self.open + before
        self.breaks.pop()
        self.join(out)

    def on_CaseStmt(self, node):
        if self.cases:
            self.open = self.open + self.cases[-1][0]
            if kind(node) == 'DefaultStmt':
                self.cases[-1][1][0] = True
        self.join(Step('join'))
        if inner(node):
            self.statement(inner(node)[-1])

    on_DefaultStmt = on_CaseStmt

    def on_BreakStmt(self, _):
        if self.breaks:
            self.go(self.breaks[-1])

    def on_ContinueStmt(self, _):
        if self.continues:
            self.go(self.continues[-1])

    def on_LabelStmt(self, node):
        self.join(self.labels.setdefault(node.get('declId'), Step('join')))
        for child in inner(node):
            self.statement(child)

    def on_GotoStmt(self, node):
        self.go(self.labels.setdefault(node.get('targetLabelDeclId'), Step('join')))

    def on_ReturnStmt(self, node):
        leaves = False
        for child in inner(node):
            self.value(child)
            leaves = callee(strip(child)) == 'co_lint_return_'
        if leaves:
            self.maybe_finally()
        else:
            self.go(self.end)
        self.open = []

    # ---- expressions

    def value(self, node):
        name = kind(node)
        method = getattr(self, 'value_' + name, None)
        if method:
            method(node)
        elif name.endswith('Stmt') and name != 'StmtExpr':
            self.statement(node)
        else:
            for child in inner(node):
                self.value(child)

    def value_UnaryExprOrTypeTraitExpr(self, node):
        """sizeof evaluates nothing."""

    def value_StmtExpr(self, node):
        for child in inner(node):
            self.statement(child)

    def value_ImplicitCastExpr(self, node):
        below = inner(node)[0]
        cast = node.get('castKind')
        if cast == 'LValueToRValue':
            if place := self.place(below):
                self.step('use', below, place)
            self.op_read(below)
        elif cast in ADDRESS:
            self.place(below)
        else:
            self.value(below)

    def value_BinaryOperator(self, node):
        left, right = inner(node)
        opcode = node.get('opcode')
        if opcode == '=':
            self.value(right)
            self.assign(left)
            self.op('op-set', left, path(left), right)
        elif opcode in ('&&', '||'):
            yes, no = self.condition(node)
            self.open = yes + no
        else:
            self.value(left)
            self.value(right)

    def value_CompoundAssignOperator(self, node):
        left, right = inner(node)
        self.value(right)
        self.assign(left, read=True)

    def value_UnaryOperator(self, node):
        below = inner(node)[0]
        if node.get('opcode') in ('++', '--'):
            self.assign(below, read=True)
        elif node.get('opcode') == '&':
            self.op_read(below)
            if place := self.place(below):
                self.step('set', below, place)          # whoever has the address may write there
        else:
            self.value(below)

    def value_ConditionalOperator(self, node):
        test, yes_part, no_part = inner(node)
        yes, no = self.condition(test)
        self.open = yes
        self.value(yes_part)
        after = self.open
        self.open = no
        self.value(no_part)
        self.open = after + self.open

    def value_CallExpr(self, node):
        name = callee(node)
        if not name:
            self.value(inner(node)[0])
        if name == 'co_lint_begin_' or name == 'co_lint_begin_labels_':
            self.step('begin', node)
        elif name == 'co_lint_finally_':
            self.join(self.finally_)
            self.cleaning = True
        else:
            self.call(node, name)

    def call(self, node, name):
        fixed, variadic = tree.fixed_parameters(node)
        written = []
        for number, argument in enumerate(arguments(node)):
            target = self.pointed(argument)
            if target is None:
                self.value(argument)
                continue
            place = self.place(target)
            self.op_read(target)
            if place is None:
                continue
            extra = variadic and number >= fixed
            reads = tree.points_to_const(tree.type_of(argument)) or extra
            if reads and not (extra and 'scan' in name):
                self.step('use', target, place)
            else:
                written.append((target, place))
        for target, place in written:
            self.step('set', target, place)
        if name in tree.AWAITS + tree.PAUSES:
            self.wait(node, name)
        elif name in NO_RETURN:
            self.open = []

    def wait(self, node, name):
        if tree.may_suspend(node):
            self.step('await', node)
        if name in ('co_lint_try_', 'co_lint_pause_', 'co_lint_yield_'):
            self.maybe_finally()

    def pointed(self, argument):
        """The lvalue whose address an argument is, if it is one of a local; else None."""
        below = argument
        while kind(below) in tree.TRANSPARENT and inner(below):
            if below.get('castKind') == 'ArrayToPointerDecay':
                lvalue = inner(below)[0]
                return lvalue if self.root(lvalue) else None
            if below.get('castKind') == 'LValueToRValue':
                return None
            below = inner(below)[0]
        if kind(below) == 'UnaryOperator' and below.get('opcode') == '&':
            lvalue = inner(below)[0]
            return lvalue if self.root(lvalue) else None
        if kind(below) == 'BinaryOperator' and below.get('opcode') in ('+', '-'):
            left, right = inner(below)
            target = self.pointed(left)
            if target is not None:
                self.value(right)
            return target
        return None

    # ---- places

    def root(self, lvalue):
        """The local in whose storage [lvalue] lies, or None."""
        while True:
            lvalue = unparen(lvalue)
            name = kind(lvalue)
            if name == 'DeclRefExpr':
                return self.function.local(lvalue)
            if name == 'MemberExpr' and not lvalue.get('isArrow'):
                lvalue = inner(lvalue)[0]
            elif name == 'ArraySubscriptExpr':
                base = inner(lvalue)[0]
                if kind(base) != 'ImplicitCastExpr' or \
                        base.get('castKind') != 'ArrayToPointerDecay':
                    return None
                lvalue = inner(base)[0]
            else:
                return None

    def place(self, lvalue):
        """Evaluates what stands in an lvalue. Returns its place, if it is a local's."""
        lvalue = unparen(lvalue)
        if not self.root(lvalue):
            self.inside(lvalue)
            return None
        member, at = '', lvalue
        while kind(at) != 'DeclRefExpr':
            if kind(at) == 'MemberExpr':
                member = at.get('name', '')
                at = unparen(inner(at)[0])
            elif kind(at) == 'ArraySubscriptExpr':
                self.value(inner(at)[1])
                member = ''
                at = unparen(inner(inner(at)[0])[0])
        return at['referencedDecl']['id'], member

    def inside(self, lvalue):
        """The values that an lvalue of no local is made of: pointers and indices."""
        if kind(lvalue) in ('MemberExpr',) and not lvalue.get('isArrow'):
            self.place(inner(lvalue)[0])
        else:
            for child in inner(lvalue):
                self.value(child)

    def assign(self, lvalue, read=False):
        place = self.place(lvalue)
        if place is None:
            return
        if read:
            self.step('use', lvalue, place)
        step = self.step('set', lvalue, place)
        step.weak = kind(unparen(lvalue)) != 'DeclRefExpr'
