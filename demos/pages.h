/* SPDX-License-Identifier: BSD-2-Clause
 * pages.h: what slow_server answers, and the links between its pages. */
#ifndef DEMOS_PAGES_H
#define DEMOS_PAGES_H

#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes the page [target] into [to]. Of [pages], /page/N links to itself, to its children 2N + 1
 * and 2N + 2, and to its parent; all else links to the root, /page/0. So each can be reached from
 * each, and most on several ways. */
static inline void page_write(char *to, size_t size, const char *target, int pages)
{
    char *end = NULL;
    long n = strncmp(target, "/page/", 6) == 0 ? strtol(target + 6, &end, 10) : -1;
    long links[] = { 0, pages, pages, pages };          /* there is no page [pages] */
    size_t done = (size_t)snprintf(to, size, "<!DOCTYPE html>\n");

    if (n >= 0 && n < pages && *end == '\0') {
        links[0] = n;
        links[1] = 2 * n + 1;
        links[2] = 2 * n + 2;
        links[3] = n > 0 ? (n - 1) / 2 : pages;
    }
    for (int i = 0; i < 4; i++)
        if (links[i] < pages && done < size)
            done += (size_t)snprintf(to + done, size - done, "<a href=\"/page/%ld\">%ld</a>\n",
                                     links[i], links[i]);
}

/* Writes the answer to [request] into [to], a string: the error that [result], of
 * http_read_request, stands for; or the page; or, if there are no [pages], "Hello!". */
static inline void answer_write(char *to, size_t size, const struct http_head *request,
                                intptr_t result, int pages)
{
    char page[256] = "";

    if (result > 0 && pages > 0)
        page_write(page, sizeof page, request->target, pages);
    else if (result > 0)
        strcpy(page, "Hello!");
    snprintf(to, size, "HTTP/1.1 %s\r\nContent-Type: text/%s\r\nContent-Length: %zu\r\n"
             "Connection: %s\r\n\r\n%s", http_status(result), pages > 0 ? "html" : "plain",
             strlen(page), result < 0 || request->close ? "close" : "keep-alive",
             request->is_head ? "" : page);
}

#endif
