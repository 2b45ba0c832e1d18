/* SPDX-License-Identifier: BSD-2-Clause
 * store.h: a table of texts by name, which may expire, by uthash and the timer heap of task.h.
 *
 * It belongs to one thread, that of a loop. A call that runs out of memory returns -ENOMEM and has
 * changed nothing. */
#ifndef DEMOS_KV_STORE_H
#define DEMOS_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kv_text { const char *bytes; size_t size; };     /* any bytes; at most UINT32_MAX / 2 */
struct kv_entry;

struct kv_store {
    struct kv_entry *table;     /* private */
    uint64_t seed[2];           /* private: of the hash, so that nobody can choose colliding keys */
    size_t bytes;               /* ro: memory of the entries */
    size_t max_bytes;           /* rw: of them; 0: no limit */
    size_t expiring;            /* ro: entries that will expire */
    uint64_t expired;           /* ro: entries that did */
};

void kv_init(struct kv_store *store, size_t max_bytes);
void kv_clear(struct kv_store *store);          /* of all its entries, as at first */
size_t kv_count(const struct kv_store *store);

/* The entry of [key], which has not expired, or NULL. It stays until the next change. */
struct kv_entry *kv_find(struct kv_store *store, struct kv_text key);
struct kv_text kv_value(const struct kv_entry *entry);
void kv_remove(struct kv_store *store, struct kv_entry *entry);

/* Times are in milliseconds, on the monotonic clock. */
int64_t kv_now(void);
enum { KV_NEVER = 0, KV_KEEP = -1 };

/* Sets [key] to [value], to expire at [when], or KV_NEVER, or KV_KEEP: as it was before. In place
 * where it fits. 0 or -ENOMEM. */
int kv_set(struct kv_store *store, struct kv_text key, struct kv_text value, int64_t when);

/* When the entry expires, or KV_NEVER; makes it expire then, 0 or -ENOMEM. */
int64_t kv_expires(const struct kv_entry *entry);
int kv_expire(struct kv_store *store, struct kv_entry *entry, int64_t when);

/* Many at once, all of them or none: first each pair, then kv_batch_set(). -ENOMEM: the batch is
 * gone. */
struct kv_batch { struct kv_entry *first, *last; };     /* private; zero it first */
int kv_batch_add(struct kv_store *store, struct kv_batch *batch, struct kv_text key,
                 struct kv_text value);
int kv_batch_set(struct kv_store *store, struct kv_batch *batch);

#endif
