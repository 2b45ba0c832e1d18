/* SPDX-License-Identifier: BSD-2-Clause
 * hostile_tasks.c: tests with large numbers: an fd number that is used 1,000,000 times, 100,000
 * tasks that are cancelled at once, awaits 100,000 deep, and the memory that is left after them. */
#include "hostile.h"

#include <malloc.h>

#ifdef CO_DEBUG                 /* what the library promises itself is looked at in each turn */
enum { WALKS = 1 };
#else
enum { WALKS = 0 };
#endif

/* ---- One fd number, again and again ---------------------------------------------------------- */

/* What comes from it is the count of the time when it was opened. */
struct hearer { co_frame; int fd, heard; intptr_t n; };
static co_define(hearer)
{
    co_begin;
    co_try(self->n, co_read(self->fd, &self->heard, sizeof self->heard));
    co_return(self->heard);
    co_end;
}

/* How an fd with an event of its own under way goes: closed at once; closed while its file lives
 * on, so that epoll goes on to report it; closed a turn later; closed behind the loop's back. */
enum going { GONE, LIVES_ON, LATER, UNSEEN, GOINGS };
struct reuse {
    co_frame;
    int i, n, first, kept, fds[2], old;
    enum going going;
    long ebadf, heard, stale;
    struct co_task *before, *after;
    intptr_t result;
};
static co_define(reuse)
{
    co_begin;
    self->kept = -1;
    co_try(co_done(co_fd_pipe(self->fds)));
    self->first = self->fds[0];
    for (self->i = 0; self->i < self->n; self->i++) {
        self->going = (enum going)(self->i % GOINGS);
        self->before = co_spawn(hearer, .fd = self->fds[0]);
        co_try(co_sleep(0));
        if (self->i % 8 < 4)
            co_try(co_sleep(0));                /* libev has it by now */
        check_equal(write(self->fds[1], &self->i, sizeof self->i), sizeof self->i);
        if (self->going == LATER)
            co_try(co_sleep(0));
        if (self->going == LIVES_ON)
            self->kept = dup(self->fds[0]);
        if (self->going == UNSEEN)
            close(self->fds[0]);
        else
            co_fd_close(self->fds[0]);
        if (self->going != UNSEEN && self->i % 3 == 0)
            co_await(co_join(self->before));            /* told before the number comes again */
        self->old = self->fds[1];
        co_try(co_done(co_fd_pipe(self->fds)));
        check_equal(self->fds[0], self->first);
        self->after = co_spawn(hearer, .fd = self->fds[0]);
        co_await(self->result, co_join(self->before));
        check(self->result == -EBADF || self->result == self->i);
        self->ebadf += self->result == -EBADF;
        self->heard += self->result == self->i;
        co_try(co_sleep(0));
        co_try(co_sleep(0));
        self->stale += co_task_state(self->after) != CO_TASK_PENDING; /* nothing was sent to it */
        self->old = (co_fd_close(self->old), -self->i - 1000);
        check_equal(write(self->fds[1], &self->old, sizeof self->old), sizeof self->old);
        co_await(self->result, co_join(self->after));
        self->stale += self->result != self->old;
        co_task_free(self->before);
        co_task_free(self->after);
        self->before = self->after = NULL;
        if (self->kept >= 0)
            close(self->kept);
        self->kept = -1;
    }
    co_finally;
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    check_equal(self->stale, 0);
    co_end;
}

static void an_fd_number_comes_again_and_no_stale_event_reaches_its_new_file(void **state)
{
    (void)state;
    int n = scaled(1000000, 20000, 300);
    struct co_task *task = co_spawn(reuse, .n = n);

    runs();
    check_equal(co_task_result(task), 0);
    told("fd-reuse", n, "%ld stale events, %ld reads given up with -EBADF, %ld in time",
         CO_TASK_FRAME(task, reuse)->stale, CO_TASK_FRAME(task, reuse)->ebadf,
         CO_TASK_FRAME(task, reuse)->heard);
    co_task_free(task);
}

/* ---- 100,000 tasks cancelled at once --------------------------------------------------------- */

