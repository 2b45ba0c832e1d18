/* SPDX-License-Identifier: BSD-2-Clause
 * generator.c: tests of coro.h's generators: co_yield, co_next, and what a root generator does. */
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
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
