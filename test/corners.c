/* SPDX-License-Identifier: BSD-2-Clause
 * corners.c: what the battery found, in small; and lines that no other test reaches. */
#include "task_test.h"

/* ---- Found by the battery -------------------------------------------------------------------- */

/* Works for ever, and cleans up for a second. */
struct slow { co_frame; };
static co_define(slow)
{
    co_begin;
    co_try(co_sleep(1000));
    co_finally;
    co_await(co_sleep(1));
    co_end;
}

/* Tries again and again, each time under a deadline of 2 s. */
struct retry { co_frame; struct co_within slot; struct slow slow; intptr_t n; int tries; };
static co_define(retry)
{
    co_begin;
    do
        co_await(self->n, co_within(&self->slot, 2, co_call(&self->slow, slow)));
    while (self->n == -ETIMEDOUT && ++self->tries < 10);
    co_return(self->n);
    co_end;
}

struct outer { co_frame; struct co_within slot; struct retry retry; double seconds; intptr_t n; };
static co_define(outer)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, self->seconds, co_call(&self->retry, retry)));
    co_return(self->n);
    co_end;
}

static void an_outer_deadline_that_comes_in_the_clean_up_of_an_inner_one_is_not_lost(void **state)
{
    struct sim sim;
    struct outer frame;
    struct co_task task;

    (void)state;
    sim_begin(&sim);
    co_task_init(&task, &frame, outer, .seconds = 5.5); /* the second try cleans up from 5 to 6 s */
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), -ETIMEDOUT);
    assert_int_equal(frame.retry.tries, 1);
    assert_int_equal(frame.retry.n, -ECANCELED);        /* it was not its own deadline */
    assert_int_equal(sim.now, 5500 * MS);               /* the request met that clean-up */
    sim_end(&sim);
}

/* Under a deadline that is over, clean-up has deadlines of its own. */
struct tidy { co_frame; struct co_within slot; intptr_t n; };
static co_define(tidy)
{
    co_begin;
    co_try(co_sleep(1000));
    co_finally;
    co_await(self->n, co_within(&self->slot, 1, co_sleep(1000)));
    co_end;
}

struct tidied { co_frame; struct co_within slot; struct tidy tidy; intptr_t n; };
static co_define(tidied)
{
    co_begin;
    co_await(self->n, co_within(&self->slot, 2, co_call(&self->tidy, tidy)));
    co_return(self->n);
    co_end;
}

static void a_deadline_in_a_clean_up_has_its_own_name(void **state)
{
    struct sim sim;
    struct tidied frame;
    struct co_task task;

    (void)state;
    sim_begin(&sim);
    co_task_init(&task, &frame, tidied);
    assert_int_equal(sim_run(&sim), 0);
    assert_int_equal(co_task_result(&task), -ETIMEDOUT);
    assert_int_equal(frame.tidy.n, -ETIMEDOUT);
    assert_int_equal(sim.now, 3 * S);
    sim_end(&sim);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_outer_deadline_that_comes_in_the_clean_up_of_an_inner_one_is_not_lost),
    cmocka_unit_test(a_deadline_in_a_clean_up_has_its_own_name),
};

TEST_MAIN(tests)
