#!/bin/sh
# run.sh [TARGET...]: the tests of the first two floors on other machines than this one, in their
# forms: m0 m3 m4 rv32 (qemu), avr avr328 (simavr), m32 musl s390x ppc (as programs of Linux). A
# target whose tools are missing is left out with one line. B: the directory to build in.
#
# Each program prints TAP; one that does not end with its plan, or in which a test failed, is shown.
# A large program is compiled and run in pieces: see SHARDS in cmocka.h.
cd "$(dirname "$0")/../.." || exit 2
out=${B:-build}/targets

# What a target needs, in the words of .ci/setup.
tools() {
    case $1 in
    m0 | m3 | m4) echo arm-none-eabi-gcc qemu-system-arm ;;
    rv32)         echo riscv64-unknown-elf-gcc qemu-system-riscv32 ;;
    avr | avr328) echo avr-gcc simavr ;;
    m32)          echo m32 ;;
    musl)         echo musl-gcc ;;
    s390x)        echo s390x-linux-gnu-gcc qemu-s390x-static ;;
    ppc)          echo powerpc-linux-gnu-gcc qemu-ppc-static ;;
    *)            echo "run.sh: no target '$1': there are $all" >&2; exit 2 ;;
    esac
}

# The compiler of a target with its flags.
compiler() {
    bare="-DTEST_BARE -include test/targets/stop.h -ffunction-sections -fdata-sections"
    arm="arm-none-eabi-gcc --specs=picolibc.specs -mthumb -DPICOLIBC_INTEGER_PRINTF_SCANF $bare"
    case $1 in
    m0)     echo "$arm -mcpu=cortex-m0 -DTEST_TINY" ;;
    m3)     echo "$arm -mcpu=cortex-m3" ;;
    m4)     echo "$arm -mcpu=cortex-m4" ;;
    rv32)   echo "riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 --specs=picolibc.specs" \
                "-DPICOLIBC_INTEGER_PRINTF_SCANF $bare" ;;
    avr)    echo "avr-gcc -mmcu=atmega1284p -DTEST_TINY $bare" ;;
    avr328) echo "avr-gcc -mmcu=atmega328p -DTEST_TINY $bare" ;;
    m32)    echo "gcc -m32 -idirafter /usr/include/$(gcc -print-multiarch)" \
                "-fsanitize=undefined -fno-sanitize-recover=all" ;;
    musl)   echo "musl-gcc -static" ;;
    s390x)  echo "s390x-linux-gnu-gcc -static" ;;
    ppc)    echo "powerpc-linux-gnu-gcc -static" ;;
    esac
}

# region NAME START SIZE: a memory of the linker script.
region() { echo "-Wl,--defsym=__$1=$2,--defsym=__$1_size=$3"; }

# How a target links.
linker() {
    semihost="--crt0=semihost --oslib=semihost -Wl,--gc-sections"
    case $1 in
    m0)      echo "$semihost $(region flash 0 0x40000) $(region ram 0x20000000 0x4000)" \
                 "-Wl,--defsym=__stack_size=0x800" ;;
    m3 | m4) echo "$semihost $(region flash 0 0x400000) $(region ram 0x20000000 0x400000)" \
                 "-Wl,--defsym=__stack_size=0x4000" ;;
    rv32)    echo "$semihost $(region flash 0x80000000 0x200000)" \
                 "$(region ram 0x80200000 0x400000) -Wl,--defsym=__stack_size=0x4000" ;;
    avr*)    echo -Wl,--gc-sections ;;
    esac
}

# run TARGET PROGRAM
run() {
    qemu='-nographic -monitor none -serial none -semihosting-config enable=on,target=native -kernel'
    # shellcheck disable=SC2086         # words
    case $1 in
    m0)     qemu-system-arm -M microbit $qemu "$2" ;;
    m3)     qemu-system-arm -M mps2-an385 $qemu "$2" ;;
    m4)     qemu-system-arm -M mps2-an386 $qemu "$2" ;;
    rv32)   qemu-system-riscv32 -M virt -bios none -cpu rv32 $qemu "$2" ;;
    avr)    simavr -m atmega1284p -f 16000000 "$2" 2>&1 | uart ;;
    avr328) simavr -m atmega328p -f 16000000 "$2" 2>&1 | uart ;;
    s390x)  DUFFEL_SHORT=1 qemu-s390x-static "$2" ;;
    ppc)    DUFFEL_SHORT=1 qemu-ppc-static "$2" ;;
    m32)    DUFFEL_SHORT=1 "$2" ;;
    *)      "$2" ;;
    esac
}

# What simavr makes of the lines of a UART: it colours them, and shows the line's end as a dot.
uart() {
    esc=$(printf '\033')
    sed "s/$esc\[[0-9;]*m//g; s/\.*\r*$//"
}

# The forms and the tests of a target. CO_TINY is for the smallest.
forms() {
    case $1 in
    m0 | avr) echo switch labels tiny ;;
    avr328)   echo tiny tiny-labels ;;
    *)        echo switch labels ;;
    esac
}

