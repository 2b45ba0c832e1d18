#!/bin/sh
# mutations.sh: test/orders.c must notice when the library is wrong: each mutation breaks one thing
# in a copy of one file, and then the program must fail: with a few of the orders, else with all.
# Ends with "N noticed, M not".
cd "$(dirname "$0")/.." || exit 2
CC=${CC:-cc}
WARN='-std=c11 -O1 -I.'
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
noticed=0 missed=0

# compile FILE OBJECT: of the library or test, as the library sees it.
compile() {
    # shellcheck disable=SC2086                 # flags are words
    $CC $WARN ${CPPFLAGS-} -c -o "$2" "$1"
}

# runs OBJECT...: links them and runs the program; its output goes to $tmp/out.
runs() {
    # shellcheck disable=SC2086
    $CC ${LDFLAGS-} -o "$tmp/orders" "$tmp/test.o" "$@" -lcmocka || exit 2
    DUFFEL_SHORT=1 timeout 20 "$tmp/orders" >"$tmp/out" 2>&1 || return
    [ "${1##*/}" = whole.o ] || timeout 40 "$tmp/orders" >"$tmp/out" 2>&1
}

for name in task sync group; do
    compile $name.c "$tmp/$name.o" || exit 2
done
compile test/orders.c "$tmp/test.o" || exit 2

# mutant FILE WHAT SED: what the sed script breaks.
mutant() {
    what="$1.c: $2"
    sed -e "$3" "$1.c" >"$tmp/mutant.c"
    if cmp -s "$1.c" "$tmp/mutant.c"; then
        echo "$what: this mutation finds nothing to change: mend it"
        missed=$((missed + 1))
        return
    fi
    compile "$tmp/mutant.c" "$tmp/mutant.o" || exit 2
    others=
    for name in task sync group; do
        [ $name = "$1" ] || others="$others $tmp/$name.o"
    done
    # shellcheck disable=SC2086
    if runs "$tmp/mutant.o" $others; then
        echo "$what: not noticed"
        missed=$((missed + 1))
    else
        noticed=$((noticed + 1))
        if [ -n "${VERBOSE-}" ]; then
            echo "$what: $(grep -aE 'after [0-9]+ steps|a task|\(\) ' "$tmp/out" | head -n 1)"
        fi
    fi
}

# Unbroken, it passes.
cp "$tmp/task.o" "$tmp/whole.o"
runs "$tmp/whole.o" "$tmp/sync.o" "$tmp/group.o" || { cat "$tmp/out"; exit 1; }

mutant sync 'a cancelled waiter stays in the event' \
    's/co_ring_remove(&((struct co_event \*)task->object)->waiters, task);//'
mutant sync 'co_event_set wakes one' \
    's/wake_all(&event->waiters, 0);/if (event->waiters) co_wake(first_of(\&event->waiters), 0);/'
mutant sync 'co_event_set is not seen by those who come later' 's/event->is_set = 1;//'
mutant sync 'a lock is handed over to nobody' \
    's/^        co_wake(lock->owner, lock->owner->chain.result);/{ & lock->owner = NULL; }/'
mutant sync 'a lock is not handed over' 's/^    lock_hand_over(lock);/    lock->owner = NULL;/'
mutant sync 'a cancelled waiter stays in the lock' \
    's/co_ring_remove(&((struct co_lock \*)task->object)->waiters, task);//'
mutant sync 'who has the lock waits for it' 's/lock->owner == co_current())/0)/'
mutant sync 'a lock that is wanted is taken by who comes' \
    's/\(struct co_task \*me = \)lock->owner ? NULL : \(co_task_quick_();\)/\1\2/'
mutant sync 'a release wakes one, and counts too' \
    '/^int co_semaphore_release/,/^}/{/^        return 0;/d}'
mutant sync 'one release wakes two' \
    '/^int co_semaphore_release/,/^}/s/^        return 0;/wake_all(\&semaphore->waiters, 0); &/'
mutant sync 'the bound of a semaphore is passed' 's/semaphore->value >= semaphore->bound/0/'
mutant sync 'a cancelled waiter stays in the semaphore' \
    's/co_ring_remove(&((struct co_semaphore \*)task->object)->waiters, task);//'
mutant sync 'notify wakes all' \
    's/for (; n > 0 && condition->waiters; n--)/while (condition->waiters)/'
