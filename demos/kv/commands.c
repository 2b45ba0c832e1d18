/* SPDX-License-Identifier: BSD-2-Clause
 * commands.c: the table of the commands, and how one is found and run. See commands.h. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>

const struct kv_command kv_commands[] = {
    { "get", kv_run_get, 2, "readonly", 1, 1, 1 },
    { "set", kv_run_set, -3, "write", 1, 1, 1 },
    { "del", kv_run_del, -2, "write", 1, -1, 1 },
    { "exists", kv_run_exists, -2, "readonly", 1, -1, 1 },
    { "incr", kv_run_incr, 2, "write", 1, 1, 1 },
    { "decr", kv_run_decr, 2, "write", 1, 1, 1 },
    { "incrby", kv_run_incrby, 3, "write", 1, 1, 1 },
    { "decrby", kv_run_decrby, 3, "write", 1, 1, 1 },
    { "mget", kv_run_mget, -2, "readonly", 1, -1, 1 },
    { "mset", kv_run_mset, -3, "write", 1, -1, 2 },
    { "expire", kv_run_expire, 3, "write", 1, 1, 1 },
    { "pexpire", kv_run_pexpire, 3, "write", 1, 1, 1 },
    { "expireat", kv_run_expireat, 3, "write", 1, 1, 1 },
    { "pexpireat", kv_run_pexpireat, 3, "write", 1, 1, 1 },
    { "ttl", kv_run_ttl, 2, "readonly", 1, 1, 1 },
    { "pttl", kv_run_pttl, 2, "readonly", 1, 1, 1 },
    { "persist", kv_run_persist, 2, "write", 1, 1, 1 },
    { "ping", kv_run_ping, -1, "fast", 0, 0, 0 },
    { "echo", kv_run_echo, 2, "fast", 0, 0, 0 },
    { "dbsize", kv_run_dbsize, 1, "readonly", 0, 0, 0 },
    { "flushall", kv_run_flush, -1, "write", 0, 0, 0 },
    { "flushdb", kv_run_flush, -1, "write", 0, 0, 0 },
    { "info", kv_run_info, -1, "admin", 0, 0, 0 },
    { "command", kv_run_command, -1, "admin", 0, 0, 0 },
    { "config", kv_run_config, -2, "admin", 0, 0, 0 },
    { "client", kv_run_client, -2, "admin", 0, 0, 0 },
    { "hello", kv_run_hello, -1, "fast", 0, 0, 0 },
    { "select", kv_run_select, 2, "fast", 0, 0, 0 },
    { "quit", kv_run_quit, -1, "fast", 0, 0, 0 },
    { "post", kv_run_attack, -1, "admin", 0, 0, 0 },
    { "host:", kv_run_attack, -1, "admin", 0, 0, 0 },
    { NULL, NULL, 0, NULL, 0, 0, 0 }
};

/* ---- Arguments ------------------------------------------------------------------------------- */

/* Bit 32 makes a letter small, and nothing else a letter. */
static inline bool is(struct kv_text text, const char *word)
{
    for (size_t i = 0; i < text.size; i++)
        if (word[i] == '\0' || (text.bytes[i] | 32) != word[i])
            return false;
    return word[text.size] == '\0';
}

bool kv_is(const struct kv_call *call, uint32_t i, const char *word)
{
    return is(kv_arg(call, i), word);
}

bool kv_integer(struct kv_call *call, uint32_t i, int64_t *value)
{
    struct kv_text text = kv_arg(call, i);

    if (resp_integer(text.bytes, text.size, value))
        return true;
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return false;
}

void kv_syntax(struct kv_call *call)
{
    reply_error(call->reply, "ERR syntax error");
}

void kv_wrong_count(struct kv_call *call)
{
    reply_error(call->reply, "ERR wrong number of arguments for '%s' command",
                call->command->name);
}

/* ---- Which command --------------------------------------------------------------------------- */

/* A hash table of the names, open, so that one or two comparisons find one. */
enum { SLOTS = 128 };
static const struct kv_command *slots[SLOTS];

static inline unsigned slot_of(struct kv_text name)
{
    unsigned first = (unsigned char)name.bytes[0] | 32u, size = (unsigned)name.size;
    unsigned last = (unsigned char)name.bytes[name.size - 1] | 32u;
    unsigned middle = (unsigned char)name.bytes[name.size / 2] | 32u;

    return first * 5 + last * 19 + middle * 3 + size * 31;
}

void kv_commands_init(void)
{
    for (const struct kv_command *c = kv_commands; c->name; c++) {
        struct kv_text name = { c->name, 0 };
        unsigned i;

        while (c->name[name.size])
            name.size++;
        for (i = slot_of(name); slots[i % SLOTS] && slots[i % SLOTS] != c; i++) { }
        slots[i % SLOTS] = c;
    }
}

static const struct kv_command *command_find(struct kv_text name)
{
    if (name.size == 0)
        return NULL;
    for (unsigned i = slot_of(name); slots[i % SLOTS]; i++)
        if (is(name, slots[i % SLOTS]->name))
            return slots[i % SLOTS];
    return NULL;
}

/* As Redis says it, with the beginning of its arguments. */
static void unknown(struct kv_call *call)
{
    struct kv_text name = kv_arg(call, 0);
    char args[160] = "";
    size_t size = 0;

    for (uint32_t i = 1; i < call->count && size < 128; i++) {
        struct kv_text text = kv_arg(call, i);

        size += (size_t)snprintf(args + size, sizeof args - size, "'%.*s' ",
                                 (int)(text.size < 128 - size ? text.size : 128 - size),
                                 text.bytes);
    }
    reply_error(call->reply, "ERR unknown command '%.*s', with args beginning with: %s",
                (int)(name.size < 128 ? name.size : 128), name.bytes, args);
}

void kv_execute(struct kv_call *call)
{
    const struct kv_command *command = command_find(kv_arg(call, 0));
    struct kv_reply *reply = call->reply;
    size_t before = reply->size;

    call->command = command;
    call->kv->commands++;
    if (!command)
        unknown(call);
    else if (command->args > 0 ? (int64_t)call->count != command->args
             : (int64_t)call->count < -command->args)
        kv_wrong_count(call);
    else
        command->run(call);
    if (reply->error < 0) {
        bool is_large = reply->error == -EMSGSIZE;

        reply->size = before;
        reply->error = 0;
        if (is_large)
            reply_error(reply, "ERR the reply would be larger than %zu bytes: ask for fewer keys",
                        reply->max);
        else
            reply_error(reply, "OOM command not allowed: out of memory");
    }
}
