/* SPDX-License-Identifier: BSD-2-Clause
 * thread_test.h: what the tests of thread.h share: threads that are counted, and none that is left;
 * no thread to be had. Include it with _GNU_SOURCE. */
#ifndef THREAD_TEST_H
#define THREAD_TEST_H
#include "loop_test.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>

/* ---- Threads --------------------------------------------------------------------------------- */

static int threads_before;

/* Of this process; -1 where that cannot be known. */
static inline int threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;

    if (!dir)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static inline void rest(void)
{
    usleep(1000);
}

/* A thread that was joined is seen there for a moment yet. */
static inline bool threads_become(int wanted)
{
    for (int tries = 0; tries < 20000 && threads() != wanted; tries++)
        rest();
    return threads() == wanted;
}

static inline pthread_t thread(void *(*fn)(void *), void *arg)
{
    pthread_t made;

    if (pthread_create(&made, NULL, fn, arg) != 0)
        abort();
    return made;
}

/* ---- Before and after a test ----------------------------------------------------------------- */

static inline int threads_begin(void **state)
{
    threads_before = threads();
    return test_begins(state);
}

static inline int threads_end(void **state)
{
    co_loop_free(co_loop_current());
    co_thread_limit(16);
    if (!threads_become(threads_before)) {
        print_error("%d threads, there were %d\n", threads(), threads_before);
        failures_++;
    }
    return test_ends(state);
}

static inline void *nothing(void *arg)
{
    return arg;
}

/* A sanitizer makes a thread of its own with the first one, and it stays. */
static inline int first_thread(void **state)
{
    (void)state;
    pthread_join(thread(nothing, NULL), NULL);
    return 0;
}

/* ---- Without a thread ------------------------------------------------------------------------ */

/* From now on, or no longer, pthread_create() fails with EAGAIN: no memory has room for a stack. */
static inline void stacks_too_large(bool too_large)
{
    static size_t usual;
    pthread_attr_t attr;

    assert_int_equal(pthread_getattr_default_np(&attr), 0);
    if (too_large)
        assert_int_equal(pthread_attr_getstacksize(&attr, &usual), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, too_large ? SIZE_MAX / 4 : usual), 0);
    assert_int_equal(pthread_setattr_default_np(&attr), 0);
    pthread_attr_destroy(&attr);
}

/* -EAGAIN; valgrind has another reason to refuse such a stack. */
static inline bool no_thread(intptr_t result)
{
    return result == -EAGAIN || (under_valgrind() && result == -EINVAL);
}

#endif
