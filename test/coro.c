/* SPDX-License-Identifier: BSD-2-Clause
 * coro.c: tests of coro.h, its words: await, try, return, finally, pause, wait, among the loops and
 * branches of C. The rest of coro.h is tested in frame.c and generator.c. */
#include "coro_test.h"

/* ---- Await ----------------------------------------------------------------------------------- */

struct empty { co_frame; };
static co_define(empty) {
    co_begin;
    co_end;
}

static void an_empty_body_gives_0(void **state)
{
    (void)state;
    struct empty frame;
    struct co_chain chain;

    co_start(&chain, &frame, empty);
    assert_int_equal(finish(&chain), 1);
    assert_int_equal(chain.result, 0);
}

struct complete { co_frame; intptr_t a, b; };
static co_define(complete) {
    co_begin;
    co_await(self->a, co_done(7));
    co_await(self->b, co_done(-7));
    co_await(co_done(INTPTR_MIN));
    co_end;
}

static void a_complete_op_gives_its_result_without_a_suspension(void **state)
{
    (void)state;
    struct complete frame;
    struct co_chain chain;

    co_start(&chain, &frame, complete);
    assert_int_equal(finish(&chain), 1);
    assert_int_equal(frame.a, 7);
    assert_int_equal(frame.b, -7);
    assert_int_equal(chain.result, 0);      /* the end gives 0, whatever was awaited last */
}

struct parent { co_frame; struct steps child; intptr_t first, second; };
static co_define(parent) {
    co_begin;
    co_await(self->first, co_call(&self->child, steps, .pauses = 2, .value = 5));
    co_await(self->second, co_call(&self->child, steps, .value = 6));
    co_await(co_call(&self->child, steps, .pauses = 1, .value = -1));
    co_return(self->first * 10 + self->second);
    co_end;
}

static void a_child_gives_its_result_however_often_it_pauses(void **state)
{
    (void)state;
    struct parent frame;
    struct co_chain chain;

    co_start(&chain, &frame, parent);
    assert_int_equal(finish(&chain), 1 + 2 + 1);
    assert_int_equal(chain.result, 56);
}

static void two_chains_of_one_coroutine_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct parent a, b;
    struct co_chain chain_a, chain_b;

    co_start(&chain_a, &a, parent);
    co_resume(&chain_a);
    co_start(&chain_b, &b, parent);
    co_resume(&chain_b);
    co_resume(&chain_a);
    assert_int_equal(finish(&chain_b), 3);
    assert_int_equal(finish(&chain_a), 2);
    assert_int_equal(chain_a.result, 56);
    assert_int_equal(chain_b.result, 56);
}

static co_op counted(int *count, co_op op)
{
    ++*count;
    return op;
}

struct once { co_frame; struct steps pool[2]; intptr_t results[3]; int ops, frames, values, next; };
static co_define(once) {
    co_begin;
    co_await(self->results[self->next++],
             counted(&self->ops, co_call(&self->pool[self->frames++], steps,
                                         .pauses = 3, .value = ++self->values)));
    co_try(self->results[self->next++],
           counted(&self->ops, co_call(&self->pool[self->frames++], steps,
                                       .pauses = 3, .value = ++self->values)));
    co_try(self->results[self->next++], counted(&self->ops, co_done(3)));
    co_return(self->values++);
    co_end;
}

static void every_argument_is_evaluated_once(void **state)
{
    (void)state;
    struct once frame;
    struct co_chain chain;

    co_start(&chain, &frame, once);
    assert_int_equal(finish(&chain), 1 + 3 + 3);
    assert_int_equal(frame.ops, 3);
    assert_int_equal(frame.next, 3);
    assert_int_equal(frame.results[0], 1);
    assert_int_equal(frame.results[1], 2);
    assert_int_equal(frame.results[2], 3);
#ifdef __GNUC__                             /* elsewhere co_call evaluates its frame twice */
    assert_int_equal(frame.frames, 2);
#endif
    assert_int_equal(frame.values, 3);
    assert_int_equal(chain.result, 2);
}

struct types {
    co_frame;
    struct steps child;
    int number;
    unsigned char byte;
    size_t size;
    bool yes, no;
    const char *text;
    double real;
    enum co_signal name;
};
static co_define(types) {
    co_begin;
    co_await(self->number, co_call(&self->child, steps, .pauses = 1, .value = -3));
    co_await(self->byte, co_call(&self->child, steps, .value = 200));
    co_try(self->size, co_call(&self->child, steps, .pauses = 1, .value = 4));
    co_await(self->yes, co_call(&self->child, steps, .value = 256));
    co_try(self->no, co_done(0));
    co_await(self->text, co_call(&self->child, steps, .value = (intptr_t)"text"));
    co_await(self->real, co_done(8));
    co_await(self->name, co_done(CO_YIELDED));
    co_return(self->text);
    co_end;
}

