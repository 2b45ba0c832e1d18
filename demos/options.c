/* SPDX-License-Identifier: BSD-2-Clause
 * options.c: the command line of the demos, by getopt_long, with strict values. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP = 256, SCALE, DELAY, PORT, COUNT, PAGES, SEEN, SYNC, FORM };  /* long names only */

static const struct option known[] = {
    { "help", no_argument, NULL, HELP },
    { "scale", required_argument, NULL, SCALE },
    { "delay", required_argument, NULL, DELAY },
    { "port", required_argument, NULL, PORT },
    { "count", required_argument, NULL, COUNT },
    { "pages", required_argument, NULL, PAGES },
    { "seen", required_argument, NULL, SEEN },
    { "sync", no_argument, NULL, SYNC },
    { "form", required_argument, NULL, FORM },
};
enum { KNOWN = sizeof known / sizeof *known };

static const char *program;

static _Noreturn void refuse(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, list);
    fprintf(stderr, ": see %s --help\n", program);
    va_end(list);
    exit(2);
}

/* Digits and at most one point: not what strtod takes besides (signs, spaces, hex, inf, nan). */
static double number(const char *name, const char *text, double least, double most, bool whole)
{
    const char *digits = whole ? "0123456789" : "0123456789.";
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || text[strspn(text, digits)] || value < least || value > most)
        refuse("--%s wants a %snumber from %g to %g, not '%s'", name, whole ? "whole " : "",
               least, most, text);
    return value;
}

static void set(struct options *options, int option, const char *value)
{
    if (option == SCALE)
        options->scale = number("scale", value, 0, 1000, false);
    else if (option == DELAY)
        options->delay = number("delay", value, 0, 86400, false);
    else if (option == PORT)
        options->port = (int)number("port", value, 0, 65535, true);
    else if (option == COUNT)
        options->count = (int)number("count", value, 1, 1000, true);
    else if (option == PAGES)
        options->pages = (int)number("pages", value, 1, 1000, true);
    else if (option == SEEN)
        options->seen = value;
    else if (option == SYNC)
        options->sync = true;
    else if (strcmp(value, "sync") && strcmp(value, "threads") && strcmp(value, "tasks"))
        refuse("--form wants sync, threads or tasks, not '%s'", value);
    else
        options->form = value;
}

/* The known options that the usage names. */
static void choose(struct option *taken, const char *usage)
{
    for (size_t i = 0; i < KNOWN; i++) {
        char name[16];

        snprintf(name, sizeof name, "--%s", known[i].name);
        if (known[i].val == HELP || strstr(usage, name))
            *taken++ = known[i];
    }
}

struct options options_read(int argc, char **argv, const char *usage)
{
    struct options options = { .scale = 1, .delay = 3, .count = 5, .seen = "crawl.seen" };
    struct option taken[KNOWN + 1] = { { NULL, 0, NULL, 0 } };
    bool wants_url = strstr(usage, "URL_OR_PORT");
    int option;

    program = argc > 0 ? argv[0] : "demo";
    if (strrchr(program, '/'))
        program = strrchr(program, '/') + 1;
    choose(taken, usage);
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", taken, NULL)) != -1)
        if (option == HELP) {
            printf("usage: %s [--help]%s%s\n", program, *usage ? " " : "", usage);
            exit(0);
        } else if (option == ':')
            refuse("%s wants a value", argv[optind - 1]);
        else if (option == '?' && optopt > 0 && optopt < HELP)
            refuse("unknown option -%c", optopt);
        else if (option == '?')
            refuse("unknown option %s", argv[optind - 1]);
        else
            set(&options, option, optarg);
    if (wants_url && optind == argc)
        refuse("URL_OR_PORT is missing");
    if (argc - optind > wants_url)
        refuse("there is no use for '%s'", argv[optind + wants_url]);
    options.url = wants_url ? argv[optind] : NULL;
    return options;
}
