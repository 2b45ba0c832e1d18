/* SPDX-License-Identifier: BSD-2-Clause
 * promise_choices.h: what the rules leave open. For each such point a small program tells the two
 * answers apart; the library is asked once, and the model then holds it to that answer everywhere.
 */
#ifndef PROMISE_CHOICES_H
#define PROMISE_CHOICES_H

#include "promise_world.h"

#define SECOND INT64_C(1000000000)

static struct program probe;

static void probe_begin(int tasks, int roots)
{
    memset(&probe, 0, sizeof probe);
    probe.tasks = tasks;
    probe.roots = roots;
    probe.grain = 1;
    probe.ops[END_GROUP] = (struct op){ .kind = GROUP, .next = -1, .inside = -1 };
    for (int i = 0; i < MAX_TASKS; i++)
        probe.task[i] = (struct task_of_program){ .body = -1, .clean_up = -1, .on_left = LEAVE };
}

/* An op for a place inside another one. */
static int8_t inner(struct op op)
{
    op.next = -1;
    op.inside = op.kind == WITHIN || op.kind == CALL ? op.inside : -1;
    op.times = 1;
    probe.ops[probe.op_count] = op;
    return (int8_t)probe.op_count++;
}

/* The next op of the chain that begins at [head]. */
static void then(int8_t *head, struct op op)
{
    while (*head >= 0)
        head = &probe.ops[*head].next;
    *head = inner(op);
}

#define BODY(i) (&probe.task[i].body)
#define OP(...) ((struct op){ __VA_ARGS__ })

static void a_deadline_of_0_over_a_wait(void)
{
    probe_begin(2, 2);
    then(BODY(0), OP(.kind = WITHIN, .inside = inner(OP(.kind = EVENT))));
    then(BODY(1), OP(.kind = SET));
}

static void a_deadline_of_0_over_a_call(void)
{
    int8_t head = -1;

    probe_begin(1, 1);
    then(&head, OP(.kind = SLEEP));
    then(BODY(0), OP(.kind = WITHIN, .inside = inner(OP(.kind = CALL, .inside = head))));
}

/* The deadline of T1 strikes, then T0 cancels it, while it pauses. */
static void a_deadline_and_a_cancel_during_a_pause(void)
{
    int8_t head = -1;

    probe_begin(2, 2);
    probe.creep = SECOND;
    then(BODY(0), OP(.kind = PAUSE));
    then(BODY(0), OP(.kind = CANCEL, .who = 1));
    then(&head, OP(.kind = PAUSE));
    then(BODY(1), OP(.kind = WITHIN, .ns = SECOND / 2,
                     .inside = inner(OP(.kind = CALL, .inside = head))));
    then(BODY(1), OP(.kind = SLEEP, .ns = 9 * SECOND));
}

static void one_that_is_cancelled_awaits(enum kind kind, bool has_ended)
{
    probe_begin(2, 1);
    then(BODY(0), OP(.kind = SPAWN, .who = 1));
    if (has_ended)
        then(BODY(0), OP(.kind = SLEEP, .ns = SECOND));
    else
        then(BODY(1), OP(.kind = SLEEP, .ns = SECOND));
    then(BODY(0), OP(.kind = CANCEL_SELF));
    then(BODY(0), OP(.kind = (uint8_t)kind, .who = 1, .several = 2));
}

static void a_shield_of_what_has_ended(void) { one_that_is_cancelled_awaits(SHIELD, true); }
static void a_wait_for_any_that_has_ended(void) { one_that_is_cancelled_awaits(ANY, true); }
static void a_shield_that_begins_cancelled(void) { one_that_is_cancelled_awaits(SHIELD, false); }
static void a_wait_that_begins_cancelled(void) { one_that_is_cancelled_awaits(ANY, false); }

/* T1 joins T2, a member of its group, which fails; then it joins T3, which swallows its cancel. */
static void a_joiner_in_the_group_of_one_that_fails(void)
{
    probe_begin(4, 1);
    then(BODY(0), OP(.kind = GO, .who = 1));
    then(BODY(0), OP(.kind = GO, .who = 2));
    then(BODY(0), OP(.kind = SPAWN, .who = 3));
    then(BODY(0), OP(.kind = GROUP));
    then(BODY(1), OP(.kind = PAUSE));
    then(BODY(1), OP(.kind = JOIN, .who = 2));
    then(BODY(1), OP(.kind = JOIN, .who = 3));
    then(BODY(2), OP(.kind = SLEEP, .ns = SECOND));
    probe.task[2].value = -1002;
    then(BODY(3), OP(.kind = SLEEP, .ns = 50 * SECOND));
    then(BODY(3), OP(.kind = SLEEP, .ns = 3 * SECOND));
}

