/* SPDX-License-Identifier: BSD-2-Clause
 * thread.h: blocking calls on a pool of threads, posts from other threads, a loop per core.
 *
 *     static intptr_t count_words(void *arg) { ... reads a file, slowly ... }
 *
 *     co_try(self->words, co_thread(count_words, "war-and-peace.txt"));    // the others go on
 *
 * A loop and its tasks belong to one thread; co_loop_post is the only call that another may
 * make. */
#ifndef CO_THREAD_H
#define CO_THREAD_H

#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs fn(arg) on a thread of the pool: what it returns, a result like any other. Signals are
 * blocked there. A call that has begun cannot be cancelled: its result is given, and the request
 * meets the next await; one that has not begun is taken back. -EAGAIN: no thread could be made.
 * [arg] must stay until the await is over. asyncio: to_thread(), run_in_executor() */
CO_OP co_thread(intptr_t (*fn)(void *), void *arg);

/* At most [n] calls run at once from now on, for all loops of the process; 16 at first. Threads are
 * made when they are needed, and end with the last loop. */
void co_thread_limit(unsigned n);

/* Runs coroutine NAME as the main task of [n] loops at once, each in a thread of its own, the first
 * in this one: one listener per core, with CO_TCP_REUSEPORT. When one of them fails or is cancelled
 * (SIGINT reaches the first), the others are cancelled. The first failure, or 0; -EAGAIN: a thread
 * could not be made; -EBUSY: this thread has a loop already. The arguments are copied to each.
 *     intptr_t co_loop_threads(n, NAME, .field = ...); */
#define co_loop_threads(n, ...) \
    CO_EXPAND_(CO_LOOP_THREADS_, CO_FIRST_(__VA_ARGS__, ~), n, CO_BODY_ = co_body_##__VA_ARGS__)

/* Which of the loops of co_loop_threads this is, from 0; 0 in any other. */
unsigned co_loop_index(void);

/* ---- Machinery ------------------------------------------------------------------------------- */

intptr_t co_loop_threads_(unsigned n, size_t size, const void *frame);
#ifdef __GNUC__
#define CO_LOOP_THREADS_(NAME, n, ...) __extension__({                                            \
        struct NAME co_loop_frame_;                                                               \
        (void)CO_MAKE_(NAME, &co_loop_frame_, __VA_ARGS__);                                       \
        co_loop_threads_(n, sizeof co_loop_frame_, &co_loop_frame_); })
#else
#define CO_LOOP_THREADS_(NAME, n, ...) \
    co_loop_threads_(n, sizeof(struct NAME), &CO_LITERAL_(NAME, __VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif
#endif
