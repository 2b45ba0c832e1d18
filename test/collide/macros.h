/* SPDX-License-Identifier: BSD-2-Clause
 * macros.h: macros as programs have them, before every other include. */
#ifndef MACROS_H
#define MACROS_H
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define likely(x) (x)
#define unlikely(x) (x)
#define container_of(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))
#define CONTAINER(p) (p)
#define FIRST(a, b) (a)
#define PICK(a, b) (b)
#define EXPAND(a) a
#define UNUSED(x) ((void)(x))
#define CHECK(x) ((void)(x))
#define DEBUG 1
#define OK 0
#define await wait_for_it()
#define async
#define yield() sched_yield()
#define call(f) f()
#define spawn(f) f()
#define gather(...) 0
#define OP 1
#define FRAME 2
#define BODY 3
#define STATE 4
#define CASE 5
#define LINE 6
#define STOP(text) abort()
#define PAUSED 7
#define WAITING 8
#define RETURNED 9
#define LABELS 10
#define TINY 11
#define TASK_PENDING 12
#define TASK_READY 13
#define TASK_RUNNING 14
#define TASK_WAITING 15
#define TASK_FINISHED 16
#define TASK_BUDGET 17
#define TASK_FRAME(task) (task)
#define TASK_POOL(name) name
#define WAIT_ALL 18
#define WAIT_FIRST_COMPLETED 19
#define QUEUE_FIFO 20
#define QUEUE_LIFO 21
#define LOOP_FOREVER 22
#define LOOP_FOR_EACH(x) for (;;)
#define FD_READ 23
#define FD_WRITE 24
#define FD_CLOSE 25
#define PROCESS_PIPE 26
#define PROCESS_NULL 27
#define TCP_REUSEPORT 28
#define CONNECT_MAX 29
#define FIRST_COMPLETED 30
#endif
