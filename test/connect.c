/* SPDX-License-Identifier: BSD-2-Clause
 * connect.c: tests of names and of connecting: co_resolve, Happy Eyeballs, unix sockets and pipes.
 * No name server is asked: names that end in .test are answered here. */
#define _GNU_SOURCE             /* RTLD_NEXT */
#include "net_test.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <sys/un.h>

/* ---- Names of our own ------------------------------------------------------------------------ */

/* What "many.test" and "slow.test" resolve to, and what "none.test" fails with. */
static struct addrinfo answers[12];
static struct sockaddr_storage addresses[12];
static int answer_count, lists_out, failure;
static int gate[2];             /* "slow.test" takes until a byte comes */
static char long_name[80];      /* one label of 79 letters: refused before a name server is asked */

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Instead of libc's, for the library too. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    static int (*ask)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    char byte;

    if (hints->ai_flags & AI_NUMERICHOST || strcmp(host, "localhost") == 0
        || strcmp(host, long_name) == 0) {
        *(void **)&ask = real("getaddrinfo");
        return ask(host, service, hints, found);
    }
    if (strcmp(host, "none.test") == 0)
        return failure;
    if (strcmp(host, "slow.test") == 0 && read(gate[0], &byte, 1) != 1)
        return EAI_FAIL;
    if (strcmp(host, "slow.test") != 0 && strcmp(host, "many.test") != 0)
        return EAI_FAIL;
    *found = answers;
    lists_out++;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    static void (*give_back)(struct addrinfo *);

    if (list == answers) {
        lists_out--;
        return;
    }
    *(void **)&give_back = real("freeaddrinfo");
    give_back(list);
}

/* One more address of many.test. */
static void answer(int family, int port)
{
    struct addrinfo *info = &answers[answer_count];
    struct sockaddr_storage *at = &addresses[answer_count];

    memset(at, 0, sizeof *at);
    *info = (struct addrinfo){ .ai_family = family, .ai_addr = (struct sockaddr *)at };
    at->ss_family = (sa_family_t)family;
    if (family == AF_INET6) {
        ((struct sockaddr_in6 *)at)->sin6_addr = in6addr_loopback;
        ((struct sockaddr_in6 *)at)->sin6_port = htons((uint16_t)port);
        info->ai_addrlen = sizeof(struct sockaddr_in6);
    } else {
        ((struct sockaddr_in *)at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ((struct sockaddr_in *)at)->sin_port = htons((uint16_t)port);
        info->ai_addrlen = sizeof(struct sockaddr_in);
    }
    if (answer_count++ > 0)
        info[-1].ai_next = info;
}

static int connect_begins(void **state)
{
    answer_count = lists_out = 0;
    memset(long_name, 'a', sizeof long_name - 1);
    return loop_begins(state);
}

static int connect_ends(void **state)
{
    check_equal(lists_out, 0);
    return loop_ends(state);
}

#define NAMED(name) cmocka_unit_test_setup_teardown(name, connect_begins, connect_ends)

/* ---- Resolving ------------------------------------------------------------------------------- */

/* Resolves, and looks at the first address; [next] is what the await behind it gave. */
struct lookup {
    co_frame;
    const char *host;
    int port, family, got;
    unsigned polls;
    struct co_resolve slot;
    intptr_t n, next;
};
static co_define(lookup)
{
    co_begin;
    self->polls = polls();
    co_await(self->n, co_resolve(&self->slot, self->host, self->port));
    self->polls = polls() - self->polls;
    if (self->n > 0) {
        self->family = self->slot.found->ai_family;
        self->got = ntohs(((struct sockaddr_in *)(void *)self->slot.found->ai_addr)->sin_port);
    }
    co_await(self->next, co_sleep(0));
    co_return(self->n);
    co_finally;
    co_resolve_free(&self->slot);
    co_resolve_free(&self->slot);               /* once more is harmless */
    co_end;
}

static void numeric(const char *host, int family)
{
    struct co_task *task = co_spawn(lookup, .host = host, .port = 8080);

    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 1);
    assert_int_equal(CO_TASK_FRAME(task, lookup)->family, family);
    assert_int_equal(CO_TASK_FRAME(task, lookup)->got, 8080);
    assert_int_equal(CO_TASK_FRAME(task, lookup)->polls, 0);    /* nothing was awaited */
    co_task_free(task);
}

