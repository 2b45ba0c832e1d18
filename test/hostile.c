/* SPDX-License-Identifier: BSD-2-Clause
 * hostile.c: tests with peers that are hostile or gone: no fd to spare, slow peers, half a
 * connection, resets, lines without an end. Each prints one line of figures. */
#include "hostile.h"
#include "net_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* ---- Plain peers, without a loop ------------------------------------------------------------- */

static int dial(int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)port);
    check_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Sends a byte and gets one back. */
static void ask(int fd, char byte)
{
    char answer = 0;

    check_equal(send(fd, &byte, 1, MSG_NOSIGNAL), 1);
    check_equal(recv(fd, &answer, 1, 0), 1);
    check_equal(answer, byte);
}

/* Makes room for [wanted] fds. How many there may be. */
static int fds_wanted(int wanted)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)wanted) {
        limit.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur < (rlim_t)wanted ? (int)limit.rlim_cur : wanted;
}

/* Leaves [n] numbers for new fds. */
static struct rlimit fds_left(int n)
{
    struct rlimit before, few;

    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 0;
    for (; n > 0; few.rlim_cur++)
        n -= fcntl((int)few.rlim_cur, F_GETFD) < 0;
    check_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    return before;
}

/* ---- EMFILE ---------------------------------------------------------------------------------- */

enum { HOLDERS = 8 };
static struct crowd {
    int ports[2], others, tenths;       /* peers that find no fd; how long that lasts */
    int served, refused;
    unsigned from, till;                /* polls when the last fd was taken, and given back */
    double began, ended;
} crowd;

/* Peers hold all fds of the server for a while; one of them goes on asking. Then the others, who
 * have long been connected, are served. */
static void crowd_comes(void *arg)
{
    int fds[HOLDERS], *others = calloc((size_t)crowd.others, sizeof *others);

    (void)arg;
    for (int i = 0; i < HOLDERS; i++) {
        fds[i] = dial(crowd.ports[i % 2]);
        ask(fds[i], 'h');
    }
    for (int i = 0; i < crowd.others; i++) {
        others[i] = dial(crowd.ports[i % 2]);
        check_equal(send(others[i], "o", 1, MSG_NOSIGNAL), 1);
    }
    for (int i = 0; i < crowd.tenths; i++) {
        rest(100);
        ask(fds[0], 'h');
    }
    for (int i = 0; i < HOLDERS; i++)
        close(fds[i]);
    for (int i = 0; i < crowd.others; i++) {
        char answer = 0;

        check_equal(recv(others[i], &answer, 1, 0), 1);
        check_equal(answer, 'o');
        close(others[i]);
    }
    free(others);
}

