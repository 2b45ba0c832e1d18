/* SPDX-License-Identifier: BSD-2-Clause
 * generator.c: tests of coro.h's generators: co_yield, co_next, co_for_each, co_gen_close, and what
 * a root generator does. */
#include "coro_test.h"

/* Gives 1, 2, ... [last] in .value, after [pauses] pauses each; then returns [result]. */
struct count { co_frame; struct steps wait; int value, last, pauses, cleaned; intptr_t result; };
static co_define(count) {
    co_begin;
    while (self->value < self->last) {
        co_await(co_call(&self->wait, steps, .pauses = self->pauses));
        self->value++;
        co_yield;
    }
    co_return(self->result);
    co_finally;
    self->cleaned++;
    co_end;
}

/* Adds up what [numbers] gives, then asks once more. */
struct total {
    co_frame;
    struct count numbers;
    intptr_t more, after, result;
    int sum, last, pauses;
};
static co_define(total) {
    co_begin;
    co_init(&self->numbers, count, .last = self->last, .pauses = self->pauses,
            .result = self->result);
    for (;;) {
        co_await(self->more, co_next(&self->numbers));
        if (self->more <= 0)
            break;
        self->sum += self->numbers.value;
    }
    co_await(self->after, co_next(&self->numbers));
    co_end;
}

static void next_gives_1_for_each_value_then_0_for_ever(void **state)
{
    (void)state;
    struct total frame;
    struct co_chain chain;

    co_start(&chain, &frame, total, .last = 4);
    assert_int_equal(finish(&chain), 1);
    assert_int_equal(frame.sum, 1 + 2 + 3 + 4);
    assert_int_equal(frame.more, 0);
    assert_int_equal(frame.after, 0);
    assert_int_equal(frame.numbers.cleaned, 1);
}

static void a_generator_may_give_nothing(void **state)
{
    (void)state;
    struct total frame;
    struct co_chain chain;

    co_start(&chain, &frame, total);
    finish(&chain);
    assert_int_equal(frame.sum, 0);
    assert_int_equal(frame.more, 0);
    assert_int_equal(frame.after, 0);
}

static void a_generator_that_fails_gives_its_failure_once(void **state)
{
    (void)state;
    struct total frame;
    struct co_chain chain;

    co_start(&chain, &frame, total, .last = 2, .result = -9);
    finish(&chain);
    assert_int_equal(frame.sum, 1 + 2);
    assert_int_equal(frame.more, -9);
    assert_int_equal(frame.after, 0);
}

static void a_generator_may_await(void **state)
{
    (void)state;
    struct total frame;
    struct co_chain chain;

    co_start(&chain, &frame, total, .last = 3, .pauses = 2);
    assert_int_equal(co_resume(&chain), CO_PAUSED);
    assert_ptr_equal(chain.top, &frame.numbers.wait.co);
    assert_int_equal(finish(&chain), 3 * 2);
    assert_int_equal(frame.sum, 6);
}

/* Awaits within: passes on what another generator gives, doubled. */
struct doubled { co_frame; struct count from; intptr_t more; int value, last; };
static co_define(doubled) {
    co_begin;
    co_init(&self->from, count, .last = self->last, .pauses = 1);
    for (;;) {
        co_try(self->more, co_next(&self->from));
        if (!self->more)
            break;
        self->value = 2 * self->from.value;
        co_yield;
    }
    co_end;
}

struct total_doubled { co_frame; struct doubled numbers; intptr_t more; int sum; };
static co_define(total_doubled) {
    co_begin;
    co_init(&self->numbers, doubled, .last = 3);
    do {
        co_try(self->more, co_next(&self->numbers));
        self->sum += self->more ? self->numbers.value : 0;
    } while (self->more);
    co_return(self->sum);
    co_end;
}

static void a_generator_may_await_another(void **state)
{
    (void)state;
    struct total_doubled frame;
    struct co_chain chain;

    co_start(&chain, &frame, total_doubled);
    assert_int_equal(finish(&chain), 1 + 3);
    assert_int_equal(chain.result, 12);
}

