/* SPDX-License-Identifier: BSD-2-Clause
 * udp.c: what a datagram of 64 bytes costs in CPU, sent and received one with each system call,
 * against many with one. Both sockets are this process's; interleaved rounds in shuffled order.
 *
 *     udp [--quick] [--seed N] */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include "net.h"

enum { SIZE = 64, BATCH = 32, ROUNDS = 30 };

static struct co_datagram out[BATCH], in[BATCH];
static char sent[BATCH][SIZE], got[BATCH][SIZE];
static long batches = 4000;

/* Sends [batches] times BATCH datagrams and receives them: each with a call, or BATCH with one. */
struct pass { co_frame; int from, to, at_once; long left; size_t i, n; intptr_t result; };
static co_define(pass)
{
    co_begin;
    for (self->left = batches; self->left > 0; self->left--) {
        for (self->i = 0; !self->at_once && self->i < BATCH; self->i++)
            co_try(co_sendto(self->from, &out[self->i]));
        for (self->i = 0; !self->at_once && self->i < BATCH; self->i++)
            co_try(co_recvfrom(self->to, &in[0]));
        if (!self->at_once)
            continue;
        co_try(co_sendmmsg(self->from, out, BATCH));
        for (self->n = 0; self->n < BATCH; self->n += (size_t)self->result)
            co_try(self->result, co_recvmmsg(self->to, in, BATCH - self->n));
    }
    co_end;
}

/* Nanoseconds of CPU a datagram. */
static double measure(int from, int to, int at_once)
{
    int64_t start = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    struct co_task *task = co_spawn(pass, .from = from, .to = to, .at_once = at_once);

    if (!task || co_loop_run(co_loop_current()) < 0 || co_task_result(task) < 0) {
        fprintf(stderr, "udp: a datagram was lost, or no memory\n");
        exit(1);
    }
    co_task_free(task);
    return (double)(bench_clock(CLOCK_PROCESS_CPUTIME_ID) - start) / (double)(batches * BATCH);
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)bench_clock(CLOCK_MONOTONIC) | 1;
    double ns[2][ROUNDS];
    int from, to, rounds = ROUNDS;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            rounds = 7;
            batches = 1000;
        } else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10) | 1;
        } else {
            fprintf(stderr, "usage: udp [--quick] [--seed N]\n");
            return 2;
        }
    }
    if (!co_loop_new(NULL) || (from = co_udp_open(NULL, 0, 0)) < 0 ||
        (to = co_udp_open(NULL, 0, 0)) < 0)
        return 1;
    for (int i = 0; i < BATCH; i++) {
        out[i] = (struct co_datagram){ .data = sent[i], .size = SIZE };
        in[i] = (struct co_datagram){ .data = got[i], .size = SIZE };
        (void)co_datagram_to(&out[i], NULL, co_tcp_port(to));
    }
    for (int round = 0; round < rounds; round++) {
        uint32_t order[2];

        bench_shuffle(&seed, order, 2);
        for (int i = 0; i < 2; i++)
            ns[order[i]][round] = measure(from, to, (int)order[i]);
    }
    bench_head("UDP: ns of CPU a datagram, there and back", "mmsg", "one");
    bench_row("UDP, 32 datagrams: a call for all / one each", ns[1], ns[0], rounds, 0);
    co_fd_close(from);
    co_fd_close(to);
    co_loop_free(co_loop_current());
    return 0;
}
