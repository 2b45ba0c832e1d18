/* Sizes of types as sizes of symbols, which test/size.sh reads. This program is not run. */
#include "mcu.h"
#include "group.h"
#include "ring.h"

#define SIZE_OF(name, type) volatile char size_of_##name[sizeof(type)]
SIZE_OF(frame, struct co_head);
SIZE_OF(chain, struct co_chain);
SIZE_OF(task, struct co_task);
SIZE_OF(timer, struct co_timer_slot);
SIZE_OF(within, struct co_within);
SIZE_OF(isr_event, struct co_isr_event);
SIZE_OF(scheduler, struct co_scheduler);

/* Bit 0 of their addresses serves as a mark. */
#define IS_EVEN(type) _Static_assert(_Alignof(type) % 2 == 0, #type " may have an odd address")
IS_EVEN(struct co_task);
IS_EVEN(struct co_timer);
IS_EVEN(struct co_site);
CO_TASK_POOL(pool, co_within, 2);
_Static_assert(sizeof pool_slots_[0] % 2 == 0, "a task of a pool may have an odd address");

int main(void)
{
    return size_of_frame[0] + size_of_chain[0] + size_of_task[0] + size_of_timer[0]
        + size_of_within[0] + size_of_isr_event[0] + size_of_scheduler[0]
        + (int)pool.room;
}
