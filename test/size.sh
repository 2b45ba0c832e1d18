#!/bin/sh
# size.sh [--update]: the sizes of demos/mcu on microcontrollers, against those that are kept in
# docs/microcontrollers.md: none may have changed by more than 5 %. A board whose compiler is
# missing, or another one than was measured with, is left out with a line. --update (make size)
# measures anew.
set -u
cd "$(dirname "$0")/.." || exit 2
doc=docs/microcontrollers.md
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
boards='avr microbit mps2 mps2-m4 virt'

prefix() {
    case $1 in
    avr)  echo avr ;;
    virt) echo riscv64-unknown-elf ;;
    *)    echo arm-none-eabi ;;
    esac
}

# The programs for AVR need its C library, the others none.
has_compiler() {
    case $1 in
    avr) .ci/setup --has avr-gcc ;;
    *)   command -v "$(prefix "$1")-gcc" >/dev/null ;;
    esac
}

compiler() { echo "$(prefix "$1")-gcc $("$(prefix "$1")-gcc" -dumpfullversion -dumpversion)"; }

# size_of BOARD PROGRAM [FLAG...]: flash and RAM of the linked program.
size_of() {
    demos/mcu/build.sh "$1" "$2" "$tmp/elf" ${3+"$3"} || return
    "$(prefix "$1")-size" "$tmp/elf" | awk 'NR == 2 { print $1 + $2, $2 + $3 }'
}

# beyond BOARD KEY PROGRAM [FLAG]: what it needs beyond the empty program.
beyond() {
    measured=$(size_of "$1" "$3" ${4+"$4"}) || return
    echo "$empty $measured" | awk -v b="$1" -v k="$2" '
        { print b, k ".flash", $3 - $1; print b, k ".ram", $4 - $2 }'
}

measure() {
    empty=$(size_of "$1" size_empty) || return
    echo "$1 compiler $(compiler "$1")"
    beyond "$1" coro size_coro && beyond "$1" labels size_coro -DCO_LABELS &&
        beyond "$1" tasks size_tasks || return
    for demo in uart_echo button sensor modbus; do
        beyond "$1" "$demo" "$demo" || return
    done
    demos/mcu/build.sh "$1" size_of "$tmp/elf" || return
    "$(prefix "$1")-nm" -t d -S "$tmp/elf" |
        awk -v b="$1" '$4 ~ /^size_of_/ { print b, $4 ".ram", $2 + 0 }'
}

# Key, how it is called in the table. "Cited": from their papers, or measured elsewhere.
rows='
coro.flash      two coroutines that blink, flash
coro.ram        the same, RAM
labels.flash    the same with CO_LABELS, flash
labels.ram      the same with CO_LABELS, RAM
tasks.flash     two tasks that blink, flash
tasks.ram       the same, RAM
uart_echo.flash uart_echo, flash
uart_echo.ram   the same, RAM
button.flash    button, flash
button.ram      the same, RAM
sensor.flash    sensor, flash
sensor.ram      the same, RAM
modbus.flash    modbus, flash
modbus.ram      the same, RAM
size_of_frame.ram a frame, beside your members
size_of_chain.ram a chain, if it is kept
size_of_task.ram a task, beside its frame
size_of_timer.ram a timer slot, for each that sleeps
size_of_within.ram a deadline (co_within)
size_of_isr_event.ram an event of an interrupt
size_of_scheduler.ram the scheduler
'

table() {
    echo "$rows" | awk -v boards="$boards" '
    FNR == NR {
        if ($2 == "compiler") { compiler[$1] = $3 " " $4 } else value[$1, $2] = $3
        next
    }
    BEGIN {
        n = split(boards, board)
        print "| bytes | ATmega328P | Cortex-M0 | Cortex-M3 | Cortex-M4 | RV32IMAC |"
        print "|---|---:|---:|---:|---:|---:|"
    }
    NF {
        key = $1
        sub(/^[^ ]+ +/, "")
        line = "| " $0 " |"
        for (i = 1; i <= n; i++)
            line = line " " ((board[i], key) in value ? value[board[i], key] : "") " |"
        print line
        if (key == "coro.ram") {
            print "| Contiki-NG, two protothreads, flash (cited) | 134 | 104 | | | 126 |"
            print "| the same, RAM (cited) | 7 | 12 | | | 14 |"
        }
    }
    END {
        line = "| compiled by |"
        for (i = 1; i <= n; i++)
            line = line " " compiler[board[i]] " |"
        print line
    }' "$1" -
}

# What the table of the document says, in the form that measure() has.
kept() {
    echo "$rows" | awk -v boards="$boards" '
    FNR == NR { if (NF) { key = $1; sub(/^[^ ]+ +/, ""); keys[++m] = key; text[m] = $0 } next }
    BEGIN { split(boards, board); want = 1 }
    /<!-- sizes/ { inside = 1 }
    /<!-- end of the sizes/ { inside = 0 }
    inside && /^\|/ {
        split($0, cell, / *\| */)
        if (cell[2] == "compiled by")
            for (i = 1; i in board; i++)
                print board[i], "compiler", cell[i + 2]
        else if (cell[2] == text[want]) {
            for (i = 1; i in board; i++)
                print board[i], keys[want], cell[i + 2]
            want++
        }
    }' - "$doc"
}

if [ "${1-}" = --update ]; then
    for board in $boards; do
        has_compiler "$board" || {
            echo "size.sh: there is no $(prefix "$board")-gcc that works: .ci/setup targets" >&2
            exit 1
        }
        measure "$board" >>"$tmp/measured" || exit 1
    done
    table "$tmp/measured" >"$tmp/table"
    awk -v table="$tmp/table" '
    /<!-- sizes/ {
        print $0 "\n"
        while ((getline line <table) > 0)
            print line
        print ""
        skip = 1
    }
    /<!-- end of the sizes/ { skip = 0 }
    !skip' "$doc" >"$tmp/doc" && cp "$tmp/doc" "$doc" && cat "$tmp/table"
    exit
fi

kept >"$tmp/kept"
: >"$tmp/measured"
for board in $boards; do
    if ! has_compiler "$board"; then
        echo "$board: left out, for there is no $(prefix "$board")-gcc that works"
        continue
    fi
    was=$(sed -n "s/^$board compiler //p" "$tmp/kept")
    if [ "$was" != "$(compiler "$board")" ]; then
        echo "$board: left out, for its sizes are those of $was, and this is $(compiler "$board")"
        continue
    fi
    measure "$board" >>"$tmp/measured" || exit 1
done
awk '
$2 == "compiler" { next }
FNR == NR { was[$1, $2] = $3; next }
!(($1, $2) in was) || was[$1, $2] == "" {
    print $1, $2 ": not in the table: make size"
    failed++
    next
}
{
    seen++
    change = $3 - was[$1, $2]
    if (change * 20 > was[$1, $2] || -change * 20 > was[$1, $2]) {
        print $1, $2 ":", $3, "bytes, kept are", was[$1, $2] ": mend it, or make size"
        failed++
    }
}
END {
    printf "%d passed, %d failed\n", seen - failed, failed
    exit failed > 0
}' "$tmp/kept" "$tmp/measured"
