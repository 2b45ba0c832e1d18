/* SPDX-License-Identifier: BSD-2-Clause
 * frame.c: tests of coro.h, its frames and chains: what they hold, how deep they go, where they
 * stand. */
#include "coro_test.h"
#include "frame_other.h"

/* ---- Frames ---------------------------------------------------------------------------------- */

/* A frame as malloc may give it: full of what was there before. */
#define SOIL(frame) memset(frame, 0xA5, sizeof *(frame))

struct point { int x, y; };
struct fields { co_frame; int first; struct point point; char name[8]; void *last; };
static co_define(fields) {
    co_begin;
    co_pause;
    co_return(self->first + self->point.x + self->point.y + self->name[0] + (self->last != NULL));
    co_end;
}

static void the_fields_that_are_not_named_are_zero(void **state)
{
    (void)state;
    static const char zeros[8];
    struct fields frame;
    struct co_chain chain;

    SOIL(&frame);
    co_init(&frame, fields);
    assert_null(frame.last);
    assert_int_equal(frame.point.y, 0);
    assert_memory_equal(frame.name, zeros, 8);

    SOIL(&frame);
    SOIL(&chain);
    co_start(&chain, &frame, fields);
    assert_int_equal(chain.result, 0);
    finish(&chain);
    assert_int_equal(chain.result, 0);

    SOIL(&frame);
    co_start(&chain, &frame, fields, .point = { .y = 4 }, .first = 3);
    assert_int_equal(frame.first, 3);
    assert_int_equal(frame.point.x, 0);
    finish(&chain);
    assert_int_equal(chain.result, 7);
}

struct keeper { co_frame; struct fields child; struct steps steps; intptr_t a, b, c; };
static co_define(keeper) {
    co_begin;
    SOIL(&self->child);
    co_await(self->a, co_call(&self->child, fields, .first = 1));
    SOIL(&self->child);
    co_await(self->b, co_call(&self->child, fields, .point = { 2, 3 }, .name = { 4 }));
    co_await(self->c, co_call(&self->steps, steps, .value = 8));
    co_await(self->c, co_call(&self->steps, steps, .value = self->steps.value + 1));
    co_end;
}

static void a_call_zeroes_its_frame_but_for_the_fields_named(void **state)
{
    (void)state;
    struct keeper frame;
    struct co_chain chain;

    co_start(&chain, &frame, keeper);
    finish(&chain);
    assert_int_equal(frame.a, 1);
    assert_int_equal(frame.b, 9);
    assert_int_equal(frame.c, 9);           /* an argument may come from the frame it remakes */
}

struct shares {
    co_frame;
    union { struct steps steps; struct fields fields; } child;
    intptr_t a, b;
};
static co_define(shares) {
    co_begin;
    co_await(self->a, co_call(&self->child.steps, steps, .pauses = 2, .value = 3));
    co_await(self->b, co_call(&self->child.fields, fields, .first = 4));
    co_end;
}

static void two_children_may_share_their_memory(void **state)
{
    (void)state;
    struct shares frame;
    struct co_chain chain;

    co_start(&chain, &frame, shares);
    assert_int_equal(finish(&chain), 4);
    assert_int_equal(frame.a, 3);
    assert_int_equal(frame.b, 4);
}

static void a_frame_costs_four_words(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct co_head), 4 * sizeof(void *));
#if defined __LP64__
    assert_int_equal(sizeof(struct co_head), 32);
#endif
    assert_int_equal(sizeof(struct co_chain), 2 * sizeof(void *));
    assert_int_equal(sizeof(co_op), 2 * sizeof(void *));
}

struct abroad { co_frame; struct add child; intptr_t a, b; };
static co_define(abroad) {
    co_begin;
    co_try(self->a, co_call(&self->child, add, .pauses = 2, .a = 1, .b = 2));
    co_try(self->b, add_two(&self->child, 3, 4));
    co_end;
}

static void a_coroutine_of_another_file_may_have_the_other_form(void **state)
{
    (void)state;
    struct abroad frame;
    struct co_chain chain;

    co_start(&chain, &frame, abroad);
    assert_int_equal(finish(&chain), 1 + 2 + 1);
    assert_int_equal(frame.a, 3);
    assert_int_equal(frame.b, 7);
}

/* ---- Depth ----------------------------------------------------------------------------------- */

