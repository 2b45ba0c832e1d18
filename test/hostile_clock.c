/* SPDX-License-Identifier: BSD-2-Clause
 * hostile_clock.c: tests that the wall clock may jump by hours and years, both ways, without moving
 * a timer. The clock calls of this program, the library and libev are replaced here. */
#define _GNU_SOURCE             /* RTLD_NEXT */
#include "hostile.h"

#include <dlfcn.h>
#include <ev.h>
#include <sys/time.h>

/* ---- A wall clock of our own ----------------------------------------------------------------- */

static volatile long wall_ahead;        /* seconds before the real one */
static volatile long wall_asked;        /* how often anybody looked */

static int is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

/* Instead of libc's, for libev too. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    int result;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    result = real(clock, time);
    if (is_wall(clock)) {
        time->tv_sec += wall_ahead;
        wall_asked++;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *to)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}

/* ---- Jumps ----------------------------------------------------------------------------------- */

enum { HOUR = 3600, YEAR = 365 * 24 * HOUR };
static const long jumps[] = { 1, -1, HOUR, -HOUR, YEAR, -YEAR, 10L * YEAR, -10L * YEAR };
static const int jump_count = sizeof jumps / sizeof jumps[0];
static struct { struct in_time times; long early, met, jumped; bool over; } clocked;

/* A deadline is met in time, however the wall clock goes. */
struct limited { co_frame; int fds[2]; double seconds, before; struct co_within slot; intptr_t n;
                 char byte; };
static co_define(limited)
{
    co_begin;
    co_try(co_done(co_fd_pipe(self->fds)));
    self->before = co_time();
    co_await(self->n, co_within(&self->slot, self->seconds, co_read(self->fds[0], &self->byte, 1)));
    check_equal(self->n, -ETIMEDOUT);
    clocked.early += co_time() < self->before + self->seconds - 1e-6;
    clocked.met++;
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

/* Lets the wall clock jump until the others are done. */
struct jumper { co_frame; int i; double last; };
static co_define(jumper)
{
    co_begin;
    self->last = co_time();
    while (!clocked.over) {
        wall_ahead += jumps[self->i++ % jump_count];
        clocked.jumped++;
        co_try(co_sleep(0.003));
        check(co_time() >= self->last);
        self->last = co_time();
    }
    co_end;
}

struct jumps_end { co_frame; struct co_group *group; };
static co_define(jumps_end)
{
    co_begin;
    co_try(co_group_wait(self->group));
    clocked.over = 1;
    co_end;
}

static void the_wall_clock_that_is_seen_jumps(void **state)
{
    (void)state;
    double before = ev_time(), steady = co_time();

    wall_ahead = HOUR;
    assert_true(ev_time() - before > HOUR - 10);        /* libev asks here too */
    assert_true(co_time() - steady < HOUR - 10);
    wall_ahead = -HOUR;
    assert_true(ev_time() - before < -HOUR + 100);
    wall_ahead = 0;
}

static void a_jump_of_the_wall_clock_moves_no_timer(void **state)
{
    (void)state;
    int rounds = scaled(20, 1, 1), timers = 400;  /* 2 s each: libev looks twice a second */
    unsigned before = polls();
    long asked = wall_asked;

    memset(&clocked, 0, sizeof clocked);
    alarm(100);                         /* a timer that waits for the hour is a failure */
    for (int round = 0; round < rounds; round++) {
        struct co_group group;
        double start = co_time() + 0.05;

        co_group_init(&group, NULL);
        for (int i = 0; i < timers; i++)
            check_equal(co_group_go(&group, sleeper, .number = i * 37 % timers,
                                    .seen = &clocked.times,
                                    .until = start + 0.005 * (i * 37 % timers)), 0);
        for (int i = 0; i < 10; i++)
            check_equal(co_group_go(&group, limited, .seconds = 0.2 * (i + 1)), 0);
        clocked.over = 0;
        clocked.times.last = 0;
        (void)co_go(jumper, .i = round);
        check_equal(goes(co_spawn(jumps_end, .group = &group)), 0);
    }
    alarm(0);
    wall_ahead = 0;
    check_equal(clocked.times.fired, rounds * timers);
    check_equal(clocked.met, rounds * 10);
    check_equal(clocked.early + clocked.times.early, 0);
    check_equal(clocked.times.disorder, 0);
    check(clocked.jumped > rounds);
    check(wall_asked >= asked + rounds);
    told("clock-jumps", clocked.times.fired + clocked.met, "%ld jumps of 1 s to 10 years both "
         "ways, read %ld times: %ld timers early, %ld out of order, %u polls", clocked.jumped,
         wall_asked - asked, clocked.early + clocked.times.early, clocked.times.disorder,
         polls() - before);
}

static const struct CMUnitTest tests[] = {
    TEST(the_wall_clock_that_is_seen_jumps),
    TEST(a_jump_of_the_wall_clock_moves_no_timer),
};

TEST_MAIN(tests)
