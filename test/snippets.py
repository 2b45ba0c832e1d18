#!/usr/bin/env python3
"""Compiles and runs the programs that the headers, README.md, CONTRIBUTING.md and docs/ show.

A ```c block with a main() is compiled, linked and run, and must exit with 0; one without is
compiled behind the includes of all four headers. Those of CONTRIBUTING.md are tests, which see the
tree and cmocka. A mark on the line before a block says otherwise:

    <!-- snippet: compile-only -->          it has a main(), but is not run
    <!-- snippet: continues -->             it is compiled with the next block, in front of it
    <!-- snippet: expect-error REGEX -->    the compiler must refuse it, with a message like that
    <!-- snippet: skip REASON -->           it is no C that could be compiled alone

Environment: CC; DUFFEL_CFLAGS and DUFFEL_LIBS say where the library is: include/ and build/, unless
they are set.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CC = shlex.split(os.environ.get("CC") or "cc")
FLAGS = shlex.split(
    "-std=c11 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror "
    + os.environ.get("DUFFEL_CFLAGS", f"-I{ROOT}/include"))
LIBS = shlex.split(os.environ.get("DUFFEL_LIBS", f"{ROOT}/build/libduffel.a -lev"))
INCLUDES = "".join(f"#include {name}\n" for name in (
    "<stdio.h>", "<stdlib.h>", "<string.h>",
    "<duffel/coro.h>", "<duffel/task.h>", "<duffel/loop.h>", "<duffel/net.h>"))
SECONDS = 20
MARKS = ("compile-only", "expect-error", "skip")
TREE = "CONTRIBUTING.md"
TREE_FLAGS = ["-D_POSIX_C_SOURCE=200809L", f"-I{ROOT}", f"-I{ROOT}/test"]
TREE_LIBS = ["-lcmocka"]

# What a header's first comment leaves out: what to put before the code, and after.
HEADERS = {
    "trial.h": ("", ""),
    "coro.h": ('#include <duffel/coro.h>\n', ""),
    "task.h": ('#include <duffel/loop.h>\n', "int main(void) { return co_main(night) != 0; }\n"),
    "loop.h": ("", ""),
    "net.h": ('#include <duffel/net.h>\n', ""),
}


class Failed(Exception):
    pass


def blocks(path):
    """Yields line number, mark, code for each ```c block of a Markdown file. Blocks that continue
    are one, with a #line where another begins."""
    mark, code, before = "", None, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if code is not None:
            if line.strip() == "```":
                if language == "c" and before:
                    code, start = before + [f"#line {start}"] + code, first
                if language == "c" and mark == "continues":
                    before, first = code, start
                elif language == "c":
                    yield start, mark, "\n".join(code) + "\n"
                    before = []
                mark, code = "", None
            else:
                code.append(line)
        elif line.startswith("```"):
            language, start, code = line[3:].strip(), number + 1, []
        elif found := re.fullmatch(r"<!-- snippet: (.*?) *-->", line.strip()):
            mark = found.group(1)
        elif line.strip():
            mark = ""
    if code is not None:
        raise Failed(f"{path.name}:{start - 1}: a block that does not end")
    if before:
        raise Failed(f"{path.name}:{first}: no block comes after one that continues")


def header_example(path):
    """The first indented run of lines in the header's first comment."""
    code = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith(" *     "):
            code.append(line[7:])
            first = number if len(code) == 1 else first
        elif code and line == " *":
            code.append("")
        elif code:
            return first, "\n".join(code).rstrip() + "\n"
    raise Failed(f"{path.name}: no example in its first comment")


def call(command, what):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{what}: not done after {SECONDS} s") from late
    return done.returncode, done.stdout


def check(name, line, mark, code, directory):
    """Returns a word for what was done; raises Failed."""
    kind, _, rest = mark.partition(" ")
    if kind and kind not in MARKS:
        raise Failed(f"unknown mark '{mark}'")
    if kind == "skip":
        if not rest:
            raise Failed("a skip mark needs a reason")
        return "skipped"
    whole = re.search(r"\b(main|TEST_MAIN)\s*\(", code)
    source, program = directory / "snippet.c", directory / "snippet"
    source.write_text(("" if whole else INCLUDES) + f'#line {line} "{name}"\n' + code)
    link = whole and not kind
    flags, libs = (FLAGS + TREE_FLAGS, LIBS + TREE_LIBS) if name == TREE else (FLAGS, LIBS)
    command = CC + flags + (["-o", str(program), str(source)] + libs if link
                            else ["-c", "-o", str(program) + ".o", str(source)])
    status, output = call(command, "the compiler")
    if kind == "expect-error":
        if status == 0:
            raise Failed("the compiler took what it should refuse")
        if not re.search(rest, output):
            raise Failed(f"refused, but no message like '{rest}':\n{output}")
        return "refused"
    if status:
        raise Failed(f"does not compile:\n{output}")
    if not link:
        return "compiled"
    status, output = call([str(program)], "the program")
    if status:
        raise Failed(f"exit status {status}:\n{output}")
    return "ran"


def collect():
    for name, (before, after) in HEADERS.items():
        line, code = header_example(ROOT / name)
        yield name, line - before.count("\n"), "", before + code + after
    for path in [ROOT / "README.md", ROOT / TREE] + sorted((ROOT / "docs").rglob("*.md")):
        for line, mark, code in blocks(path):
            yield str(path.relative_to(ROOT)), line, mark, code


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, line, mark, code in collect():
            try:
                word = check(name, line, mark, code, pathlib.Path(directory))
                print(f"{name}:{line}: {word}", flush=True)
                passed += 1
            except Failed as why:
                print(f"{name}:{line}: FAILED: {why}", flush=True)
                failed += 1
    print(f"snippets: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
