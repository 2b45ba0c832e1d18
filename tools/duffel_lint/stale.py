# SPDX-License-Identifier: BSD-2-Clause
"""stale.py: locals that are read after an await that they were set before.

A forward data flow over the graph. What a place may be, one or more of:
    ('initial',)            set above co_begin, which is done anew at each resume
    ('fresh', line)         set there, and no await since
    ('stale', line, await)  the same, before that await
A place without a state was not set, which compilers see."""
from . import finding, tree

INITIAL = ('initial',)


class Flow:
    def __init__(self, function, graph):
        self.function, self.graph = function, graph
        self.members = {}               # of a local: the names of its members that steps name
        for step in graph.steps:
            if step.place:
                self.members.setdefault(step.place[0], set()).add(step.place[1])
        self.before = {id(graph.first): {}}
        self.run()

    def run(self):
        """To the fixed point."""
        waiting = [self.graph.first]
        while waiting:
            step = waiting.pop()
            after = self.after(step, self.before[id(step)])
            for following in step.next:
                known = self.before.get(id(following))
                if known is None:
                    self.before[id(following)] = dict(after)
                    waiting.append(following)
                elif merge(known, after):
                    waiting.append(following)

    def parts(self, place):
        """The places that a use or set of [place] is about."""
        if place[1]:
            return [place]
        return [(place[0], member) for member in self.members[place[0]]]

    def after(self, step, state):
        if step.what == 'set':
            state = dict(state)
            fresh = frozenset([('fresh', step.node['at'][1])])
            for part in self.parts(step.place):
                state[part] = fresh
        elif step.what == 'forget':
            state = {part: known for part, known in state.items() if part[0] != step.place[0]}
        elif step.what == 'begin':
            state = {part: frozenset([INITIAL]) for part in state}
        elif step.what == 'await':
            state = {part: frozenset(aged(one, step) for one in known)
                     for part, known in state.items()}
        elif step.what == 'use' and self.stale(step, state):
            state = dict(state)         # told once is enough
            for part in self.parts(step.place):
                state[part] = frozenset(one for one in state.get(part, ()) if one[0] != 'stale')
        return state

    def stale(self, step, state):
        """The stale states of what [step] reads; of a whole struct or array, all must be stale."""
        known = [state.get(part, frozenset()) for part in self.parts(step.place)]
        known = [one for one in known if one]
        if step.place[1] and not known:         # a member; the whole was set
            known = [state.get((step.place[0], ''), frozenset())]
        found = [{s for s in one if s[0] == 'stale'} for one in known]
        if not found or not all(found):
            return []
        return sorted(set().union(*found), key=lambda s: (s[2]['at'], s[1]))


class Await(dict):
    """The node of an await, to be put into sets."""
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


def aged(one, step):
    if one[0] != 'fresh':
        return one
    if not isinstance(step.node, Await):
        step.node = Await(step.node)
    return 'stale', one[1], step.node


def merge(known, more):
    """Adds the states of [more] to [known]. Whether there were new ones."""
    grown = False
    for part, states in more.items():
        old = known.get(part, frozenset())
        if not states <= old:
            known[part] = old | states
            grown = True
    return grown


def check(function, graph):
    """Yields one finding for each local and await."""
    flow = Flow(function, graph)
    uses = [step for step in graph.steps if step.what == 'use' and id(step) in flow.before]
    told = set()
    for step in sorted(uses, key=lambda s: s.node['at'][3]):
        for _, line, waited in flow.stale(step, flow.before[id(step)]):
            key = step.place[0], id(waited)
            if key in told:
                continue
            told.add(key)
            yield report(function, step, line, waited)


def report(function, step, line, waited):
    local = function.locals[step.place[0]]
    name = local['name'] + ('.' + step.place[1] if step.place[1] else '')
    text = (f"'{name}' is read here, but its value from line {line} is gone after the await of "
            f"line {waited['at'][1]} ({tree.await_name(waited)}): make '{local['name']}' a member "
            f"of struct {function.coroutine}")
    return finding.make('co-stale-local', step.node, text, function.coroutine, (local['name'],))
