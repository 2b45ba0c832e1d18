/* SPDX-License-Identifier: BSD-2-Clause
 * million_limits.h: checks that this machine allows so many connections before one is opened, and
 * says what to type if it does not. A limit that /proc does not show is assumed to suffice. */
#ifndef DEMOS_MILLION_LIMITS_H
#define DEMOS_MILLION_LIMITS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    LIMITS_SPARE = 64,          /* fds of a process besides its connections and listeners */
    LIMITS_ADDRESSES = 254,     /* 127.0.0.1 to 127.0.0.254 */
    LIMITS_BYTES = 11000        /* of a connection, both ends, kernel and user: 9,500 on Linux 6 */
};

/* The number [field], from 0, of a file; [unknown] if there is none. */
static inline double limits_read(const char *path, int field, double unknown)
{
    FILE *file = fopen(path, "r");
    double value = unknown;

    for (int i = 0; file && i <= field; i++)
        if (fscanf(file, "%lf", &value) != 1)
            value = unknown;
    if (file)
        fclose(file);
    return value;
}

/* The bytes that a line of /proc/meminfo tells. */
static inline double limits_memory(const char *name, double unknown)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    double kb = unknown / 1024;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            (void)sscanf(line + strlen(name) + 1, "%lf", &kb);
    if (file)
        fclose(file);
    return kb * 1024;
}

/* The local ports of an address that connections may have. */
static inline double limits_ports(void)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";

    return limits_read(path, 1, 60999) - limits_read(path, 0, 32768) + 1;
}

/* How many addresses to spread them over: a quarter of an address's ports is used, since the kernel
 * searches long for one of the last. */
static inline uint32_t limits_addresses(uint32_t connections)
{
    double addresses = connections / (limits_ports() / 4) + 1;

    return addresses < LIMITS_ADDRESSES ? (uint32_t)addresses : LIMITS_ADDRESSES;
}

static inline bool limits_refuse(uint32_t connections, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fprintf(stderr, "million: %u connections need ", (unsigned)connections);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    return false;
}

/* Raises the limit of open files of this process, and its children, as far as need be. */
static inline bool limits_files(uint32_t connections, double need)
{
    double most = limits_read("/proc/sys/fs/nr_open", 0, 1e18);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || (double)limit.rlim_cur >= need)
        return true;
    if (need > most)
        return limits_refuse(connections, "%.0f open files in a process, and fs.nr_open is %.0f: "
                             "sudo sysctl -w fs.nr_open=%.0f", need, most, need);
    limit.rlim_cur = (rlim_t)need;
    if (limit.rlim_max >= limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    most = (double)limit.rlim_max;
    limit.rlim_max = limit.rlim_cur;            /* root may */
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    return limits_refuse(connections, "%.0f open files in a process, and its hard limit is %.0f: "
                         "sudo prlimit --pid $$ --nofile=%.0f", need, most, need);
}

/* Whether there is room for so many; else one line has said what is missing. */
static inline bool limits_suffice(uint32_t connections)
{
    double files = (double)connections + limits_addresses(connections) + LIMITS_SPARE;
    double open = limits_read("/proc/sys/fs/file-nr", 0, 0);
    double most = limits_read("/proc/sys/fs/file-max", 0, 1e18);
    double ports = limits_ports() * LIMITS_ADDRESSES;
    double memory = limits_memory("MemAvailable", 1e18);

    if (!limits_files(connections, files))
        return false;
    if (2 * files + open > most)
        return limits_refuse(connections, "%.0f open files in all, %.0f are open, and fs.file-max "
                             "is %.0f: sudo sysctl -w fs.file-max=%.0f", 2 * files, open, most,
                             2 * files + open);
    if (connections > ports * 0.9)
        return limits_refuse(connections, "as many local ports, and %d addresses of %.0f have "
                             "%.0f: sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
                             LIMITS_ADDRESSES, limits_ports(), ports);
    if ((double)connections * LIMITS_BYTES > memory)
        return limits_refuse(connections, "%.1f GB of memory, and %.1f GB are available: "
                             "--connections %u", (double)connections * LIMITS_BYTES / 1e9,
                             memory / 1e9, (unsigned)(memory / LIMITS_BYTES));
    return true;
}

#endif