struct crowded { co_frame; int fd; intptr_t n; char byte; };
static co_define(crowded)
{
    co_begin;
    for (;;) {
        co_try(self->n, co_recv(self->fd, &self->byte, 1));
        if (self->n == 0)
            break;
        if (self->byte == 'o' && crowd.till == 0) {
            crowd.till = polls();
            crowd.ended = co_time();
        }
        co_try(co_send_all(self->fd, &self->byte, 1));
        crowd.served += self->byte == 'o';
        if (self->byte == 'o')
            break;
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct crowd_server { co_frame; int listener, peers; struct co_group sessions; intptr_t fd; };
static co_define(crowd_server)
{
    static int holders;

    co_begin;
    co_group_init(&self->sessions, NULL);
    for (; self->peers > 0; self->peers--) {
        co_try(self->fd, co_accept(self->listener));
        check_equal(co_group_go(&self->sessions, crowded, .fd = (int)self->fd), 0);
        if (++holders == HOLDERS) {
            crowd.from = polls();
            crowd.began = co_time();
        }
    }
    co_try(co_group_wait(&self->sessions));
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

static void without_an_fd_to_spare_the_loop_rests_and_then_all_peers_are_served(void **state)
{
    (void)state;
    struct co_task *servers[2];
    struct rlimit before;
    int listeners[2];
    pid_t peers;

    if (under_valgrind())               /* where accept4() loses the peer */
        skip();
    crowd = (struct crowd){ .others = scaled(1000, 200, 20), .tenths = scaled(100, 10, 5) };
    for (int i = 0; i < 2; i++) {
        listeners[i] = co_tcp_listen(NULL, 0, 0);
        crowd.ports[i] = co_tcp_port(listeners[i]);
    }
    peers = apart(crowd_comes, NULL);
    before = fds_left(HOLDERS);
    for (int i = 0; i < 2; i++)
        servers[i] = co_spawn(crowd_server, .listener = listeners[i],
                                .peers = (HOLDERS + crowd.others) / 2);
    check_equal(goes(servers[0]), 0);
    check_equal(co_task_result(servers[1]), 0);
    co_task_free(servers[1]);
    setrlimit(RLIMIT_NOFILE, &before);
    ended_well(peers);
    check_equal(crowd.served, crowd.others);
    check(crowd.ended > crowd.began);
    check(crowd.till - crowd.from < 100 * (crowd.ended - crowd.began));
    told("EMFILE", HOLDERS + crowd.others, "%.0f wake-ups/s for %.1f s without an fd, %d fds, "
         "%d peers served after", (crowd.till - crowd.from) / (crowd.ended - crowd.began),
         crowd.ended - crowd.began, HOLDERS, crowd.served);
}

/* ---- Slow loris ------------------------------------------------------------------------------ */

/* A session of the server waits for a line no longer than [patience]; its slow peers send a byte
 * now and then, never an end of line, and when they are cut off they come again. */
struct lorises {
    int port, slow, good, asks;         /* peers; requests of each good one in a phase */
    double patience;                    /* seconds */
    unsigned long requests, steps, polls, connections, cut;     /* of the server, so far */
    unsigned long bytes, came, went;    /* sent by slow peers; their connections, and their ends */
    bool over;
    size_t times;
    float latency[];                    /* of requests, in seconds */
};
static struct lorises *lorises;

struct patient { co_frame; int fd; intptr_t n; struct co_within within; struct co_stream stream;
                 char *line, buf[100]; };
static co_define(patient)
{
    co_begin;
    co_stream_init(&self->stream, self->fd, self->buf, sizeof self->buf);
    for (;;) {
        co_try(self->n, co_within(&self->within, lorises->patience,
                                  co_read_line(&self->stream, &self->line)));
        if (self->n == 0 || self->line[0] == 'x')       /* a slow one has left in mid-line */
            break;
        check(strcmp(self->line, "get") == 0);
        lorises->requests++;
        co_try(co_send_all(self->fd, "hello\n", 6));
    }
    co_finally;
    lorises->cut += self->n == -ETIMEDOUT;
    co_fd_close(self->fd);
    co_end;
}

/* Counts what the server does: each step of each task is told by the scheduler. */
static void batch_seen(struct co_hooks *hooks, struct co_task **ring)
{
    (void)hooks, (void)ring;
    lorises->polls = polls();
}
static void point_seen(struct co_hooks *hooks, struct co_task *task)
{
    (void)hooks, (void)task;
}
static void step_seen(struct co_hooks *hooks, struct co_task *task)
{
    (void)hooks, (void)task;
    lorises->steps++;
}

struct patient_server { co_frame; int listener; struct co_group sessions; intptr_t fd; };
static co_define(patient_server)
{
    co_begin;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        lorises->connections++;
        check_equal(co_group_go(&self->sessions, patient, .fd = (int)self->fd), 0);
    }
    co_finally;
    co_await(co_group_wait(&self->sessions));
    co_fd_close(self->listener);
    co_end;
}

static int fd_of(intptr_t fd)
{
    check(fd >= 0);
    return (int)fd;
}

/* A peer that does its work: it asks, reads the answer, thinks for 10 ms. */
struct good { co_frame; int fd, left; struct co_connect slot; intptr_t n; double asked;
              char answer[6]; };
static co_define(good)
{
    co_begin;
    co_await(self->n, co_connect(&self->slot, NULL, lorises->port));
    self->fd = fd_of(self->n);
    for (; self->left > 0; self->left--) {
        self->asked = co_time();
        co_try(self->n, co_send_all(self->fd, "get\n", 4));
        co_try(self->n, co_recv_exact(self->fd, self->answer, 6));
        lorises->latency[lorises->times++] = (float)(co_time() - self->asked);
        check(memcmp(self->answer, "hello\n", 6) == 0);
        co_try(co_sleep(0.01));
    }
    co_finally;
    check_equal(self->left, 0);
    co_fd_close(self->fd);
    co_end;
}

struct slow { co_frame; int fd; struct co_connect slot; struct co_within pause; intptr_t n;
              char byte; };
static co_define(slow)
{
    co_begin;
    while (!lorises->over) {
        co_await(self->n, co_connect(&self->slot, NULL, lorises->port));
        self->fd = fd_of(self->n);
        lorises->came++;
        for (self->n = 1; self->n > 0; ) {
            co_await(self->n, co_send(self->fd, "x", 1));
            lorises->bytes += self->n == 1;
            co_await(self->n, co_within(&self->pause, 0.05 + 0.001 * chance(150),
                                        co_recv(self->fd, &self->byte, 1)));
            check(self->n <= 0);
            self->n = self->n == -ETIMEDOUT && !lorises->over;
        }
        lorises->went++;
        co_fd_close(self->fd);
        self->fd = -1;
    }
    co_end;
}

static int by_size(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The median, in us, of what the good peers measured since the last time. */
static double median_us(void)
{
    double median;

    if (lorises->times == 0)
        return 0;
    qsort(lorises->latency, lorises->times, sizeof *lorises->latency, by_size);
    median = lorises->latency[lorises->times / 2] * 1e6;
    lorises->times = 0;
    return median;
}

/* The good ones alone, with the slow ones, and alone again. */
struct phases { co_frame; int i, phase; struct co_group slow, good; double *medians; };
static co_define(phases)
{
    co_begin;
    co_group_init(&self->slow, NULL);
    co_group_init(&self->good, NULL);
    for (self->phase = 0; self->phase < 3; self->phase++) {
        for (self->i = 0; self->phase == 1 && self->i < lorises->slow; self->i++)
            check_equal(co_group_go(&self->slow, slow, .fd = -1), 0);
        while (self->phase == 1 && lorises->bytes < (unsigned long)lorises->slow)
            co_try(co_sleep(0.01));
        for (self->i = 0; self->i < lorises->good; self->i++)
            check_equal(co_group_go(&self->good, good, .left = lorises->asks), 0);
        co_try(co_group_wait(&self->good));
        self->medians[self->phase] = median_us();
        while (self->phase == 1 && lorises->cut < (unsigned long)lorises->slow)
            co_try(co_sleep(0.01));
        lorises->over = self->phase >= 1;
        co_try(co_group_wait(&self->slow));
    }
    co_end;
}

static double *medians;

static void all_lorises(void *arg)
{
    (void)arg;
    check(co_loop_new(NULL) != NULL);
    check_equal(goes(co_spawn(phases, .medians = medians)), 0);
    check_equal(lorises->came, lorises->went);
    co_loop_free(co_loop_current());
}

/* Cancels the server when the peers, a process, have gone. */
struct wait_for_peers { co_frame; int fd; struct co_task *server; char byte; };
static co_define(wait_for_peers)
{
    co_begin;
    co_try(co_read(self->fd, &self->byte, 1));          /* their end of the pipe is closed */
    co_finally;
    co_cancel(self->server);
    co_end;
}

static void slow_peers_cost_what_they_send_and_the_good_are_served(void **state)
{
    (void)state;
    static struct co_hooks hooks = { batch_seen, point_seen, step_seen };
    int slow = scaled(1000, 1000, 50), good = scaled(50, 50, 5), asks = scaled(500, 30, 10);
    int room = fds_wanted(2 * slow + 300) - 100, listener, fds[2];
    struct co_task *server;
    pid_t peers;
    unsigned long fair;

    slow = slow + good < room ? slow : room - good;
    listener = co_tcp_listen(NULL, 0, 0);
    lorises = shared(sizeof *lorises + sizeof(float) * (size_t)(good * asks));
    medians = shared(3 * sizeof *medians);
    lorises->port = co_tcp_port(listener);
    lorises->slow = slow;
    lorises->good = good;
    lorises->asks = asks;
    lorises->patience = 0.5;
    one_way(fds);
    peers = apart(all_lorises, NULL);
    close(fds[1]);
    assert_non_null(co_loop_new(NULL));
    co_scheduler_get()->hooks = &hooks;
    server = co_spawn(patient_server, .listener = listener);
    (void)co_go(wait_for_peers, .fd = fds[0], .server = server);
    check_equal(goes(server), -ECANCELED);
    co_fd_close(fds[0]);
    co_loop_free(co_loop_current());
    ended_well(peers);
    check_equal(lorises->requests, 3 * good * asks);
    check(lorises->cut >= (unsigned long)slow);
    fair = lorises->requests + lorises->bytes + 4 * lorises->connections + 100;
    check(lorises->steps <= fair);
    check(lorises->polls <= fair);
    told("slow-loris", slow + good, "%lu bytes dripped on %lu connections, %lu cut off, %lu "
         "requests of %d peers served, %.2f steps and %.2f polls per request, byte or connection",
         lorises->bytes, lorises->came, lorises->cut, lorises->requests, good,
         (double)lorises->steps / (double)(fair - 3 * lorises->connections - 100),
         (double)lorises->polls / (double)(fair - 3 * lorises->connections - 100));
    if (is_soak())
        printf("hostile: slow-loris-latency: tried %lu, failed %d, median %.0f us alone, %.0f us "
               "beside %d slow peers: %.2fx\n", lorises->requests, failures_,
               (medians[0] + medians[2]) / 2, medians[1], slow,
               2 * medians[1] / (medians[0] + medians[2]));
}

/* ---- Half a connection ----------------------------------------------------------------------- */

static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 251);
}

/* Sends [size] bytes, then no more: the other direction goes on. */
struct mouth { co_frame; int fd; size_t size, done; struct co_event *after; intptr_t n;
               char buf[40000]; };
static co_define(mouth)
{
    size_t part;

    co_begin;
    if (self->after)
        co_try(co_event_wait(self->after));
    for (; self->done < self->size; self->done += (size_t)self->n) {
        part = self->size - self->done;
        part = part < sizeof self->buf ? part : sizeof self->buf;
        for (size_t i = 0; i < part; i++)
            self->buf[i] = byte_at(self->done + i);
        co_try(self->n, co_send_all(self->fd, self->buf, part));
    }
    check_equal(shutdown(self->fd, SHUT_WR), 0);
    co_return(self->done);
    co_end;
}

/* Receives to the end, which it tells. */
struct ear { co_frame; int fd; size_t done; struct co_event *after, *end; intptr_t n;
             char buf[5000]; };
static co_define(ear)
{
    co_begin;
    if (self->after)
        co_try(co_event_wait(self->after));
    for (;;) {
        co_try(self->n, co_recv(self->fd, self->buf, 1 + chance(sizeof self->buf)));
        if (self->n == 0)
            break;
        for (intptr_t i = 0; i < self->n; i++)
            if (self->buf[i] != byte_at(self->done + (size_t)i))
                co_return(-EBADMSG);
        self->done += (size_t)self->n;
    }
    if (self->end)
        co_event_set(self->end);
    co_return(self->done);
    co_end;
}

/* Both sides send [size] bytes and close their half. AT_ONCE: each when it is done; ASKED: the
 * second one answers only to the end of the first; UNREAD: the first one has closed its half, with
 * all data under way, before anybody reads. */
enum shape { AT_ONCE, ASKED, UNREAD, SHAPES };
struct halves { co_frame; enum shape shape; int fds[2]; size_t size; struct co_event heard[2];
                struct co_task *tasks[4]; };
static co_define(halves)
{
    co_begin;
    for (int i = 0; i < 2; i++) {
        struct co_event *heard = self->shape == ASKED && i == 1 ? &self->heard[1]
            : self->shape == UNREAD && i == 1 ? &self->heard[0] : NULL;

        self->tasks[i] = co_spawn(mouth, .fd = self->fds[i], .size = self->size, .after = heard);
        self->tasks[2 + i] = co_spawn(ear, .fd = self->fds[i], .end = &self->heard[i],
                                        .after = self->shape == UNREAD && i == 1
                                            ? &self->heard[0] : NULL);
    }
    if (self->shape == UNREAD) {
        co_try(co_join(self->tasks[0]));
        co_event_set(&self->heard[0]);
    }
    co_await(co_gather(self->tasks, 4));
    co_finally;
    for (int i = 0; i < 4; i++) {
        check_equal(co_task_result(self->tasks[i]), self->size);
        co_task_free(self->tasks[i]);
    }
    co_fd_close(self->fds[0]);
    co_fd_close(self->fds[1]);
    co_end;
}

static void small_buffers(int fds[2])
{
    int size = 4096;

    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void tcp_pair(int listener, int fds[2])
{
    fds[0] = dial(co_tcp_port(listener));
    fds[1] = accept(listener, NULL, NULL);
    check_equal(co_fd_nonblock(fds[0]), 0);
    check_equal(co_fd_nonblock(fds[1]), 0);
}

static void either_side_may_close_its_half_with_data_under_way(void **state)
{
    (void)state;
    int n = scaled(100, 16, 4), listener = co_tcp_listen(NULL, 0, 0), fds[2], pairs = 0;
    size_t size = (size_t)scaled(2000000, 200000, 20000), all = 0;

    for (int shape = 0; shape < SHAPES; shape++)
        for (int tcp = 0; tcp < 2; tcp++) {
            for (int i = 0; i < n; i++) {
                if (tcp)
                    tcp_pair(listener, fds);
                else
                    pair(fds);
                if (shape != UNREAD)
                    small_buffers(fds);
                (void)co_go(halves, .shape = (enum shape)shape, .fds = { fds[0], fds[1] },
                        .size = shape == UNREAD ? 30000 : size);
                all += 2 * (shape == UNREAD ? 30000 : size);
                pairs++;
            }
            runs();
        }
    co_fd_close(listener);
    told("half-close", pairs, "%.1f MB both ways, each half closed with data under way",
         (double)all / 1e6);
}

/* ---- Resets ---------------------------------------------------------------------------------- */

/* What a peer does: it is served; or resets the connection at once, in mid-request, in
 * mid-answer, in mid-answer that is a file, or while the server sleeps. */
enum manner { SERVED, AT_ONCE_RESET, MID_REQUEST, MID_ANSWER, MID_FILE, ASLEEP, MANNERS };
enum { REQUEST = 5000, ANSWER = 16 << 20 };
static char zeros[ANSWER];
static struct { long begun, ended, reset, served, early; int port, file; } resets;

/* A request is its manner and 4,999 bytes more; an answer is 100 bytes, or 16 MB to those who will
 * not take them. */
struct trusting { co_frame; int fd; intptr_t n; char buf[REQUEST]; struct co_sendfile file; };
static co_define(trusting)
{
    int small = 4096;

    co_begin;
    setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    co_try(self->n, co_recv_exact(self->fd, self->buf, REQUEST));
    if (self->buf[0] == ASLEEP) {
        co_try(co_sleep(0.01));
        co_try(self->n, co_recv(self->fd, self->buf, 1));
        check(self->n != 0);
    } else if (self->buf[0] == MID_FILE) {
        co_try(self->n, co_sendfile(self->fd, &self->file, resets.file, 0, ANSWER));
    } else {
        co_try(self->n, co_send_all(self->fd, zeros,
                                    self->buf[0] == SERVED ? 100 : (size_t)ANSWER));
    }
    co_finally;
    resets.ended++;
    resets.reset += self->n == -ECONNRESET || self->n == -EPIPE;
    resets.served += self->n == 100;
    co_fd_close(self->fd);
    co_end;
}

struct trusting_server { co_frame; int listener; long peers; struct co_group sessions;
                         intptr_t fd; };
static co_define(trusting_server)
{
    co_begin;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    for (; resets.begun < self->peers; resets.begun++) {
        co_try(self->fd, co_accept(self->listener));
        check_equal(co_group_go(&self->sessions, trusting, .fd = (int)self->fd), 0);
    }
    co_await(co_group_wait(&self->sessions));
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

/* [left] connections, one after another. */
struct resetter { co_frame; int left, fd; enum manner manner; struct co_connect slot; intptr_t n;
                  size_t part; char request[REQUEST], answer[50000]; };
static co_define(resetter)
{
    co_begin;
    for (; self->left > 0; self->left--) {
        co_await(self->n, co_connect(&self->slot, NULL, resets.port));
        self->fd = fd_of(self->n);
        self->manner = self->left % 2 ? (enum manner)(1 + chance(MANNERS - 1)) : SERVED;
        self->request[0] = (char)self->manner;
        self->part = self->manner == AT_ONCE_RESET ? 0
            : self->manner == MID_REQUEST ? chance(REQUEST) : REQUEST;
        co_try(self->n, co_send_all(self->fd, self->request, self->part));
        self->part = self->manner == SERVED ? 100 : 1 + chance(sizeof self->answer - 1);
        if (self->manner == MID_ANSWER || self->manner == MID_FILE || self->manner == SERVED) {
            co_await(self->n, co_recv_exact(self->fd, self->answer, self->part));
            check_equal(self->n, self->part);
        } else if (self->manner == ASLEEP || chance(2)) {
            co_try(co_sleep(0.001 * chance(5)));
        }
        if (self->manner == SERVED)
            co_fd_close(self->fd);
        else
            reset(self->fd);
    }
    co_end;
}

static void a_reset_at_any_point_ends_its_session_alone(void **state)
{
    (void)state;
    char name[] = "/tmp/duffel-hostile-XXXXXX";
    int workers = 20, each = scaled(1000, 20, 2), listener = co_tcp_listen(NULL, 0, 0);
    struct co_task *server;
    long good = 0;

    memset(&resets, 0, sizeof resets);
    resets.port = co_tcp_port(listener);
    resets.file = mkstemp(name);
    unlink(name);
    check_equal(ftruncate(resets.file, ANSWER), 0);
    server = co_spawn(trusting_server, .listener = listener, .peers = workers * each);
    for (int i = 0; i < workers; i++)
        (void)co_go(resetter, .left = each, .fd = -1);
    good = workers * (each / 2);
    check_equal(goes(server), 0);
    close(resets.file);
    check_equal(resets.ended, workers * each);
    check_equal(resets.served, good);
    check_equal(resets.reset, workers * each - good);
    told("RST", workers * each, "%ld reset in mid-request, mid-answer, mid-file or asleep, %ld "
         "served beside them, %ld sessions left", resets.reset, resets.served,
         resets.begun - resets.ended);
}

/* ---- A line without an end ------------------------------------------------------------------- */

enum { LIMIT = 16384 };

/* Sends a line of [size] bytes, in pieces, and two short ones. */
struct endless { co_frame; int fd; const char *end; size_t size, done; intptr_t n; };
static co_define(endless)
{
    size_t part;

    co_begin;
    for (; self->done < self->size; self->done += (size_t)self->n) {
        part = 1 + chance(100000);
        part = part < self->size - self->done ? part : self->size - self->done;
        co_try(self->n, co_send_all(self->fd, zeros, part));
    }
    co_try(co_send_all(self->fd, self->end, strlen(self->end)));
    co_try(co_send_all(self->fd, "next", 4));
    co_try(co_send_all(self->fd, self->end, strlen(self->end)));
    co_try(co_send_all(self->fd, "last", 4));
    check_equal(shutdown(self->fd, SHUT_WR), 0);
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* The limit is told as often as the line is asked for; then the line is gone past. */
struct limited { co_frame; int fd; const char *end; size_t size, left; intptr_t n; int reads;
                 struct co_stream stream; char *line, *buf; char some[3000]; };
static co_define(limited)
{
    co_begin;
    self->buf = malloc(LIMIT);
    co_stream_init(&self->stream, self->fd, self->buf, LIMIT);
    for (self->reads = 0; self->reads < 3; self->reads++) {
        co_await(self->n, self->end[1] ? co_read_until(&self->stream, self->end, &self->line)
                                       : co_read_line(&self->stream, &self->line));
        check_equal(self->n, -EMSGSIZE);
    }
    self->left = self->size + strlen(self->end);
    for (; self->left > 0; self->left -= (size_t)self->n) {
        co_try(self->n, co_read_some(&self->stream, self->some, self->left < sizeof self->some
                                     ? self->left : sizeof self->some));
        check(self->n > 0);
    }
    co_try(self->n, self->end[1] ? co_read_until(&self->stream, self->end, &self->line)
                                 : co_read_line(&self->stream, &self->line));
    check_equal(self->n, 4 + strlen(self->end));
    check(strcmp(self->line, "next") == 0);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 4);
    check(strcmp(self->line, "last") == 0);
    co_try(self->n, co_read_line(&self->stream, &self->line));
    check_equal(self->n, 0);
    co_return(1);
    co_finally;
    free(self->buf);
    co_fd_close(self->fd);
    co_end;
}

static void a_line_of_10_MB_meets_the_limit_and_the_next_one_is_read(void **state)
{
    (void)state;
    static const char *const ends[] = { "\n", "\r\n\r\n" };
    int n = scaled(100, 4, 2), listener = co_tcp_listen(NULL, 0, 0), fds[2];
    size_t size = (size_t)scaled(10000000, 10000000, 300000);
    struct co_task **readers = calloc((size_t)n, sizeof *readers);

    for (int i = 0; i < n; i++) {
        tcp_pair(listener, fds);
        (void)co_go(endless, .fd = fds[0], .end = ends[i % 2], .size = size);
        readers[i] = co_spawn(limited, .fd = fds[1], .end = ends[i % 2], .size = size);
    }
    runs();
    for (int i = 0; i < n; i++) {
        check_equal(co_task_result(readers[i]), 1);
        co_task_free(readers[i]);
    }
    free(readers);
    co_fd_close(listener);
    told("long-line", n, "%.1f MB without an end each, -EMSGSIZE at %d bytes, 3 times each, then "
         "read past and the next lines read", (double)size / 1e6, LIMIT);
}

static const struct CMUnitTest tests[] = {
    TEST(without_an_fd_to_spare_the_loop_rests_and_then_all_peers_are_served),
    TEST_ALONE(slow_peers_cost_what_they_send_and_the_good_are_served),
    TEST(either_side_may_close_its_half_with_data_under_way),
    TEST(a_reset_at_any_point_ends_its_session_alone),
    TEST(a_line_of_10_MB_meets_the_limit_and_the_next_one_is_read),
};

TEST_MAIN(tests)
