#!/bin/sh
# check.sh [BOARD...]: runs the demos of demos/mcu in the emulators of all boards, or of these, and
# compares what they say with what they are to say. TAP on standard output. B: where to build.
#
# All are built so that the clock wraps 0.7 s after the start. None may contain floating point.
set -u
cd "$(dirname "$0")" || exit 2
all='microbit mps2 mps2-m4 virt avr'
demos='blinky uart_echo button sensor modbus'
out=${B:-../../build}/mcu
mkdir -p "$out" || exit 2
n=0 failed=0

# What a board's programs are built and run with.
tools() {
    case $1 in
    microbit | mps2 | mps2-m4) echo arm-none-eabi-gcc arm-none-eabi-nm qemu-system-arm ;;
    virt) echo riscv64-unknown-elf-gcc riscv64-unknown-elf-nm qemu-system-riscv32 ;;
    avr)  echo avr-gcc avr-nm simavr ;;
    *)    echo "check.sh: no board '$1': there are $all" >&2; exit 2 ;;
    esac
}

# What is typed, where a demo reads its UART: less than its ring holds, for no hand types so fast.
typed() {
    [ "$1" != uart_echo ] || printf 'hello\nthe quick brown fox jumps over the lazy\n\nbye\n'
}

# What a demo says; what the world around it does stands in scripts.c.
expected() {
    case $1 in
    blinky)
        printf '%s\n' 'red on' '        green on' '        green off' 'red off' \
            '        green on' '        green off' 'red on' '        green on' 'red off' ;;
    uart_echo)
        printf '%s\n' '5 hello' '39 the quick brown fox jumps over the lazy' '0 ' '3 bye' ;;
    button)
        printf '%s\n' click double long click ;;
    sensor)
        printf '%s\n' 'no answer in time' '25.25 C' 'an error on the bus' '25.75 C' \
            'no answer in time' '26.25 C' 'an error on the bus' '26.75 C' \
            'no answer in time' '27.25 C' ;;
    modbus)
        cat <<'END' ;;
< 11 03 00 00 00 02 C6 9B
> 11 03 04 00 00 00 00 EB F2
< 11 06 00 01 12 34 D7 ED
> 11 06 00 01 12 34 D7 ED
< 11 10 00 02 00 02 04 AB CD 00 55 57 52
> 11 10 00 02 00 02 E2 98
< 11 03 00 01 00 03 56 9B
> 11 03 06 12 34 AB CD 00 55 2F E7
< 11 03 00 0F 00 02 F6 98
> 11 83 02 C1 34
< 11 03 00 00 00 00 47 5A
> 11 83 03 00 F4
< 11 05 00 00 FF 00 8E AA
> 11 85 01 82 95
< 11 10 00 00 00 02 03 00 01 00 95 83
> 11 90 03 0D C4
< 12 03 00 00 00 01 86 A9
< 00 06 00 00 07 77 CA 0D
< 11 03 00 00 00 01 86 9A
> 11 03 02 07 77 3B 91
< 11 03 00 00 00 01 87 9A
< 11 03 00
< 00 00 01 86 9A
< 11 03 00 00 00 01 86 9A
> 11 03 02 07 77 3B 91
END
    esac
}

# Floating point of libgcc and avr-libc: __adddf3, __aeabi_dmul, __floatsidf, __fp_round ...
soft_float='__(add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|cmp|unord|extend|trunc)[sd]f|__fp_'
soft_float="$soft_float|__fix(uns)?[sd]f|__float(un)?[sd]i|__aeabi_c?[df][a-z]|__aeabi_u?[il]2[df]"

# test NAME COMMAND...: a line of TAP; what the command prints is shown if it fails.
test_that() {
    name=$1
    shift
    n=$((n + 1))
    if "$@" >"$out/log" 2>&1; then
        echo "ok $n - $name"
    else
        failed=$((failed + 1))
        echo "not ok $n - $name"
        sed 's/^/# /' "$out/log"
    fi
}

says_it() {
    wrap='-DMCU_START=(0U-700000000U/board_tick_ns)'
    ./build.sh "$1" "$2" "$out/$2-$1.elf" -Werror -DEMULATED "$wrap" ${3+"$3"} || return
    expected "$2" >"$out/expected"
    typed "$2" | ./run.sh "$1" "$out/$2-$1.elf" >"$out/said" 2>&1
    status=$?
    [ $status -eq 0 ] || echo "its exit status is $status"
    diff "$out/expected" "$out/said" && [ $status -eq 0 ]
}

has_no_float() {
    "$3" "$out/$2-$1.elf" >"$out/symbols" && [ -s "$out/symbols" ] || return
    ! grep -E "$soft_float" "$out/symbols"
}

# The blocks of the how-to that begin with a line of this kind.
block() {
    awk -v kind="$1" -v mark="${2-}" '
        index($0, "<!--") == 1 { here = mark == "" || index($0, mark) }
        inside && $0 == "```" { exit }
        inside { print }
        here && $0 == "```" kind { inside = 1 }' ../../docs/how-to/microcontroller.md
}

# What the how-to tells one to do, from an empty directory.
how_to_works() {
    rm -rf "$out/howto" && mkdir "$out/howto" || return
    block c 'needs a board' >"$out/howto/blinky.c"
    block sh 'check: in an empty' >"$out/howto/1.sh"
    block sh 'check: builds' >"$out/howto/2.sh"
    (
        DUFFEL=$PWD/../..
        export DUFFEL
        cd "$out/howto" && sh -e 1.sh && sh -e 2.sh
    ) || return
    printf '%s\n' red '      green' '      green' red '      green' red >"$out/expected"
    ./run.sh microbit "$out/howto/blinky.elf" </dev/null 2>"$out/said.err" | head -n 6 >"$out/said"
    diff "$out/expected" "$out/said"
}

# The programs for AVR need its C library, the others none.
has() {
    case $1 in
    avr-gcc) ../../.ci/setup --has avr-gcc ;;
    *)       command -v "$1" >/dev/null ;;
    esac
}

boards=${*:-$all}
for board in $boards; do
    # shellcheck disable=SC2046         # words
    set -- $(tools "$board")
    [ $# -eq 3 ] || exit 2
    missing=
    for tool; do
        has "$tool" || missing="$missing $tool"
    done
    if [ -n "$missing" ]; then
        echo "# $board is left out: there is no$missing that works"
        continue
    fi
    for demo in $demos; do
        test_that "$demo on $board says what it should" says_it "$board" "$demo"
        test_that "$demo on $board has no floating point" has_no_float "$board" "$demo" "$2"
    done
    test_that "blinky on $board says it with CO_LABELS too" says_it "$board" blinky -DCO_LABELS
    [ "$board" != microbit ] || test_that "the how-to's blinky blinks" how_to_works
done
echo "1..$n"
[ $failed -eq 0 ]
