/* SPDX-License-Identifier: BSD-2-Clause
 * store.c: the table of the key-value server. See store.h. */
#define _GNU_SOURCE
#include "store.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HASH_NONFATAL_OOM 1     /* what was added and has no table then was not added */
#include <uthash.h>

/* A timer of its own for each entry that expires, and no room for it in those that do not. */
struct expiry {
    struct co_timer timer;
    int64_t when;
    struct kv_store *store;
    struct kv_entry *entry;
};

struct kv_entry {
    UT_hash_handle hh;
    struct expiry *expiry;      /* NULL: it never does */
    uint32_t size, room;        /* of the value */
    char bytes[];               /* the key, then the value */
};

/* ---- The hash: SipHash-1-3 of Aumasson and Bernstein, with a random key ---------------------- */

static inline uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

static unsigned hash_of(const struct kv_store *store, struct kv_text key)
{
    const uint64_t *seed = store->seed;
    uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                      seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    uint64_t word, last = (uint64_t)key.size << 56;
    size_t i = 0;

    for (; i + 8 <= key.size; i += 8) {
        memcpy(&word, key.bytes + i, 8);
        sip_word(v, word);
    }
    for (int shift = 0; i < key.size; i++, shift += 8)
        last |= (uint64_t)(unsigned char)key.bytes[i] << shift;
    sip_word(v, last);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    v[0] ^= v[1] ^ v[2] ^ v[3];
    return (unsigned)(v[0] ^ v[0] >> 32);
}

/* ---- The table: all that uthash's macros do is here ------------------------------------------ */

#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#endif

static struct kv_entry *table_find(struct kv_store *store, struct kv_text key, unsigned hash)
{
    struct kv_entry *entry;

    HASH_FIND_BYHASHVALUE(hh, store->table, key.bytes, key.size, hash, entry);
    return entry;
}

/* Before all others of its key. Without memory to grow, the table does not grow; so it fails only
 * where there was no table. */
static int table_add(struct kv_store *store, struct kv_entry *entry, unsigned hash)
{
    size_t size = entry->hh.keylen;

    HASH_ADD_KEYPTR_BYHASHVALUE(hh, store->table, entry->bytes, size, hash, entry);
    if (!entry->hh.tbl && store->table) {
        unsigned before = store->table->hh.tbl->noexpand;

        store->table->hh.tbl->noexpand = 1;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, store->table, entry->bytes, size, hash, entry);
        store->table->hh.tbl->noexpand = before;
    }
    return entry->hh.tbl ? 0 : -ENOMEM;
}

static void table_delete(struct kv_store *store, struct kv_entry *entry)
{
    HASH_DELETE(hh, store->table, entry);
}

size_t kv_count(const struct kv_store *store)
{
    return HASH_COUNT(store->table);
}

#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

/* ---- Entries --------------------------------------------------------------------------------- */

static size_t entry_bytes(const struct kv_entry *entry)
{
    return sizeof *entry + entry->hh.keylen + entry->room;
}

/* An entry that is in no table. */
static struct kv_entry *entry_new(struct kv_store *store, struct kv_text key, struct kv_text value)
{
    size_t head = sizeof(struct kv_entry) + key.size;
    size_t total = ((head + value.size + 8 + 15) & ~(size_t)15) - 8;    /* as malloc rounds it */
    struct kv_entry *entry;

    if (store->max_bytes > 0 && store->bytes + total > store->max_bytes)
        return NULL;
    entry = malloc(total);
    if (!entry)
        return NULL;
    entry->hh.keylen = (unsigned)key.size;
    entry->hh.next = NULL;
    entry->expiry = NULL;
    entry->size = (uint32_t)value.size;
    entry->room = (uint32_t)(total - head);
    memcpy(entry->bytes, key.bytes, key.size);
    memcpy(entry->bytes + key.size, value.bytes, value.size);
    store->bytes += total;
    return entry;
}

static void expiry_free(struct kv_store *store, struct kv_entry *entry)
{
    if (!entry->expiry)
        return;
    co_timer_stop(&entry->expiry->timer);
    free(entry->expiry);
    entry->expiry = NULL;
    store->bytes -= sizeof(struct expiry);
    store->expiring--;
}

static void entry_free(struct kv_store *store, struct kv_entry *entry)
{
    expiry_free(store, entry);
    store->bytes -= entry_bytes(entry);
    free(entry);
}

void kv_remove(struct kv_store *store, struct kv_entry *entry)
{
    table_delete(store, entry);
    entry_free(store, entry);
}

struct kv_text kv_value(const struct kv_entry *entry)
{
    return (struct kv_text){ entry->bytes + entry->hh.keylen, entry->size };
}

/* ---- Expiry ---------------------------------------------------------------------------------- */

int64_t kv_now(void)
{
    struct co_driver *driver = co_scheduler_get()->driver;

    return driver->now(driver) / 1000000;
}

int64_t kv_expires(const struct kv_entry *entry)
{
    return entry->expiry ? entry->expiry->when : KV_NEVER;
}

