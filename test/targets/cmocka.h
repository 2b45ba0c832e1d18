/* SPDX-License-Identifier: BSD-2-Clause
 * cmocka.h: the part of cmocka's API that the tests of the first two floors use, over a printer of
 * TAP: for machines that cmocka itself does not run on. It is found before the real one where
 * test/targets comes first among the include directories.
 *
 * SHARDS, SHARD: of the tests in a table, only each SHARDS-th one is compiled, from SHARD on, and
 * what it needs: so that a large program fits a small flash in pieces.
 * A failed assert tells its line and both values; the text of the expression stands at that line,
 * and a microcontroller has no room for it twice. */
#ifndef TARGETS_CMOCKA_H
#define TARGETS_CMOCKA_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SHARDS
#define SHARDS 1
#define SHARD 0
#endif

/* ---- Where the lines go ---------------------------------------------------------------------- */

#ifdef __AVR__                          /* the UART, which the simulator prints */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

static void tap_put(char c)
{
    UCSR0B = 1 << TXEN0;
    while (!(UCSR0A & 1 << UDRE0)) { }
    UDR0 = (unsigned char)c;
}

static _Noreturn void tap_exit(int status)
{
    (void)status;
    while (!(UCSR0A & 1 << UDRE0)) { }
    cli();
    for (;;)
        sleep_mode();
}
#else                                   /* standard output: a process's, or by semihosting */
static void tap_put(char c)
{
    putchar(c);
}

static _Noreturn void tap_exit(int status)
{
    exit(status);
}
#endif

static void tap_text(const char *text)
{
    while (*text)
        tap_put(*text++);
}

/* Decimal where a long holds it, else hexadecimal: so that a 64-bit division is not linked. */
static void tap_number(intmax_t value)
{
    char digits[2 + 2 * sizeof value + 1];
    size_t n = sizeof digits;
    int is_long = value >= LONG_MIN && value <= LONG_MAX;
    unsigned long small = value < 0 ? 0 - (unsigned long)value : (unsigned long)value;
    uintmax_t large = (uintmax_t)value;

    digits[--n] = '\0';
    if (is_long) {
        do
            digits[--n] = (char)('0' + small % 10);
        while ((small /= 10) != 0);
        if (value < 0)
            digits[--n] = '-';
    } else {
        for (; large != 0; large >>= 4)
            digits[--n] = "0123456789abcdef"[large & 15];
        digits[--n] = 'x';
        digits[--n] = '0';
    }
    tap_text(digits + n);
}

/* A comment of TAP: a line that begins with #. */
__attribute__((format(printf, 1, 2), unused))
static void print_message(const char *format, ...)
{
    char text[96];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tap_text("# ");
    tap_text(text);
    if (!strchr(text, '\n'))
        tap_put('\n');
}
#define print_error print_message

/* ---- The ends of a test ---------------------------------------------------------------------- */

enum { TAP_RAN, TAP_FAILED, TAP_SKIPPED };
static jmp_buf tap_jump;
static const char *tap_why;             /* why it is skipped */
static int tap_may_leak;                /* a misuse was left by a jump */

static inline _Noreturn void tap_fail(int line)
{
    tap_text("# line ");
    tap_number(line);
    tap_put('\n');
    longjmp(tap_jump, TAP_FAILED);
}

static inline _Noreturn void tap_skip(const char *why)
{
    tap_why = why;
    longjmp(tap_jump, TAP_SKIPPED);
}

static inline void tap_compare(intmax_t a, intmax_t b, int line, int equal)
{
    if ((a == b) == equal)
        return;
    tap_text("# ");
    tap_number(a);
    tap_text(equal ? " is not " : " is ");
    tap_number(b);
    tap_put('\n');
    tap_fail(line);
}

static inline void tap_same_text(const char *a, const char *b, int line)
{
    if (strcmp(a, b) == 0)
        return;
    tap_text("# ");
    tap_text(a);
    tap_text("\n# is not\n# ");
    tap_text(b);
    tap_put('\n');
    tap_fail(line);
}

static inline void tap_in_range(uintmax_t a, uintmax_t least, uintmax_t most, int line)
{
    if (a >= least && a <= most)
        return;
    tap_compare((intmax_t)a, (intmax_t)(a < least ? least : most), line, 1);
}

#define skip() tap_skip("by itself")
#define fail() tap_fail(__LINE__)
#define _fail(file, line) tap_fail(line)
#define fail_msg(...) (print_message(__VA_ARGS__), tap_fail(__LINE__))

