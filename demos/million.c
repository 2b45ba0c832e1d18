/* You will see as many connections as you ask for, a coroutine for each, and their cost. */
#define _GNU_SOURCE
#include "million_clients.h"
#include "million_memory.h"
#include "options.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static uint32_t accepted, echoed;
static struct co_event all_in;

/* All sessions receive here, since it is used between two awaits only. */
static struct { char data[4096]; ssize_t size; } shared;

/* Sends back what has come on [fd], without waiting. The number of bytes that did not go: the last
 * ones; negative errno; -ENODATA at the end of the stream. */
static intptr_t echo(int fd)
{
    ssize_t n = recv(fd, shared.data, sizeof shared.data, MSG_DONTWAIT), sent;

    shared.size = n;
    if (n <= 0)
        return n == 0 ? -ENODATA : errno == EAGAIN || errno == EINTR ? 0 : -errno;
    echoed++;
    sent = send(fd, shared.data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? n : -errno;
    return n - sent;
}

/* A session with a buffer of its own, for a peer that is slow to read: [n] bytes are to be sent. */
struct slow_session { co_frame; int fd, n; char buf[sizeof shared.data]; };
static co_define(slow_session) {
    co_begin;
    while (self->n > 0) {
        co_try(co_send_all(self->fd, self->buf, (size_t)self->n));
        co_try(self->n, co_recv(self->fd, self->buf, sizeof self->buf));
    }
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

/* Hands [fd] over, with what echo() has left. 0, or -ENOMEM. */
static int go_slow(int fd, int left)
{
    struct co_task *task = co_spawn(slow_session, .fd = fd, .n = left);

    if (!task)
        return -ENOMEM;
    memcpy(CO_TASK_FRAME(task, slow_session)->buf, shared.data + shared.size - left, (size_t)left);
    co_task_detach(task);
    return 0;
}

/* Waits until there is something to receive, and only then uses a buffer: so an idle connection is
 * a task, these few bytes, and what the loop knows of its fd. */
struct session { co_frame; int fd, left; };
static co_define(session) {
    co_begin;
    do {
        co_try(co_readable(self->fd));
        co_try(self->left, co_done(echo(self->fd)));
    } while (self->left == 0);
    if (go_slow(self->fd, self->left) == 0)
        self->fd = -1;                          /* it is no longer ours to close */
    co_finally;
    co_fd_close(self->fd);
    co_end;
}

struct acceptor { co_frame; int listener, fd; uint32_t most; struct co_group *sessions; };
static co_define(acceptor) {
    co_begin;
    for (;;) {
        co_try(self->fd, co_accept(self->listener));
        if (co_group_go(self->sessions, session, .fd = self->fd) < 0)
            co_fd_close(self->fd);
        else if (++accepted == self->most)
            co_event_set(&all_in);
    }
    co_finally;
    co_fd_close(self->listener);
    co_end;
}

static void wipe(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%60s\r", "");
}

/* On a terminal only. */
struct progress { co_frame; uint32_t connections; };
static co_define(progress) {
    co_begin;
    for (;;) {
        co_try(co_sleep(0.1));
        fprintf(stderr, "\r%u connections: %u open, %u lines ", (unsigned)self->connections,
                (unsigned)accepted, (unsigned)echoed);
    }
    co_finally;
    wipe();
    co_end;
}

static void print_open(uint32_t n, double seconds, struct memory before, struct memory idle)
{
    wipe();
    printf("%u connections open in %.2f s\n", (unsigned)n, seconds);
    printf("user bytes an idle connection, of the server: %.0f resident, %.0f by malloc\n",
           (idle.resident - before.resident) / n, (idle.allocated - before.allocated) / n);
    printf("kernel bytes a connection, of both its ends: %.0f\n",
           (idle.kernel - before.kernel) / n);
    fflush(stdout);
}

struct server {
    co_frame;
    const struct plan *plan;
    struct co_group sessions, helpers;
    struct memory before;
    struct co_within patience;
    uint32_t i;
    double start;
};
static co_define(server) {
    co_begin;
    co_group_init(&self->sessions, &(struct co_group_options){ .collect = 1 });
    co_group_init(&self->helpers, NULL);
    co_try(co_done(co_group_go(&self->helpers, ear, .main = co_current())));
    for (; self->i < self->plan->addresses; self->i++)
        co_try(co_done(co_group_go(&self->helpers, acceptor, .most = self->plan->connections,
                                .listener = self->plan->places[self->i].listener,
                                .sessions = &self->sessions)));
    if (isatty(STDERR_FILENO))
        co_try(co_done(co_group_go(&self->helpers, progress, self->plan->connections)));
    co_pause;                           /* for the helpers: from now on only sessions come */
    self->before = memory_now();
    self->start = co_time();
    co_await(co_send_all(other, "", 1));                            /* open them */
    co_try(co_semaphore_acquire(&said));                            /* they are open */
    co_try(co_within(&self->patience, 10, co_event_wait(&all_in)));
    self->start = co_time() - self->start;
    co_try(co_sleep(0.1));                                          /* now they are idle, too */
    print_open(self->plan->connections, self->start, self->before, memory_now());

    self->start = co_time();
    co_await(co_send_all(other, "", 1));                            /* send */
    co_try(co_semaphore_acquire(&said));                            /* all is back */
    self->start = co_time() - self->start;
    wipe();
    printf("%u lines in random order, each back: %.2f s, %.0f requests/s\n",
           (unsigned)self->plan->connections, self->start,
           self->plan->connections / self->start);
    co_finally;
    co_group_cancel(&self->helpers);
    co_await(co_group_wait(&self->helpers));
    shutdown(other, SHUT_RDWR);         /* the clients close, which ends the sessions */
    co_await(co_within(&self->patience, 60, co_group_wait(&self->sessions)));
    co_end;
}

/* Listens on 127.0.0.1, 127.0.0.2 and so on. 0, or negative errno. */
static int listen_all(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->addresses; i++) {
        struct place *place = &plan->places[i];

        snprintf(place->host, sizeof place->host, "127.0.0.%u", (unsigned)i + 1);
        place->listener = co_tcp_listen(place->host, 0, 0);
        place->port = place->listener < 0 ? place->listener : co_tcp_port(place->listener);
        if (place->port < 0)
            return place->port;
    }
    return 0;
}

static int server_run(const struct plan *plan, pid_t child)
{
    intptr_t result;
    int status;

    printf("server: process %d, on %s:%d and as far as %s\nclients: process %d\n", (int)getpid(),
           plan->places[0].host, plan->places[0].port, plan->places[plan->addresses - 1].host,
           (int)child);
    printf("seed %u: the first to send is connection %u, the last %u\n", (unsigned)plan->seed,
           (unsigned)plan->order[0], (unsigned)plan->order[plan->connections - 1]);
    fflush(stdout);
    result = co_main(server, .plan = plan);
    close(other);
    if (waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) != SIGINT)
        fprintf(stderr, "million: the clients were killed by signal %d\n", WTERMSIG(status));
    else if (result < 0 && result != -ECANCELED)        /* which is Ctrl-C, or the clients' end */
        fprintf(stderr, "million: %s\n", strerror((int)-result));
    return result < 0;
}

/* Two processes, since fs.nr_open allows one of them a million fds, not two. */
int main(int argc, char **argv)
{
    struct options options = options_read(argc, argv, "[--connections N] [--seed N]");
    static struct plan plan;
    int ends[2], error;
    pid_t child;

    plan.connections = (uint32_t)options.connections;
    plan.addresses = limits_addresses(plan.connections);
    plan.seed = options.seed ? options.seed : (uint32_t)(time(NULL) % 1000000000) | 1;
    if (!limits_suffice(plan.connections))
        return 1;
    plan.order = shuffled(plan.connections, plan.seed);
    error = plan.order ? listen_all(&plan) : -ENOMEM;
    if (error == 0)
        error = co_fd_pair(ends);
    child = error == 0 ? fork() : -1;
    if (child < 0) {
        fprintf(stderr, "million: cannot begin: %s\n", strerror(error ? -error : errno));
        return 1;
    }
    other = ends[child == 0];
    close(ends[child != 0]);
    for (uint32_t i = 0; child == 0 && i < plan.addresses; i++)
        close(plan.places[i].listener);
    error = child == 0 ? clients_run(&plan) : server_run(&plan, child);
    free(plan.order);
    return error;
}
