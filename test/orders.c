/* SPDX-License-Identifier: BSD-2-Clause
 * orders.c: small programs over every primitive in every order there is: 3 tasks of 4 awaits
 * (34,650 orders), 4 tasks of 3 (369,600). After each step the world is what the model says. */
#include "orders_programs.h"
#include "orders_random.h"

#include <time.h>

enum { REPLAYED = 1009, SHORT_STRIDE = 397 };

/* ---- The orders ------------------------------------------------------------------------------ */

/* The order after [order] of the same tasks: the first place that changed; -1: there is none. */
static int next_order(char *order)
{
    int i = STEPS - 2, j = STEPS - 1;

    while (i >= 0 && order[i] >= order[i + 1])
        i--;
    if (i < 0)
        return -1;
    while (order[j] <= order[i])
        j--;
    char c = order[i];
    order[i] = order[j];
    order[j] = c;
    for (int a = i + 1, b = STEPS - 1; a < b; a++, b--) {
        c = order[a];
        order[a] = order[b];
        order[b] = c;
    }
    return i;
}

/* [n] times that. */
static int next_orders(char *order, int n)
{
    int place = STEPS, i;

    while (n-- > 0) {
        i = next_order(order);
        if (i < 0)
            return -1;
        place = i < place ? i : place;
    }
    return place;
}

static struct { size_t size; struct world world; } moments[STEPS];
static long orders_tried, programs_tried;

static size_t world_size(void)
{
    int n = BLOCKS;

    while (n > 0 && world.heap[n - 1].size == 0)
        n--;
    return offsetof(struct world, heap) + (size_t)n * sizeof world.heap[0];
}

struct chunk { char bytes[sizeof world.end]; };
UNCHECKED static void copy_world(struct world *to, const struct world *from, size_t size)
{
    struct chunk *a = (struct chunk *)(void *)to;
    const struct chunk *b = (const struct chunk *)(const void *)from;

    for (size_t n = (size + sizeof *a - 1) / sizeof *a; n > 0; n--)
        *a++ = *b++;
}

static void keep(int place)
{
    moments[place].size = world_size();
    copy_world(&moments[place].world, &world, moments[place].size);
}

/* What lies above in the heap was free then. */
static void go_back(int place)
{
    for (int i = BLOCKS; i-- > 0 && offsetof(struct world, heap[i]) >= moments[place].size; )
        world.heap[i].size = 0;
    copy_world(&world, &moments[place].world, moments[place].size);
    co_scheduler_set(&world.scheduler);
}

/* Whether another order may begin as this one does up to [place], and go on differently. */
static bool branches(const char *order, int place)
{
    for (int i = place + 1; i < STEPS; i++)
        if (order[i] != order[place])
            return true;
    return false;
}

/* Goes on from [place] to the end. The trace of what was given to whom. */
static uint64_t run_from(const char *order, int place, bool keeps)
{
    for (; place < STEPS; place++) {
        if (keeps && branches(order, place))
            keep(place);
        step(order[place] - '0');
    }
    run_out();
    world_end();
    return world.model.trace;
}

/* All orders of [program]: how many. Now and then one is run from its beginning, and must be the
 * same as from the moment that was kept. */
static long run_program(const struct program *program, enum pace pace)
{
    char order[STEPS + 1];
    int place = 0, stride = getenv("DUFFEL_SHORT") ? SHORT_STRIDE : 1;
    int awaits = program->script[ACTORS - 1] ? 3 : 4;
    long n = 0;

    for (int i = 0; i < STEPS; i++)
        order[i] = (char)('0' + i / awaits);
    order[STEPS] = '\0';
    world_begin(program, pace, order);
    keep(0);
    for (; place >= 0; place = next_orders(order, stride)) {
        uint64_t trace;

        go_back(place);
        trace = run_from(order, place, true);
        if (n++ % REPLAYED == 0) {
            world_begin(program, pace, order);
            if (run_from(order, 0, false) != trace)
                wrong("run once more it is another", -1, 0, 0);
        }
    }
    return n;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_programs(const struct program *programs, size_t n)
{
    long all = getenv("DUFFEL_SHORT") ? 0 : 1;

    for (size_t i = 0; i < n; i++) {
        const struct program *p = &programs[i];
        double start = seconds_now();
        long tried = 0;

        for (int pace = 0; pace < PACES; pace++) {
            if (!(p->paces >> pace & 1))
                continue;
            long orders = run_program(p, (enum pace)pace);

            if (all)
                assert_int_equal(orders, p->script[ACTORS - 1] ? 369600 : 34650);
            tried += orders;
        }
        print_message("%-28s %ld tasks  %8ld orders  %.2f s\n", p->name,
                      p->script[ACTORS - 1] ? 4L : 3L, tried, seconds_now() - start);
        orders_tried += tried;
        programs_tried++;
    }
}

static void three_tasks_of_four_awaits_in_every_order(void **state)
{
    (void)state;
    run_programs(of_three, sizeof of_three / sizeof *of_three);
}

static void four_tasks_of_three_awaits_in_every_order(void **state)
{
    (void)state;
    run_programs(of_four, sizeof of_four / sizeof *of_four);
}

static void random_programs_in_random_orders(void **state)
{
    (void)state;
    long first = number_of("DUFFEL_SEED", 20261120);
    long n = number_of("DUFFEL_PROGRAMS", getenv("DUFFEL_SHORT") ? FEW_PROGRAMS : PROGRAMS);
    double start = seconds_now();

    for (long i = 0; i < n; i++) {
        struct random_program program;

        random_program(&program, first + i);
        run_random(&program);
    }
    print_message("%ld random programs from DUFFEL_SEED=%ld  %.2f s\n", n, first,
                  seconds_now() - start);
    orders_tried += n;
    programs_tried += n;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_tasks_of_four_awaits_in_every_order),
        cmocka_unit_test(four_tasks_of_three_awaits_in_every_order),
        cmocka_unit_test(random_programs_in_random_orders),
    };
    double start = seconds_now();
    int failed;

    if (getenv("DUFFEL_SHORT"))
        print_message("DUFFEL_SHORT: every %dth order\n", SHORT_STRIDE);
    failed = run_table(tests, NULL, NULL);
    print_message("orders: programs %ld, orders %ld, failed %d, seconds %.1f\n", programs_tried,
                  orders_tried, failed, seconds_now() - start);
    return failed;
}