/* A binary tree in order: each node a generator that passes on what its children give. */
struct walk { co_frame; struct walk *child; int low, high, middle, value; intptr_t more; };
static co_define(walk) {
    co_begin;
    if (self->low >= self->high)
        co_return(0);
    self->middle = (self->low + self->high) / 2;
    self->child = malloc(sizeof *self->child);
    if (!self->child)
        co_return(-1);
    co_init(self->child, walk, .low = self->low, .high = self->middle);
    for (;;) {
        co_try(self->more, co_next(self->child));
        if (!self->more)
            break;
        self->value = self->child->value;
        co_yield;
    }
    self->value = self->middle;
    co_yield;
    co_init(self->child, walk, .low = self->middle + 1, .high = self->high);
    for (;;) {
        co_try(self->more, co_next(self->child));
        if (!self->more)
            break;
        self->value = self->child->value;
        co_yield;
    }
    co_finally;
    free(self->child);
    co_end;
}

static void a_generator_may_recurse(void **state)
{
    (void)state;
    struct walk frame;
    struct co_chain chain;

    co_start(&chain, &frame, walk, .low = 10, .high = 110);
    for (int i = 10; i < 110; i++) {
        assert_int_equal(co_resume(&chain), CO_YIELDED);
        assert_int_equal(frame.value, i);
    }
    assert_int_equal(co_resume(&chain), CO_RETURNED);
    assert_int_equal(chain.result, 0);
}

static void a_root_generator_yields_to_whoever_resumes_it(void **state)
{
    (void)state;
    struct count frame;
    struct co_chain chain;

    co_start(&chain, &frame, count, .last = 2, .pauses = 1);
    assert_int_equal(co_resume(&chain), CO_PAUSED);
    assert_int_equal(co_resume(&chain), CO_YIELDED);
    assert_int_equal(frame.value, 1);
    assert_int_equal(co_resume(&chain), CO_PAUSED);
    assert_int_equal(co_resume(&chain), CO_YIELDED);
    assert_int_equal(frame.value, 2);
    assert_int_equal(co_resume(&chain), CO_RETURNED);
    assert_int_equal(frame.cleaned, 1);
}

struct twice { co_frame; struct count numbers; intptr_t results[6]; int i; };
static co_define(twice) {
    co_begin;
    co_init(&self->numbers, count, .last = 1);
    while (self->i < 3)
        co_await(self->results[self->i++], co_next(&self->numbers));
    co_init(&self->numbers, count, .last = 2);
    while (self->i < 6)
        co_await(self->results[self->i++], co_next(&self->numbers));
    co_end;
}

static void a_generator_that_is_made_anew_starts_anew(void **state)
{
    (void)state;
    static const intptr_t expected[6] = { 1, 0, 0, 1, 1, 0 };
    struct twice frame;
    struct co_chain chain;

    co_start(&chain, &frame, twice);
    finish(&chain);
    assert_memory_equal(frame.results, expected, sizeof expected);
}

/* Takes one value of a generator that others take from too. */
struct taker { co_frame; struct count *from; intptr_t more; };
static co_define(taker) {
    co_begin;
    co_try(self->more, co_next(self->from));
    co_return(self->more ? self->from->value : 0);
    co_end;
}
enum { LINE_OF_NEXT = __LINE__ - 4 };

static void a_generator_may_serve_one_chain_after_another(void **state)
{
    (void)state;
    struct count numbers;
    struct taker frame;
    struct co_chain chain;

    co_init(&numbers, count, .last = 3, .pauses = 1);
    for (int i = 1; i <= 4; i++) {
        co_start(&chain, &frame, taker, .from = &numbers);
        finish(&chain);
        assert_int_equal(chain.result, i % 4);
    }
}

static void a_generator_tells_where_it_stands(void **state)
{
    (void)state;
    struct count frame;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, count, .last = 1);
    co_resume(&chain);
    assert_string_equal(co_where(&frame.co)->name, "count");
    assert_string_equal(co_where(&frame.co)->text, "co_yield");
    assert_non_null(strstr(co_where(&frame.co)->file, "generator.c"));
}