static void a_result_may_be_stored_in_any_scalar(void **state)
{
    (void)state;
    struct types frame;
    struct co_chain chain;

    co_start(&chain, &frame, types);
    finish(&chain);
    assert_int_equal(frame.number, -3);
    assert_int_equal(frame.byte, 200);
    assert_int_equal(frame.size, 4);
    assert_true(frame.yes);                 /* 256 is true, not the low byte of it */
    assert_false(frame.no);
    assert_string_equal(frame.text, "text");
    assert_true(frame.real > 7.9 && frame.real < 8.1);
    assert_int_equal(frame.name, CO_YIELDED);
    assert_ptr_equal((const char *)chain.result, frame.text);
}

struct tries { co_frame; struct steps child; intptr_t results[3]; intptr_t n; int passed; };
static co_define(tries) {
    co_begin;
    co_try(co_done(self->results[0]));
    self->passed++;
    co_try(self->n, co_done(self->results[1]));
    self->passed++;
    co_try(self->n, co_call(&self->child, steps, .pauses = 1, .value = self->results[2]));
    self->passed++;
    co_return(100);
    co_end;
}

static void a_negative_result_fails_a_try(void **state)
{
    (void)state;
    struct tries frame;
    struct co_chain chain;

    co_start(&chain, &frame, tries, .results = { 1, 0, 2 });
    finish(&chain);
    assert_int_equal(frame.passed, 3);
    assert_int_equal(frame.n, 2);
    assert_int_equal(chain.result, 100);

    co_start(&chain, &frame, tries, .results[0] = -4);
    finish(&chain);
    assert_int_equal(frame.passed, 0);
    assert_int_equal(chain.result, -4);

    co_start(&chain, &frame, tries, .results = { 1, -5 });
    finish(&chain);
    assert_int_equal(frame.passed, 1);
    assert_int_equal(frame.n, -5);          /* stored all the same */
    assert_int_equal(chain.result, -5);

    co_start(&chain, &frame, tries, .results = { [2] = -6 });
    finish(&chain);
    assert_int_equal(frame.passed, 2);
    assert_int_equal(chain.result, -6);
}

struct same_line { co_frame; struct steps child; intptr_t a; };
struct long_body { co_frame; };
#ifdef __COUNTER__
static co_define(same_line) {
    co_begin;
    co_await(self->a, co_call(&self->child, steps, .pauses = 2, .value = 3)); co_pause; co_pause;
    co_end;
}

static void several_awaits_may_stand_on_one_line(void **state)
{
    (void)state;
    struct same_line frame;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, same_line);
    co_resume(&chain);
    co_resume(&chain);
    int line = co_where(&frame.co)->line;
    assert_string_equal(co_where(&frame.co)->text,
                        "self->a, co_call(&self->child, steps, .pauses = 2, .value = 3)");
    co_resume(&chain);
    assert_string_equal(co_where(&frame.co)->text, "co_pause");
    assert_int_equal(co_where(&frame.co)->line, line);
    assert_int_equal(finish(&chain), 2);
    assert_int_equal(frame.a, 3);
}

#define TEN_PAUSES co_pause; co_pause; co_pause; co_pause; co_pause; \
                   co_pause; co_pause; co_pause; co_pause; co_pause;
#define FIFTY_PAUSES TEN_PAUSES TEN_PAUSES TEN_PAUSES TEN_PAUSES TEN_PAUSES
static co_define(long_body) {
    co_begin;
    FIFTY_PAUSES FIFTY_PAUSES FIFTY_PAUSES FIFTY_PAUSES FIFTY_PAUSES FIFTY_PAUSES
    co_return(1);
    co_end;
}

static void a_body_may_have_hundreds_of_awaits(void **state)
{
    (void)state;
    struct long_body frame;
    struct co_chain chain;

    co_start(&chain, &frame, long_body);
    assert_int_equal(finish(&chain), 301);
    assert_int_equal(chain.result, 1);
}
#endif

/* ---- Leaving --------------------------------------------------------------------------------- */

enum way { BY_END, BY_RETURN, BY_RETURN_IN_LOOPS, BY_TRY, BY_TRY_OF_CHILD, BY_CANCEL, WAYS };
static const intptr_t way_result[WAYS] = { 0, 11, 12, -13, -14, -15 };