#ifdef TEST_TINY                            /* there is not the memory for more */
enum { DEEP = 60 };
#elif defined TEST_BARE
enum { DEEP = 2000 };
#else
enum { DEEP = 100000 };
#endif
static int entries;                         /* of a body, for whatever reason */

/* Goes [depth] frames further down, pauses twice there, and counts the frames on its way back. */
struct dive {
    co_frame;
    struct dive *child;
    int depth;
    intptr_t below;
    uintptr_t stack, innermost;             /* where the C stack stood here, and at the bottom */
};
static co_define(dive) {
    char here;
    entries++;                  /* at each entry: co-lint: off(co-above-begin) */
    co_begin;
    self->stack = self->innermost = (uintptr_t)&here;
    if (self->depth == 0) {
        co_pause;
        co_pause;
        co_return(0);
    }
    self->child = malloc(sizeof *self->child);
    if (!self->child)
        co_return(-1);
    co_try(self->below, co_call(self->child, dive, .depth = self->depth - 1));
    self->innermost = self->child->innermost;
    co_return(self->below + 1);
    co_finally;
    free(self->child);
    co_end;
}

static void recursion_is_bounded_by_memory_and_not_by_the_c_stack(void **state)
{
    (void)state;
    struct dive frame;
    struct co_chain chain;

    co_start(&chain, &frame, dive, .depth = DEEP);
    assert_int_equal(finish(&chain), 3);
    assert_int_equal(chain.result, DEEP);
    assert_int_not_equal(frame.innermost, 0);
    assert_in_range(frame.innermost, frame.stack - 2048, frame.stack + 2048);
}

static void a_resume_enters_one_body_at_any_depth(void **state)
{
    (void)state;
    struct dive frame;
    struct co_chain chain;

    for (int depth = 0; depth <= DEEP; depth = depth * 10 + 1) {
        co_start(&chain, &frame, dive, .depth = depth);
        co_resume(&chain);
        entries = 0;
        assert_int_equal(co_resume(&chain), CO_PAUSED);
        assert_int_equal(entries, 1);
        entries = 0;
        assert_int_equal(co_resume(&chain), CO_RETURNED);
        assert_int_equal(entries, 1 + depth);
        assert_int_equal(chain.result, depth);
    }
}

/* ---- Where ----------------------------------------------------------------------------------- */

struct places { co_frame; struct steps child; intptr_t n; int line; };
enum { LINE_OF_PLACES = __LINE__ + 2 };
static co_define(places) {
    co_begin;
    self->line = __LINE__; co_pause;
    self->line = __LINE__; co_await(self->n, co_call(&self->child, steps, .pauses = 1));
    self->line = __LINE__; co_try(co_call(&self->child, steps, .pauses = 1, .value = 1));
    self->line = __LINE__; co_wait_until(self->n > 0);
    self->line = __LINE__; co_await(co_wait());
    co_return(self->n);
    co_finally;
    self->line = __LINE__; co_try(self->n, co_wait());
    co_end;
}

static void assert_where(const struct co_site *where, const char *name, int line, const char *text)
{
    assert_non_null(where);
    assert_non_null(strstr(where->file, "frame.c"));
    assert_string_equal(where->name, name);
    assert_int_equal(where->line, line);
    assert_string_equal(where->text, text);
}

static void each_await_tells_its_place_and_its_words(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "co_pause", "self->n, co_call(&self->child, steps, .pauses = 1)",
        "co_call(&self->child, steps, .pauses = 1, .value = 1)", "self->n > 0", "co_wait()",
        "self->n, co_wait()",
    };
    struct places frame;
    struct co_head before;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, places);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_not_equal(co_resume(&chain), CO_RETURNED);
        before = frame.co;
        assert_where(co_where(&frame.co), "places", frame.line, texts[i]);
        assert_memory_equal(&frame.co, &before, sizeof before); /* telling changes nothing */
        frame.n = i == 3;
        chain.result = 0;
    }
    assert_int_equal(co_resume(&chain), CO_RETURNED);
}

static void a_coroutine_that_does_not_stand_at_an_await_tells_where_it_begins(void **state)
{
    (void)state;
    struct places frame;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, places);
    assert_where(co_where(&frame.co), "places", LINE_OF_PLACES, "");
    do
        frame.n = 1;                        /* what its co_wait_until waits for */
    while (co_resume(&chain) != CO_RETURNED);
    assert_where(co_where(&frame.co), "places", LINE_OF_PLACES, "");
}

