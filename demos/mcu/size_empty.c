/* A program that starts, has a clock and lights, and does nothing. Its size is subtracted from the
 * sizes of the others. */
#include "board.h"

int main(void)
{
    board_init();
    for (;;)
        board_led(0, (int)(board_ticks() & 1));
}