static void take_from_a_generator_that_is_awaited(void)
{
    struct count numbers;
    struct taker a, b;
    struct co_chain chain_a, chain_b;

    co_init(&numbers, count, .last = 2, .pauses = 1);
    co_start(&chain_a, &a, taker, .from = &numbers);
    co_start(&chain_b, &b, taker, .from = &numbers);
    co_resume(&chain_a);
    co_resume(&chain_b);
}

static void a_generator_that_is_awaited_twice_stops(void **state)
{
    (void)state;
    stops_at(take_from_a_generator_that_is_awaited, LINE_OF_NEXT, "awaited already");
}

static void resume_a_root_generator_after_its_end(void)
{
    struct count frame;
    struct co_chain chain;

    co_start(&chain, &frame, count);
    finish(&chain);
    co_resume(&chain);
}

static void a_root_generator_that_is_resumed_after_its_end_stops(void **state)
{
    (void)state;
    stops(resume_a_root_generator_after_its_end, "generator\\.c:[1-9].*resumed after its end");
}

/* ---- co_for_each ----------------------------------------------------------------------------- */

/* Adds up what [numbers] gives but for multiples of [skip]; leaves at [last_wanted]; closes. */
struct sum {
    co_frame;
    struct count numbers;
    struct steps wait;
    intptr_t more, closed;
    int sum, last, pauses, skip, last_wanted, after;
    intptr_t result;
};
static co_define(sum) {
    co_begin;
    co_init(&self->numbers, count, .last = self->last, .pauses = self->pauses,
            .result = self->result);
    co_for_each(self->more, &self->numbers) {
        if (self->skip && self->numbers.value % self->skip == 0)
            continue;
        self->sum += self->numbers.value;
        co_await(co_call(&self->wait, steps, .pauses = self->pauses));      /* in the block */
        if (self->numbers.value == self->last_wanted)
            break;
    }
    self->after++;
    co_await(self->closed, co_gen_close(&self->numbers));
    co_return(self->sum);
    co_end;
}

static void for_each_runs_its_block_for_each_value(void **state)
{
    (void)state;
    struct sum frame;
    struct co_chain chain;

    for (int pauses = 0; pauses < 3; pauses++) {
        co_start(&chain, &frame, sum, .last = 4, .pauses = pauses);
        assert_int_equal(finish(&chain), 2 * 4 * pauses + 1);
        assert_int_equal(chain.result, 1 + 2 + 3 + 4);
        assert_int_equal(frame.more, 0);
        assert_int_equal(frame.numbers.cleaned, 1);
        assert_int_equal(frame.after, 1);
    }
}

static void for_each_of_nothing_runs_nothing(void **state)
{
    (void)state;
    struct sum frame;
    struct co_chain chain;

    co_start(&chain, &frame, sum, .more = 7);
    assert_int_equal(finish(&chain), 1);
    assert_int_equal(chain.result, 0);
    assert_int_equal(frame.more, 0);
}

static void for_each_ends_with_the_failure(void **state)
{
    (void)state;
    struct sum frame;
    struct co_chain chain;

    co_start(&chain, &frame, sum, .last = 2, .pauses = 1, .result = -9);
    finish(&chain);
    assert_int_equal(chain.result, 1 + 2);
    assert_int_equal(frame.more, -9);
    assert_int_equal(frame.closed, 0);
}

static void for_each_may_continue_and_break(void **state)
{
    (void)state;
    struct sum frame;
    struct co_chain chain;

    co_start(&chain, &frame, sum, .last = 9, .skip = 2, .last_wanted = 5, .pauses = 1);
    finish(&chain);
    assert_int_equal(chain.result, 1 + 3 + 5);
    assert_int_equal(frame.more, 1);
    assert_int_equal(frame.numbers.value, 5);
    assert_int_equal(frame.numbers.cleaned, 1);
    assert_int_equal(frame.closed, 0);
}

