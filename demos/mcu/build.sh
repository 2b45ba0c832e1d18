#!/bin/sh
# build.sh BOARD PROGRAM OUT [FLAG...]: builds demos/mcu/PROGRAM.c for a board: avr (ATmega328P),
# microbit (Cortex-M0), mps2 (Cortex-M3), mps2-m4, virt (RV32). FLAG: for the compiler.
# With -DEMULATED, what is to happen to it in an emulator is built in: script.c, scripts.c.
set -eu
board=$1 program=$2 out=$3
shift 3
root=$(cd "$(dirname "$0")/../.." && pwd)
mcu=$root/demos/mcu

# memory FLASH SIZE RAM SIZE
memory() {
    echo "-nostdlib -T $mcu/mcu.ld -Wl,--defsym=flash_at=$1,--defsym=flash_size=$2" \
        "-Wl,--defsym=ram_at=$3,--defsym=ram_size=$4"
}
arm='arm-none-eabi-gcc -mthumb'
case $board in
avr)      cc='avr-gcc -mmcu=atmega328p' memory='' file=avr ;;
microbit) cc="$arm -mcpu=cortex-m0" memory=$(memory 0 256K 0x20000000 16K) file=microbit ;;
mps2)     cc="$arm -mcpu=cortex-m3" memory=$(memory 0 4M 0x20000000 4M) file=mps2 ;;
mps2-m4)  cc="$arm -mcpu=cortex-m4" memory=$(memory 0 4M 0x20000000 4M) file=mps2 ;;
virt)     cc='riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32'
          memory=$(memory 0x80000000 2M 0x80200000 2M) file=virt cc="$cc -msmall-data-limit=0" ;;
*)        echo "build.sh: no board '$board': avr microbit mps2 mps2-m4 virt" >&2; exit 2 ;;
esac

sources="$mcu/$program.c $mcu/mcu.c $mcu/board_$file.c"
for other in "$root/isr.c" "$root/task.c" "$root/timer.c" "$root/cancel.c" \
    "$root/sync.c" "$root/group.c"; do
    sources="$sources $other"
done
[ -z "$memory" ] || sources="$sources $mcu/mem.c"           # AVR has its C library's
case $program in
modbus) sources="$sources $mcu/modbus_pdu.c" ;;
sensor) sources="$sources $mcu/i2c_sim.c" ;;
esac
case "$program $*" in
uart_echo\ *) ;;                        # its input comes through the UART
*-DEMULATED*) sources="$sources $mcu/script.c $mcu/scripts.c" && set -- "$@" "-DSCRIPT_$program" ;;
esac
# shellcheck disable=SC2086             # flags and files are words
exec $cc -std=gnu11 -Os -g -ffreestanding -ffunction-sections -fdata-sections \
    -Wall -Wextra -Wshadow -Wconversion -DCO_TINY -include "$mcu/stop.h" \
    -I"$root" -I"$mcu" "$@" -Wl,--gc-sections -o "$out" $sources $memory -lgcc