struct leaver {
    co_frame;
    struct steps child;
    enum way way;
    bool slow;              /* its clean-up awaits */
    bool passed;
    int opened, closed;
};
static co_define(leaver) {
    co_begin;
    co_pause;
    if (self->way == BY_RETURN)
        co_return(11);
    else if (self->way == BY_TRY)
        co_try(co_done(-13));
    else
        while (self->way == BY_RETURN_IN_LOOPS)
            for (;;) {
                co_pause;
                do
                    co_return(12);
                while (true);
            }
    if (self->way == BY_TRY_OF_CHILD)
        co_try(co_call(&self->child, steps, .pauses = 1, .value = -14));
    co_pause;
    self->passed = true;
    co_finally;
    self->opened++;
    if (self->slow) {
        co_await(co_call(&self->child, steps, .pauses = 2, .value = 99));
        co_pause;
        co_try(co_done(98));
    }
    self->closed++;
    co_end;
}

static void a_finally_runs_once_however_the_body_is_left(void **state)
{
    (void)state;
    struct leaver frame;
    struct co_chain chain;

    for (int i = 0; i < 2 * WAYS; i++) {
        enum way way = (enum way)(i / 2);
        co_start(&chain, &frame, leaver, .way = way, .slow = i % 2);
        assert_int_equal(co_resume(&chain), CO_PAUSED);
        if (way == BY_CANCEL)
            chain.result = way_result[way];
        finish(&chain);
        assert_int_equal(chain.result, way_result[way]);
        assert_int_equal(frame.passed, way == BY_END);
        assert_int_equal(frame.opened, 1);
        assert_int_equal(frame.closed, 1);
    }
}

static void a_caller_waits_for_the_finally_of_its_child(void **state)
{
    (void)state;
    struct leaver frame;
    struct co_chain chain;

    co_start(&chain, &frame, leaver, .way = BY_TRY, .slow = true);
    co_resume(&chain);
    co_resume(&chain);
    assert_int_equal(frame.opened, 1);
    assert_int_equal(frame.closed, 0);
    assert_ptr_equal(chain.top, &frame.child.co);
    assert_int_equal(finish(&chain), 3);
    assert_int_equal(frame.closed, 1);
}

struct bare { co_frame; int way; bool passed; };
static co_define(bare) {
    co_begin;
    co_pause;
    if (self->way == 1)
        co_return(5);
    if (self->way == 2)
        co_try(co_done(-6));
    self->passed = true;
    co_end;
}

static void without_a_finally_the_result_is_the_same(void **state)
{
    (void)state;
    static const intptr_t result[] = { 0, 5, -6 };
    struct bare frame;
    struct co_chain chain;

    for (int way = 0; way < 3; way++) {
        co_start(&chain, &frame, bare, .way = way);
        assert_int_equal(finish(&chain), 2);
        assert_int_equal(chain.result, result[way]);
        assert_int_equal(frame.passed, way == 0);
    }
}

/* Leaves its finally in the middle, before or after an await there. */
struct hasty { co_frame; struct steps child; bool late, by_try; int cleaned; bool passed; };
static co_define(hasty) {
    co_begin;
    co_return(1);
    co_finally;
    self->cleaned++;
    if (self->late)
        co_await(co_call(&self->child, steps, .pauses = 1));
    if (self->by_try)
        co_try(co_done(-2));
    else
        co_return(2);
    self->passed = true;
    co_end;
}

static void a_return_or_a_failed_try_inside_a_finally_ends_at_once(void **state)
{
    (void)state;
    struct hasty frame;
    struct co_chain chain;

    for (int i = 0; i < 4; i++) {
        co_start(&chain, &frame, hasty, .late = i & 1, .by_try = i & 2);
        finish(&chain);
        assert_int_equal(chain.result, i & 2 ? -2 : 2);
        assert_int_equal(frame.cleaned, 1);
        assert_false(frame.passed);
    }
}

struct returns { co_frame; int evaluated; bool truth; };
static co_define(returns) {
    co_begin;
    co_return((self->evaluated++, self->truth ? -1 : INTPTR_MAX));
    co_finally;
    co_pause;
    co_end;
}

static void a_returned_value_is_evaluated_once_and_kept_through_the_finally(void **state)
{
    (void)state;
    struct returns frame;
    struct co_chain chain;

    co_start(&chain, &frame, returns, .truth = true);
    finish(&chain);
    assert_int_equal(chain.result, -1);
    assert_int_equal(frame.evaluated, 1);
    co_start(&chain, &frame, returns, .truth = false);
    finish(&chain);
    assert_true(chain.result == INTPTR_MAX);
}

