/* SPDX-License-Identifier: BSD-2-Clause
 * path.c: fuzz target: from the target of a request to a file. What is taken names no place outside
 * the root, by itself and with the symbolic links of a real directory; and it prints as itself. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "demos/http/path.h"

#include <stdio.h>
#include <sys/stat.h>

static int root = -1;
static char top[PATH_MAX], root_name[PATH_MAX];

/* Files, directories and links that lead in and out, in and beside the root. Short names, so that
 * the fuzzer finds them. */
static void tree_remove(void)
{
    static const char *const names[] = { "r/a", "r/d/a", "r/d/o", "r/d/i", "r/o", "r/u", "r/x",
                                         "r/m", "s" };
    static const char *const dirs[] = { "r/d/e", "r/d", "r" };
    int at = open(top, O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(at, names[i], 0);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        unlinkat(at, dirs[i], AT_REMOVEDIR);
    close(at);
    rmdir(top);
}

static void file_make(int at, const char *name)
{
    int fd = openat(at, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && close(fd) == 0);
}

static void tree_make(void)
{
    char made[] = "/tmp/duffel-path-XXXXXX";
    int at;

    CHECK(mkdtemp(made) && realpath(made, top));
    CHECK((at = open(top, O_DIRECTORY | O_CLOEXEC)) >= 0);
    CHECK(mkdirat(at, "r", 0700) == 0 && mkdirat(at, "r/d", 0700) == 0);
    CHECK(mkdirat(at, "r/d/e", 0700) == 0);
    file_make(at, "s");
    file_make(at, "r/a");
    file_make(at, "r/d/a");
    CHECK(symlinkat("../s", at, "r/o") == 0 && symlinkat("..", at, "r/u") == 0);
    CHECK(symlinkat("../../s", at, "r/d/o") == 0 && symlinkat("../a", at, "r/d/i") == 0);
    CHECK(symlinkat("/", at, "r/x") == 0 && symlinkat("/proc/self/root", at, "r/m") == 0);
    close(at);
    snprintf(root_name, sizeof root_name, "%.*s/r", PATH_MAX - 8, top);
    root = open(root_name, O_DIRECTORY | O_CLOEXEC);
    CHECK(root >= 0);
    atexit(tree_remove);
}

/* What was opened lies below the root. */
static void is_inside(int fd)
{
    char link[64], name[PATH_MAX];
    ssize_t n;
    size_t size = strlen(root_name);

    if (fd < 0)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, name, sizeof name - 1);
    close(fd);
    if (n < 0)
        return;                         /* no /proc here */
    name[n] = '\0';
    CHECK(strncmp(name, root_name, size) == 0 && (name[size] == '\0' || name[size] == '/'));
}

static void is_clean(const char *path)
{
    size_t size = strlen(path);

    CHECK(size < PATH_ROOM && *path != '/' && (size == 0 || path[size - 1] != '/'));
    for (const char *p = path; *p; p++)
        CHECK((unsigned char)*p >= ' ' && *p != 0x7F && *p != '\\');
    for (const char *p = path; *p; ) {
        size_t n = strcspn(p, "/");

        CHECK(n > 0 && !(n == 1 && *p == '.') && !(n == 2 && memcmp(p, "..", 2) == 0));
        p += p[n] ? n + 1 : n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[PATH_ROOM], again[PATH_ROOM], text[3 * PATH_ROOM + 2];
    char *target = fuzz_copy(data, size), *end;
    int result;

    if (root < 0)
        tree_make();
    memset(path, 'x', sizeof path);
    result = path_read(path, target, size);
    free(target);
    if (result < 0) {
        CHECK(result == -EBADMSG || result == -EACCES || result == -ENAMETOOLONG);
        return 0;
    }
    is_clean(path);
    end = path_write(text, path);
    CHECK(end < text + sizeof text && *end == '\0' && strlen(text) == (size_t)(end - text));
    for (const char *p = text; *p; p++)
        CHECK(*p > ' ' && *p < 0x7F && !strchr("\"<>\\^`{|}#?", *p));
    CHECK(path_read(again, text, strlen(text)) >= 0 && strcmp(again, path) == 0);
    is_inside(path_open(root, path));
    is_inside(path_open_by_steps(root, path));
    return 0;
}
