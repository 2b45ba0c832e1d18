/* SPDX-License-Identifier: BSD-2-Clause
 * options.h: the command line of the demos, read strictly.
 *
 *     struct options options = options_read(argc, argv, "[--port N] [--delay SECONDS]");
 *
 * The usage is the rule: an option, or a URL, that it does not name is refused. */
#ifndef DEMOS_OPTIONS_H
#define DEMOS_OPTIONS_H

#include <stdbool.h>

struct options {
    double scale;           /* --scale FACTOR, of all naps; default 1 */
    double delay;           /* --delay SECONDS; default 3 */
    int port;               /* --port N; default 0, any free one */
    int count;              /* --count N, at least 1; default 5 */
    int pages;              /* --pages N, at least 1; default 0: none */
    bool sync;              /* --sync */
    const char *form;       /* --form sync|threads|tasks; default NULL: all of them */
    const char *seen;       /* --seen FILE; default crawl.seen */
    const char *url;        /* URL_OR_PORT; required where the usage names it */
};

/* Anything wrong: one line on stderr, and exit with 2. --help: the usage on stdout, and exit
 * with 0. */
struct options options_read(int argc, char **argv, const char *usage);

#endif