/* T1 swallows a cancel inside a deadline, which then strikes; T0 cancels it once more. */
static void an_overruled_edge_and_a_cancel(void)
{
    int8_t head = -1;

    probe_begin(2, 2);
    probe.grain = SECOND;
    then(BODY(0), OP(.kind = SLEEP, .ns = SECOND));
    then(BODY(0), OP(.kind = CANCEL, .who = 1));
    then(BODY(0), OP(.kind = SLEEP, .ns = SECOND * 9 / 10));
    then(BODY(0), OP(.kind = CANCEL, .who = 1));
    then(&head, OP(.kind = SLEEP, .ns = 50 * SECOND));
    then(&head, OP(.kind = SLEEP, .ns = 60 * SECOND, .on_error = LEAVE));
    then(BODY(1), OP(.kind = WITHIN, .ns = SECOND * 295 / 100,
                     .inside = inner(OP(.kind = CALL, .inside = head))));
    then(BODY(1), OP(.kind = SLEEP, .ns = 5 * SECOND));
}

/* T0 cancels its group, and again in the member's clean-up. */
static void a_group_is_cancelled_twice(void)
{
    probe_begin(2, 1);
    then(BODY(0), OP(.kind = GO, .who = 1));
    then(BODY(0), OP(.kind = PAUSE));
    then(BODY(0), OP(.kind = PAUSE));
    then(BODY(0), OP(.kind = CANCEL_GROUP));
    then(BODY(0), OP(.kind = PAUSE));
    then(BODY(0), OP(.kind = PAUSE));
    then(BODY(0), OP(.kind = CANCEL_GROUP));
    then(BODY(0), OP(.kind = GROUP));
    then(BODY(1), OP(.kind = SLEEP, .ns = 50 * SECOND));
    then(BODY(1), OP(.kind = SLEEP, .ns = 60 * SECOND));
}

/* What we decided, in a header or in docs/how-to/cancel.md; the library must do so. */
static const struct {
    size_t place;
    void (*make)(void);
    const char *question, *no, *yes;
    bool decided;
} questions[] = {
    { offsetof(struct choices, zero_waits_a_turn), a_deadline_of_0_over_a_wait,
      "a deadline of 0 over a wait", "strikes at once", "strikes in the next turn", true },
    { offsetof(struct choices, zero_call_waits), a_deadline_of_0_over_a_call,
      "a deadline of 0 over a call", "strikes before its first await",
      "strikes in the next turn", true },
    { offsetof(struct choices, pause_is_met_at_once), a_deadline_and_a_cancel_during_a_pause,
      "two requests find a pause", "the outermost is met", "the first is met", false },
    { offsetof(struct choices, shield_sees_end_first), a_shield_of_what_has_ended,
      "a shield of what has ended, by one that is asked", "is cancelled",
      "gives the result", true },
    { offsetof(struct choices, any_sees_end_first), a_wait_for_any_that_has_ended,
      "a wait_any of what has ended, by one that is asked", "is cancelled",
      "gives the result", true },
    { offsetof(struct choices, set_hears_end_first), a_joiner_in_the_group_of_one_that_fails,
      "a member fails that another member joins", "the join ends first",
      "the group is cancelled first", false },
    { offsetof(struct choices, shield_is_met_later), a_shield_that_begins_cancelled,
      "a shield that begins cancelled", "gives -ECANCELED at once", "in the next turn", true },
    { offsetof(struct choices, any_is_met_later), a_wait_that_begins_cancelled,
      "a wait_any that begins cancelled", "gives -ECANCELED at once", "in the next turn", true },
    { offsetof(struct choices, group_cancels_once), a_group_is_cancelled_twice,
      "a group that was cancelled is cancelled again", "its members are asked again",
      "nothing happens", true },
    { offsetof(struct choices, overruled_edge_meets), an_overruled_edge_and_a_cancel,
      "a task is asked at an overruled edge", "its next await meets it",
      "the edge meets it", false },
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static bool *choice(struct choices *choices, int i)
{
    return (bool *)(void *)((char *)choices + questions[i].place);
}

/* Asks the library question [i]. False: it does neither the one nor the other. */
static bool ask_library(struct choices *choices, int i)
{
    for (int yes = 0; yes <= 1; yes++) {
        *choice(choices, i) = yes != 0;
        questions[i].make();
        if (run_program(&probe, choices, NO_LIE) && !m.given_up)
            return true;
    }
    *choice(choices, i) = false;
    return false;
}

#endif
