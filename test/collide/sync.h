/* SPDX-License-Identifier: BSD-2-Clause
 * sync.h: the program's own queue, lock and the like. Where it uses libevent, or libev under the
 * names of libevent, struct event is theirs, as are its calls. */
#ifndef SYNC_H
#define SYNC_H
struct lock { int held; };
struct semaphore { int count; };
struct condition { int notified; };
struct barrier { int parties; };
struct queue { int items[8]; int first, count; };

#ifdef __cplusplus
extern "C" {
#endif
#if !defined USE_LIBEVENT && !defined USE_EMULATION
struct event { int set; };
void event_init(struct event *event);
void event_set(struct event *event);
void event_clear(struct event *event);
void event_free(struct event *event);
#endif
void lock_init(struct lock *lock);
int lock_acquire(struct lock *lock);
int lock_release(struct lock *lock);
void lock_free(struct lock *lock);
void semaphore_init(struct semaphore *semaphore, int count);
int semaphore_release(struct semaphore *semaphore);
void semaphore_free(struct semaphore *semaphore);
void condition_init(struct condition *condition);
int condition_notify(struct condition *condition);
int condition_notify_all(struct condition *condition);
void condition_free(struct condition *condition);
void barrier_init(struct barrier *barrier, int parties);
int barrier_abort(struct barrier *barrier);
void barrier_free(struct barrier *barrier);
void queue_init(struct queue *queue);
int queue_put(struct queue *queue, int item);
int queue_get(struct queue *queue);
int queue_close(struct queue *queue);
void queue_free(struct queue *queue);
#ifdef __cplusplus
}
#endif
#endif
