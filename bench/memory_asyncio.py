#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""memory_asyncio.py N: the RSS bytes of a sleeping asyncio task, of N of them, for memory.c."""
import asyncio
import os
import resource
import sys


def rss():
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


async def main(n):
    before = rss()
    tasks = [asyncio.create_task(asyncio.sleep(3600 + i % 1000)) for i in range(n)]
    await asyncio.sleep(0.1)
    print((rss() - before) / n, flush=True)
    os._exit(not tasks)         # their end is not asked for


asyncio.run(main(int(sys.argv[1])))