static void an_address_is_resolved_at_once(void **state)
{
    (void)state;
    numeric(NULL, AF_INET);
    numeric("127.0.0.1", AF_INET);
    numeric("::1", AF_INET6);
    numeric("192.0.2.1", AF_INET);
}

static void a_name_of_this_machine_is_resolved(void **state)
{
    (void)state;
    struct co_task *task = co_spawn(lookup, .host = "localhost", .port = 443);

    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_true(co_task_result(task) >= 1);
    assert_int_equal(CO_TASK_FRAME(task, lookup)->got, 443);
    assert_true(CO_TASK_FRAME(task, lookup)->polls > 0);
    co_task_free(task);
}

static void all_addresses_of_a_name_are_counted(void **state)
{
    (void)state;
    for (int i = 1; i <= 12; i++) {
        answer(AF_INET, i);
        assert_int_equal(run(lookup, .host = "many.test"), i);
    }
}

static void a_name_that_is_none_is_ENOENT(void **state)
{
    (void)state;
    assert_int_equal(run(lookup, .host = long_name), -ENOENT);
    failure = EAI_NONAME;
    assert_int_equal(run(lookup, .host = "none.test"), -ENOENT);
}

static void a_name_server_that_fails_is_told_apart(void **state)
{
    (void)state;
    failure = EAI_AGAIN;
    assert_int_equal(run(lookup, .host = "none.test"), -EAGAIN);
    failure = EAI_MEMORY;
    assert_int_equal(run(lookup, .host = "none.test"), -ENOMEM);
}

static void a_port_out_of_range_or_no_name_is_EINVAL(void **state)
{
    (void)state;
    assert_int_equal(run(lookup, .host = "localhost", .port = -1), -EINVAL);
    assert_int_equal(run(lookup, .host = "localhost", .port = 65536), -EINVAL);
    assert_int_equal(run(lookup, .host = ""), -EINVAL);
}

struct canceller { co_frame; struct co_task *task; int turns; double seconds; };
static co_define(canceller)
{
    co_begin;
    if (self->seconds > 0)
        co_try(co_sleep(self->seconds));
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    co_cancel(self->task);
    co_end;
}

/* Opens the gate, [seconds] from now. */
struct opener { co_frame; double seconds; };
static co_define(opener)
{
    co_begin;
    co_try(co_sleep(self->seconds));
    put(gate[1], "!");
    co_end;
}

static void gate_begins(void)
{
    assert_int_equal(pipe(gate), 0);
}

static void gate_ends(void)
{
    close(gate[0]);
    close(gate[1]);
}

static void a_cancel_while_it_is_resolved_meets_the_next_await(void **state)
{
    (void)state;
    struct co_task *task;

    gate_begins();
    answer(AF_INET, 1);
    task = co_spawn(lookup, .host = "slow.test");
    assert_int_equal(co_go(canceller, .task = task, .seconds = 0.02), 0);
    assert_int_equal(co_go(opener, .seconds = 0.04), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), 1);
    assert_int_equal(CO_TASK_FRAME(task, lookup)->next, -ECANCELED);
    co_task_free(task);
    gate_ends();
}

static void a_resolve_that_waits_for_a_thread_is_taken_back(void **state)
{
    (void)state;
    struct co_task *first, *second;

    gate_begins();
    co_thread_limit(1);
    answer(AF_INET, 1);
    first = co_spawn(lookup, .host = "slow.test");
    second = co_spawn(lookup, .host = "localhost");
    assert_int_equal(co_go(canceller, .task = second, .seconds = 0.02), 0);
    assert_int_equal(co_go(opener, .seconds = 0.04), 0);
    numeric("127.0.0.1", AF_INET);              /* that needs none */
    assert_int_equal(co_task_result(first), 1);
    assert_int_equal(co_task_result(second), -ECANCELED);
    co_task_free(first);
    co_task_free(second);
    co_thread_limit(16);
    gate_ends();
}