#define assert_true(a) ((a) ? (void)0 : tap_fail(__LINE__))
#define assert_false(a) ((a) ? tap_fail(__LINE__) : (void)0)
#define assert_null(a) assert_true((a) == NULL)
#define assert_non_null(a) assert_true((a) != NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b) tap_compare((intmax_t)(a), (intmax_t)(b), __LINE__, 1)
#define assert_int_not_equal(a, b) tap_compare((intmax_t)(a), (intmax_t)(b), __LINE__, 0)
#define assert_string_equal(a, b) tap_same_text((a), (b), __LINE__)
#define assert_memory_equal(a, b, size) assert_true(memcmp((a), (b), (size)) == 0)
#define assert_in_range(a, least, most) \
    tap_in_range((uintmax_t)(a), (uintmax_t)(least), (uintmax_t)(most), __LINE__)

/* ---- The heap: what a test that was left by a jump still has is freed, and one that ends in the
 * usual way may keep nothing. Without the memory for it, a test is skipped. -------------------- */

union tap_block {
    struct { union tap_block *next, *prev; } in;
    long long align;
    long double align_more;
};
static union tap_block tap_blocks = { .in = { &tap_blocks, &tap_blocks } };

static inline void tap_free(void *memory)
{
    union tap_block *block;

    if (!memory)
        return;
    block = (union tap_block *)memory - 1;
    block->in.prev->in.next = block->in.next;
    block->in.next->in.prev = block->in.prev;
    free(block);
}

static inline void *tap_realloc(void *memory, size_t size)
{
#ifdef __AVR__                          /* where malloc aligns nothing; tasks want even addresses */
    static int even;

    if (!even)
        even = 1, __malloc_heap_start += (uintptr_t)__malloc_heap_start & 1;
    size += size & 1;
#endif
    union tap_block *old = memory ? (union tap_block *)memory - 1 : NULL;
    union tap_block *block = (union tap_block *)realloc(old, sizeof *block + size);

    if (!block)
        tap_skip("there is not the memory for it");
    if (!old)
        block->in.next = &tap_blocks, block->in.prev = tap_blocks.in.prev;
    block->in.next->in.prev = block->in.prev->in.next = block;
    return block + 1;
}

static inline void *tap_malloc(size_t size)
{
    return tap_realloc(NULL, size);
}

static inline void *tap_calloc(size_t n, size_t size)
{
    return memset(tap_malloc(n * size), 0, n * size);
}

static inline int tap_free_all(void)
{
    int freed = 0;

    for (; tap_blocks.in.next != &tap_blocks; freed++)
        tap_free(tap_blocks.in.next + 1);
    return freed;
}

#define malloc tap_malloc
#define calloc tap_calloc
#define realloc tap_realloc
#define free tap_free
#define test_malloc tap_malloc
#define test_free tap_free

/* ---- The table ------------------------------------------------------------------------------- */

struct CMUnitTest {
    const char *name;                   /* NULL: it is in another shard */
    void (*test_func)(void **);
};
#define TAP_TEST(f, n) { (n) % SHARDS == SHARD ? #f : NULL, (n) % SHARDS == SHARD ? f : NULL }
#define TAP_TEST_OF(f, n) TAP_TEST(f, n)
#define cmocka_unit_test(f) TAP_TEST_OF(f, __COUNTER__)

static void tap_run(const struct CMUnitTest *test, int number, int *failed)
{
    void *state = NULL;
    int end;

    tap_may_leak = 0;
    end = setjmp(tap_jump);
    if (end == TAP_RAN) {
        test->test_func(&state);
        if (tap_free_all() > 0 && !tap_may_leak)
            fail_msg("not all memory was freed");
    }
    tap_free_all();
    *failed += end == TAP_FAILED;
    tap_text(end == TAP_FAILED ? "not ok " : "ok ");
    tap_number(number);
    tap_text(" - ");
    tap_text(test->name);
    if (end == TAP_SKIPPED) {
        tap_text(" # SKIP ");
        tap_text(tap_why);
    }
    tap_put('\n');
}

typedef int (*CMFixtureFunction)(void **);

static int tap_run_all(const struct CMUnitTest *tests, size_t n, CMFixtureFunction set_up)
{
    static int number, failed;
    void *state = NULL;

    failed = set_up && set_up(&state) != 0;
    for (size_t i = 0; i < n; i++)
        if (tests[i].name)
            tap_run(&tests[i], ++number, &failed);
    tap_text("1..");
    tap_number(number);
    tap_put('\n');
    tap_exit(failed > 0);
}
#define cmocka_run_group_tests(tests, set_up, tear_down) \
    tap_run_all(tests, sizeof (tests) / sizeof *(tests), set_up)

#endif
