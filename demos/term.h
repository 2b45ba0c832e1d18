/* SPDX-License-Identifier: BSD-2-Clause
 * term.h: SIGTERM cancels a task, as Ctrl-C cancels the main task. A libev watcher of our own. */
#ifndef DEMOS_TERM_H
#define DEMOS_TERM_H

#include "loop.h"

#include <ev.h>
#include <signal.h>

static inline void term_cancel(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    (void)ev, (void)revents;
    co_cancel((struct co_task *)watcher->data);
}

/* From now on it cancels the running task; term_stop() it before that ends. */
static inline void term_start(ev_signal *watcher)
{
    ev_signal_init(watcher, term_cancel, SIGTERM);
    watcher->data = co_current();
    ev_signal_start(co_loop_ev(co_loop_current()), watcher);
}

static inline void term_stop(ev_signal *watcher)
{
    ev_signal_stop(co_loop_ev(co_loop_current()), watcher);
}

#endif
