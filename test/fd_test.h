/* SPDX-License-Identifier: BSD-2-Clause
 * fd_test.h: what the tests of fds share: each op in a task of its own. */
#ifndef FD_TEST_H
#define FD_TEST_H
#include "loop_test.h"

/* Awaits one op on an fd; returns its result. */
enum op { READABLE, WRITABLE, READ, WRITE, OPS };
struct one { co_frame; enum op op; int fd; intptr_t n; char buf[16]; };
static co_define(one)
{
    co_begin;
    if (self->op == READABLE)
        co_await(self->n, co_readable(self->fd));
    else if (self->op == WRITABLE)
        co_await(self->n, co_writable(self->fd));
    else if (self->op == READ)
        co_await(self->n, co_read(self->fd, self->buf, sizeof self->buf));
    else
        co_await(self->n, co_write(self->fd, "0123456789abcdef", 16));
    co_return(self->n);
    co_end;
}

#endif
