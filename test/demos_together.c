/* SPDX-License-Identifier: BSD-2-Clause
 * demos_together.c: the demos of tasks that work together: what they print, whom they serve, and
 * what is left when they are stopped in the middle. */
#include "demo_test.h"

/* ---- appliances, papers, producer_consumer, race --------------------------------------------- */

#define AT " *[0-9]+ min: "

static void machines_run_by_themselves_while_you_do_the_chores(void **state)
{
    struct child *child = start("appliances --scale 0.3");

    (void)state;
    succeeds(child, AT "start the washing machine\n" AT "done: the washing machine\n"
             AT "start the rice cooker\n" AT "done: the rice cooker\n"
             AT "start the kettle\n" AT "done: the kettle\n"
             AT "begin sweeping\n" AT "done: sweeping\n" AT "begin cooking\n" AT "done: cooking\n"
             COST ", one after the other\n"
             AT "start the washing machine\n" AT "start the rice cooker\n" AT "start the kettle\n"
             AT "begin sweeping\n" AT "done: the kettle\n" AT "done: sweeping\n"
             AT "begin cooking\n" AT "done: cooking\n" AT "done: the rice cooker\n"
             AT "done: the washing machine\n" COST ", as tasks\n");
    between(cost(child, 0), 2.02, 3);
    between(cost(child, 1), 0.89, 1.6);
}

/* The [n]th number behind [words] in the output, from 0. */
static double number(const struct child *child, const char *words, int n)
{
    const char *found = strstr(child->text[OUT], words);

    while (found && n-- > 0)
        found = strstr(found + 1, words);
    assert_non_null(found);
    return atof(found + strlen(words));
}

static void the_bell_waits_for_all_papers_or_for_one_or_hardly(void **state)
{
    static const char waited[] = "the bell waited up to ";
    static const char *const scales[] = { "0.5", "1", "2" };
    struct child *child = NULL;
    double all = 0, one = 0, none = 0;

    (void)state;
    for (int i = 0; i < 3 && !(all > 3 * one && all > 3 * none); i++) {     /* a busy machine */
        child = start("papers --scale %s", scales[i]);
        succeeds(child, COST ", alone; the bell waited up to [0-9.]+ s\n"
                 COST ", with co_pause; the bell waited up to [0-9.]+ s\n"
                 COST ", on co_thread; the bell waited up to [0-9.]+ s\n");
        all = number(child, waited, 0);
        one = number(child, waited, 1);
        none = number(child, waited, 2);
    }
    assert_true(all > 3 * one);
    assert_true(all > 3 * none);
}

static void each_item_is_consumed_once(void **state)
{
#define PROOF ": 20 of 20 items once, their sum is 210 of 210\n"
    struct child *child = start("producer_consumer --scale 0.3");
    int items = 0;

    (void)state;
    succeeds(child, COST ", one after the other" PROOF "(consumer [123] had [0-9]+ items\n){3}"
             COST ", as tasks" PROOF);
    for (int i = 0; i < 3; i++)
        items += (int)number(child, " had ", i);
    assert_int_equal(items, 20);
    between(cost(child, 0), 0.89, 2);
    between(cost(child, 1), 0.2, 0.7);
}

static void the_fastest_mirror_wins_and_the_losers_close(void **state)
{
    struct child *child = start("race --scale 0.2");

    (void)state;
    succeeds(child, "mirror 0: Hello!\nmirror 1: Hello!\nmirror 2: Hello!\n"
             COST ", one after the other\n"
             "mirror 1: Hello!\n(mirror [02]: no answer, closed\n){2}" COST ", mirror 1 has won\n");
    between(cost(child, 0), 0.89, 2);
    between(cost(child, 1), 0.09, 0.28);
}

