/* SPDX-License-Identifier: BSD-2-Clause
 * feed.c: runs a fuzz target without libFuzzer on each file, and on each file of each directory,
 * that the command line names. Each runs in a process of its own, so that the one that fails is
 * named. */
#define _DEFAULT_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20 };
static struct seen { int runs; char path[1024]; } *seen;        /* shared with the child */

static void feed_file(const char *path)
{
    static uint8_t room[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    size_t size;

    if (!file) {
        perror(path);
        exit(1);
    }
    snprintf(seen->path, sizeof seen->path, "%s", path);
    size = fread(room, 1, sizeof room, file);
    fclose(file);
    data = (uint8_t *)fuzz_copy(room, size);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    seen->runs++;
}

static void feed(const char *path)
{
    struct stat st;
    struct dirent *entry;
    DIR *dir;

    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        feed_file(path);
        return;
    }
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        char name[1024];

        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            feed_file(name);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    int status = 1;
    pid_t child;

    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc < 2 || seen == MAP_FAILED) {
        fprintf(stderr, "usage: %s FILE_OR_DIRECTORY...\n", name);
        return 2;
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        for (int i = 1; i < argc; i++)
            feed(argv[i]);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || seen->runs == 0) {
        fprintf(stderr, "%s: failed after %d inputs: repeat it with: %s %s\n", name, seen->runs,
                argv[0], seen->path);
        return 1;
    }
    printf("fuzz: %s: %d kept inputs, failed 0\n", name, seen->runs);
    return 0;
}
