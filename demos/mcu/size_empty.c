/* What the other sizes are measured against: a program that starts, has a clock and lights, and
 * does nothing. */
#include "board.h"

int main(void)
{
    board_init();
    for (;;)
        board_led(0, (int)(board_ticks() & 1));
}