enum kind { SLEEPS, RECEIVES, GETS, PUTS, EVENT, LOCK, GATHERS, KINDS };
static struct {
    struct co_event event;
    struct co_lock lock;
    struct co_queue empty, full;
    int item;
    long cancelled, cleaned, wrong;
} many;

/* Waits for ever; cancelled, it cleans up with an await. */
struct waiter { co_frame; enum kind kind; int fd, item; intptr_t n; };
static co_define(waiter)
{
    co_begin;
    if (self->kind == SLEEPS)
        co_await(self->n, co_sleep(1000 + chance(1000)));
    else if (self->kind == RECEIVES)
        co_await(self->n, co_recv(self->fd, &self->item, 1));
    else if (self->kind == GETS)
        co_await(self->n, co_queue_get(&many.empty, &self->item));
    else if (self->kind == PUTS)
        co_await(self->n, co_queue_put(&many.full, &self->item));
    else if (self->kind == EVENT)
        co_await(self->n, co_event_wait(&many.event));
    else
        co_await(self->n, co_lock_acquire(&many.lock));
    co_return(self->n);
    co_finally;
    many.cancelled += self->n == -ECANCELED;
    co_await(self->n, co_sleep(0));
    many.wrong += self->n != 0;                 /* one request is one -ECANCELED */
    many.cleaned++;
    co_end;
}

/* Waits for 10 such, each of which waits for 10, and so on; 10 sleepers at the bottom. */
struct nest { co_frame; int levels; struct co_task *tasks[10]; intptr_t n; };
static co_define(nest)
{
    co_begin;
    for (int i = 0; i < 10; i++)
        self->tasks[i] = self->levels > 1 ? co_spawn(nest, .levels = self->levels - 1)
                                          : co_spawn(waiter, .kind = SLEEPS);
    co_await(self->n, co_gather(self->tasks, 10));
    co_return(self->n);
    co_finally;
    many.cancelled += self->n == -ECANCELED;
    for (int i = 0; i < 10; i++)
        co_task_free(self->tasks[i]);
    many.cleaned++;
    co_end;
}

/* Spawns [n] tasks that wait; 1,000 at most on sockets. How many there are. */
static long many_begin(struct co_group *group, int n, int (*fds)[2], int pairs)
{
    struct co_scheduler *s = co_scheduler_get();
    long before = s->count;

    for (int i = 0; i < pairs; i++) {
        pair(fds[i]);
        check_equal(co_group_go(group, waiter, .kind = RECEIVES, .fd = fds[i][0]), 0);
    }
    check_equal(co_group_go(group, nest, .levels = n >= 60000 ? 4 : n >= 6000 ? 3 : 1), 0);
    for (int i = 0; i < 4; i++)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    while (s->count < before + (uint32_t)n) {
        enum kind kind = (enum kind)(s->count % GATHERS);

        if (kind == RECEIVES)
            kind = SLEEPS;
        check_equal(co_group_go(group, waiter, .kind = kind), 0);
    }
    for (int i = 0; i < 6; i++)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    return (long)s->count - before;
}

/* Cancels the group and waits for its end. */
struct holds_lock { co_frame; };
static co_define(holds_lock)
{
    co_begin;
    co_try(co_lock_acquire(&many.lock));
    co_try(co_wait());
    co_finally;
    check_equal(co_lock_release(&many.lock), 0);
    co_end;
}

struct ender { co_frame; struct co_group *group; struct co_task *holder; intptr_t n;
               unsigned turns; };
static co_define(ender)
{
    co_begin;
    self->turns = co_scheduler_get()->turns;
    co_group_cancel(self->group);
    co_await(self->n, co_group_wait(self->group));
    self->turns = (co_scheduler_get()->turns - self->turns) / 2;
    co_cancel(self->holder);
    co_end;
}

