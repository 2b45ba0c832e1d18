/* SPDX-License-Identifier: BSD-2-Clause
 * test.h: what every test program shares: cmocka, the main (main.h), two sizes of a test, and a
 * check that misuse stops the program. Include it first: it asks the system headers for POSIX. */
#ifndef TEST_H
#define TEST_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "main.h"

/* A test of where something stands: CO_TINY does not know. */
#ifdef CO_TINY
#define needs_places() tap_skip("CO_TINY keeps no places")
#else
#define needs_places() ((void)0)
#endif

/* The full size of a test, or under DUFFEL_SHORT=1, which `make check` and valgrind set, a smaller
 * one; so it is on a microcontroller, and smaller still where there is no memory for it. */
#ifdef TEST_TINY
#define sized(full, brief) ((brief) < 50 ? (brief) : 50)
#elif defined TEST_BARE
#define sized(full, brief) (brief)
#else
static inline int sized(int full, int brief)
{
    const char *is_short = getenv("DUFFEL_SHORT");

    return is_short && *is_short ? brief : full;
}

/* Some things are different under valgrind, which preloads a library of its own. */
static inline bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "vgpreload");
}
#endif

#ifdef TEST_BARE                            /* a microcontroller: see targets/ */
#include "targets/bare.h"
#else
#include <regex.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fails unless [misuse], run in a process of its own, dies by SIGABRT with a line on stderr that
 * matches the POSIX extended regex [pattern]. */
#define stops(misuse, pattern) stops_(misuse, pattern, __FILE__, __LINE__)
/* The same for a message that names [line] of the calling file and holds [words]. */
#define stops_at(misuse, line, words) stops_at_(misuse, line, words, __FILE__, __LINE__)

static inline _Noreturn void stops_child_(void (*misuse)(void), int err)
{
    struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    dup2(err, STDERR_FILENO);
    alarm(20);                              /* a misuse that hangs is not stopped either */
    misuse();
    _exit(0);
}

static inline void stops_(void (*misuse)(void), const char *pattern, const char *file, int line)
{
    char text[4096];
    size_t length = 0;
    ssize_t n;
    int err[2], status;
    regex_t regex;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) || pipe(err)) {
        _fail(file, line);
        return;                             /* never reached, but analysers do not know */
    }
    fflush(NULL);                           /* or the child would write it once more */
    pid_t child = fork();
    if (child == 0)
        stops_child_(misuse, err[1]);
    close(err[1]);
    while ((n = read(err[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    close(err[0]);

    bool ended = child > 0 && waitpid(child, &status, 0) == child;
    bool aborted = ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    bool matched = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    if (!aborted || !matched) {
        print_error("expected SIGABRT and /%s/, got status %#x and: %s\n", pattern,
                    ended ? (unsigned)status : 0, text);
        _fail(file, line);
    }
}

static inline void stops_at_(void (*misuse)(void), int at, const char *words,
                             const char *file, int line)
{
    const char *slash = strrchr(file, '/');
    char pattern[256];

    snprintf(pattern, sizeof pattern, "^(.*/)?%s:%d: .*%s", slash ? slash + 1 : file, at, words);
    stops_(misuse, pattern, file, line);
}

#endif
#endif