/* ---- Happy Eyeballs -------------------------------------------------------------------------- */

/* Connects; [next] is what the await behind it gave, [took] the seconds. */
struct dial { co_frame; const char *host; struct co_connect slot; intptr_t n, next; double took; };
static co_define(dial)
{
    co_begin;
    self->n = -EINPROGRESS;
    self->took = co_time();
    co_await(self->n, co_connect(&self->slot, self->host, 80));
    self->took = co_time() - self->took;
    co_await(self->next, co_sleep(0));
    co_return(self->n);
    co_end;
}

/* Which port [fd] is connected to; closes it. */
static int hang_up(intptr_t fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof at;
    int port = -1;

    if (fd >= 0 && getpeername((int)fd, (struct sockaddr *)&at, &size) == 0)
        port = ntohs(((struct sockaddr_in *)&at)->sin_port);
    co_fd_close((int)fd);
    return port;
}

/* A port that refuses: it is bound, and nobody listens. */
static int refuses(int *fd)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(*fd, (struct sockaddr *)&at, sizeof at) < 0)
        abort();
    return co_tcp_port(*fd);
}

static void a_name_with_one_address_is_connected_to(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0);

    answer(AF_INET, co_tcp_port(listener));
    assert_int_equal(hang_up(run(dial, .host = "many.test")), co_tcp_port(listener));
    co_fd_close(listener);
}

/* With a wait after each, it would take longer than the deadline. */
struct hurry { co_frame; struct co_connect slot; struct co_within deadline; intptr_t n; };
static co_define(hurry)
{
    co_begin;
    co_await(self->n, co_within(&self->deadline, 1.2, co_connect(&self->slot, "many.test", 80)));
    co_return(self->n);
    co_end;
}

static void after_a_refusal_the_next_address_is_tried_at_once(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0), nobody, port = refuses(&nobody);

    for (int i = 0; i < CO_CONNECT_MAX - 1; i++)
        answer(AF_INET, port);
    answer(AF_INET, co_tcp_port(listener));
    assert_int_equal(hang_up(run(hurry)), co_tcp_port(listener));
    close(nobody);
    co_fd_close(listener);
}

static void an_address_that_hangs_is_overtaken_after_a_quarter_of_a_second(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0);
    struct full full;
    struct co_task *task;

    full_begins(&full);
    answer(AF_INET, full.port);
    answer(AF_INET, co_tcp_port(listener));
    answer(AF_INET, full.port);                 /* not tried any more */
    task = co_spawn(dial, .host = "many.test");
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_true(CO_TASK_FRAME(task, dial)->took > 0.249);
    assert_int_equal(CO_TASK_FRAME(task, dial)->next, 0);
    assert_int_equal(hang_up(co_task_result(task)), co_tcp_port(listener));
    co_task_free(task);
    full_ends(&full);
    co_fd_close(listener);
}

/* How many connections wait at [listener]. */
static int visitors(int listener)
{
    int count = 0;

    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; count++)
        close(fd);
    return count;
}

/* Stops the whole loop for longer than the delay between two attempts. */
struct blocker { co_frame; int turns; };
static co_define(blocker)
{
    co_begin;
    for (; self->turns > 0; self->turns--)
        co_try(co_sleep(0));
    poll(NULL, 0, 260);                 /* as meant: co-lint: off(co-blocking) */
    co_end;
}