static void a_hundred_thousand_tasks_are_cancelled_at_once(void **state)
{
    (void)state;
    static int fds[1000][2];
    int n = scaled(1000000, 100000, 2000), pairs = scaled(1000, 400, 20), dummy = 1, out = 0;
    struct rlimit limit;
    struct co_task *holder = co_spawn(holds_lock), *end;
    struct co_group group;
    unsigned turns;
    long there;
    double began;

    getrlimit(RLIMIT_NOFILE, &limit);
    pairs = (rlim_t)(2 * pairs + 50) < limit.rlim_cur ? pairs : (int)limit.rlim_cur / 2 - 25;
    memset(&many, 0, sizeof many);
    co_queue_init(&many.full, &many.item, 1, sizeof many.item);
    co_queue_init(&many.empty, NULL, 0, sizeof many.item);
    check_equal(co_queue_put_now(&many.full, &dummy), 0);
    co_group_init(&group, NULL);
    ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    there = many_begin(&group, n, fds, pairs);
    check(there >= n);
    check_equal(many.cleaned, 0);
    began = co_time();
    end = co_spawn(ender, .group = &group, .holder = holder);
    runs();
    began = co_time() - began;
    check_equal(co_task_result(end), 0);
    turns = CO_TASK_FRAME(end, ender)->turns;
    co_task_free(end);
    check_equal(co_task_result(holder), -ECANCELED);
    co_task_free(holder);
    check_equal(many.cancelled, there);
    check_equal(many.cleaned, there);
    check_equal(many.wrong, 0);
    check(turns <= 20);
    check_equal(co_scheduler_get()->timer_count, 0);
    check(!many.event.waiters && !many.lock.waiters && !many.lock.owner);
    check(!many.empty.getters && !many.full.putters);
    check_equal(co_queue_get_now(&many.full, &out), 0);
    check_equal(out, 1);
    check_equal(co_queue_get_now(&many.full, &out), -EAGAIN);  /* no cancelled one put its item */
    for (int i = 0; i < pairs; i++) {
        put(fds[i][1], "x");                            /* and none took a byte */
        check_equal(empty(fds[i][0]), 1);
        co_fd_close(fds[i][0]);
        co_fd_close(fds[i][1]);
    }
    told("cancel-at-once", there, "%u turns, %.2f s, each cleaned up once, none left", turns,
         began);
}

/* ---- 100,000 awaits deep --------------------------------------------------------------------- */

enum bottom { RETURNS, WAITS, FAILS };
static struct { long live, most, cleaned; uintptr_t low, high; intptr_t *at_bottom; } depth;

static void stack_here(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    depth.low = here < depth.low ? here : depth.low;
    depth.high = here > depth.high ? here : depth.high;
}

/* Calls itself in a frame on the heap; each level cleans up with an await, and has a deadline of
 * its own if [within]. */
struct deep { co_frame; int level; enum bottom bottom; bool within; struct deep *below;
              struct co_within slot; intptr_t n; };
static co_define(deep)
{
    co_begin;
    stack_here();
    if (self->level == 0) {
        if (self->bottom == WAITS)
            co_try(co_sleep(1000));
        co_return(self->bottom == FAILS ? -EIO : 0);
    }
    self->below = malloc(sizeof *self->below);
    depth.live++;
    depth.most = depth.live > depth.most ? depth.live : depth.most;
    if (self->within)
        co_try(self->n, co_within(&self->slot, 2000 + self->level,
                                  co_call(self->below, deep, .level = self->level - 1,
                                          .bottom = self->bottom, .within = 1)));
    else
        co_try(self->n, co_call(self->below, deep, .level = self->level - 1,
                                .bottom = self->bottom));
    co_return(self->n + 1);
    co_finally;
    stack_here();
    if (self->below) {
        free(self->below);
        depth.live--;
        co_await(self->n, co_sleep(0));
        depth.cleaned += self->n == 0;
    }
    co_end;
}

/* The whole has a deadline, or is cancelled at the bottom. */
struct digs { co_frame; int levels; enum bottom bottom; bool within; double seconds;
              struct deep top; struct co_within slot; intptr_t n; };
static co_define(digs)
{
    co_begin;
    if (self->seconds > 0)
        co_await(self->n, co_within(&self->slot, self->seconds,
                                    co_call(&self->top, deep, .level = self->levels,
                                            .bottom = self->bottom, .within = self->within)));
    else
        co_await(self->n, co_call(&self->top, deep, .level = self->levels,
                                  .bottom = self->bottom, .within = self->within));
    co_return(self->n);
    co_end;
}

