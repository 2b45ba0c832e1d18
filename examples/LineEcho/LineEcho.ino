/* Echoes each line of the serial monitor; a line that is not finished within 5 s is told so. */
#include "echo.h"

static struct echo frame;
static struct co_task task;

void setup() {
    Serial.begin(9600);
    co_board_begin();
    co_task_init(&task, &frame, echo);
}

void loop() {
    co_board_turn();
}
