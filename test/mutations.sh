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
parts='task timer cancel sync group'

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

for name in $parts; do
    compile "$name.c" "$tmp/$name.o" || exit 2
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
    for name in $parts; do
        [ "$name" = "$1" ] || others="$others $tmp/$name.o"
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
runs "$tmp/whole.o" "$tmp/timer.o" "$tmp/cancel.o" "$tmp/sync.o" "$tmp/group.o" \
    || { cat "$tmp/out"; exit 1; }

mutant sync 'a cancelled waiter stays in the event' \
    's/co_ring_remove(&((struct co_event \*)task->object)->waiters, task);//'
mutant sync 'co_event_set wakes one' \
    's/wake_all(&event->waiters, 0);/if (event->waiters) co_wake(first_of(\&event->waiters), 0);/'
mutant sync 'co_event_set is not seen by those who come later' 's/event->is_set = 1;//'
mutant sync 'a lock is handed over to nobody' 's/lock->owner = next;/lock->owner = NULL;/'
mutant sync 'a lock is not handed over' \
    '/^int co_lock_release/,/^}/s/lock_hand_over(lock);/;/'
mutant sync 'a lock that is handed over is not counted' 's/next->locks++;//'
mutant sync 'who waits for a condition still counts its lock' \
    's/condition->lock->owner->locks--;//'
mutant sync 'a cancelled waiter stays in the lock' \
    's/co_ring_remove(&((struct co_lock \*)task->object)->waiters, task);//'
mutant sync 'who has the lock waits for it' 's/lock->owner == co_current())/0)/'
mutant sync 'a lock that is wanted is taken by who comes' \
    's/\(struct co_task \*me =\) lock->owner ? NULL : co_task_quick_();/\1 co_task_quick_();/'
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
    '/^static enum co_take_back relock_take_back/,/^}/s/if (next)/if (0)/'
mutant sync 'a cancelled wait for a condition says nothing' \
    's/condition_relock(condition, task, -ECANCELED)/condition_relock(condition, task, 0)/'
mutant sync 'a condition counts a request twice' \
    '/^static enum co_take_back condition_take_back/,/^}/s/return CO_MET;/return CO_LATER;/'
mutant sync 'who was notified and cancelled counts a request twice' \
    '/^static enum co_take_back relock_take_back/,/^}/s/return CO_MET;/return CO_LATER;/'
mutant sync 'a wait for the lock meets two requests by one -ECANCELED' \
    '/^static enum co_take_back relock_take_back/,/^}/s/return CO_LATER;/return CO_MET;/'
mutant sync 'a condition keeps the lock' '/^co_op co_condition_wait/,/^}/s/lock_hand_over/(void)/'
mutant sync 'who was cancelled at the barrier has arrived' 's/barrier->arrived--;//'
mutant sync 'a barrier does not begin anew' 's/^    barrier->arrived = 0;//'
mutant sync 'a barrier of none lets everybody through' 's/if (barrier->parties == 0)/if (0)/'
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
mutant sync 'more is done than was put' 's/if (queue->unfinished == 0)/if (0)/'
mutant sync 'a join ends one too early' 's/--queue->unfinished == 0/--queue->unfinished <= 1/'
mutant group 'a cancelled wait stays in its set' \
    '/^static enum co_take_back wait_take_back/,/^}/s/set_leave(.*;//'
mutant group 'wait_all ends one too early' 's/--task->in.many.left == 0/--task->in.many.left <= 1/'
mutant group 'completed gives one twice' \
    's/co_ring_remove(&self->ended, self->task);/if (self->left) &/'
mutant group 'a failure leaves the others alone' 's/if (!group->options.collect)/if (0)/'
mutant group 'a group forgets that it was cancelled' \
    's/int asked = waiter->flags & CO_TASK_LENT_;/int asked = 0;/'
mutant group 'a group asks its tasks once only' \
    '/^static enum co_take_back group_take_back/,/^}/s/group_ask(\(.*\));/if (!(\1)->cancelled) &/'
