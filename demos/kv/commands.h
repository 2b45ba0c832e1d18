/* SPDX-License-Identifier: BSD-2-Clause
 * commands.h: the commands of the key-value server, with the replies and errors of Redis. Those
 * on keys are in keys.c, those about the server in server.c. */
#ifndef DEMOS_KV_COMMANDS_H
#define DEMOS_KV_COMMANDS_H

#include "reply.h"
#include "store.h"
#include "resp.h"

/* The server: what all connections share. */
struct kv {
    struct kv_store store;
    uint32_t max_bulk;                  /* bytes of an argument */
    int port;
    int64_t started;                    /* kv_now() */
    uint64_t commands, connections, hits, misses;
    unsigned connected;                 /* at the moment */
};

/* A request that is being executed. */
struct kv_call {
    struct kv *kv;
    struct kv_reply *reply;
    const char *bytes;                  /* the request */
    const struct resp_arg *args;
    uint32_t count;                     /* at least 1 */
    bool quit;                          /* out: the client wants to go */
    const struct kv_command *command;   /* private */
};

/* Before the first kv_execute(). */
void kv_commands_init(void);

/* Writes one reply, behind those that are there; it needs KV_REPLY_SPARE bytes of room. */
void kv_execute(struct kv_call *call);

/* ---- For the commands ------------------------------------------------------------------------ */

typedef void kv_run(struct kv_call *call);

struct kv_command {
    const char *name;                   /* lower case */
    kv_run *run;
    int args;                           /* with the name; -2: 2 or more */
    const char *flag;                   /* what COMMAND tells of it */
    int first, last, step;              /* which of them are keys; 0: none */
};

/* All of them, up to one without a name. */
extern const struct kv_command kv_commands[];

kv_run kv_run_get, kv_run_set, kv_run_del, kv_run_exists, kv_run_incr, kv_run_decr, kv_run_incrby,
       kv_run_decrby, kv_run_mget, kv_run_mset, kv_run_expire, kv_run_pexpire, kv_run_expireat,
       kv_run_pexpireat, kv_run_ttl, kv_run_pttl, kv_run_persist;
kv_run kv_run_ping, kv_run_echo, kv_run_dbsize, kv_run_flush, kv_run_info, kv_run_command,
       kv_run_config, kv_run_client, kv_run_hello, kv_run_select, kv_run_quit, kv_run_attack;

static inline struct kv_text kv_arg(const struct kv_call *call, uint32_t i)
{
    return (struct kv_text){ call->bytes + call->args[i].at, call->args[i].size };
}

/* Argument [i] is [word], in lower case there, in any case here. */
bool kv_is(const struct kv_call *call, uint32_t i, const char *word);

/* Reads argument [i] as an integer; false: that it is none was replied. */
bool kv_integer(struct kv_call *call, uint32_t i, int64_t *value);

/* What is wrong with the arguments. */
void kv_syntax(struct kv_call *call);
void kv_wrong_count(struct kv_call *call);

#endif