/* All pairs, in two loops, one without braces. */
struct pairs { co_frame; struct count a, b; int more[2], last, sum, rounds; };
static co_define(pairs) {
    co_begin;
    co_init(&self->a, count, .last = self->last, .pauses = 1);
    co_for_each(self->more[0], &self->a) {
        co_init(&self->b, count, .last = self->a.value);
        co_for_each(self->more[1], &self->b)
            self->sum += self->a.value * self->b.value;
        if (self->more[1] == 0)
            self->rounds++;
        else
            co_return(-1);
    }
    co_end;
}

static void for_each_nests(void **state)
{
    (void)state;
    struct pairs frame;
    struct co_chain chain;

    co_start(&chain, &frame, pairs, .last = 3);
    finish(&chain);
    assert_int_equal(chain.result, 0);
    assert_int_equal(frame.sum, 1 * 1 + 2 * (1 + 2) + 3 * (1 + 2 + 3));
    assert_int_equal(frame.rounds, 3);
}

static void for_each_tells_where_it_stands(void **state)
{
    (void)state;
    struct sum frame;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, sum, .last = 1, .pauses = 1);
    co_resume(&chain);
    assert_string_equal(co_where(&frame.co)->name, "sum");
    assert_string_equal(co_where(&frame.co)->text, "&self->numbers");
}

/* ---- co_gen_close ---------------------------------------------------------------------------- */

/* Gives one value, in [depth] generators that each hand it on; its clean-up pauses [pauses] times,
 * closes the one inside, and gives [result]. */
struct careful {
    co_frame;
    struct careful *inner;
    struct steps wait;
    intptr_t more, inner_closed, result;
    int depth, pauses, cleaned;
};
static co_define(careful) {
    co_begin;
    if (self->depth > 0) {
        co_init(self->inner, careful, .inner = self->inner + 1, .depth = self->depth - 1,
                .pauses = self->pauses, .result = self->result);
        co_try(self->more, co_next(self->inner));
    }
    co_yield;
    co_return(5);
    co_finally;
    co_await(co_call(&self->wait, steps, .pauses = self->pauses));
    if (self->depth > 0)
        co_await(self->inner_closed, co_gen_close(self->inner));
    self->cleaned++;
    co_return(self->result);
    co_end;
}

/* Takes [values], closes, and closes and asks once more. */
struct leaver {
    co_frame;
    struct careful generators[3];
    int depth, pauses, values, i;
    intptr_t more, closed, again, after, result;
};
static co_define(leaver) {
    co_begin;
    co_init(&self->generators[0], careful, .inner = &self->generators[1], .depth = self->depth,
            .pauses = self->pauses, .result = self->result);
    for (self->i = 0; self->i < self->values; self->i++)
        co_await(self->more, co_next(&self->generators[0]));
    self->closed = self->again = self->after = 99;
    co_await(self->closed, co_gen_close(&self->generators[0]));
    co_await(self->again, co_gen_close(&self->generators[0]));
    co_await(self->after, co_next(&self->generators[0]));
    co_end;
}

static void a_generator_that_is_closed_cleans_up_once(void **state)
{
    (void)state;
    struct leaver frame;
    struct co_chain chain;

    for (int pauses = 0; pauses < 3; pauses++)
        for (int depth = 0; depth < 3; depth++) {
            co_start(&chain, &frame, leaver, .values = 1, .pauses = pauses, .depth = depth,
                     .result = -3);
            assert_int_equal(finish(&chain), 1 + pauses * (depth + 1));
            for (int i = 0; i <= depth; i++)
                assert_int_equal(frame.generators[i].cleaned, 1);
            assert_int_equal(frame.more, 1);
            assert_int_equal(frame.closed, -3);         /* what its co_finally gave */
            assert_int_equal(frame.again, 0);
            assert_int_equal(frame.after, 0);
            if (depth > 0)
                assert_int_equal(frame.generators[0].inner_closed, -3);
        }
}