/* Ctrl-C while the tasks run, which is hit by time; ten tries for a machine that stalls. */
static void ctrl_c_ends_the_tasks_and_leaves_nothing(void **state)
{
    static const struct { const char *command; int ms; } cases[] = {
        { "appliances --scale 0.1", 850 }, { "producer_consumer --scale 0.2", 680 },
        { "race --scale 1", 100 }, { "race --scale 0.1", 475 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct child *child;
        int tries = 10;

        do {
            child = start("%s", cases[i].command);
            poll(NULL, 0, cases[i].ms);
            kill(child->pid, SIGINT);
            end(child);
            assert_string_equal(child->text[ERR], "");
        } while (child->status != 1 && --tries > 0);
        if (tries == 0)
            fail_msg("%s ended with %d", cases[i].command, child->status);
    }
}

/* ---- chat ------------------------------------------------------------------------------------ */

/* Reads lines until [text] is one of them; all that was read. */
static const char *hear(int fd, const char *text)
{
    static char got[1 << 16];
    size_t size = 0;

    for (got[0] = '\0'; !strstr(got, text); got[size] = '\0') {
        ssize_t n = recv(fd, got + size, sizeof got - 1 - size, 0);

        if (n <= 0)
            fail_msg("expected %s, and there came: %s", text, got);
        size += (size_t)n;
    }
    return got;
}

/* A client that is in: [greeting] is its first line. */
static int enter(const struct child *server, const char *greeting)
{
    int fd = dial(server->port);

    check(hear(fd, "\n"), greeting);
    return fd;
}

static void say(int fd, const char *line)
{
    put(fd, line, strlen(line));
}

static void a_line_goes_to_all_the_others(void **state)
{
    struct child *server = serve("chat");
    int fd[10];

    (void)state;
    for (int i = 0; i < 10; i++)
        fd[i] = enter(server, "[0-9]: that is you\n");
    for (int i = 0; i < 10; i++) {
        char line[64], pattern[64];

        snprintf(line, sizeof line, "line of %d\r\n", i);
        say(fd[i], line);
        snprintf(pattern, sizeof pattern, "%d: line of %d\n", i, i);
        for (int k = 0; k < 10; k++)
            if (k != i)
                check(hear(fd[k], "\n"), pattern);
    }
    say(fd[0], "the last");                     /* without an end: it goes out at the end */
    shutdown(fd[0], SHUT_WR);
    check(rest(fd[0]), "");
    check(hear(fd[9], "\n"), "0: the last\n");
    for (int i = 1; i < 10; i++)
        close(fd[i]);
    stop(server, SIGTERM);
}

static void a_line_cannot_pass_for_another_ones(void **state)
{
    struct child *server = serve("chat");
    int fd[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        fd[i] = enter(server, "[0-9]: that is you\n");
    say(fd[1], "x\r0: forged\x1B[2J\x7F\n");
    check(hear(fd[0], "\n"), "1: x 0: forged \\[2J \n");
    for (int i = 0; i < 2; i++)
        close(fd[i]);
    stop(server, SIGTERM);
}

static void many_lines_at_once_all_arrive(void **state)
{
    struct child *server = serve("chat");
    int from = enter(server, "0: .*\n"), to = enter(server, "1: .*\n");
    char lines[1000 * 4 + 1] = "", *end = lines;
    const char *got;

    (void)state;
    for (int i = 0; i < 1000; i++)
        end += sprintf(end, "%03d\n", i);
    say(from, lines);
    got = hear(to, "0: 999\n");
    for (int i = 0; i < 1000; i++) {
        char line[16];

        snprintf(line, sizeof line, "0: %03d\n", i);
        assert_memory_equal(got + i * 7, line, 7);
    }
    close(from);
    close(to);
    stop(server, SIGINT);
}

static void a_slow_client_holds_nobody_up_and_is_disconnected(void **state)
{
    struct child *server = serve("chat");
    int from = enter(server, "0: .*\n"), slow = enter(server, "1: .*\n");
    int quick = enter(server, "2: .*\n"), gone = -1, before = fds_of(server->pid);
    char line[400], end[16];
    ssize_t n;

    (void)state;
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 40000 && gone != before - 1; i += 8) {      /* 16 MB, at most */
        for (int k = 0; k < 8; k++) {
            snprintf(line + 380, 20, " %06d\n", i + k);
            put(from, line, strlen(line));
        }
        snprintf(end, sizeof end, "%06d\n", i + 7);
        hear(quick, end);
        if (i % 1000 == 0)
            gone = fds_of(server->pid);
    }
    for (int i = 0; i < 500 && (gone = fds_of(server->pid)) != before - 1; i++)
        poll(NULL, 0, 10);
    assert_int_equal(gone, before - 1);
    while ((n = recv(slow, line, sizeof line, 0)) > 0) { }          /* it has the lines till then */
    say(from, "bye\n");
    check(hear(quick, "bye\n"), "0: bye\n");
    close(slow);
    close(quick);
    close(from);
    stop(server, SIGTERM);
}

static void a_line_that_is_too_long_ends_the_session_only(void **state)
{
    struct child *server = serve("chat");
    int one = enter(server, "0: .*\n"), two = enter(server, "1: .*\n"), three;
    char line[600];

    (void)state;
    memset(line, 'x', sizeof line);
    put(one, line, sizeof line);
    while (recv(one, line, sizeof line, 0) > 0) { }
    close(one);
    three = enter(server, "0: that is you\n");                      /* its number is free again */
    say(three, "hello\n");
    check(hear(two, "\n"), "0: hello\n");
    close(two);
    close(three);
    stop(server, SIGTERM);
}

static void the_65th_client_is_refused_until_one_leaves(void **state)
{
    struct child *server = serve("chat");
    int fd[64], more;

    (void)state;
    for (int i = 0; i < 64; i++)
        fd[i] = enter(server, "[0-9]+: that is you\n");
    check(rest(dial(server->port)), "");
    shutdown(fd[7], SHUT_WR);
    check(rest(fd[7]), "");
    more = enter(server, "7: that is you\n");
    close(more);
    for (int i = 0; i < 64; i++)
        if (i != 7)
            close(fd[i]);
    stop(server, SIGTERM);
}

static void chat_ends_cleanly_with_clients_in(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct child *server = serve("chat");
        int one = enter(server, "0: .*\n"), two = enter(server, "1: .*\n");

        put(one, "half a li", 9);
        stop(server, signals[i]);
        check(rest(two), "");
        close(one);
    }
}

