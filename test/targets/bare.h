/* SPDX-License-Identifier: BSD-2-Clause
 * bare.h: replaces what the tests need of POSIX on a machine without it. Misuse is caught by a long
 * jump instead of in a process of its own, and pipes are bytes in memory. */
#ifndef TARGETS_BARE_H
#define TARGETS_BARE_H

/* ---- Misuse ---------------------------------------------------------------------------------- */

static jmp_buf stop_jump;
static int stop_is_expected;
static char stop_said[160];

/* Does [text] hold [pattern], of literals, \x, [...] of one range, and .* ? */
static bool stop_begins(const char *text, const char *pattern);
static bool stop_matches(const char *text, const char *pattern)
{
    do
        if (stop_begins(text, pattern))
            return true;
    while (*text++);
    return false;
}

static bool stop_begins(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++) {
        if (pattern[0] == '.' && pattern[1] == '*')
            return stop_matches(text, pattern + 2);
        if (*pattern == '[') {
            if (*text < pattern[1] || *text > pattern[3])
                return false;
            pattern += 4;
            continue;
        }
        if (*pattern == '\\')
            pattern++;
        if (*text != *pattern)
            return false;
    }
    return true;
}

_Noreturn void target_stop(const char *file, int line, const char *text)
{
    const char *slash = strrchr(file, '/');

    snprintf(stop_said, sizeof stop_said, "%s:%d: %s", slash ? slash + 1 : file, line, text);
    if (stop_is_expected)
        longjmp(stop_jump, 1);
    fail_msg("%s", stop_said);
}

static inline void stops_(void (*misuse)(void), const char *pattern, int line)
{
    stop_said[0] = '\0';
    stop_is_expected = 1;
    tap_may_leak = 1;
    if (setjmp(stop_jump) == 0)
        misuse();
    stop_is_expected = 0;
#ifdef CO_TINY                          /* which has no places and no messages: it stops or not */
    pattern = ":";
#endif
    if (!stop_matches(stop_said, pattern)) {
        print_message("expected %s, got: %s\n", pattern, stop_said);
        tap_fail(line);
    }
}

static inline void stops_at_(void (*misuse)(void), int at, const char *words, const char *file,
                             int line)
{
    const char *slash = strrchr(file, '/');
    char pattern[96];

#if UINTPTR_MAX > 0xFFFF
    snprintf(pattern, sizeof pattern, "%s:%d: .*%s", slash ? slash + 1 : file, at, words);
#else                                   /* a frame has no room for the line */
    (void)at;
    snprintf(pattern, sizeof pattern, "%s:.*%s", slash ? slash + 1 : file, words);
#endif
    stops_(misuse, pattern, line);
}

#define stops(misuse, pattern) stops_(misuse, pattern, __LINE__)
#define stops_at(misuse, line, words) stops_at_(misuse, line, words, __FILE__, __LINE__)

/* ---- Pipes: fd 2n reads what fd 2n + 1 writes ------------------------------------------------ */

enum { PIPES = 8, PIPE_ROOM = 8 };
static struct { char bytes[PIPE_ROOM]; unsigned char open, count; } pipes[PIPES];

struct pollfd { int fd; short events, revents; };
#define POLLIN 1
#define F_GETFD 1
#define fcntl(fd, what) bare_is_open(fd)
#define _exit(status) fail_msg("it would end with %d", (status))

static inline int bare_is_open(int fd)
{
    return pipes[fd / 2].open & 1 << fd % 2 ? 0 : -1;
}

static inline int pipe(int fds[2])
{
    for (int i = 0; i < PIPES; i++)
        if (pipes[i].open == 0) {
            pipes[i].open = 3;
            pipes[i].count = 0;
            fds[0] = 2 * i;
            fds[1] = 2 * i + 1;
            return 0;
        }
    fds[0] = fds[1] = 0;
    return -1;
}

static inline int close(int fd)
{
    int was = bare_is_open(fd);

    pipes[fd / 2].open &= (unsigned char)~(1 << fd % 2);
    return was;
}

static inline int read(int fd, void *to, size_t size)
{
    size_t n = pipes[fd / 2].count < size ? pipes[fd / 2].count : size;

    memcpy(to, pipes[fd / 2].bytes, n);
    pipes[fd / 2].count = (unsigned char)(pipes[fd / 2].count - n);
    memmove(pipes[fd / 2].bytes, pipes[fd / 2].bytes + n, pipes[fd / 2].count);
    return (int)n;
}

static inline int write(int fd, const void *from, size_t size)
{
    assert_true(size <= (size_t)(PIPE_ROOM - pipes[fd / 2].count));
    memcpy(pipes[fd / 2].bytes + pipes[fd / 2].count, from, size);
    pipes[fd / 2].count = (unsigned char)(pipes[fd / 2].count + size);
    return (int)size;
}

static inline int poll(struct pollfd *fds, int n, int timeout)
{
    (void)n, (void)timeout;
    return pipes[fds->fd / 2].count > 0;
}

#endif