mutant group 'a group that was cancelled forgets its failure' \
    's/group->failure ? group->failure : asked ?/!asked ? group->failure : asked ?/'
mutant group 'anybody starts a task in a group that is over' 's/if (group_over(group) || /if (/'
mutant group 'a task of a group is not freed' 's/CO_TASK_OWN_ | CO_TASK_GO_/CO_TASK_OWN_/'
mutant task 'who waits last is first' 's/^    first->in.link.prev = task;/& *ring = task;/'
mutant task 'who was woken last runs first' \
    's/struct co_task \*task = batch;/struct co_task *task = batch->in.link.prev;/'
mutant task 'a join asks nobody' \
    '/^static enum co_take_back join_take_back/,/^}/s/co_task_ask_(.*;/(void)task;/'
mutant task 'a shield passes the request on' \
    's/CO_NAME_("co_shield"), shield_take_back/CO_NAME_("co_shield"), join_take_back/'
mutant task 'a cancelled shield still waits for the task' \
    '/^static enum co_take_back shield_take_back/,/^}/s/co_ring_remove(.*;/(void)task;/'
mutant task 'a join of a task that had ended meets no request' \
    's/co_op_ended_(me, task->chain.result)/co_op_done(task->chain.result)/'
mutant task 'a gather of tasks that had ended meets no request' \
    's/return co_op_ended_(me, gather_result(me));/return co_op_done(gather_result(me));/'
mutant task 'a join hears nothing of what was asked before it' \
    '/^static co_op join/,/^}/s/co_task_deliver_(me);//'
mutant task 'a gather hears nothing of what was asked before it' \
    '/^co_op co_gather/,/^}/s/co_task_deliver_(me);//'
mutant task 'a gather asks one of its tasks' \
    '/^static enum co_take_back gather_take_back/,/^}/s/i < task->of.count/i < 1/'
mutant task 'a gather tells its last failure' 's/ || task->chain.result < 0)/)/'
mutant task 'a gather that was asked tells a cancel that came before a failure' \
    '/^static intptr_t gather_result/,/^}/s/if (task->flags & CO_TASK_LENT_)/if (0)/'
mutant task 'a gather that nobody asked forgets that one was cancelled first' \
    '/^static void gather_note/,/^}/s/task->in.many.left |= CO_MARK_;/;/'
mutant task 'a wait for tasks does not ask what became of a request' \
    's/else if (CO_RARELY_(task->flags & CO_TASK_LENT_))/else if (0)/'
mutant task 'what a task has seen is still unseen' \
    's/(uint8_t)~(CO_TASK_PAUSED_ | CO_TASK_UNSEEN_);/(uint8_t)~CO_TASK_PAUSED_;/'
mutant timer 'a cancelled sleep leaves its timer' \
    '/^static enum co_take_back sleep_take_back/,/^}/s/slot_remove(.*;//'
mutant timer 'a sleep does not see that it was cancelled before' \
    '/^static inline co_op sleep_op/,/^}/s/if (co_task_take_(task))/if (0)/'
mutant timer 'timers fire in another order than they are due' \
    's/slot.when < s->timers\[(i - 1) \/ WAYS\].when/0/'
mutant timer 'a timer that is stopped takes another with it' \
    's/if (place - 1 < s->timer_count)/if (0)/'
mutant cancel 'a request does not come back' \
    's/then = result == -ECANCELED ? CO_NONE_ : CO_BACK_;/then = CO_NONE_;/'
mutant cancel 'a request comes back again and again' \
    '/^static int was_lent_again/,/^}/s/return .*;/return 0;/'
mutant cancel 'the own request comes back again and again' \
    's/return task->request == CO_LENT_AGAIN_;/return 0;/'
mutant cancel 'the request of a deadline comes back again and again' \
    's/if (w->request == CO_LENT_AGAIN_)/if (0)/'
mutant cancel 'what came back is lent as if it were new' \
    's/\*request == CO_BACK_ ? CO_LENT_AGAIN_ : CO_LENT_/CO_LENT_/'
