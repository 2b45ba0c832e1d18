#!/bin/sh
# compile.sh: coro.h with every compiler that is installed, each standard and each form; each
# program is run as well. Ends with the line "N passed, M failed".
# shellcheck disable=SC2086             # a form may be no flag, or two
cd "$(dirname "$0")" || exit 2
WARN='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0

# count COMMAND...: runs it; what failed is shown with its first lines.
count() {
    if "$@" >"$tmp/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $*"
        head -n 5 "$tmp/out" | sed 's/^/    /'
    fi
}

# run COMPILER FLAG...: compiles, links and runs.
run() {
    rm -f "$tmp/program"
    "$@" -o "$tmp/program" || return
    "$tmp/program" && return
    echo "the program gave $?"
    return 1
}

# run_silently: the same for a compiler that knows no -Werror.
run_silently() {
    run "$@" >"$tmp/said" 2>&1 && ! grep . "$tmp/said" && return
    cat "$tmp/said"
    return 1
}

has() { command -v "$1" >/dev/null; }

# Elsewhere than in gcc and clang, resume points are numbered by the line.
printf '#pragma GCC system_header\n#undef __COUNTER__\n' >"$tmp/uncounted.h"

for form in '' -DCO_LABELS -DCO_DEBUG '-DCO_DEBUG -DCO_LABELS' -DCO_LINT \
            "-include $tmp/uncounted.h"; do
    for cc in gcc clang; do
        has $cc || continue
        for std in c99 c11 c17 c2x; do
            count run $cc -std=$std $WARN -O2 $form coro_words.c
        done
        count run $cc $WARN -O0 $form coro_words.c
    done
    for cxx in g++ clang++; do
        has $cxx || continue
        for std in c++11 c++14 c++17; do
            count run $cxx -std=$std $WARN -O2 $form -x c++ coro_words.c
        done
    done
done

for form in '' -DCO_DEBUG -DCO_LINT -DCO_TINY; do
    has tcc && count run_silently tcc -Wall $form coro_words.c
done

for cc in gcc clang; do
    has $cc || continue
    for form in '' -DCO_LABELS; do
        count run $cc -std=c11 $WARN -O2 -DCO_TINY $form coro_words.c
    done
    for form in '' -DCO_TINY '-DCO_TINY -DCO_LABELS' -m32 '-m32 -DCO_LINT' '-m32 -DCO_TINY'; do
        case $form in
        -m32*) echo | $cc -m32 -x c -c -o "$tmp/object" - 2>"$tmp/out" || continue;;
        esac
        count $cc -std=c11 $WARN -Os -ffreestanding -nostdlib $form -c -o "$tmp/object" coro_words.c
    done
done

for pair in 'gcc g++' 'clang clang++'; do
    cc=${pair% *} cxx=${pair#* }
    if ! has $cc || ! has $cxx; then continue; fi
    count $cc -c -o "$tmp/other.o" frame_other.c
    count run $cxx -std=c++20 $WARN -O2 coro_cxx20.cpp "$tmp/other.o"
done

# The second floor with a bare compiler, and with tcc; the headers of all floors in C++.
for cc in gcc clang; do
    has $cc || continue
    include=$($cc -print-file-name=include)
    for file in task timer cancel group sync isr debug; do
        for form in '' -DCO_TINY; do
            count $cc -std=c11 $WARN -Os -ffreestanding -nostdinc -isystem "$include" $form \
                -c -o "$tmp/object" ../$file.c
        done
    done
done
for file in task timer cancel group sync isr debug; do
    has tcc && count tcc -Wall -c -o "$tmp/object" ../$file.c
done
cat >"$tmp/floors.cc" <<'END'
#include "net.h"
#include "trial.h"
#include "process.h"
#include "thread.h"
struct nap { co_frame; double seconds; };
static co_define(nap) {
    co_begin;
    co_try(co_sleep(self->seconds));
    co_return(42);
    co_end;
}
struct top {
    co_frame;
    struct co_task *task;
    struct co_group group;
    struct co_within slot;
    intptr_t r;
};
static co_define(top) {
    co_begin;
    co_group_init(&self->group, NULL);
    self->task = co_spawn(nap, .seconds = 0);
    co_try(self->r, co_within(&self->slot, 1, co_join(self->task)));
    co_task_free(self->task);
    if (co_group_go(&self->group, nap, .seconds = 0) < 0 || co_go(nap) < 0)
        co_return(-1);
    co_try(co_group_wait(&self->group));
    co_return(self->r);
    co_end;
}
int main() { return co_main(top) != 42; }
END
if has gcc && echo 'int main(void) { return 0; }' | gcc -x c -o "$tmp/try" - -lev 2>/dev/null; then
    # The least that a program with a loop needs: nothing of the simulation.
    for file in task timer cancel group sync isr loop loop_fd loop_ev loop_dump; do
        gcc -O2 -c -o "$tmp/$file.o" ../$file.c
    done
    for cxx in g++ clang++; do
        has $cxx || continue
        for std in c++11 c++17; do
            count run $cxx -std=$std $WARN -O2 -I.. "$tmp/floors.cc" "$tmp/task.o" "$tmp/timer.o" \
                "$tmp/cancel.o" "$tmp/group.o" "$tmp/sync.o" "$tmp"/loop*.o -lev
        done
    done
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
