/* SPDX-License-Identifier: BSD-2-Clause
 * server.c: the commands about the server and the connection. See commands.h. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char version[] = "7.0.0";          /* the Redis whose commands these are */

void kv_run_ping(struct kv_call *call)
{
    if (call->count > 2)
        kv_wrong_count(call);
    else if (call->count == 2)
        reply_bulk(call->reply, kv_arg(call, 1));
    else
        reply_text(call->reply, "+PONG\r\n");
}

void kv_run_echo(struct kv_call *call)
{
    reply_bulk(call->reply, kv_arg(call, 1));
}

void kv_run_select(struct kv_call *call)
{
    int64_t n;

    if (!kv_integer(call, 1, &n))
        return;
    if (n != 0)
        reply_error(call->reply, "ERR DB index is out of range");
    else
        reply_text(call->reply, "+OK\r\n");
}

void kv_run_quit(struct kv_call *call)
{
    reply_text(call->reply, "+OK\r\n");
    call->quit = true;
}

/* What a browser sends that a bad page directs here: nothing else of it is executed. */
void kv_run_attack(struct kv_call *call)
{
    reply_error(call->reply, "ERR this is no HTTP server");
    call->quit = true;
}

void kv_run_dbsize(struct kv_call *call)
{
    reply_integer(call->reply, (int64_t)kv_count(&call->kv->store));
}

void kv_run_flush(struct kv_call *call)
{
    if (call->count > 2 || (call->count == 2 && !kv_is(call, 1, "sync")
                            && !kv_is(call, 1, "async"))) {
        kv_syntax(call);
        return;
    }
    kv_clear(&call->kv->store);
    reply_text(call->reply, "+OK\r\n");
}

void kv_run_info(struct kv_call *call)
{
    const struct kv *kv = call->kv;
    size_t keys = kv_count(&kv->store), size = 0;
    char text[1024];

    size += (size_t)snprintf(text, sizeof text,
        "# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\nprocess_id:%ld\r\n"
        "tcp_port:%d\r\nuptime_in_seconds:%" PRId64 "\r\n\r\n"
        "# Clients\r\nconnected_clients:%u\r\n\r\n"
        "# Memory\r\nused_memory:%zu\r\nmaxmemory:%zu\r\nmaxmemory_policy:noeviction\r\n\r\n"
        "# Stats\r\ntotal_connections_received:%" PRIu64 "\r\ntotal_commands_processed:%" PRIu64
        "\r\nexpired_keys:%" PRIu64 "\r\nkeyspace_hits:%" PRIu64 "\r\nkeyspace_misses:%" PRIu64
        "\r\n\r\n# Replication\r\nrole:master\r\n\r\n# Keyspace\r\n",
        version, (long)getpid(), kv->port, (kv_now() - kv->started) / 1000, kv->connected,
        kv->store.bytes, kv->store.max_bytes, kv->connections, kv->commands, kv->store.expired,
        kv->hits, kv->misses);
    if (keys > 0)
        snprintf(text + size, sizeof text - size, "db0:keys=%zu,expires=%zu,avg_ttl=0\r\n",
                 keys, kv->store.expiring);
    reply_string(call->reply, text);
}

/* ---- What clients ask for by themselves ------------------------------------------------------ */

static void subcommand(struct kv_call *call, const char *command)
{
    struct kv_text name = kv_arg(call, 1);

    reply_error(call->reply, "ERR unknown subcommand '%.*s'. Try %s HELP.",
                (int)(name.size < 128 ? name.size : 128), name.bytes, command);
}

static void describe(struct kv_call *call, const struct kv_command *command)
{
    reply_array(call->reply, 6);
    reply_string(call->reply, command->name);
    reply_integer(call->reply, command->args);
    reply_array(call->reply, 1);
    reply_raw(call->reply, "+", 1);
    reply_raw(call->reply, command->flag, strlen(command->flag));
    reply_text(call->reply, "\r\n");
    reply_integer(call->reply, command->first);
    reply_integer(call->reply, command->last);
    reply_integer(call->reply, command->step);
}

void kv_run_command(struct kv_call *call)
{
    size_t count = 0;

    while (kv_commands[count].name)
        count++;
    if (call->count == 1) {
        reply_array(call->reply, count);
        for (size_t i = 0; i < count; i++)
            describe(call, &kv_commands[i]);
    } else if (kv_is(call, 1, "count") && call->count == 2) {
        reply_integer(call->reply, (int64_t)count);
    } else if (kv_is(call, 1, "docs")) {
        reply_array(call->reply, 0);            /* redis-cli has some of its own */
    } else {
        subcommand(call, "COMMAND");
    }
}

/* CONFIG GET of a name, without patterns. */
void kv_run_config(struct kv_call *call)
{
    static const char *const names[] = { "save", "appendonly", "databases", "maxmemory",
                                         "proto-max-bulk-len" };
    enum { NAMES = sizeof names / sizeof *names };
    char values[NAMES][24] = { "", "no", "1" };
    bool found[NAMES] = { false };
    size_t count = 0;

    if (!kv_is(call, 1, "get")) {
        subcommand(call, "CONFIG");
        return;
    }
    if (call->count < 3) {
        reply_error(call->reply, "ERR wrong number of arguments for 'config|get' command");
        return;
    }
    snprintf(values[3], sizeof values[3], "%zu", call->kv->store.max_bytes);
    snprintf(values[4], sizeof values[4], "%" PRIu32, call->kv->max_bulk);
    for (size_t i = 0; i < NAMES; i++) {
        for (uint32_t k = 2; k < call->count; k++)
            found[i] |= kv_is(call, k, names[i]);
        count += found[i];
    }
    reply_array(call->reply, 2 * count);
    for (size_t i = 0; i < NAMES; i++)
        if (found[i]) {
            reply_string(call->reply, names[i]);
            reply_string(call->reply, values[i]);
        }
}

/* A connection has no name and no settings: clients that offer some go on without. */
void kv_run_client(struct kv_call *call)
{
    subcommand(call, "CLIENT");
}

/* RESP2 only: a client that wants RESP3 stays with it after this error. */
void kv_run_hello(struct kv_call *call)
{
    int64_t n = 2;

    if (call->count > 1 && !resp_integer(kv_arg(call, 1).bytes, kv_arg(call, 1).size, &n)) {
        reply_error(call->reply, "ERR Protocol version is not an integer or out of range");
    } else if (n != 2) {
        reply_error(call->reply, "NOPROTO unsupported protocol version");
    } else if (call->count > 2) {
        kv_syntax(call);
    } else {
        reply_array(call->reply, 10);
        reply_string(call->reply, "server");
        reply_string(call->reply, "redis");
        reply_string(call->reply, "version");
        reply_string(call->reply, version);
        reply_string(call->reply, "proto");
        reply_integer(call->reply, 2);
        reply_string(call->reply, "mode");
        reply_string(call->reply, "standalone");
        reply_string(call->reply, "role");
        reply_string(call->reply, "master");
    }
}
