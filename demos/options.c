/* SPDX-License-Identifier: BSD-2-Clause
 * options.c: the command line of the demos, by getopt_long, with strict values. */
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {                                  /* long names only */
    HELP = 256, SCALE, DELAY, PORT, COUNT, PAGES, SEEN, SYNC, FORM, CONNECTIONS, SEED,
    PATIENCE, MAX_BULK, MAX_MEMORY, HOST, HELLO, HEAD_LIMIT, IDLE_LIMIT, SEND_LIMIT, GRACE
};

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
    { "connections", required_argument, NULL, CONNECTIONS },
    { "seed", required_argument, NULL, SEED },
    { "patience", required_argument, NULL, PATIENCE },
    { "max-bulk", required_argument, NULL, MAX_BULK },
    { "max-memory", required_argument, NULL, MAX_MEMORY },
    { "host", required_argument, NULL, HOST },
    { "hello", no_argument, NULL, HELLO },
    { "head-limit", required_argument, NULL, HEAD_LIMIT },
    { "idle-limit", required_argument, NULL, IDLE_LIMIT },
    { "send-limit", required_argument, NULL, SEND_LIMIT },
    { "grace", required_argument, NULL, GRACE },
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
        refuse("%s%s wants a %snumber from %.12g to %.12g, not '%s'", name[1] ? "--" : "-", name,
               whole ? "whole " : "", least, most, text);
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
    else if (option == CONNECTIONS)
        options->connections = (int)number("connections", value, 1, 1e7, true);
    else if (option == SEED)
        options->seed = (unsigned)number("seed", value, 1, 1e9, true);
    else if (option == PATIENCE)
        options->patience = number("patience", value, 0.001, 86400, false);
    else if (option == MAX_BULK)
        options->max_bulk = number("max-bulk", value, 1, 512 << 20, true);
    else if (option == MAX_MEMORY)
        options->max_memory = number("max-memory", value, 0, 1e15, true);
    else if (option == HOST)
        options->host = value;
    else if (option == HELLO)
        options->hello = true;
    else if (option == HEAD_LIMIT)
        options->head_limit = number("head-limit", value, 0.01, 86400, false);
    else if (option == IDLE_LIMIT)
        options->idle_limit = number("idle-limit", value, 0.01, 86400, false);
    else if (option == SEND_LIMIT)
        options->send_limit = number("send-limit", value, 0.01, 86400, false);
    else if (option == GRACE)
        options->grace = number("grace", value, 0, 86400, false);
    else if (option == 'j')
        options->jobs = (int)number("j", value, 1, JOBS_MAX, true);
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
    struct options options = { .scale = 1, .delay = 3, .count = 5, .seen = "crawl.seen",
                               .connections = 10000, .patience = 60, .max_bulk = 16 << 20,
                               .jobs = 1, .host = "127.0.0.1", .head_limit = 10, .idle_limit = 60,
                               .send_limit = 30, .grace = 5 };
    struct option taken[KNOWN + 1] = { { NULL, 0, NULL, 0 } };
    bool wants_url = strstr(usage, "URL_OR_PORT"), wants_dir = strstr(usage, "DIR");
    const char *letters = strstr(usage, "-j N") ? ":j:" : ":";
    int option, wanted;

    program = argc > 0 ? argv[0] : "demo";
    if (strrchr(program, '/'))
        program = strrchr(program, '/') + 1;
    choose(taken, usage);
    opterr = 0;
    while ((option = getopt_long(argc, argv, letters, taken, NULL)) != -1)
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
    wanted = wants_url || (wants_dir && !options.hello);
    if (argc - optind < wanted)
        refuse("%s is missing", wants_url ? "URL_OR_PORT" : "DIR");
    if (argc - optind > wanted)
        refuse("there is no use for '%s'", argv[optind + wanted]);
    options.url = wants_url ? argv[optind] : NULL;
    options.dir = wants_dir ? argv[optind] : NULL;
    return options;
}
