/* SPDX-License-Identifier: BSD-2-Clause
 * keys.c: the commands on keys. See commands.h. */
#define _POSIX_C_SOURCE 200809L
#include "commands.h"

#include <time.h>

static void stored(struct kv_call *call, int error)
{
    if (error < 0)
        reply_error(call->reply, "OOM command not allowed when used memory > 'maxmemory'.");
    else
        reply_text(call->reply, "+OK\r\n");
}

static struct kv_entry *find(struct kv_call *call, uint32_t i)
{
    return kv_find(&call->kv->store, kv_arg(call, i));
}

static void value(struct kv_call *call, const struct kv_entry *entry)
{
    if (entry)
        reply_bulk(call->reply, kv_value(entry));
    else
        reply_text(call->reply, REPLY_NULL);
}

/* ---- Times ----------------------------------------------------------------------------------- */

enum { SECONDS = 1, UNIX = 2 };         /* else milliseconds, from now */

/* The time that argument [i] names, in milliseconds of kv_now(); one that is long over is 1.
 * False: what is wrong was replied. */
static bool read_time(struct kv_call *call, uint32_t i, int form, bool later, int64_t *when)
{
    int64_t unit = form & SECONDS ? 1000 : 1, from = kv_now(), n;
    struct timespec t;

    if (!kv_integer(call, i, &n))
        return false;
    if (form & UNIX) {
        clock_gettime(CLOCK_REALTIME, &t);
        from -= (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    }
    if (n > (INT64_MAX - (from > 0 ? from : 0)) / unit || n < INT64_MIN / unit
        || (later && n <= 0)) {
        reply_error(call->reply, "ERR invalid expire time in '%s' command", call->command->name);
        return false;
    }
    *when = n <= 0 || from + n * unit < 1 ? 1 : from + n * unit;
    return true;
}

static void expire(struct kv_call *call, int form)
{
    struct kv_store *store = &call->kv->store;
    struct kv_entry *entry;
    int64_t when;
    int error = 0;

    if (!read_time(call, 2, form, false, &when))
        return;
    entry = find(call, 1);
    if (entry && when <= kv_now())
        kv_remove(store, entry);
    else if (entry)
        error = kv_expire(store, entry, when);
    if (error < 0)
        stored(call, error);
    else
        reply_integer(call->reply, entry != NULL);
}

void kv_run_expire(struct kv_call *call) { expire(call, SECONDS); }
void kv_run_pexpire(struct kv_call *call) { expire(call, 0); }
void kv_run_expireat(struct kv_call *call) { expire(call, UNIX | SECONDS); }
void kv_run_pexpireat(struct kv_call *call) { expire(call, UNIX); }

/* What is left, in [unit] milliseconds, rounded; -1: it does not expire; -2: there is no such. */
static void left(struct kv_call *call, int64_t unit)
{
    struct kv_entry *entry = find(call, 1);
    int64_t when = entry ? kv_expires(entry) : KV_NEVER;

    int64_t ms = when - kv_now();

    reply_integer(call->reply, !entry ? -2 : when == KV_NEVER ? -1
                  : ms / unit + (ms % unit * 2 >= unit));
}

void kv_run_ttl(struct kv_call *call) { left(call, 1000); }
void kv_run_pttl(struct kv_call *call) { left(call, 1); }

void kv_run_persist(struct kv_call *call)
{
    struct kv_entry *entry = find(call, 1);
    bool expires = entry && kv_expires(entry) != KV_NEVER;

    if (expires)
        (void)kv_expire(&call->kv->store, entry, KV_NEVER);
    reply_integer(call->reply, expires);
}

/* ---- GET and SET ----------------------------------------------------------------------------- */

static void get(struct kv_call *call, uint32_t i)
{
    const struct kv_entry *entry = find(call, i);

    if (entry)
        call->kv->hits++;
    else
        call->kv->misses++;
    value(call, entry);
}

void kv_run_get(struct kv_call *call) { get(call, 1); }

void kv_run_mget(struct kv_call *call)
{
    reply_array(call->reply, call->count - 1);
    for (uint32_t i = 1; i < call->count && call->reply->error == 0; i++)
        get(call, i);
}

struct set_options { bool nx, xx, get; int64_t when; };

/* What follows the value; false: what is wrong was replied. */
static bool set_options(struct kv_call *call, struct set_options *options)
{
    static const struct { const char *name; int form; } times[] = {
        { "ex", SECONDS }, { "px", 0 }, { "exat", UNIX | SECONDS }, { "pxat", UNIX } };
    uint32_t timed = 0;                         /* by argument [timed], in [form] */
    int form = 0;

    for (uint32_t i = 3; i < call->count; i++) {
        size_t t = 0;

        while (t < 4 && !kv_is(call, i, times[t].name))
            t++;
        if (kv_is(call, i, "nx") && !options->xx) {
            options->nx = true;
        } else if (kv_is(call, i, "xx") && !options->nx) {
            options->xx = true;
        } else if (kv_is(call, i, "get")) {
            options->get = true;
        } else if (kv_is(call, i, "keepttl") && timed == 0) {
            options->when = KV_KEEP;
        } else if (t < 4 && timed == 0 && options->when != KV_KEEP && i + 1 < call->count) {
            form = times[t].form;
            timed = ++i;
        } else {
            kv_syntax(call);
            return false;
        }
    }
    return timed == 0 || read_time(call, timed, form, true, &options->when);
}

void kv_run_set(struct kv_call *call)
{
    struct set_options options = { false, false, false, KV_NEVER };
    size_t before = call->reply->size;
    struct kv_entry *old = NULL;
    int error;

    if (call->count > 3) {
        if (!set_options(call, &options))
            return;
        old = find(call, 1);
        if (options.get)
            value(call, old);
        if (options.nx ? old != NULL : options.xx && !old) {
            if (!options.get)
                reply_text(call->reply, REPLY_NULL);
            return;
        }
        if (call->reply->error < 0)             /* no room for the old value: keep it */
            return;
    }
    error = kv_set(&call->kv->store, kv_arg(call, 1), kv_arg(call, 2), options.when);
    if (options.get && error == 0)
        return;
    call->reply->size = before;
    stored(call, error);
}

void kv_run_mset(struct kv_call *call)
{
    struct kv_store *store = &call->kv->store;
    struct kv_batch batch = { NULL, NULL };
    int error = 0;

    if (call->count % 2 == 0) {
        kv_wrong_count(call);
        return;
    }
    for (uint32_t i = 1; i < call->count && error == 0; i += 2)
        error = kv_batch_add(store, &batch, kv_arg(call, i), kv_arg(call, i + 1));
    stored(call, error < 0 ? error : kv_batch_set(store, &batch));
}

/* ---- Others ---------------------------------------------------------------------------------- */

static void count(struct kv_call *call, bool remove)
{
    int64_t n = 0;

    for (uint32_t i = 1; i < call->count; i++) {
        struct kv_entry *entry = find(call, i);

        n += entry != NULL;
        if (entry && remove)
            kv_remove(&call->kv->store, entry);
    }
    reply_integer(call->reply, n);
}

void kv_run_exists(struct kv_call *call) { count(call, false); }
void kv_run_del(struct kv_call *call) { count(call, true); }

static void add(struct kv_call *call, int64_t by)
{
    struct kv_entry *entry = find(call, 1);
    struct kv_text old = entry ? kv_value(entry) : (struct kv_text){ "0", 1 };
    char digits[20], *end = digits + sizeof digits, *text;
    int64_t n;
    int error;

    if (!resp_integer(old.bytes, old.size, &n)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return;
    }
    if (by > 0 ? n > INT64_MAX - by : n < INT64_MIN - by) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    text = reply_digits(end, n + by);
    error = kv_set(&call->kv->store, kv_arg(call, 1),
                   (struct kv_text){ text, (size_t)(end - text) }, KV_KEEP);
    if (error < 0)
        stored(call, error);
    else
        reply_integer(call->reply, n + by);
}

void kv_run_incr(struct kv_call *call) { add(call, 1); }
void kv_run_decr(struct kv_call *call) { add(call, -1); }

void kv_run_incrby(struct kv_call *call)
{
    int64_t by;

    if (kv_integer(call, 2, &by))
        add(call, by);
}

void kv_run_decrby(struct kv_call *call)
{
    int64_t by;

    if (!kv_integer(call, 2, &by))
        return;
    if (by == INT64_MIN)
        reply_error(call->reply, "ERR decrement would overflow");
    else
        add(call, -by);
}