static void if_two_connect_the_loser_is_closed(void **state)
{
    (void)state;
    int first = co_tcp_listen(NULL, 0, 0), second = co_tcp_listen(NULL, 0, 0), both = 0;

    answer(AF_INET, co_tcp_port(first));
    answer(AF_INET, co_tcp_port(second));
    for (int turns = 0; turns < 4; turns++) {
        int before = open_fds(), port;
        struct co_task *task = co_spawn(dial, .host = "many.test");

        while (lists_out == 0)                  /* it has its addresses */
            ev_run(co_loop_ev(co_loop_current()), EVRUN_ONCE);
        assert_int_equal(co_go(blocker, .turns = turns), 0);
        assert_int_equal(co_loop_run(co_loop_current()), 0);
        port = hang_up(co_task_result(task));
        assert_true(port == co_tcp_port(first) || port == co_tcp_port(second));
        assert_int_equal(CO_TASK_FRAME(task, dial)->next, 0);
        co_task_free(task);
        assert_true(turns == 0 || open_fds() == before);        /* the loop has its own by now */
        both += visitors(first) + visitors(second) == 2;
    }
    assert_true(both > 0);
    co_fd_close(first);
    co_fd_close(second);
}

static void the_first_failure_is_told_if_all_fail(void **state)
{
    (void)state;
    int nobody, port = refuses(&nobody);

    answer(AF_INET, port);
    answer(AF_MAX, 0);
    assert_int_equal(run(dial, .host = "many.test"), -ECONNREFUSED);
    answer_count = 0;
    answer(AF_MAX, 0);
    answer(AF_INET, port);
    answer(AF_INET, port);
    assert_int_equal(run(dial, .host = "many.test"), -EAFNOSUPPORT);
    close(nobody);
}

static void the_families_take_turns(void **state)
{
    (void)state;
    int v4 = co_tcp_listen(NULL, 0, 0), v6 = co_tcp_listen("::1", 0, 0), nobody;

    if (v6 < 0) {
        co_fd_close(v4);
        skip();
    }
    answer(AF_INET, refuses(&nobody));
    answer(AF_INET, co_tcp_port(v4));
    answer(AF_INET6, co_tcp_port(v6));
    assert_int_equal(hang_up(run(dial, .host = "many.test")), co_tcp_port(v6));
    answer_count = 0;
    answer(AF_INET6, co_tcp_port(nobody));
    answer(AF_INET6, co_tcp_port(v6));
    answer(AF_INET, co_tcp_port(v4));
    assert_int_equal(hang_up(run(dial, .host = "many.test")), co_tcp_port(v4));
    close(nobody);
    co_fd_close(v4);
    co_fd_close(v6);
}

static void no_more_than_six_addresses_are_tried(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0), nobody, port = refuses(&nobody);

    for (int i = 0; i < CO_CONNECT_MAX; i++)
        answer(AF_INET, port);
    answer(AF_INET, co_tcp_port(listener));
    assert_int_equal(run(dial, .host = "many.test"), -ECONNREFUSED);
    assert_int_equal(visitors(listener), 0);
    close(nobody);
    co_fd_close(listener);
}

/* ---- A connect that is cancelled ------------------------------------------------------------- */

/* Cancelled, at whatever stage, many.test leaves no fd; and the request is seen: by the connect, or
 * by the next await if it had connected. */
static void cancelled(double seconds, int turns)
{
    struct co_task *task = co_spawn(dial, .host = "many.test");
    struct dial *dial = CO_TASK_FRAME(task, dial);

    assert_int_equal(co_go(canceller, .task = task, .seconds = seconds, .turns = turns), 0);
    while (co_task_state(task) == CO_TASK_PENDING)
        ev_run(co_loop_ev(co_loop_current()), EVRUN_ONCE);
    if (dial->n >= 0) {
        hang_up(dial->n);
        assert_int_equal(dial->next, -ECANCELED);
    } else {
        assert_int_equal(dial->n, -ECANCELED);
        assert_int_equal(dial->next, 0);
    }
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    co_task_free(task);
}