/* ---- crawl ----------------------------------------------------------------------------------- */

static char file[] = "/tmp/crawl.XXXXXX";

static int new_file(void **state)
{
    int fd;

    (void)state;
    strcpy(file + sizeof file - 7, "XXXXXX");
    fd = mkstemp(file);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    unlink(file);
    return teardown(state);
}

/* Counts the lines "visited URL" of [text], for each page of [pages]; and the root, at [pages]. */
static void count_visits(const char *text, int *visits, int pages)
{
    for (const char *at = text; (at = strstr(at, "visited http://127.0.0.1:")); at++) {
        const char *page = strstr(at, "/page/"), *end = strchr(at, '\n');

        assert_non_null(end);
        if (page && page < end) {
            assert_in_range(atoi(page + 6), 0, pages - 1);
            visits[atoi(page + 6)]++;
        } else {
            visits[pages]++;
        }
    }
}

static const char *file_text(void)
{
    static char text[1 << 16];
    FILE *in = fopen(file, "r");

    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void each_once(const int *visits, int n)
{
    for (int i = 0; i < n; i++)
        if (visits[i] != 1)
            fail_msg("page %d was visited %d times", i, visits[i]);
}

static struct child *crawl(const struct child *server, const char *options)
{
    return start("crawl --seen %s %s%d", file, options, server->port);
}

#define DONE "(visited http://[^\n]*\n)*" COST "; "

static void crawl_visits_each_page_once_and_a_second_run_none(void **state)
{
    struct child *server = serve("slow_server --delay 0.01 --pages 100"), *child;
    int visits[101] = { 0 };

    (void)state;
    child = crawl(server, "");
    succeeds(child, DONE "101 pages, 0 old\n");
    count_visits(child->text[OUT], visits, 100);
    each_once(visits, 101);
    succeeds(crawl(server, ""), COST "; 0 pages, 101 old\n");
    stop(server, SIGTERM);
}

static void crawl_is_quicker_with_five_pages_at_a_time(void **state)
{
    struct child *server = serve("slow_server --delay 0.03 --pages 30"), *child;
    double together;

    (void)state;
    child = crawl(server, "");
    succeeds(child, DONE "31 pages, 0 old\n");
    together = cost(child, 0);
    assert_int_equal(truncate(file, 0), 0);
    child = crawl(server, "--count 1 ");
    succeeds(child, DONE "31 pages, 0 old\n");
    assert_true(cost(child, 0) > 0.9);
    assert_true(cost(child, 0) > 2 * together);
    stop(server, SIGTERM);
}

/* Stopped by Ctrl-C again and again, wherever it is, and started again until it ends by itself.
 * What the runs printed is each page once, too, unless the signal found one outside of its loop. */
static void crawl_after_ctrl_c_visits_each_page_once_over_all_runs(void **state)
{
    struct child *server = serve("slow_server --delay 0.02 --pages 60"), *child;
    int visits[61] = { 0 }, kept[61] = { 0 }, stopped = 0, runs = 0;
    bool died = false;

    (void)state;
    do {
        child = crawl(server, "");
        if (runs < 10) {
            poll(NULL, 0, 60 + 37 * runs % 100);
            kill(child->pid, SIGINT);
        }
        end(child);
        count_visits(child->text[OUT], visits, 60);
        died |= child->status == 128 + SIGINT;
        stopped += child->status == 1;
        if (child->status == 1)
            check(child->text[ERR], "crawl: .*anceled: start it again, and it goes on\n");
    } while (child->status != 0 && ++runs <= 10);
    assert_int_equal(child->status, 0);
    assert_true(stopped > 0);
    count_visits(file_text(), kept, 60);
    each_once(kept, 61);
    if (!died)
        each_once(visits, 61);
    stop(server, SIGTERM);
}

static void crawl_killed_in_the_middle_of_a_line_loses_that_page_only(void **state)
{
    struct child *server = serve("slow_server --delay 0.01 --pages 20");
    int kept[21] = { 0 };

    (void)state;
    succeeds(crawl(server, ""), DONE "21 pages, 0 old\n");
    assert_int_equal(truncate(file, (off_t)strlen(file_text()) - 3), 0);
    succeeds(crawl(server, ""), "visited [^\n]*\n" COST "; 1 pages, 20 old\n");
    count_visits(file_text(), kept, 20);
    each_once(kept, 21);
    stop(server, SIGTERM);
}

static void crawl_tells_what_failed_and_goes_on_there_later(void **state)
{
    struct child *server = serve("slow_server --delay 0.01 --pages 10"), *child;
    int port = server->port;

    (void)state;
    stop(server, SIGTERM);
    child = start("crawl --seen %s %d", file, port);
    end(child);
    check(child->text[OUT], "Connection refused http://127\\.0\\.0\\.1:[0-9]+/\n"
          COST "; 0 pages, 0 old\n");
    check(child->text[ERR], "crawl: Connection refused: start it again, and it goes on\n");
    assert_int_equal(child->status, 1);
    end(child = start("crawl --seen /nowhere/at/all %d", port));
    check(child->text[ERR], "crawl: No such file or directory: .*\n");
    assert_int_equal(child->status, 1);
    succeeds((server = serve("slow_server --delay 0 --pages 10"), crawl(server, "")),
             DONE "11 pages, 0 old\n");
    stop(server, SIGTERM);
}

/* ---- Tests of the command line --------------------------------------------------------------- */

static void each_demo_refuses_an_unknown_option_and_tells_its_usage(void **state)
{
    static const char *const names[] = { "appliances", "papers", "producer_consumer", "race",
                                         "chat", "crawl" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        knows_its_options(names[i]);
}

static void a_bad_value_is_one_line(void **state)
{
    static const char *const commands[] = {
        "slow_server --pages 0", "slow_server --pages 1001", "slow_server --pages x", "crawl",
        "crawl --seen", "crawl --count 0 80", "crawl ftp://127.0.0.1/", "crawl 0", "chat --port x",
        "race --scale x", "papers --scale -1", "appliances --port 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fails(start("%s", commands[i]), 2, "[a-z_]+: [^\n]+\n");
}

static void a_port_in_use_is_one_line(void **state)
{
    struct child *server = serve("chat");

    (void)state;
    fails(start("chat --port %d", server->port), 1, "chat: port [0-9]+: .*: try another --port\n");
    stop(server, SIGTERM);
}

/* ---------------------------------------------------------------------------------------------- */

static void children_run_at_once_and_the_sleeper_is_killed(void **state)
{
    struct child *child = start("subprocess --scale 0.5");

    (void)state;
    succeeds(child, "((hare|fox|tortoise): line [123]\n|(hare|fox|tortoise) has ended with 0\n|"
             "sleeper was killed by signal 15\n){13}" COST ", one after the other .*\n");
    between(cost(child, 0), 0.3, 1.1);
}

#define CRAWL(name) cmocka_unit_test_setup_teardown(name, new_file, remove_file)
static const struct CMUnitTest tests[] = {
    TEST(machines_run_by_themselves_while_you_do_the_chores),
    TEST(the_bell_waits_for_all_papers_or_for_one_or_hardly),
    TEST(each_item_is_consumed_once),
    TEST(the_fastest_mirror_wins_and_the_losers_close),
    TEST(ctrl_c_ends_the_tasks_and_leaves_nothing),
    TEST(a_line_goes_to_all_the_others),
    TEST(a_line_cannot_pass_for_another_ones),
    TEST(many_lines_at_once_all_arrive),
    TEST(a_slow_client_holds_nobody_up_and_is_disconnected),
    TEST(a_line_that_is_too_long_ends_the_session_only),
    TEST(the_65th_client_is_refused_until_one_leaves),
    TEST(chat_ends_cleanly_with_clients_in),
    TEST(children_run_at_once_and_the_sleeper_is_killed),
    CRAWL(crawl_visits_each_page_once_and_a_second_run_none),
    CRAWL(crawl_is_quicker_with_five_pages_at_a_time),
    CRAWL(crawl_after_ctrl_c_visits_each_page_once_over_all_runs),
    CRAWL(crawl_killed_in_the_middle_of_a_line_loses_that_page_only),
    CRAWL(crawl_tells_what_failed_and_goes_on_there_later),
    TEST(each_demo_refuses_an_unknown_option_and_tells_its_usage),
    TEST(a_bad_value_is_one_line),
    TEST(a_port_in_use_is_one_line),
};

TEST_MAIN(tests)