form() {
    case $1 in
    labels)      echo -DCO_LABELS ;;
    tiny)        echo -DCO_TINY ;;
    tiny-labels) echo -DCO_TINY -DCO_LABELS ;;
    esac
}

tests() {
    case $1 in
    avr328) echo coro frame generator ;;
    *)      echo coro frame generator task time cancel within join sync queue wait group ;;
    esac
}

# The files of the first two floors that the programs are linked with.
library='task timer cancel group sync'

# In how many pieces a program is compiled for a target.
pieces() {
    case $1:$2 in
    avr328:*) echo 6 ;;
    avr:task | avr:group | avr:wait | avr:queue | avr:sync) echo 4 ;;
    avr:*) echo 2 ;;
    *)     echo 1 ;;
    esac
}

# job TARGET FORM TEST SHARDS SHARD: one program, into files of that name.
job() {
    flag=$(form "$2")
    name=$out/$1-$2/$3-$5
    objects=
    for file in $library; do
        objects="$objects $out/$1-$2/$file.o"
    done
    other=test/$3_other.c
    [ -e "$other" ] || other=
    # shellcheck disable=SC2046,SC2086
    $(compiler "$1") -std=gnu11 -Os -Wall -Wextra -DTEST_TARGET -DSHARDS="$4" -DSHARD="$5" $flag \
        -Itest/targets -I. -o "$name.elf" "test/$3.c" $other $objects $(linker "$1") \
        >"$name.log" 2>&1 || { echo "Bail out! it does not compile" >"$name.tap"; return; }
    timeout -k 5 "${LIMIT-60}" "$0" --run "$1" "$name.elf" </dev/null >"$name.tap" 2>&1
}

# library TARGET FORM
library() {
    flag=$(form "$2")
    mkdir -p "$out/$1-$2"
    rm -f "$out/$1-$2"/*.tap
    for file in $library; do
        # shellcheck disable=SC2046,SC2086
        $(compiler "$1") -std=gnu11 -Os -Wall -Wextra -Werror $flag -I. -c \
            -o "$out/$1-$2/$file.o" "$file.c" || exit 1
    done
}

all='m0 m3 m4 rv32 avr avr328 m32 musl s390x ppc'
case ${1-} in
--job)     shift; job "$@"; exit ;;
--run)     shift; run "$@"; exit ;;
--library) shift; library "$@"; exit ;;
esac

mkdir -p "$out"
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
for target; do
    case " $all " in
    *" $target "*) ;;
    *)
        echo "test-targets: no target '$target': there are $all" >&2
        exit 2 ;;
    esac
done
: >"$out/jobs" && : >"$out/libraries"
for target; do
    missing=
    for tool in $(tools "$target"); do
        .ci/setup --has "$tool" || missing="$missing $tool"
    done
    if [ -n "$missing" ]; then
        echo "$target: left out, for there is no$missing that works"
        continue
    fi
    for form in $(forms "$target"); do
        echo "$target $form" >>"$out/libraries"
        for test in $(tests "$target"); do
            n=$(pieces "$target" "$test")
            i=0
            while [ $i -lt "$n" ]; do
                echo "$target $form $test $n $i" >>"$out/jobs"
                i=$((i + 1))
            done
        done
    done
done

[ -s "$out/libraries" ] || exit 0       # all are left out
jobs=$(getconf _NPROCESSORS_ONLN)
xargs -P "$jobs" -L 1 "$0" --library <"$out/libraries" || exit 1
xargs -P "$jobs" -L 1 "$0" --job <"$out/jobs"

# What the programs said, by target and form.
status=0
while read -r target form; do
    for tap in "$out/$target-$form"/*.tap; do
        awk -v name="$tap" '
            /^not ok /      { failed++; printf "%s    %s: %s\n", said, name, $0 }
            /^ok .* # SKIP/ {
                skipped++
                if (/memory/)
                    print "left out: " $4
            }
            /^ok / && !/ # SKIP/ { passed++ }
            /^Bail out/     { said = said "    " $0 "\n" }
            /^(not )?ok /   { said = "" }
            /^# /           { said = said "    " $0 "\n"; next }
            /^1\.\./        { plan = substr($0, 4) }
            END {
                n = passed + failed + skipped
                if (plan == "" || plan != n) {
                    printf "%s    %s: ended after %d tests, before its plan\n", said, name, n
                    failed++
                }
                print "total " passed + 0, skipped + 0, failed + 0
            }' "$tap"
    done >"$out/said"
    grep -v '^total\|^left out' "$out/said"
    awk -v name="$target $form" '
        /^total/ { passed += $2; skipped += $3; failed += $4 }
        /^left out/ { large++; names = names "\n    " $3 }
        END {
            printf "%-19s %d passed, %d skipped (%d for memory), %d failed%s\n", name ":", passed,
                skipped, large, failed, names
            exit failed > 0 || passed == 0
        }' "$out/said" || status=1
done <"$out/libraries"
exit $status
