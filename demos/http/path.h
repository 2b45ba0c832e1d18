/* SPDX-License-Identifier: BSD-2-Clause
 * path.h: opens the file that the target of a request names, and none outside the root. */
#ifndef DEMOS_HTTP_PATH_H
#define DEMOS_HTTP_PATH_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

enum { PATH_ROOM = 1024 };

/* ---- Targets --------------------------------------------------------------------------------- */

/* The value of a hexadecimal digit, or -1. */
static inline int path_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "http://host/path", which proxies are sent, is read as "/path". */
static inline void path_origin(const char **target, size_t *size)
{
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1;

    if (*size <= n || strncasecmp(*target, scheme, n) != 0)
        return;
    while (n < *size && !strchr("/?", (*target)[n]))
        n++;
    if (n > sizeof scheme - 1 && n < *size && (*target)[n] == '/') {
        *target += n;
        *size -= n;
    } else if (n > sizeof scheme - 1) {         /* nothing but a host, and perhaps a query */
        *target = "/";
        *size = 1;
    }
}

/* Takes empty and "." segments out of [path], and looks for "..". 0, or -EACCES. */
static inline int path_clean(char *path)
{
    char *to = path;

    for (const char *from = path; *from; ) {
        size_t n = strcspn(from, "/"), step = from[n] ? n + 1 : n;

        if (n == 2 && memcmp(from, "..", 2) == 0)
            return -EACCES;
        if (n > 0 && !(n == 1 && *from == '.')) {
            if (to > path)
                *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += step;
    }
    *to = '\0';
    return 0;
}

/* The character at [text], an escape being one; it is [*size] long. Or -EBADMSG. */
static inline int path_character(const char *text, size_t left, size_t *size)
{
    int high = *text == '%' && left > 2 ? path_digit(text[1]) : -1;
    int low = high >= 0 ? path_digit(text[2]) : -1;
    int c = low >= 0 ? high * 16 + low : (unsigned char)*text;

    *size = low >= 0 ? 3 : 1;
    return c < ' ' || c == 0x7F || (low < 0 && (c == '%' || c == '#')) ? -EBADMSG : c;
}

/* Writes into [path], of PATH_ROOM bytes, what [target] names below the root: "" for that itself.
 * 1 if it names a directory, by a "/" at its end, else 0. -EBADMSG: no path, a bad escape, or a
 * control character; -EACCES: "..", in escapes or not, or a backslash; -ENAMETOOLONG. */
static inline int path_read(char *path, const char *target, size_t size)
{
    size_t done = 0, step;
    int c, is_directory;

    path_origin(&target, &size);
    if (size == 0 || *target != '/')
        return -EBADMSG;
    for (size_t i = 0; i < size && target[i] != '?'; i += step) {
        c = path_character(target + i, size - i, &step);
        if (c < 0 || c == '\\')
            return c < 0 ? c : -EACCES;
        if (done == PATH_ROOM - 1)
            return -ENAMETOOLONG;
        path[done++] = (char)c;
    }
    path[done] = '\0';
    is_directory = path[done - 1] == '/' || (done > 1 && memcmp(path + done - 2, "/.", 2) == 0);
    c = path_clean(path);
    return c < 0 ? c : is_directory;
}

/* Writes "/" and [path] as it stands in a URL, where nothing ends a line or names a host. The end
 * of what was written. */
static inline char *path_write(char *to, const char *path)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '/';
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
            || strchr("-._~/", c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    *to = '\0';
    return to;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* O_NONBLOCK: to open a FIFO that nobody writes to would wait. */
enum { PATH_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
enum { PATH_STEP = O_PATH | O_CLOEXEC | O_DIRECTORY };

/* Opens [path] below the directory [root], one component after the other; a symbolic link, wherever
 * it leads, is -ELOOP. An fd, or negative errno. For systems that have no openat2(). */
static inline int path_open_by_steps(int root, const char *path)
{
    char name[NAME_MAX + 1];
    int fd = root, next, error;

    for (path = *path ? path : "."; ; path += strlen(name) + 1) {
        size_t n = strcspn(path, "/");
        bool is_last = path[n] == '\0';

        next = -1;
        error = ENAMETOOLONG;
        if (n <= NAME_MAX) {
            memcpy(name, path, n);
            name[n] = '\0';
            next = openat(fd, name, O_NOFOLLOW | (is_last ? PATH_FLAGS : PATH_STEP));
            error = errno;
        }
        if (fd != root)
            close(fd);
        if (next < 0 || is_last)
            return next < 0 ? -error : next;
        fd = next;
    }
}

/* The same; but a link may lead to any place below the root, the kernel sees to that: -EXDEV where
 * one leads out. */
static inline int path_open(int root, const char *path)
{
#ifdef SYS_openat2
    struct open_how how = { .flags = PATH_FLAGS,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);

    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))     /* EPERM: an old container's filter */
        return fd < 0 ? -errno : fd;
#endif
    return path_open_by_steps(root, path);
}

#endif
