/* Two lights blink at different rates: no delay(), no millis() arithmetic. */
#include "blink.h"

static struct blink slow_frame, fast_frame;
static struct co_task slow_task, fast_task;

void setup() {
    co_board_begin();
    co_task_init(&slow_task, &slow_frame, blink, LED_BUILTIN, 500);
    co_task_init(&fast_task, &fast_frame, blink, 12, 330);
}

void loop() {
    co_board_turn();
}
