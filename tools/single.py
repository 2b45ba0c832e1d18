#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""single.py: writes the library as two files, duffel.h and duffel.c, for people who copy.

    tools/single.py DIRECTORY VERSION --core FILE... --loop FILE... --net FILE...

`make single` calls it with the Makefile's own lists of files, floor by floor, each file behind
those that it includes. A header that is in no list is private: it goes into duffel.c, where it is
first included. Each .c keeps its macros to itself; that no two of them have a static of one name is
what the compiler says, and test/single.sh asks it.
"""
import argparse
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCAL = re.compile(r'\s*#\s*include\s+"([^"]+)"')
MACRO = re.compile(r"\s*#\s*define\s+(\w+)")
UNLESS = re.compile(r"\s*#\s*ifndef\s+(\w+)")
WIDTH = 100
SWITCH = {"core": None, "loop": "CO_NO_LOOP", "net": "CO_NO_NET"}

HEADER = """\
/* SPDX-License-Identifier: BSD-2-Clause
 * duffel.h: Duffel {version}, async/await for C without stacks: all headers of the library in one,
 * and duffel.c its other files. Written by `make single`; the sources are easier to read.
 *
 *     cc program.c duffel.c -lev -pthread
 *
 * It has three floors. Switch off what you do without, by -D, the same for duffel.c and for each
 * file that includes this:
 *
 *     floor                               needs               switch
 *     {core}
 *                                         nothing             always there
 *     {loop}
 *                                         POSIX, libev        CO_NO_LOOP leaves it and sockets out
 *     {net}
 *                                         POSIX               CO_NO_NET leaves it out
 *
 * The switches of coro.h (CO_TINY, CO_DEBUG, CO_LABELS) are told below, at its beginning. */
#ifndef CO_DUFFEL_H
#define CO_DUFFEL_H

#if defined CO_NO_LOOP && !defined CO_NO_NET
#define CO_NO_NET               /* sockets stand on the loop */
#endif
"""

SOURCE = """\
/* SPDX-License-Identifier: BSD-2-Clause
 * duffel.c: Duffel {version}, all in one unit: see duffel.h. Written by `make single`. */
#if !defined CO_NO_LOOP && !defined _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "duffel.h"
"""

AGAIN = """\
#ifdef CO_TEXTS_
#line HERE
#endif
"""


def banner(name):
    return f"\n/* ==== {name} ".ljust(WIDTH - 2, "=") + " */\n\n"


def expand(name, seen):
    """The lines of a file; those that it includes and that nobody has seen yet in their places."""
    text = (ROOT / name).read_text()
    if '\n# 1 "<' in text:      # it ends with texts of coro.h, behind which the lines are ours again
        text = text.removesuffix("#endif\n") + AGAIN + "#endif\n"
    for line in text.splitlines(keepends=True):
        found = LOCAL.match(line)
        if not found:
            if not re.match(r"#define _GNU_SOURCE", line):
                yield line
        elif found[1] not in seen:
            seen.add(found[1])
            yield from expand(found[1], seen)


def macros(lines):
    """The names that these lines define, but for those that they only define where nobody has."""
    names, before = [], ""
    for line in lines:
        found, unless = MACRO.match(line), UNLESS.match(before)
        if found and not (unless and unless[1] == found[1]) and found[1] not in names:
            names.append(found[1])
        before = line
    return names


def header(floors, version):
    names = {floor: " ".join(name for name in files if name.endswith(".h"))
             for floor, files in floors.items()}
    yield HEADER.format(version=version, **names)
    for floor, files in floors.items():
        if SWITCH[floor]:
            yield f"\n#ifndef {SWITCH[floor]}\n"
        for name in files:
            if name.endswith(".h"):
                yield banner(name)
                yield from expand(name, seen={n for f in floors.values() for n in f})
        if SWITCH[floor]:
            yield f"\n#endif /* {SWITCH[floor]} */\n"
    yield "\n#endif\n"


def source(floors, version):
    seen = {name for files in floors.values() for name in files}
    yield SOURCE.format(version=version)
    for floor, files in floors.items():
        if SWITCH[floor]:
            yield f"\n#ifndef {SWITCH[floor]}\n"
        for name in files:
            if name.endswith(".c"):
                yield banner(name)
                yield from expand(name, seen)
                own = (ROOT / name).read_text().splitlines()
                yield from (f"#undef {macro}\n" for macro in macros(own)
                            if macro != "_GNU_SOURCE")
        if SWITCH[floor]:
            yield f"\n#endif /* {SWITCH[floor]} */\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("version")
    for floor in SWITCH:
        parser.add_argument(f"--{floor}", nargs="+", required=True)
    options = parser.parse_args()
    floors = {floor: getattr(options, floor) for floor in SWITCH}
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, lines in ("duffel.h", header), ("duffel.c", source):
        whole = "".join(lines(floors, options.version)).splitlines(keepends=True)
        for i, line in enumerate(whole):
            if line == "#line HERE\n":
                whole[i] = f'#line {i + 2} "{name}"\n'
        (options.directory / name).write_text("".join(whole))


if __name__ == "__main__":
    main()