/* ---- Pauses and waits ------------------------------------------------------------------------ */

struct pauses { co_frame; int checked, needed; intptr_t got; };
static co_define(pauses) {
    co_begin;
    co_pause;
    co_wait_until(++self->checked >= self->needed);
    co_await(self->got, co_wait());
    co_await(co_wait());
    co_try(self->got, co_wait());
    co_return(self->got);
    co_end;
}

static void a_resume_says_how_it_came_back(void **state)
{
    (void)state;
    struct pauses frame;
    struct co_chain chain;

    co_start(&chain, &frame, pauses);
    assert_int_equal(co_resume(&chain), CO_PAUSED);
    assert_int_equal(co_resume(&chain), CO_WAITING);    /* a condition that holds does not pause */
    assert_int_equal(frame.checked, 1);
    chain.result = 77;
    assert_int_equal(co_resume(&chain), CO_WAITING);
    assert_int_equal(frame.got, 77);
    chain.result = -78;
    assert_int_equal(co_resume(&chain), CO_WAITING);
    assert_int_equal(frame.got, 77);
    chain.result = -79;
    assert_int_equal(co_resume(&chain), CO_RETURNED);
    assert_int_equal(frame.got, -79);
    assert_int_equal(chain.result, -79);
}

static void a_condition_is_tested_once_a_resume(void **state)
{
    (void)state;
    struct pauses frame;
    struct co_chain chain;

    co_start(&chain, &frame, pauses, .needed = 4);
    co_resume(&chain);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(co_resume(&chain), CO_PAUSED);
        assert_int_equal(frame.checked, i);
    }
    assert_int_equal(co_resume(&chain), CO_WAITING);
}

static void the_signals_keep_their_values(void **state)
{
    (void)state;
    assert_int_equal(CO_RETURNED, 0);       /* objects compiled at different times may meet */
    assert_int_equal(CO_PAUSED, 1);
    assert_int_equal(CO_WAITING, 2);
    assert_int_equal(CO_YIELDED, 3);
}

struct waits_below { co_frame; struct pauses child; intptr_t n; };
static co_define(waits_below) {
    co_begin;
    co_await(self->n, co_call(&self->child, pauses, .needed = 2));
    co_return(self->n + 1);
    co_end;
}

static void a_result_set_by_hand_reaches_the_innermost_await(void **state)
{
    (void)state;
    struct waits_below frame;
    struct co_chain chain;

    co_start(&chain, &frame, waits_below);
    for (int i = 0; i < 3; i++)
        co_resume(&chain);
    for (intptr_t i = 1; i <= 3; i++) {
        chain.result = i;
        assert_int_equal(co_resume(&chain), i < 3 ? CO_WAITING : CO_RETURNED);
    }
    assert_int_equal(frame.child.got, 3);
    assert_int_equal(chain.result, 4);
}

/* ---- Control flow ---------------------------------------------------------------------------- */

struct flow { co_frame; struct steps child; int i, j; intptr_t n; char trace[32]; };
static void mark(struct flow *self, char letter)
{
    self->trace[strlen(self->trace)] = letter;
}
static co_define(flow) {
    co_begin;
    for (self->i = 0; self->i < 4; self->i++)
        if (self->i % 2 == 0)
            co_await(self->n, co_call(&self->child, steps, .pauses = 1, .value = self->i));
        else if (self->i == 1)
            co_pause;
        else
            co_wait_until((self->n += 10) > 20);
    mark(self, 'a');
    do
        co_await(co_call(&self->child, steps, .pauses = 1));
    while (--self->i > 2);
    mark(self, 'b');
    while (self->i-- > 0) {
        for (self->j = 0; ; self->j++) {
            if (self->j == 1)
                continue;
            if (self->j == 3)
                break;
            co_pause;
            mark(self, (char)('0' + self->j));
        }
        mark(self, 'c');
    }
again:
    co_pause;
    mark(self, 'd');
    if (++self->i < 1)
        goto again;
    {
        int local = 5;                      /* no await jumps over it: it may be used up to there */
        self->n += local;
    }
    co_pause;
    co_return(self->n);
    co_end;
}

static void an_await_may_stand_in_any_loop_and_branch(void **state)
{
    (void)state;
    struct flow frame;
    struct co_chain chain;

    co_start(&chain, &frame, flow);
    assert_int_equal(finish(&chain), 1 + 4 + 2 + 4 + 2 + 1);
    assert_string_equal(frame.trace, "ab02c02cdd");
    assert_int_equal(chain.result, 2 + 20 + 5);
}