mutant cancel 'what is lent for the first time is met in any case' \
    's/\*request == CO_BACK_ ? CO_LENT_AGAIN_ : CO_LENT_/CO_LENT_AGAIN_/'
mutant cancel 'a deadline is overruled by nothing' 's/^        w->overruled = 1;/        ;/'
mutant cancel 'a wait for tasks that ends overrules nothing' \
    '/^intptr_t co_task_settle_/,/^}/s/overrule(task, outermost);/;/'
mutant cancel 'a deadline overrules those around it' 's/w && w != outer;/w;/'
mutant cancel 'the innermost deadline is met first' \
    '/^static struct co_within \*outermost_asked/,/^}/s/outermost = w;/return w;/'
mutant cancel 'a deadline is met before the task itself' \
    '/^int co_task_meet_/,/^}/s/if (is_asked(task->request))/if (!outermost_asked(task))/'
mutant cancel 'a request that is met stays' \
    '/^int co_task_meet_/,/^}/s/task->request = CO_NONE_;/;/'
mutant cancel 'the request of a deadline that is met stays' 's/outermost->request = CO_NONE_;//'
mutant cancel 'a second request before the task ran is one more' \
    's/task->request != CO_NONE_ || task->flags & CO_TASK_UNSEEN_/task->request != CO_NONE_/'
mutant cancel 'a second request after a wait for tasks is one more' \
    '/^intptr_t co_task_settle_/,/^}/s/task->flags |= CO_TASK_UNSEEN_;/;/'
mutant cancel 'a request that was lent is not passed on once more' \
    '/^void co_task_ask_/,/^}/s/if (is_lent(task->request))/if (0)/'
mutant cancel 'what a wait for tasks meets, the deadline does not know' \
    '/^intptr_t co_task_settle_/,/^}/s/w->met = 1;/;/'
mutant cancel 'only deadlines come back' \
    '/^intptr_t co_task_settle_/,/^}/s/ task->request = then;/ task->request = CO_NONE_;/'
mutant cancel 'a wait that cannot be undone meets the request' \
    's/    case CO_LATER:/    case CO_LATER: meet_waiting(task);/'
mutant cancel 'a wait that goes on does not meet the request' \
    '/case CO_MET:/,/break;/s/meet_waiting(task);//'
mutant cancel 'a wait that is undone does not meet the request' \
    '/case CO_TAKEN:/,/break;/s/meet_waiting(task);//'
mutant cancel 'the tasks are asked and the request is kept' \
    '/case CO_PASSED:/,/break;/s/lend(task);//'
mutant cancel 'tasks that had ended as cancelled meet no request' \
    '/^co_op co_op_ended_/,/^}/s/if (result == -ECANCELED)/if (0)/'
mutant cancel 'tasks that had ended meet any request' \
    '/^co_op co_op_ended_/,/^}/s/if (result == -ECANCELED)//'
mutant cancel 'cancel_all asks the first task' \
    '/^void co_scheduler_cancel_all/,/^}/s/co_task_ask_(task);/{ co_task_ask_(task); break; }/'
mutant cancel 'a deadline leaves its timer' \
    '/^static intptr_t within_leave/,/^}/s/co_timer_stop(.*;//'
mutant cancel 'a deadline gives its name to a cancel' 's/if (w->overruled)/if (0)/'
mutant cancel 'a deadline gives its name to the cancel of another task' \
    's/w->result != -ECANCELED || !w->met/w->result != -ECANCELED/'
mutant cancel 'a deadline gives its name to any result' \
    's/w->result != -ECANCELED || !w->met/!w->met/'
mutant cancel 'a deadline hides a cancel at its edge' \
    '/^static intptr_t within_leave/,/^}/s/if (!is_asked(task->request))/if (1)/'
mutant cancel 'a cancel at the edge of a deadline is met twice' \
    '/^static intptr_t within_leave/,/^}/s/(void)co_task_meet_(task);//'
mutant cancel 'a deadline that expires wakes nobody' \
    '/^static void within_ask/,/^}/s/co_task_deliver_(w->task);/;/'

echo "$noticed noticed, $missed not"
[ "$missed" -eq 0 ]
