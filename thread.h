/* SPDX-License-Identifier: BSD-2-Clause
 * thread.h: blocking calls on a pool of threads, and a loop for each core.
 *
 *     static intptr_t count_words(void *arg) { ... reads a file, slowly ... }
 *
 *     co_try(self->words, co_thread(count_words, "war-and-peace.txt"));    // the others go on
 *
 * A loop and its tasks belong to one thread. co_loop_post is the only call that another thread may
 * make. */
#ifndef CO_THREAD_H
#define CO_THREAD_H

#include "loop.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs fn(arg) on a thread of the pool and returns its result, of which a negative one is an error.
 * [arg] must stay until the await is over. Signals are blocked on that thread. If the task is
 * cancelled, a call that has not begun is withdrawn and the result is -ECANCELED. A call that has
 * begun cannot be stopped, so its result is delivered, and the next await fails with -ECANCELED.
 * -EAGAIN: no thread could be created. asyncio: to_thread(), run_in_executor() */
CO_OP co_thread(intptr_t (*fn)(void *), void *arg);

/* Lets at most [n] calls run at once from now on, in all loops of the process together; the limit
 * is 16 at first. Threads are created when they are needed, and they end with the last loop. */
void co_thread_limit(unsigned n);

/* Runs coroutine NAME as the main task of [n] loops at once. The first loop runs in this thread,
 * each other one in a thread of its own, and each has a copy of the arguments. So a server can have
 * one listener a core, with CO_TCP_REUSEPORT. SIGINT cancels the first main task. When one of them
 * fails or is cancelled, the others are cancelled. Returns the first failure, or 0; -EAGAIN: a
 * thread could not be created; -EBUSY: this thread already has a loop.
 *     intptr_t co_loop_threads(n, NAME, .field = ...); */
#define co_loop_threads(n, ...) \
    CO_EXPAND_(CO_LOOP_THREADS_, CO_FIRST_(__VA_ARGS__, ~), n, CO_BODY_ = co_body_##__VA_ARGS__)

/* Returns which of the loops of co_loop_threads this is, counted from 0; 0 in any other loop. */
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
