/* SPDX-License-Identifier: BSD-2-Clause
 * handoff.pml: a wait list's hand-off and cancel, as sync.c and task.c do it, for SPIN: three tasks
 * that get and put items of a queue of one without end, or with -DLOCK take and release a lock,
 * while anybody may be cancelled at any time. Between two suspensions a task runs undivided.
 *
 * One item may be marked: whatever befalls it may befall any.
 * -DBROKEN=n breaks it, which must be found:
 *     1  a cancel meets a task that was handed something and has not run
 *     2  who is cancelled stays in the wait list
 *     3  a hand-off that goes to nobody: what is free is not offered to who waits
 *     4  who is cancelled is not woken
 *     5  who waits is overtaken by those with a lower number
 *     6  who is handed something is not woken */
#ifndef BROKEN
#define BROKEN 0
#endif
#define N 3                             /* tasks */
#ifndef ROOM
#define ROOM 1                          /* in the queue */
#endif
#define LAST (N - 1)
#define NOBODY N

mtype = { READY, RUNNING, WAITING };    /* a task's step */
mtype = { OK, CANCELED, AGAIN };        /* results */
mtype = { GET, PUT, ACQUIRE, PAUSE };   /* what it awaits */
mtype = { NONE, PLAIN, MARKED };        /* items */

mtype step[N] = READY, result[N] = OK, op[N] = PAUSE;
bool cancel[N], told[N];                /* CO_TASK_CANCEL_, CO_TASK_TOLD_ */
bool spent;                             /* the budget of the running task */
chan ready = [N] of { byte };           /* the rings */
chan getters = [N] of { byte };
chan putters = [N] of { byte };
chan lockers = [N] of { byte };

chan items = [ROOM] of { mtype };
mtype own[N] = NONE;                    /* to be put */
mtype slot[N] = NONE;                   /* got */
byte owner = NOBODY;
bool holds[N], paused[N];

bool marked_made, marked_in, marked_out;    /* in: the queue or a getter has it */
bool put_now, got_now;                  /* an item was put, or got, in the last step */

#define waits_to_get(t) (step[t] == WAITING && op[t] == GET)
#define waits_for_lock(t) (step[t] == WAITING && op[t] == ACQUIRE)

/* ---- task.c ---------------------------------------------------------------------------------- */

inline wake(who, r) {
    assert(step[who] == WAITING);
    step[who] = READY;
    result[who] = r;
    if
    :: BROKEN == 6 && r == OK -> skip
    :: else -> ready!who
    fi
}

inline take_back(who) {
    if
    :: BROKEN == 2 -> skip
    :: else ->
        if
        :: op[who] == GET -> getters??eval(who)
        :: op[who] == PUT -> putters??eval(who)
        :: op[who] == ACQUIRE -> lockers??eval(who)
        fi
    fi
}

inline co_cancel(who) {
    if
    :: cancel[who] || told[who] -> skip
    :: else ->
        if
        :: step[who] == WAITING ->
            take_back(who);
            if
            :: BROKEN == 4 -> skip
            :: else ->
                told[who] = true;
                wake(who, CANCELED)
            fi
        :: BROKEN == 1 && step[who] == READY && op[who] != PAUSE ->
            result[who] = CANCELED
        :: else -> cancel[who] = true
        fi
    fi
}

/* The op completes at once: the task goes on before the others, or, its budget being spent, which
 * here is one such op in a row, behind all that are ready. */
inline done(t, r) {
    step[t] = READY;
    result[t] = r;
    ready!t;
    if
    :: !spent ->
        spent = true;
        others = len(ready) - 1;
        do
        :: others > 0 -> ready?other; ready!other; others--
        :: else -> break
        od
    :: spent = false
    fi
}

inline wait_in(t, ring) {
    step[t] = WAITING;
    spent = false;
    if
    :: BROKEN == 5 -> ring!!t           /* sorted */
    :: else -> ring!t
    fi
}

/* ---- sync.c ---------------------------------------------------------------------------------- */

inline accepted(item) {
    marked_in = marked_in || item == MARKED;
    put_now = true
}

inline co_queue_put(t) {
    op[t] = PUT;
    if
    :: cancel[t] -> cancel[t] = false; done(t, CANCELED)
    :: else ->
        if
        :: len(getters) > 0 && BROKEN != 3 ->
            getters?other;
            slot[other] = own[t];
            accepted(own[t]);
            wake(other, OK);
            done(t, OK)
        :: (len(getters) == 0 || BROKEN == 3) && len(items) < ROOM ->
            items!own[t];
            accepted(own[t]);
            done(t, OK)
        :: else -> wait_in(t, putters)
        fi
    fi
}