static int expiry_start(struct expiry *expiry)
{
    int64_t most = INT64_MAX / 1000000;         /* nanoseconds do not reach any further */

    return co_timer_start(&expiry->timer, (expiry->when < most ? expiry->when : most) * 1000000);
}

static void expiry_fire(struct co_timer *timer)
{
    struct expiry *expiry = (struct expiry *)timer;             /* its first member */
    struct kv_store *store = expiry->store;

    store->expired++;
    kv_remove(store, expiry->entry);
}

/* KV_NEVER or less: it never does from now on. */
int kv_expire(struct kv_store *store, struct kv_entry *entry, int64_t when)
{
    struct expiry *expiry = entry->expiry;

    if (when <= KV_NEVER) {
        expiry_free(store, entry);
        return 0;
    }
    if (expiry) {                       /* its place in the heap is free again: no -ENOMEM */
        expiry->when = when;
        return expiry_start(expiry);
    }
    if (store->max_bytes > 0 && store->bytes + sizeof *expiry > store->max_bytes)
        return -ENOMEM;
    expiry = malloc(sizeof *expiry);
    if (!expiry)
        return -ENOMEM;
    *expiry = (struct expiry){ { 0, expiry_fire }, when, store, entry };
    if (expiry_start(expiry) < 0) {
        free(expiry);
        return -ENOMEM;
    }
    entry->expiry = expiry;
    store->bytes += sizeof *expiry;
    store->expiring++;
    return 0;
}

/* A timer fires between turns only: in a long turn an entry may be due and still be there. */
static struct kv_entry *find(struct kv_store *store, struct kv_text key, unsigned hash)
{
    struct kv_entry *entry = table_find(store, key, hash);

    if (!entry || !entry->expiry || entry->expiry->when > kv_now())
        return entry;
    expiry_fire(&entry->expiry->timer);
    return NULL;
}

struct kv_entry *kv_find(struct kv_store *store, struct kv_text key)
{
    return find(store, key, hash_of(store, key));
}

/* ---- Changes --------------------------------------------------------------------------------- */

void kv_init(struct kv_store *store, size_t max_bytes)
{
    *store = (struct kv_store){ .max_bytes = max_bytes };
    if (getrandom(store->seed, sizeof store->seed, 0) != (ssize_t)sizeof store->seed)
        store->seed[0] = (uint64_t)(uintptr_t)store ^ (uint64_t)kv_now();
}

void kv_clear(struct kv_store *store)
{
    while (store->table)
        kv_remove(store, store->table);
}

/* The new entry comes before the old one is gone, so that nothing is lost without memory. */
static int entry_replace(struct kv_store *store, struct kv_entry *old, struct kv_entry *entry,
                         unsigned hash, bool keep)
{
    if (table_add(store, entry, hash) < 0)
        return -ENOMEM;
    if (!old)
        return 0;
    if (keep && old->expiry) {
        entry->expiry = old->expiry;
        entry->expiry->entry = entry;
        old->expiry = NULL;
    }
    kv_remove(store, old);
    return 0;
}

int kv_set(struct kv_store *store, struct kv_text key, struct kv_text value, int64_t when)
{
    unsigned hash = hash_of(store, key);
    struct kv_entry *old = find(store, key, hash), *entry = old;

    if (!old || value.size > old->room || value.size + 64 < old->room / 2)
        entry = entry_new(store, key, value);
    if (!entry)
        return -ENOMEM;
    if (when > KV_NEVER && kv_expire(store, entry, when) < 0) {
        if (entry != old)
            entry_free(store, entry);
        return -ENOMEM;
    }
    if (entry != old) {
        if (entry_replace(store, old, entry, hash, when == KV_KEEP) == 0)
            return 0;
        entry_free(store, entry);
        return -ENOMEM;
    }
    if (when == KV_NEVER)
        expiry_free(store, entry);
    memcpy(entry->bytes + entry->hh.keylen, value.bytes, value.size);
    entry->size = (uint32_t)value.size;
    return 0;
}

static int batch_drop(struct kv_store *store, struct kv_batch *batch)
{
    for (struct kv_entry *entry = batch->first, *next; entry; entry = next) {
        next = entry->hh.next;
        entry_free(store, entry);
    }
    return -ENOMEM;
}

/* They are linked by what the table will use. */
int kv_batch_add(struct kv_store *store, struct kv_batch *batch, struct kv_text key,
                 struct kv_text value)
{
    struct kv_entry *entry = entry_new(store, key, value);

    if (!entry)
        return batch_drop(store, batch);
    if (batch->last)
        batch->last->hh.next = entry;
    else
        batch->first = entry;
    batch->last = entry;
    return 0;
}

int kv_batch_set(struct kv_store *store, struct kv_batch *batch)
{
    for (struct kv_entry *entry; (entry = batch->first); ) {
        struct kv_text key = { entry->bytes, entry->hh.keylen };
        unsigned hash = hash_of(store, key);
        struct kv_entry *next = entry->hh.next;

        /* Only the first can fail: then there is a table. */
        if (entry_replace(store, find(store, key, hash), entry, hash, false) < 0) {
            entry->hh.next = next;
            return batch_drop(store, batch);
        }
        batch->first = next;
    }
    return 0;
}
