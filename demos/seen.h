/* SPDX-License-Identifier: BSD-2-Clause
 * seen.h: the URLs that a crawler has seen: a set of fingerprints, and a file that outlives it.
 *
 * For each page, lines "link URL" for its links and a line "visited URL" for itself are appended to
 * the file at once. So a reader of the file knows which pages are done and which are to come.
 * A fingerprint has 64 bits. Two of a million URLs have the same one with a chance of 1 in
 * 40,000,000, but an enemy could make such URLs. */
#ifndef DEMOS_SEEN_H
#define DEMOS_SEEN_H

#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct seen {
    uint64_t *prints;                   /* sorted */
    size_t count, room;
    char *text;                         /* what the file said */
    int fd;
};

/* What the file shall say of a page. */
struct seen_page {
    const struct seen *seen;
    const struct fetch *fetch;          /* which has ended */
    char text[4096];                    /* its lines, from seen_keep on */
};

static inline uint64_t seen_print(const char *url)      /* FNV-1a */
{
    uint64_t print = 0xcbf29ce484222325;

    while (*url)
        print = (print ^ (unsigned char)*url++) * 0x100000001b3;
    return print;
}

/* 1: it is new, and in from now on; 0: it was in; or -ENOMEM. */
static inline int seen_add(struct seen *seen, const char *url)
{
    uint64_t print = seen_print(url), *prints;
    size_t low = 0, high = seen->count, more = 2 * seen->room + 64;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (seen->prints[middle] == print)
            return 0;
        if (seen->prints[middle] < print)
            low = middle + 1;
        else
            high = middle;
    }
    if (seen->count == seen->room) {
        prints = (uint64_t *)realloc(seen->prints, more * sizeof *prints);
        if (!prints)
            return -ENOMEM;
        seen->prints = prints;
        seen->room = more;
    }
    memmove(seen->prints + low + 1, seen->prints + low, (seen->count++ - low) * sizeof *prints);
    seen->prints[low] = print;
    return 1;
}

/* Reads all of the file that is whole: a line without its end, which a crash has left, is cut off.
 * Behind it comes a link to [first]. A string, free() it; NULL, with errno. */
static inline char *seen_read(int fd, const char *first)
{
    off_t end = lseek(fd, 0, SEEK_END);
    size_t size = end > 0 ? (size_t)end : 0, done = 0;
    size_t room = size + strlen(first) + sizeof "link \n";
    char *text = end < 0 ? NULL : (char *)malloc(room);
    ssize_t n = 1;

    while (text && n > 0 && done < size)
        if ((n = pread(fd, text + done, size - done, (off_t)done)) > 0)
            done += (size_t)n;
    while (text && done > 0 && text[done - 1] != '\n')
        done--;
    if (!text || n < 0 || (done < size && ftruncate(fd, (off_t)done) < 0)) {
        free(text);
        return NULL;
    }
    snprintf(text + done, room - done, "link %s\n", first);
    return text;
}

/* Gives the next line "WORD URL" of [*text]: false at the end. */
static inline bool seen_next(const char **text, const char *word, char *url, size_t size)
{
    size_t head = strlen(word);

    for (const char *line = *text, *end; (end = strchr(line, '\n')); line = end + 1)
        if (strncmp(line, word, head) == 0 && line[head] == ' ') {
            snprintf(url, size, "%.*s", (int)(end - line - (ptrdiff_t)head - 1), line + head + 1);
            *text = end + 1;
            return true;
        }
    return false;
}

/* Opens the file, made if there is none. The pages visited are in the set from now on: their
 * number, or negative errno. [first] is a link as those of the file. Always seen_close() it. */
static inline int seen_open(struct seen *seen, const char *path, const char *first)
{
    int count = 0, added = 0;
    char url[256];

    *seen = (struct seen){ .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666) };
    if (seen->fd < 0 || !(seen->text = seen_read(seen->fd, first)))
        return errno > 0 ? -errno : -EIO;
    for (const char *at = seen->text; added >= 0 && seen_next(&at, "visited", url, sizeof url); )
        count += (added = seen_add(seen, url)) > 0;
    return added < 0 ? added : count;
}

/* Gives the next new link of [*lines], which is in the set from now on: 1; 0: the end; -ENOMEM. */
static inline int seen_next_new(struct seen *seen, const char **lines, struct http_url *link)
{
    char url[sizeof link->text];
    int added = 0;

    while (added == 0 && seen_next(lines, "link", url, sizeof url))
        added = http_url_parse(link, url) < 0 ? 0 : seen_add(seen, link->text);
    return added;
}

/* Adds a page with its links to the file, and waits until that is safe on the disk: a blocking
 * call, for a thread. [page]: a struct seen_page. 0; -EMSGSIZE: too many links; negative errno. */
static inline intptr_t seen_keep(void *page)
{
    struct seen_page *p = (struct seen_page *)page;
    const char *url = p->fetch->url->text;
    int size = fetch_links(p->fetch, p->text, sizeof p->text), room = (int)sizeof p->text - size;
    ssize_t n;

    if (size < 0 || snprintf(p->text + size, (size_t)room, "visited %s\n", url) >= room)
        return -EMSGSIZE;
    size = (int)strlen(p->text);
    n = write(p->seen->fd, p->text, (size_t)size);
    if (n != size)
        return n < 0 ? -errno : -ENOSPC;
    return fsync(p->seen->fd) < 0 ? -errno : 0;
}

static inline void seen_close(struct seen *seen)
{
    if (seen->fd >= 0)
        close(seen->fd);
    free(seen->prints);
    free(seen->text);
}

#endif
