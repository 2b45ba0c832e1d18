#!/bin/sh
# run.sh BOARD PROGRAM.elf: runs a program in the board's emulator; the UART is standard input and
# output. Time is that of the program, not of this machine: it jumps where the program sleeps.
set -u
board=$1 elf=$2
seconds=${SECONDS_AT_MOST:-30}

# simavr has its input from a file of signals, and ends where that does: after the last byte follow
# some that come too late. It colours lines, and shows their ends as dots.
avr() {
    vcd=$(mktemp) || return 2
    od -An -v -tu1 | tr -s ' ' '\n' | awk '
        function event(byte,    bits, i) {
            for (i = 0; i < 8; i++) {
                bits = byte % 2 bits
                byte = int(byte / 2)
            }
            printf "#%d\nb%s !\n", t, bits
        }
        BEGIN {
            print "$timescale 1us $end\n$scope module logic $end\n$var wire 8 ! uar0_0 $end"
            print "$upscope $end\n$enddefinitions $end"
            t = 5000
        }
        NF { event($1); t += 200 }
        END { for (late = 0; late < 80; late++) { t += 1000000; event(0) } }' >"$vcd"
    timeout -k 5 "$seconds" simavr -m atmega328p -f 16000000 -i "$vcd" "$elf" >"$vcd.out" 2>&1
    status=$?
    esc=$(printf '\033')
    sed "s/$esc\[[0-9;]*m//g; s/\.\$//; /^Loaded .* \.[a-z]*/d; /^simavr: /d" "$vcd.out"
    rm -f "$vcd" "$vcd.out"
    return $status
}

# qemu SYSTEM FLAG...
qemu() {
    system=$1
    shift
    timeout -k 5 "$seconds" "qemu-system-$system" -icount shift=6,align=off,sleep=off \
        -display none -monitor none -serial stdio -semihosting-config enable=on,target=native \
        -kernel "$elf" "$@"
}

case $board in
microbit) qemu arm -M microbit ;;
mps2)     qemu arm -M mps2-an385 ;;
mps2-m4)  qemu arm -M mps2-an386 ;;
virt)     qemu riscv32 -M virt -bios none -cpu rv32 ;;
avr)      avr ;;
*)        echo "run.sh: no board '$board': avr microbit mps2 mps2-m4 virt" >&2; exit 2 ;;
esac