static void a_connect_that_is_cancelled_at_any_stage_leaves_no_fd(void **state)
{
    (void)state;
    struct full full;
    int before;

    full_begins(&full);
    answer(AF_INET, full.port);
    answer(AF_INET, full.port);
    answer(AF_INET, full.port);
    cancelled(0.01, 0);                         /* the pool and libev have their fds now */
    before = open_fds();
    for (int turns = 0; turns < 5; turns++)
        cancelled(0, turns);
    for (int attempts = 0; attempts < sized(4, 2); attempts++)
        cancelled(0.05 + 0.25 * attempts, 0);
    assert_int_equal(open_fds(), before);
    full_ends(&full);
}

static void a_connect_that_is_cancelled_while_it_resolves_leaves_nothing(void **state)
{
    (void)state;
    struct co_task *task;

    gate_begins();
    answer(AF_INET, 1);
    task = co_spawn(dial, .host = "slow.test");
    assert_int_equal(co_go(canceller, .task = task, .seconds = 0.02), 0);
    assert_int_equal(co_go(opener, .seconds = 0.04), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    assert_int_equal(CO_TASK_FRAME(task, dial)->next, 0);
    co_task_free(task);
    gate_ends();
}

/* Cancels [dial] as soon as it has connected, while the loser is still being taken back. */
struct late { co_frame; struct co_task *task; int turns, asked; };
static co_define(late)
{
    struct dial *dial = CO_TASK_FRAME(self->task, dial);

    co_begin;
    while (co_task_state(self->task) == CO_TASK_PENDING && dial->n == -EINPROGRESS
           && (dial->slot.next < 2 || dial->slot.fd < 0 || self->turns-- > 0))
        co_try(co_sleep(0));
    self->asked = dial->n == -EINPROGRESS && co_cancel(self->task);
    co_return(self->asked);
    co_end;
}

static void a_cancel_while_the_loser_is_taken_back_is_not_lost(void **state)
{
    (void)state;
    int listener = co_tcp_listen(NULL, 0, 0), asked = 0;
    struct full full;

    full_begins(&full);
    answer(AF_INET, full.port);
    answer(AF_INET, co_tcp_port(listener));
    for (int turns = 0; turns < 3; turns++) {
        struct co_task *task = co_spawn(dial, .host = "many.test");
        struct dial *dial = CO_TASK_FRAME(task, dial);
        intptr_t met = run(late, .task = task, .turns = turns);

        assert_true(dial->n >= 0 || dial->n == -ECANCELED);
        assert_int_equal((dial->n == -ECANCELED) + (dial->next == -ECANCELED), met);
        hang_up(dial->n);
        asked += (int)met;
        co_task_free(task);
    }
    assert_true(asked > 0);
    full_ends(&full);
    co_fd_close(listener);
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

static char dir[] = "/tmp/duffel-XXXXXX";
static char path[64];           /* of a socket in a directory of its own */

static void path_begins(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
}

static void path_ends(void)
{
    unlink(path);
    rmdir(dir);
}

struct dial_unix { co_frame; const char *path; struct co_connect_unix slot; intptr_t n; };
static co_define(dial_unix)
{
    co_begin;
    co_await(self->n, co_connect_unix(&self->slot, self->path));
    co_return(self->n);
    co_end;
}

struct echo {
    co_frame;
    int listener, fds[2];
    struct co_connect_unix slot;
    intptr_t n;
    char in[6];
};
static co_define(echo)
{
    co_begin;
    self->fds[0] = self->fds[1] = -1;
    co_try(self->fds[0], co_connect_unix(&self->slot, path));
    co_try(self->fds[1], co_accept(self->listener));
    for (int i = 0; i < 2; i++) {
        check(fcntl(self->fds[i], F_GETFL) & O_NONBLOCK);
        check(fcntl(self->fds[i], F_GETFD) & FD_CLOEXEC);
    }
    co_try(co_send_all(self->fds[0], "hello", 6));
    co_try(self->n, co_recv_exact(self->fds[1], self->in, 6));
    co_try(co_send_all(self->fds[1], self->in, 6));
    memset(self->in, 0, 6);
    co_try(self->n, co_recv_exact(self->fds[0], self->in, 6));
    check(strcmp(self->in, "hello") == 0);
    co_fd_close(self->fds[0]);
    co_await(self->n, co_recv(self->fds[1], self->in, 6));
    check_equal(self->n, 0);
    co_await(self->n, co_send(self->fds[1], "x", 1));
    check_equal(self->n, -EPIPE);
    co_fd_close(self->fds[1]);
    co_end;
}

static void a_unix_socket_carries_an_echo(void **state)
{
    (void)state;
    int listener;

    path_begins();
    listener = co_unix_listen(path);
    assert_true(listener >= 0);
    assert_int_equal(run(echo, .listener = listener), 0);
    co_fd_close(listener);
    path_ends();
}

static void a_unix_path_that_cannot_be_is_told(void **state)
{
    (void)state;
    char name[200];
    int listener;

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(co_unix_listen(name), -ENAMETOOLONG);
    assert_int_equal(run(dial_unix, .path = name), -ENAMETOOLONG);
    name[sizeof((struct sockaddr_un *)0)->sun_path] = '\0';     /* no room for the NUL */
    assert_int_equal(co_unix_listen(name), -ENAMETOOLONG);
    assert_int_equal(co_unix_listen(""), -EINVAL);
    assert_int_equal(run(dial_unix, .path = ""), -EINVAL);
    path_begins();
    assert_int_equal(run(dial_unix, .path = path), -ENOENT);
    listener = co_unix_listen(path);
    assert_int_equal(co_unix_listen(path), -EADDRINUSE);
    co_fd_close(listener);
    assert_int_equal(run(dial_unix, .path = path), -ECONNREFUSED);
    assert_int_equal(co_unix_listen(path), -EADDRINUSE);        /* until it is unlinked */
    path_ends();
    assert_int_equal(co_unix_listen(path), -ENOENT);            /* nor is the directory there */
}

/* Fills the backlog of path. How many connections, whose fds are in [fds]. */
static int crowd(int listener, int fds[16])
{
    int count = 0;

    listen(listener, 1);
    for (struct co_task *task; ; co_task_free(task)) {
        task = co_spawn(dial_unix, .path = path);
        while (co_task_state(task) == CO_TASK_PENDING
               && !(task->wait && !strcmp(task->wait->name, "co_sleep")))
            ev_run(co_loop_ev(co_loop_current()), EVRUN_NOWAIT);
        if (co_task_state(task) == CO_TASK_PENDING || count == 16) {
            co_cancel(task);
            assert_int_equal(co_loop_run(co_loop_current()), 0);
            co_task_free(task);
            return count;
        }
        assert_true(co_task_result(task) >= 0);
        fds[count++] = (int)co_task_result(task);
    }
}

struct makes_room { co_frame; int listener; };
static co_define(makes_room)
{
    co_begin;
    co_try(co_sleep(0.03));
    check(visitors(self->listener) > 0);
    co_end;
}

static void a_full_unix_backlog_is_waited_for(void **state)
{
    (void)state;
    int listener, fds[16], count;
    struct co_task *task;

    path_begins();
    listener = co_unix_listen(path);
    count = crowd(listener, fds);
    assert_in_range(count, 1, 15);
    task = co_spawn(dial_unix, .path = path);
    assert_int_equal(co_go(canceller, .task = task, .seconds = 0.02), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_int_equal(co_task_result(task), -ECANCELED);
    co_task_free(task);
    task = co_spawn(dial_unix, .path = path);
    assert_int_equal(co_go(makes_room, .listener = listener), 0);
    assert_int_equal(co_loop_run(co_loop_current()), 0);
    assert_true(co_task_result(task) >= 0);
    co_fd_close((int)co_task_result(task));
    co_task_free(task);
    for (int i = 0; i < count; i++)
        co_fd_close(fds[i]);
    co_fd_close(listener);
    path_ends();
}

/* ---- Pipes and pairs ------------------------------------------------------------------------- */

/* Reads from a fd to its end. How many bytes. */
struct drain { co_frame; int fd; intptr_t n, total; char buf[1000]; };
static co_define(drain)
{
    co_begin;
    do {
        co_try(self->n, co_read(self->fd, self->buf, sizeof self->buf));
        self->total += self->n;
    } while (self->n > 0);
    co_return(self->total);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* Writes [size] bytes, and closes. */
struct pour { co_frame; int fd; size_t size; intptr_t n; char buf[3000]; };
static co_define(pour)
{
    co_begin;
    for (; self->size > 0; self->size -= (size_t)self->n)
        co_try(self->n, co_write(self->fd, self->buf, self->size < 3000 ? self->size : 3000));
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

static void fds_are_set_up(const int fds[2])
{
    for (int i = 0; i < 2; i++) {
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
    }
}

static void a_pipe_carries_bytes_one_way(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(co_fd_pipe(fds), 0);
    fds_are_set_up(fds);
    assert_int_equal(co_go(pour, .fd = fds[1], .size = 500000), 0);
    assert_int_equal(run(drain, .fd = fds[0]), 500000);
}

static void a_pair_carries_bytes_both_ways(void **state)
{
    (void)state;
    int fds[2];

    for (int way = 0; way < 2; way++) {
        assert_int_equal(co_fd_pair(fds), 0);
        fds_are_set_up(fds);
        assert_int_equal(co_go(pour, .fd = fds[way], .size = 500000), 0);
        assert_int_equal(run(drain, .fd = fds[!way]), 500000);
    }
}

static void without_an_fd_to_spare_it_is_EMFILE(void **state)
{
    (void)state;
    struct rlimit old, none;
    int fds[2];

    if (under_valgrind())           /* valgrind has limits of its own */
        skip();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(co_fd_pipe(fds), -EMFILE);
    assert_int_equal(co_fd_pair(fds), -EMFILE);
    assert_int_equal(co_unix_listen("/tmp/duffel-none"), -EMFILE);
    assert_int_equal(co_udp_open(NULL, 0, 0), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static const struct CMUnitTest tests[] = {
    NAMED(an_address_is_resolved_at_once),
    NAMED(a_name_of_this_machine_is_resolved),
    NAMED(all_addresses_of_a_name_are_counted),
    NAMED(a_name_that_is_none_is_ENOENT),
    NAMED(a_name_server_that_fails_is_told_apart),
    NAMED(a_port_out_of_range_or_no_name_is_EINVAL),
    NAMED(a_cancel_while_it_is_resolved_meets_the_next_await),
    NAMED(a_resolve_that_waits_for_a_thread_is_taken_back),
    NAMED(a_name_with_one_address_is_connected_to),
    NAMED(after_a_refusal_the_next_address_is_tried_at_once),
    NAMED(an_address_that_hangs_is_overtaken_after_a_quarter_of_a_second),
    NAMED(if_two_connect_the_loser_is_closed),
    NAMED(the_first_failure_is_told_if_all_fail),
    NAMED(the_families_take_turns),
    NAMED(no_more_than_six_addresses_are_tried),
    NAMED(a_connect_that_is_cancelled_at_any_stage_leaves_no_fd),
    NAMED(a_connect_that_is_cancelled_while_it_resolves_leaves_nothing),
    NAMED(a_cancel_while_the_loser_is_taken_back_is_not_lost),
    TEST(a_unix_socket_carries_an_echo),
    TEST(a_unix_path_that_cannot_be_is_told),
    TEST(a_full_unix_backlog_is_waited_for),
    TEST(a_pipe_carries_bytes_one_way),
    TEST(a_pair_carries_bytes_both_ways),
    TEST(without_an_fd_to_spare_it_is_EMFILE),
};

TEST_MAIN_ON_EACH_BACKEND(tests)