static void the_top_of_a_chain_is_its_innermost_frame(void **state)
{
    (void)state;
    struct places frame;
    struct co_chain chain;

    co_start(&chain, &frame, places);
    assert_ptr_equal(chain.top, &frame.co);
    co_resume(&chain);
    co_resume(&chain);
    assert_ptr_equal(chain.top, &frame.child.co);
    assert_ptr_equal(frame.child.co.caller, &frame.co);
    do
        frame.n = 1;
    while (co_resume(&chain) != CO_RETURNED);
    assert_ptr_equal(chain.top, &frame.co);
    assert_null(frame.child.co.caller);
}

static void a_chain_can_be_walked_from_the_innermost_frame_up(void **state)
{
    (void)state;
    struct abroad frame;
    struct co_chain chain;

    needs_places();
    co_start(&chain, &frame, abroad);
    co_resume(&chain);
    assert_ptr_equal(chain.top->caller, &frame.co);
    assert_null(frame.co.caller);
    const struct co_site *inner = co_where(chain.top), *outer = co_where(&frame.co);
    assert_string_equal(inner->name, "add");
    assert_string_equal(inner->text, "co_pause");
    assert_non_null(strstr(inner->file, "frame_other.c"));
    assert_string_equal(outer->name, "abroad");
    assert_string_equal(outer->text,
                        "self->a, co_call(&self->child, add, .pauses = 2, .a = 1, .b = 2)");
}

/* ---- Misuse ---------------------------------------------------------------------------------- */
#ifdef CO_DEBUG
struct borrows { co_frame; struct steps *child; };
static co_define(borrows) {
    co_begin;
    co_await(co_call(self->child, steps, .pauses = 1));
    co_end;
}
enum { LINE_OF_BORROWS = __LINE__ - 3 };

static void await_a_frame_twice(void)
{
    static struct steps child;
    struct borrows a, b;
    struct co_chain chain_a, chain_b;

    co_start(&chain_a, &a, borrows, .child = &child);
    co_start(&chain_b, &b, borrows, .child = &child);
    co_resume(&chain_a);
    co_resume(&chain_b);
}

static void a_frame_that_is_awaited_twice_stops(void **state)
{
    (void)state;
    stops_at(await_a_frame_twice, LINE_OF_BORROWS, "awaited already");
}

struct selfish { co_frame; };
static co_define(selfish) {
    co_begin;
    co_await(co_call(self, selfish));
    co_end;
}
enum { LINE_OF_SELFISH = __LINE__ - 3 };

static void await_oneself(void)
{
    struct selfish frame;
    struct co_chain chain;

    co_start(&chain, &frame, selfish);
    co_resume(&chain);
}

static void a_coroutine_that_awaits_itself_stops(void **state)
{
    (void)state;
    stops_at(await_oneself, LINE_OF_SELFISH, "awaits itself");
}
#endif

struct pair { co_frame; int a, b; };
static co_define(pair)
{
    co_begin;
    co_return(10 * self->a + self->b);
    co_end;
}

static void fields_without_names_are_taken_in_order(void **state)
{
    struct pair frame;
    struct co_chain chain;

    (void)state;
    co_start(&chain, &frame, pair, 3, 4);
    finish(&chain);
    assert_int_equal(chain.result, 34);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fields_without_names_are_taken_in_order),
    cmocka_unit_test(the_fields_that_are_not_named_are_zero),
    cmocka_unit_test(a_call_zeroes_its_frame_but_for_the_fields_named),
    cmocka_unit_test(two_children_may_share_their_memory),
    cmocka_unit_test(a_frame_costs_four_words),
    cmocka_unit_test(a_coroutine_of_another_file_may_have_the_other_form),
    cmocka_unit_test(recursion_is_bounded_by_memory_and_not_by_the_c_stack),
    cmocka_unit_test(a_resume_enters_one_body_at_any_depth),
    cmocka_unit_test(each_await_tells_its_place_and_its_words),
    cmocka_unit_test(a_coroutine_that_does_not_stand_at_an_await_tells_where_it_begins),
    cmocka_unit_test(the_top_of_a_chain_is_its_innermost_frame),
    cmocka_unit_test(a_chain_can_be_walked_from_the_innermost_frame_up),
#ifdef CO_DEBUG
    cmocka_unit_test(a_frame_that_is_awaited_twice_stops),
    cmocka_unit_test(a_coroutine_that_awaits_itself_stops),
#endif
};

TEST_MAIN(tests)
