/* SPDX-License-Identifier: BSD-2-Clause
 * promise_shrink.h: makes a program on which the library and the model differ as small as it can be
 * while they still differ in the same way, so that a person can read it. */
#ifndef PROMISE_SHRINK_H
#define PROMISE_SHRINK_H

#include "promise_world.h"

/* What makes two failures the same: the fault, the rule, and what was given instead of what. */
struct failure_class {
    enum fault fault;
    const char *rule;
    int kind;
    intptr_t got, expected;
};

static intptr_t class_of_result(const struct record *r)
{
    return r->who < 0 ? 1 : r->result > 0 ? 2 : r->result >= -999 ? r->result : -1000;
}

static struct failure_class class_of_failure(void)
{
    const struct record *r = w.expected.who >= 0 ? &w.expected : &w.got;
    bool has_op = r->who >= 0 && (r->what == AWAITED || r->what == CALLED);

    return (struct failure_class){
        w.fault, w.expected.who >= 0 ? w.expected.rule
                 : w.fault == BROKEN_PROMISE ? ledger.broken : "",
        has_op ? w.p->ops[base_of(r->op)].kind : -1, class_of_result(&w.got),
        class_of_result(&w.expected)
    };
}

static bool is_same_class(const struct failure_class *a, const struct failure_class *b)
{
    return a->fault == b->fault && strcmp(a->rule, b->rule) == 0 && a->kind == b->kind
           && a->got == b->got && a->expected == b->expected;
}

/* Takes the op at [link] out of its chain. */
static void unlink_op(struct program *p, int8_t *link) { *link = p->ops[*link].next; }

/* The [n]th link of the chains of [p]: a place that holds the number of an op. NULL: no more. */
static int8_t *link_in(struct program *p, int8_t *link, int *n)
{
    for (; *link >= 0; link = &p->ops[*link].next) {
        int base = *link;
        int8_t *found;

        if ((*n)-- == 0)
            return link;
        while (p->ops[base].kind == WITHIN)
            base = p->ops[base].inside;
        if (p->ops[base].kind == CALL && (found = link_in(p, &p->ops[base].inside, n)) != NULL)
            return found;
    }
    return NULL;
}

static int8_t *nth_link(struct program *p, int n)
{
    int8_t *found;

    for (int i = 0; i < p->tasks; i++)
        if ((found = link_in(p, &p->task[i].body, &n)) != NULL
            || (found = link_in(p, &p->task[i].clean_up, &n)) != NULL)
            return found;
    return NULL;
}

/* An op becomes simpler: way by way, until there is none. The op that it was stays in its place. */
static bool simplify_op(struct program *p, int8_t *link, int way)
{
    struct op *op = &p->ops[*link];
    int base = *link;

    while (p->ops[base].kind == WITHIN)
        base = p->ops[base].inside;
    if (way == 0) {
        unlink_op(p, link);
        return true;
    }
    if (way == 1 && op->kind == WITHIN) {                   /* without its deadline */
        int8_t next = op->next;
        uint8_t on_error = op->on_error;

        *link = op->inside;
        p->ops[*link].next = next;
        p->ops[*link].on_error = on_error;
        return true;
    }
    if (way == 2 && op->kind == CALL && op->inside >= 0) {  /* what it calls, in its place */
        int8_t last = op->inside, next = op->next;

        *link = op->inside;
        while (p->ops[last].next >= 0)
            last = p->ops[last].next;
        p->ops[last].next = next;
        return true;
    }
    if (way == 3 && p->ops[base].times > 1)
        return p->ops[base].times--, true;
    if (way == 4 && op->on_error != GO_ON)
        return op->on_error = GO_ON, true;
    if (way == 5 && p->ops[base].several & (p->ops[base].several - 1))
        return p->ops[base].several &= (uint8_t)(p->ops[base].several - 1), true;
    if (way == 6 && p->ops[base].kind < SHIELD && p->ops[base].kind != SLEEP
        && p->ops[base].kind != PAUSE) {
        p->ops[base].kind = SLEEP;
        p->ops[base].ns = INT64_C(50000000001) + base;
        return true;
    }
    return false;
}

enum { WAYS = 7 };

static bool simplify_task(struct program *p, int i, int way)
{
    struct task_of_program *task = &p->task[i];

    if (way == 0 && task->clean_up >= 0)
        return task->clean_up = -1, true;
    if (way == 1 && task->on_left != LEAVE)
        return task->on_left = LEAVE, true;
    if (way == 2 && task->value != 0)
        return task->value = 0, true;
    if (way == 3 && task->collect)
        return task->collect = 0, true;
    if (way == 4 && p->roots > 1 && i == 0)
        return p->roots--, true;
    if (way == 5 && i == p->tasks - 1 && p->tasks > p->roots)
        return p->tasks--, true;
    return false;
}

static bool simplify_rest(struct program *p, int way)
{
    if (way < p->outside_count) {
        p->outside[way] = p->outside[--p->outside_count];
        return true;
    }
    if (way == MAX_OUTSIDE && p->grain != 1)
        return p->grain = 1, true;
    if (way == MAX_OUTSIDE + 1 && p->creep != 0)
        return p->creep = 0, true;
    return false;
}

/* The [n]th attempt to make [p] simpler. False: it does not apply; without *more, none does. */
static bool simplify(struct program *p, int n, bool *more)
{
    int of_tasks = 6 * p->tasks, of_rest = MAX_OUTSIDE + 2;
    int8_t *link;

    *more = true;
    if (n < of_rest)
        return simplify_rest(p, n);
    n -= of_rest;
    if (n < of_tasks)
        return simplify_task(p, n / 6, n % 6);
    n -= of_tasks;
    link = nth_link(p, n / WAYS);
    *more = link != NULL;
    return link && simplify_op(p, link, n % WAYS);
}

/* Every name of a task is that of one that is there. */
static bool is_sound(struct program *p)
{
    int8_t *link;

    for (int n = 0; (link = nth_link(p, n)) != NULL; n++) {
        const struct op *base = &p->ops[*link];

        while (base->kind == WITHIN)
            base = &p->ops[base->inside];
        if ((base->kind == JOIN || base->kind == SHIELD
             || (base->kind >= SPAWN && base->kind <= CANCEL)) && base->who >= p->tasks)
            return false;
    }
    for (int i = 0; i < p->outside_count; i++)
        if (p->outside[i].who >= p->tasks)
            return false;
    return true;
}

/* Makes *p smaller while it fails as it did. [fails] runs it, and tells the class. */
static void shrink(struct program *p, bool (*fails)(const struct program *, struct failure_class *))
{
    static struct program smaller;
    struct failure_class first, now;
    bool more, changed = true;

    if (!fails(p, &first))
        return;
    while (changed) {
        changed = false;
        for (int n = 0; smaller = *p, simplify(&smaller, n, &more) || more; n++) {
            if (memcmp(&smaller, p, sizeof *p) == 0 || !is_sound(&smaller))
                continue;
            if (fails(&smaller, &now) && is_same_class(&first, &now)) {
                *p = smaller;
                changed = true;
                n--;
            }
        }
    }
}

#endif
