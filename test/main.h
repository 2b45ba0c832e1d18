/* SPDX-License-Identifier: BSD-2-Clause
 * main.h: the main of every test program. It runs the whole table, or with ONLY=pattern in the
 * environment those tests of it whose names match the pattern: a name, or a part with * around it.
 * `make test-NAME ONLY=pattern` builds test/NAME.c and runs it so. */
#ifndef TEST_MAIN_H
#define TEST_MAIN_H

/* At the end of a test program: its main, which runs the array [tests]. */
#define TEST_MAIN(tests) TEST_MAIN_WITH(tests, NULL, NULL)

/* The same with a set-up before the first test and a tear-down after the last one, or NULL. */
#define TEST_MAIN_WITH(tests, set_up, tear_down)                                                  \
    int main(void)                                                                                \
    {                                                                                             \
        return run_table(tests, set_up, tear_down) != 0;                                          \
    }

#ifdef TEST_TARGET                          /* another machine, which has no environment */
#define run_table(tests, set_up, tear_down) cmocka_run_group_tests(tests, set_up, tear_down)
#else
#include <fnmatch.h>

/* For a program with a main of its own: runs the array [tests]; how many of them failed. */
#define run_table(tests, set_up, tear_down) \
    run_table_(__FILE__, tests, TESTS_IN(tests), set_up, tear_down)

#define TESTS_IN(tests) (sizeof (tests) / sizeof *(tests))

static inline bool is_asked_for(const struct CMUnitTest *test)
{
    const char *only = getenv("ONLY");

    return !only || !*only || fnmatch(only, test->name, 0) == 0;
}

/* Runs those of [tests] that are asked for, under the heading [group]; how many of them failed. */
static inline int run_group(const char *group, const struct CMUnitTest *tests, size_t n,
                            CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    struct CMUnitTest *asked = calloc(n, sizeof *asked);
    size_t count = 0;
    int failed = 0;

    if (!asked)
        abort();
    for (size_t i = 0; i < n; i++)
        if (is_asked_for(&tests[i]))
            asked[count++] = tests[i];
    if (count > 0)
        failed = _cmocka_run_group_tests(group, asked, count, set_up, tear_down);
    free(asked);
    return failed;
}

/* False, with a line that says so, if ONLY asks for none of [tests]. */
static inline bool some_are_asked_for(const char *file, const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_asked_for(&tests[i]))
            return true;
    fprintf(stderr, "%s: ONLY='%s' matches the name of none of its %zu tests\n", file,
            getenv("ONLY"), n);
    return false;
}

static inline int run_table_(const char *file, const struct CMUnitTest *tests, size_t n,
                             CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    return some_are_asked_for(file, tests, n) ? run_group(file, tests, n, set_up, tear_down) : 1;
}

#endif
#endif
