/* SPDX-License-Identifier: BSD-2-Clause
 * emulation.h: libev's emulation of libevent, which lies in its library under libevent's names. As
 * in libev's event.h, which a system cannot have beside libevent's. */
#ifndef EMULATION_H
#define EMULATION_H
#include <ev.h>
#include <sys/time.h>

#ifdef __cplusplus
extern "C" {
#endif
struct event_base;
struct event {
    union {
        struct ev_io io;
        struct ev_signal sig;
    } iosig;
    struct ev_timer to;
    struct event_base *ev_base;
    void (*ev_callback)(int, short, void *);
    void *ev_arg;
    int ev_fd, ev_pri, ev_res, ev_flags;
    short ev_events;
};
const char *event_get_method(void);
struct event_base *event_base_new(void);
int event_base_set(struct event_base *base, struct event *event);
int event_base_loop(struct event_base *base, int flags);
void event_base_free(struct event_base *base);
void event_set(struct event *event, int fd, short events, void (*fn)(int, short, void *),
               void *arg);
int event_add(struct event *event, struct timeval *timeout);
int event_del(struct event *event);
#ifdef __cplusplus
}
#endif
#endif