static void dug(int levels, enum bottom bottom, bool within, double seconds, intptr_t wanted)
{
    struct co_task *task = co_spawn(digs, .levels = levels, .bottom = bottom, .within = within,
                                   .seconds = seconds);

    depth.cleaned = depth.live = depth.most = 0;
    if (bottom == WAITS) {
        for (int i = 0; i < 3; i++)
            ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
        check(depth.most == levels || seconds > 0);
        if (seconds <= 0)
            co_cancel(task);
    }
    check_equal(goes(task), wanted);
    check_equal(depth.most, levels);
    check_equal(depth.live, 0);
    check_equal(depth.cleaned, levels);
}

static void a_hundred_thousand_awaits_deep_all_is_as_above(void **state)
{
    (void)state;
    int levels = scaled(1000000, 100000, 3000), within = WALKS ? 3000 : levels;

    depth.low = UINTPTR_MAX;
    depth.high = 0;
    dug(levels, RETURNS, 0, 0, levels);
    dug(levels, FAILS, 0, 0, -EIO);
    dug(levels, WAITS, 0, 0, -ECANCELED);               /* cancelled at the bottom */
    dug(levels, WAITS, 0, 0.01, -ETIMEDOUT);            /* a deadline on the whole */
    dug(within, WAITS, 1, 0, -ECANCELED);               /* and one at each level */
    dug(within, WAITS, 1, 0.01, -ETIMEDOUT);
    check(depth.high - depth.low < 4096);
    told("deep-await", 6, "%d levels, %d with a deadline at each, every co_finally ran once and "
         "awaited, C stack %lu bytes from top to bottom", levels, within,
         (unsigned long)(depth.high - depth.low));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What the library asks the heap for is counted on its way: exact in each form. */
static void *(*heap)(struct co_driver *, void *, size_t);
static size_t held;

static void *counted(struct co_driver *driver, void *old, size_t size)
{
    size_t before = old ? malloc_usable_size(old) : 0;
    void *block = heap(driver, old, size);

    if (block || size == 0)
        held += (block ? malloc_usable_size(block) : 0) - before;
    return block;
}

/* Of this process, in memory. */
static long resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, resident = 0;

    if (file && fscanf(file, "%ld %ld", &all, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

struct dozes { co_frame; };
static co_define(dozes)
{
    co_begin;
    co_await(co_sleep(1000));
    co_end;
}

static void the_memory_of_tasks_that_were_cancelled_comes_back(void **state)
{
    (void)state;
    long n = scaled(1000000, 100000, 5000), before, most, after;
    size_t base, peak, left;

    heap = co_scheduler_get()->driver->resize;
    co_scheduler_get()->driver->resize = counted;
    malloc_trim(0);
    before = resident_kb();
    base = held;
    for (long i = 0; i < n; i++)
        check_equal(co_go(dozes), 0);
    for (int i = 0; i < 2; i++)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
    check_equal(co_scheduler_get()->timer_count, n);
    peak = held;
    most = resident_kb();
    co_scheduler_cancel_all(co_scheduler_get());
    runs();
    check_equal(co_scheduler_get()->count, 0);
    left = held - base;
    malloc_trim(0);                     /* what the library gave back goes to the system */
    after = resident_kb();
    co_scheduler_get()->driver->resize = heap;
    check(peak - base >= 100 * (size_t)n);
    check(left * 100 <= peak - base || left <= 32768);  /* the heap of timers keeps that much */
    if (!SANITIZED && !under_valgrind())
        check(after - before <= (most - before) / 100 + 64);
    told("memory", n, "%.1f MB held by sleeping tasks, %.3f %% left after their cancel, RSS %ld "
         "bytes a task, then back to %+ld kB of %ld kB%s", (double)(peak - base) / 1e6,
         100.0 * (double)left / (double)(peak - base), (most - before) * 1024 / n, after - before,
         most - before, SANITIZED ? " (not checked: a sanitizer keeps it)" : "");
}

static const struct CMUnitTest tests[] = {
    TEST(an_fd_number_comes_again_and_no_stale_event_reaches_its_new_file),
    TEST(a_hundred_thousand_tasks_are_cancelled_at_once),
    TEST(a_hundred_thousand_awaits_deep_all_is_as_above),
    TEST(the_memory_of_tasks_that_were_cancelled_comes_back),
};

TEST_MAIN(tests)