inline co_queue_get(t) {
    op[t] = GET;
    if
    :: cancel[t] -> cancel[t] = false; done(t, CANCELED)
    :: else ->
        if
        :: len(items) > 0 ->
            items?slot[t];
            if
            :: len(putters) > 0 ->
                putters?other;
                items!own[other];
                accepted(own[other]);
                wake(other, OK)
            :: else -> skip
            fi;
            done(t, OK)
        :: else -> wait_in(t, getters)
        fi
    fi
}

inline co_lock_acquire(t) {
    op[t] = ACQUIRE;
    if
    :: cancel[t] -> cancel[t] = false; done(t, CANCELED)
    :: else ->
        if
        :: owner == NOBODY -> owner = t; done(t, OK)
        :: else -> wait_in(t, lockers)
        fi
    fi
}

inline co_lock_release(t) {
    assert(owner == t);
    holds[t] = false;
    owner = NOBODY;
    if
    :: len(lockers) > 0 && BROKEN != 3 -> lockers?owner; wake(owner, OK)
    :: else -> skip
    fi
}

inline co_pause(t) {
    op[t] = PAUSE;
    done(t, OK)
}

/* ---- What the tasks do ----------------------------------------------------------------------- */

/* The await that is over. */
inline after(t) {
    if
    :: op[t] == GET && result[t] == OK ->
        assert(slot[t] != NONE);
        assert(!(slot[t] == MARKED && marked_out));         /* twice */
        marked_out = marked_out || slot[t] == MARKED;
        got_now = true;
        slot[t] = NONE
    :: op[t] == GET && result[t] == CANCELED ->
        assert(slot[t] == NONE)                             /* else it would be lost */
    :: op[t] == PUT && result[t] == OK ->
        assert(own[t] != MARKED || marked_in);
        own[t] = NONE
    :: op[t] == PUT && result[t] == CANCELED ->
        assert(own[t] != MARKED || !marked_in);
        marked_made = marked_made && own[t] != MARKED;      /* it may be put anew */
        own[t] = NONE
    :: op[t] == ACQUIRE && result[t] == OK ->
        assert(owner == t && !holds[t]);
        holds[t] = true
    :: op[t] == ACQUIRE && result[t] == CANCELED ->
        assert(owner != t)
    :: op[t] == PAUSE -> cancel[t] = false
    :: op[t] == PAUSE -> skip                               /* the request waits for another */
    fi
}

#ifdef LOCK
inline next(t) {
    if
    :: holds[t] && !paused[t] -> paused[t] = true; co_pause(t)
    :: holds[t] -> paused[t] = false; co_lock_release(t); co_pause(t)
    :: !holds[t] -> co_lock_acquire(t)
    :: !holds[t] -> co_pause(t)
    fi
}
#else
inline next(t) {
    if
    :: co_queue_get(t)
    :: own[t] = PLAIN; co_queue_put(t)
    :: !marked_made -> marked_made = true; own[t] = MARKED; co_queue_put(t)
    :: co_pause(t)
    fi
}
#endif

/* Who waits stands in one ring, and nobody waits for what is there. */
inline check() {
    assert(len(getters) + len(putters) + len(lockers) ==
           (step[0] == WAITING) + (step[1] == WAITING) + (step[2] == WAITING));
    assert(len(items) == 0 || len(getters) == 0);
    assert(len(items) == ROOM || len(putters) == 0);
    assert(owner != NOBODY || len(lockers) == 0);
    assert(holds[0] + holds[1] + holds[2] <= 1)
}

active proctype scheduler() {
    byte t, other, others;

    d_step { ready!0; ready!1; ready!2 }
end:
    do
    :: atomic {
        ready?t;
        assert(step[t] == READY);
        step[t] = RUNNING;
        told[t] = false;
        put_now = false;
        got_now = false;
        after(t);
        next(t);
        other = 0;
        t = 0;
        check()
    }
    od
}

active proctype canceller() {
    byte who;

end:
    do
    :: atomic { select(who : 0 .. N - 1); co_cancel(who); who = 0; check() }
    od
}

#ifdef LOCK
/* Who waits has it in the end, or was cancelled. */
ltl locker { [] (waits_for_lock(LAST) -> <> !waits_for_lock(LAST)) }
#else
/* What a task was handed it gets. */
ltl handed { [] (slot[LAST] == MARKED -> <> marked_out) }
/* What was put is got, if anything is. */
ltl delivered { ([] <> got_now) -> [] (marked_in -> <> marked_out) }
/* Who waits gets something, if anything is put, or was cancelled. */
ltl getter { ([] <> put_now) -> [] (waits_to_get(LAST) -> <> !waits_to_get(LAST)) }
#endif