static void a_generator_that_never_began_or_has_ended_is_left_alone(void **state)
{
    (void)state;
    struct leaver frame;
    struct co_chain chain;

    for (int values = 0; values <= 2; values += 2) {    /* the second is its end */
        co_start(&chain, &frame, leaver, .values = values);
        assert_int_equal(finish(&chain), 1);
        assert_int_equal(frame.closed, 0);
        assert_int_equal(frame.again, 0);
        assert_int_equal(frame.after, 0);
        assert_int_equal(frame.generators[0].cleaned, values / 2);
    }
}

/* Has no co_finally. */
struct plain { co_frame; int value; };
static co_define(plain) {
    co_begin;
    for (;;) {
        self->value++;
        co_yield;
    }
    co_end;
}

struct plain_leaver { co_frame; struct plain numbers; intptr_t more, closed, after; };
static co_define(plain_leaver) {
    co_begin;
    co_init(&self->numbers, plain);
    co_for_each(self->more, &self->numbers)
        if (self->numbers.value == 1000)
            break;
    co_await(self->closed, co_gen_close(&self->numbers));
    co_await(self->after, co_next(&self->numbers));
    co_end;
}

static void a_generator_without_a_clean_up_can_be_closed(void **state)
{
    (void)state;
    struct plain_leaver frame;
    struct co_chain chain;

    co_start(&chain, &frame, plain_leaver, .closed = 9, .after = 9);
    finish(&chain);
    assert_int_equal(frame.numbers.value, 1000);
    assert_int_equal(frame.closed, 0);
    assert_int_equal(frame.after, 0);
}

struct closer { co_frame; struct count *numbers; };
static co_define(closer) {
    co_begin;
    co_try(co_gen_close(self->numbers));
    co_end;
}
enum { LINE_OF_CLOSE = __LINE__ - 3 };

static void close_a_generator_that_is_awaited(void)
{
    struct count numbers;
    struct taker taker;
    struct closer closer;
    struct co_chain chains[2];

    co_init(&numbers, count, .last = 2, .pauses = 1);
    co_start(&chains[0], &taker, taker, .from = &numbers);
    co_start(&chains[1], &closer, closer, .numbers = &numbers);
    co_resume(&chains[0]);
    co_resume(&chains[1]);
}

static void a_generator_that_is_closed_while_it_is_awaited_stops(void **state)
{
    (void)state;
    stops_at(close_a_generator_that_is_awaited, LINE_OF_CLOSE, "being awaited: close it when");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(next_gives_1_for_each_value_then_0_for_ever),
    cmocka_unit_test(a_generator_may_give_nothing),
    cmocka_unit_test(a_generator_that_fails_gives_its_failure_once),
    cmocka_unit_test(a_generator_may_await),
    cmocka_unit_test(a_generator_may_await_another),
    cmocka_unit_test(a_generator_may_recurse),
    cmocka_unit_test(a_root_generator_yields_to_whoever_resumes_it),
    cmocka_unit_test(a_generator_that_is_made_anew_starts_anew),
    cmocka_unit_test(a_generator_may_serve_one_chain_after_another),
    cmocka_unit_test(a_generator_tells_where_it_stands),
    cmocka_unit_test(a_generator_that_is_awaited_twice_stops),
    cmocka_unit_test(a_root_generator_that_is_resumed_after_its_end_stops),
    cmocka_unit_test(for_each_runs_its_block_for_each_value),
    cmocka_unit_test(for_each_of_nothing_runs_nothing),
    cmocka_unit_test(for_each_ends_with_the_failure),
    cmocka_unit_test(for_each_may_continue_and_break),
    cmocka_unit_test(for_each_nests),
    cmocka_unit_test(for_each_tells_where_it_stands),
    cmocka_unit_test(a_generator_that_is_closed_cleans_up_once),
    cmocka_unit_test(a_generator_that_never_began_or_has_ended_is_left_alone),
    cmocka_unit_test(a_generator_without_a_clean_up_can_be_closed),
    cmocka_unit_test(a_generator_that_is_closed_while_it_is_awaited_stops),
};

TEST_MAIN(tests)
