/* SPDX-License-Identifier: BSD-2-Clause
 * board_virt.c: QEMU's RISC-V machine "virt", 32 bits. Tickless: mtime counts at 10 MHz, and
 * mtimecmp interrupts only when a sleep is over. It has no lights and no button. */
#include "board.h"

#define REG(address)  (*(volatile uint32_t *)(uintptr_t)(address))
#define BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define MSIP          REG(0x02000000)
#define MTIMECMP      0x02004000
#define MTIME         0x0200BFF8
#define UART          0x10000000
#define PLIC_CLAIM    REG(0x0C200004)
enum { UART_IRQ = 10 };
enum { SOFTWARE = 3, TIMER = 7, EXTERNAL = 11 };

const uint32_t board_tick_ns = 100;
static void (*on_byte)(uint8_t);
static void (*on_pend)(void);

extern uint32_t ld_data_load[], ld_data[], ld_data_end[], ld_bss[], ld_bss_end[];
int main(void);
void start(void);
void trap(void);

__attribute__((naked, section(".text.start"), used)) void reset_handler(void)
{
    __asm__ volatile(".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
                     "la sp, ld_stack\n j start");
}

void start(void)
{
    for (uint32_t *to = ld_data, *from = ld_data_load; to < ld_data_end; )
        *to++ = *from++;
    for (uint32_t *to = ld_bss; to < ld_bss_end; )
        *to++ = 0;
    main();
    board_stop(0);
}

static void compare_at(uint32_t high, uint32_t low)
{
    REG(MTIMECMP + 4) = UINT32_MAX;             /* never meanwhile */
    REG(MTIMECMP) = low;
    REG(MTIMECMP + 4) = high;
}

__attribute__((interrupt("machine"), aligned(4))) void trap(void)
{
    uint32_t cause;

    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    switch (cause) {
    case 0x80000000U | TIMER:
        compare_at(UINT32_MAX, UINT32_MAX);     /* that it woke us is all */
        break;
    case 0x80000000U | SOFTWARE:
        MSIP = 0;
        on_pend();
        break;
    case 0x80000000U | EXTERNAL:
        cause = PLIC_CLAIM;
        while (BYTE(UART + 5) & 1)
            on_byte(BYTE(UART));
        PLIC_CLAIM = cause;
        break;
    default:
        board_stop(1);
    }
}

void board_init(void)
{
    compare_at(UINT32_MAX, UINT32_MAX);
    __asm__ volatile("csrw mtvec, %0" : : "r"(trap));
    __asm__ volatile("csrw mie, %0" : : "r"(1U << SOFTWARE | 1U << TIMER | 1U << EXTERNAL));
    __asm__ volatile("csrsi mstatus, 8");
}

uint32_t board_ticks(void)
{
    return REG(MTIME);
}

void board_sleep(uint32_t ticks)
{
    uint32_t high, low;

    do {
        high = REG(MTIME + 4);
        low = REG(MTIME);
    } while (high != REG(MTIME + 4));
    compare_at(high + (low + ticks < low), low + ticks);
    __asm__ volatile("wfi");
}

void board_led(int led, int on)
{
    (void)led, (void)on;
}

__attribute__((weak)) int board_button(void)
{
    return 0;
}

void board_put(char byte)
{
    while (!(BYTE(UART + 5) & 0x20)) { }
    BYTE(UART) = (uint8_t)byte;
}

__attribute__((weak)) void board_on_byte(void (*handler)(uint8_t))
{
    on_byte = handler;
    REG(0x0C000000 + 4 * UART_IRQ) = 1;         /* its priority */
    REG(0x0C002000) = 1U << UART_IRQ;
    REG(0x0C200000) = 0;                        /* the threshold */
    BYTE(UART + 1) = 1;                         /* it interrupts when it has received */
}

void board_pend(void (*handler)(void))
{
    on_pend = handler;
    MSIP = 1;
}

_Noreturn void board_stop(int status)
{
    REG(0x00100000) = status ? 1U << 16 | 0x3333 : 0x5555;      /* ends the emulator */
    for (;;)
        __asm__ volatile("wfi");
}
