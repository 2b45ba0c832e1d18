/* SPDX-License-Identifier: BSD-2-Clause
 * options.h: the command line of the demos, read strictly.
 *
 *     struct options options = options_read(argc, argv, "[--port N] [--delay SECONDS]");
 *
 * The usage is the rule: an option, or a URL, that it does not name is refused. */
#ifndef DEMOS_OPTIONS_H
#define DEMOS_OPTIONS_H

#include <stdbool.h>

enum { JOBS_MAX = 64 };

struct options {
    double scale;           /* --scale FACTOR, of all naps; default 1 */
    double delay;           /* --delay SECONDS; default 3 */
    int port;               /* --port N; default 0, any free one */
    int count;              /* --count N, at least 1; default 5 */
    int pages;              /* --pages N, at least 1; default 0: none */
    int connections;        /* --connections N, at least 1; default 10,000 */
    unsigned seed;          /* --seed N, at least 1; default 0: none was given */
    double patience;        /* --patience SECONDS, for a client to read, or to end a request: 60 */
    double max_bulk;        /* --max-bulk BYTES, 1 to 512 MB; default 16 MB */
    double max_memory;      /* --max-memory BYTES; default 0: no limit */
    bool sync;              /* --sync */
    const char *form;       /* --form sync|threads|tasks; default NULL: all of them */
    const char *seen;       /* --seen FILE; default crawl.seen */
    int jobs;               /* -j N, or --jobs N, at most JOBS_MAX; default 1 */
    const char *host;       /* --host ADDRESS; default 127.0.0.1 */
    bool hello;             /* --hello */
    double head_limit, idle_limit, send_limit;      /* --head-limit SECONDS, ...; 10, 60, 30 */
    double grace;           /* --grace SECONDS; default 5 */
    const char *dir;        /* DIR; required where the usage names it, but with --hello */
    const char *url;        /* URL_OR_PORT; required where the usage names it */
};

/* Anything wrong: one line on stderr, and exit with 2. --help: the usage on stdout, and exit
 * with 0. */
struct options options_read(int argc, char **argv, const char *usage);

#endif
