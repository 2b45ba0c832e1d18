/* SPDX-License-Identifier: BSD-2-Clause
 * million_memory.h: what a process and the kernel hold in memory just now. Linux; 0 elsewhere. */
#ifndef DEMOS_MILLION_MEMORY_H
#define DEMOS_MILLION_MEMORY_H

#include "million_limits.h"

#ifdef __linux__
#include <malloc.h>
#endif

struct memory {
    double resident;            /* bytes of this process that are in memory */
    double allocated;           /* bytes that malloc has given out, with its own heads */
    double kernel;              /* bytes that the kernel uses for itself */
};

static inline double memory_resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");     /* exact; statm lags behind */
    char line[128];
    double kb = 0;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %lf", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb * 1024;
}

/* Slabs hold sockets, files, their inodes and epoll's items; big tables, as that of a process's
 * fds, are slabs' or vmalloc's. Of the whole machine: other programs that start or stop meanwhile
 * blur it. MemAvailable would not do: it takes the inodes of open sockets for memory that could be
 * had back. Nor would MemFree: each processor keeps free pages that it does not count. */
static inline double memory_kernel(void)
{
    return limits_memory("Slab", 0) + limits_memory("VmallocUsed", 0);
}

static inline struct memory memory_now(void)
{
    struct memory now = { .resident = memory_resident(), .kernel = memory_kernel() };

#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 heap = mallinfo2();

    now.allocated = (double)heap.uordblks + (double)heap.hblkhd;
#endif
    return now;
}

#endif