mutant sync 'the notify of a cancelled waiter is lost' \
    '/^static int relock_take_back/,/^}/s/if (next)/if (0)/'
mutant sync 'a cancelled wait for a condition says nothing' \
    's/condition_relock(condition, task, -ECANCELED)/condition_relock(condition, task, 0)/'
mutant sync 'a condition counts a request twice' 's/task->flags |= CO_TASK_TOLD_;/;/'
mutant sync 'a condition keeps the lock' '/^co_op co_condition_wait/,/^}/s/lock_hand_over/(void)/'
mutant sync 'who was cancelled at the barrier has arrived' 's/barrier->arrived--;//'
mutant sync 'a barrier does not begin anew' 's/^    barrier->arrived = 0;//'
mutant sync 'a barrier lets one through too few' \
    's/while (barrier->waiters)/while (barrier->waiters \&\& order + 2 < barrier->parties)/'
mutant sync 'an item passes by who waits for it' \
    's/getter = first_of(&queue->getters);/getter = NULL;/'
mutant sync 'an item is handed over and kept' \
    's/^        co_wake(getter, 0);/& if (queue->count < queue->room) item_add(queue, item);/'
mutant sync 'who puts is not woken' 's/^        co_wake(putter, 0);//'
mutant sync 'room goes to nobody' \
    '/^int co_queue_get_now/,/^}/s/putter = first_of(&queue->putters);/putter = NULL;/'
mutant sync 'a cancelled item is put' \
    's/co_ring_remove(&((struct co_queue \*)task->object)->putters, task);//'
mutant sync 'an item goes to who was cancelled' \
    's/co_ring_remove(&((struct co_queue \*)task->object)->getters, task);//'
mutant sync 'a last in is not the first out' 's/if (q->order == CO_QUEUE_FIFO)/if (q->order < 2)/'
mutant sync 'the heap forgets its right children' 's/            least++;/            ;/'
mutant sync 'a queue that grows forgets what had wrapped' \
    's/bytes_copy(items + q->room .*;//'
mutant sync 'who waits to put is not told of the close' 's/wake_all(&queue->putters, -EPIPE);//'
mutant sync 'a join ends one too early' 's/--queue->unfinished == 0/--queue->unfinished <= 1/'
mutant group 'a cancelled wait stays in its set' \
    '/^static int wait_take_back/,/^}/s/set_leave(.*;//'
mutant group 'wait_all ends one too early' 's/--task->in.many.left == 0/--task->in.many.left <= 1/'
mutant group 'completed gives one twice' \
    's/co_ring_remove(&self->ended, self->task);/if (self->left) &/'
mutant group 'a failure leaves the others alone' 's/if (!group->options.collect)/if (0)/'
mutant group 'a group forgets that it was cancelled' 's/group->asked = 1;//'
mutant group 'anybody starts a task in a group that is over' 's/if (group_over(group) || /if (/'
mutant group 'a task of a group is not freed' 's/CO_TASK_OWN_ | CO_TASK_GO_/CO_TASK_OWN_/'
mutant task 'a deadline leaves its timer' \
    '/^static intptr_t within_leave/,/^}/s/co_timer_stop(.*;//'
mutant task 'who waits last is first' 's/^    first->in.link.prev = task;/& *ring = task;/'
mutant task 'who was woken last runs first' \
    's/struct co_task \*task = batch;/struct co_task *task = batch->in.link.prev;/'
mutant task 'two requests at once are two' \
    's/met = task->flags & (CO_TASK_CANCEL_ | CO_TASK_TOLD_)/met = task->flags \& CO_TASK_CANCEL_/'
mutant task 'a request that nobody met is lost' \
    's/if (unmet && joiner->wait == &handed/if (0 \&\& joiner->wait == \&handed/'
mutant task 'a shield passes the request on' \
    's/return join(task, &shield_wait);/return join(task, \&join_wait);/'
mutant task 'a gather tells its last failure' 's/ && task->chain.result == 0)/)/'
mutant task 'a deadline gives its name to a cancel' 's/if (!w->outer)/if (1)/'
mutant task 'a wait_for that was cancelled times out' \
    '/^static struct co_task \*join_end/,/^}/s/task->wait == &wait_for_wait/0/'

echo "$noticed noticed, $missed not"
[ "$missed" -eq 0 ]