/* 64 bits wide, so that no compiler warns: what it forgets is found out at run time. */
struct switches { co_frame; uint64_t which; int passed; };
static co_define(switches) {
    co_begin;
    switch (self->which) {
    case 1:
        self->passed++;
        break;
    case 2:
        co_pause;       /* co-lint: off(co-await-in-switch), since it must stop here */
        self->passed += 10;
        break;
    default:
        self->passed += 100;
    }
    co_pause;
    co_end;
}
enum { LINE_OF_PAUSE_IN_SWITCH = __LINE__ - 9 };

static void a_switch_may_stand_between_two_awaits(void **state)
{
    (void)state;
    struct switches frame;
    struct co_chain chain;

    co_start(&chain, &frame, switches, .which = 1);
    assert_int_equal(finish(&chain), 2);
    assert_int_equal(frame.passed, 1);
    co_start(&chain, &frame, switches, .which = 3);
    assert_int_equal(finish(&chain), 2);
    assert_int_equal(frame.passed, 100);
}

static void await_inside_a_switch(void)
{
    struct switches frame;
    struct co_chain chain;

    co_start(&chain, &frame, switches, .which = 2);
    if (finish(&chain) != 3 || frame.passed != 10)
        _exit(1);
}

/* ---- Misuse ---------------------------------------------------------------------------------- */

enum { LINE_OF_END = __LINE__ + 5 };
struct ends { co_frame; };
static co_define(ends) {
    co_begin;
    co_pause;
    co_end;
}

static void resume_after_the_end(void)
{
    struct ends frame;
    struct co_chain chain;

    co_start(&chain, &frame, ends);
    finish(&chain);
    co_resume(&chain);
}

static void a_resume_after_the_end_stops(void **state)
{
    (void)state;
    stops_at(resume_after_the_end, LINE_OF_END, "resumed after its end");
}

static void an_await_inside_a_switch_stops_or_works_under_labels(void **state)
{
    (void)state;
#ifdef CO_LABELS
    await_inside_a_switch();
#else
    stops_at(await_inside_a_switch, LINE_OF_PAUSE_IN_SWITCH, "an await inside a switch");
#endif
}

struct breaks { co_frame; };
static co_define(breaks)
{
    co_begin;
    co_pause;
    break;
    co_finally;
    co_end;
}
enum { LINE_OF_BREAKS = __LINE__ - 2 };

static void break_outside_a_loop(void)
{
    struct breaks frame;
    struct co_chain chain;

    co_start(&chain, &frame, breaks);
    finish(&chain);
}

static void a_break_that_would_skip_the_finally_stops(void **state)
{
    (void)state;
    stops_at(break_outside_a_loop, LINE_OF_BREAKS, "a break");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_empty_body_gives_0),
    cmocka_unit_test(a_complete_op_gives_its_result_without_a_suspension),
    cmocka_unit_test(a_child_gives_its_result_however_often_it_pauses),
    cmocka_unit_test(two_chains_of_one_coroutine_do_not_disturb_each_other),
    cmocka_unit_test(every_argument_is_evaluated_once),
    cmocka_unit_test(a_result_may_be_stored_in_any_scalar),
    cmocka_unit_test(a_negative_result_fails_a_try),
    cmocka_unit_test(a_finally_runs_once_however_the_body_is_left),
    cmocka_unit_test(a_caller_waits_for_the_finally_of_its_child),
    cmocka_unit_test(without_a_finally_the_result_is_the_same),
    cmocka_unit_test(a_return_or_a_failed_try_inside_a_finally_ends_at_once),
    cmocka_unit_test(a_returned_value_is_evaluated_once_and_kept_through_the_finally),
    cmocka_unit_test(a_resume_says_how_it_came_back),
    cmocka_unit_test(a_condition_is_tested_once_a_resume),
    cmocka_unit_test(the_signals_keep_their_values),
    cmocka_unit_test(a_result_set_by_hand_reaches_the_innermost_await),
    cmocka_unit_test(an_await_may_stand_in_any_loop_and_branch),
    cmocka_unit_test(a_switch_may_stand_between_two_awaits),
    cmocka_unit_test(a_resume_after_the_end_stops),
    cmocka_unit_test(an_await_inside_a_switch_stops_or_works_under_labels),
#ifdef __COUNTER__
    cmocka_unit_test(several_awaits_may_stand_on_one_line),
    cmocka_unit_test(a_body_may_have_hundreds_of_awaits),
#endif
    cmocka_unit_test(a_break_that_would_skip_the_finally_stops),
};

TEST_MAIN(tests)
