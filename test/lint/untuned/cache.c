/* A cache in front of a slow look-up: right. */
#include "loop.h"
#include "sync.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry { char key[32]; int value; struct entry *next; };
static struct entry *entries;
static struct co_lock lock;

static struct entry *find(const char *key)
{
    for (struct entry *e = entries; e; e = e->next)
        if (strcmp(e->key, key) == 0)
            return e;
    return NULL;
}

struct slow { co_frame; const char *key; };
static co_define(slow) {
    unsigned sum = 0;
    co_begin;
    co_try(co_sleep(0.1));
    sum = 7;
    for (const char *c = self->key; *c; c++)
        sum = sum * 31 + (unsigned char)*c;
    co_return(sum % 1000);
    co_end;
}

struct lookup { co_frame; const char *key; intptr_t value; struct slow slow; };
static co_define(lookup) {
    struct entry *e;
    co_begin;
    co_try(co_lock_acquire(&lock));
    e = find(self->key);
    if (e)
        co_return(e->value);
    co_try(self->value, co_call(&self->slow, slow, .key = self->key));
    e = malloc(sizeof *e);
    if (!e)
        co_return(-ENOMEM);
    snprintf(e->key, sizeof e->key, "%s", self->key);
    e->value = (int)self->value;
    e->next = entries;
    entries = e;
    co_return(e->value);
    co_finally;
    co_lock_release(&lock);
    co_end;
}

struct session { co_frame; int i; intptr_t v; struct lookup lookup; };
static co_define(session) {
    static const char *const keys[] = { "tea", "milk", "tea" };
    co_begin;
    for (; self->i < 3; self->i++) {
        const char *key = keys[self->i];
        printf("looking for %s\n", key);
        co_await(self->v, co_call(&self->lookup, lookup, .key = key));
        key = keys[self->i];
        printf("%s is %ld\n", key, (long)self->v);
    }
    co_end;
}

int main(void) { return co_main(session) < 0; }
