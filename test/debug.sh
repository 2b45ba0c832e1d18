#!/bin/sh
# debug.sh: what CO_DEBUG does where no sanitizer sees it: stale locals are rubbish each time, a
# crash names its place, a program that cannot be cancelled says so at its end; and that a program
# and a library of which only one has CO_DEBUG do not link. Each compiler of CC_LIST (gcc and clang,
# if installed), at -O0 and -O2. Ends with "N passed, M failed".
set -u
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0

# fail WHAT: with what came instead.
fail() {
    failed=$((failed + 1))
    echo "failed: $1:"
    sed 's/^/    /' "$tmp/out" | head -n 20
}

# ---- Programs ------------------------------------------------------------------------------------

cat >"$tmp/stale.c" <<'END'
#include "loop.h"
#include <string.h>
struct stale { co_frame; };
co_define(stale)
{
    char text[16];

    co_begin;
    strcpy(text, "hello");
    co_try(co_sleep(0));
    puts(strncmp(text, "hello", 5) == 0 ? "kept" : "gone");
    co_end;
}
int main(void) { return co_main(stale) < 0; }
END

cat >"$tmp/wild.c" <<'END'
#include "loop.h"
struct wild { co_frame; int n; };
co_define(wild)
{
    int *volatile pointer[2];

    co_begin;
    pointer[0] = pointer[1] = &self->n;
    co_try(co_sleep(0));
    *pointer[0] = 1;
    co_end;
}
int main(void) { return co_main(wild) < 0; }
END

cat >"$tmp/null.c" <<'END'
#include "loop.h"
struct null { co_frame; struct co_event *event; };
co_define(null)
{
    co_begin;
    co_try(co_sleep(0));
    co_try(co_event_wait(self->event));
    co_end;
}
int main(void) { return co_main(null) < 0; }
END

cat >"$tmp/large.c" <<'END'
#include "loop.h"
#include <stdlib.h>
struct large { co_frame; char bytes[16 << 20]; };
co_define(large) { co_begin; co_try(co_sleep(0)); co_end; }
struct calls { co_frame; struct large *child; };
co_define(calls)
{
    co_begin;
    self->child = malloc(sizeof *self->child);
    co_try(co_sleep(0));
    co_try(co_call(self->child, large));
    co_end;
}
int main(void) { return co_main(calls) < 0; }
END

cat >"$tmp/endless.c" <<'END'
#include "loop.h"
#include <signal.h>
struct endless { co_frame; };
co_define(endless)
{
    co_begin;
    raise(SIGINT);
    for (;;)
        co_await(co_sleep(0.01));
    co_end;
}
int main(void) { return co_main(endless) < 0; }
END

cat >"$tmp/right.c" <<'END'
#include "loop.h"
struct child { co_frame; int n; };
co_define(child) { co_begin; co_try(co_sleep(0)); co_return(self->n); co_end; }
struct right { co_frame; struct child child; intptr_t n; struct co_within slot; };
co_define(right)
{
    co_begin;
    co_try(self->n, co_within(&self->slot, 1, co_call(&self->child, child, .n = 40)));
    co_return(self->n + 2);
    co_end;
}
int main(void)
{
    struct co_loop *loop = co_loop_new(NULL);
    struct co_task task, other;
    struct right frame, another;

    co_task_init(&task, &frame, right);
    co_task_init(&other, &another, right);
    co_loop_run(loop);
    printf("%d\n", (int)(co_task_result(&task) + co_task_result(&other)));
    co_loop_free(loop);
    return 0;
}
END

# ---- Runs ----------------------------------------------------------------------------------------

# library DIRECTORY FLAG: its objects.
library() {
    mkdir "$tmp/$1"
    for file in task timer cancel debug group sync loop loop_fd loop_ev loop_dump; do
        # shellcheck disable=SC2086         # none, or one
        ${CC:-cc} -std=c11 -O1 -I. $2 -c -o "$tmp/$1/$file.o" $file.c || exit 2
    done
}
library debug -DCO_DEBUG
library plain ''

# build COMPILER FLAGS NAME DIRECTORY: the program.
build() {
    # shellcheck disable=SC2086             # flags are words
    $1 -std=c11 $2 -w -I. -o "$tmp/program" "$tmp/$3.c" "$tmp/$4"/*.o -lev >"$tmp/out" 2>&1
}

# says NAME STATUS REGEX: the program just built ends so, with a line that matches.
says() {
    timeout 20 "$tmp/program" >"$tmp/out" 2>&1
    status=$?
    if [ "$status" -eq "$2" ] && grep -Eq "$3" "$tmp/out"; then
        passed=$((passed + 1))
    else
        echo "status $status" >>"$tmp/out"
        fail "$cc $flags: $1: status $2 and $3"
    fi
}

# dies NAME SIGNAL REGEX: a shell adds 128 to the signal.
dies() { says "$1" $((128 + $2)) "$3" 2>/dev/null; }

for cc in ${CC_LIST:-gcc clang}; do
    command -v "$cc" >/dev/null || continue
    for flags in '-O0 -DCO_DEBUG' '-O2 -DCO_DEBUG' '-O2 -DCO_DEBUG -DCO_LABELS'; do
        build "$cc" "$flags" stale debug && says stale 0 '^gone$'
        build "$cc" "$flags" wild debug &&
            dies wild 11 'wild\.c:9: .*in wild, behind this await .*member of the frame'
        build "$cc" "$flags" right debug && says right 0 '^84$'
    done
    flags='-O0 -DCO_DEBUG'
    build "$cc" "$flags" null debug &&
        dies null 11 'null\.c:6: .*in null, behind this await .*it used a null pointer'
    build "$cc" "$flags" large debug &&
        dies large 11 'no more room on the C stack for the body at 0x[0-9a-f]+, .*large buffers'
    flags='-O1 -DCO_DEBUG'
    build "$cc" "$flags" endless debug
    timeout -s KILL 2 "$tmp/program" >"$tmp/out" 2>&1
    if [ "$(grep -c 'endless\.c:9: endless was cancelled and goes on: leave when' "$tmp/out")" -eq 1 ]
    then
        passed=$((passed + 1))
    else
        fail "$cc: an endless loop tells of its cancel, once"
    fi
    for mix in 'plain -DCO_DEBUG' 'debug -O1'; do
        if ! build "$cc" "${mix#* }" right "${mix% *}" && grep -q co_task_init_ "$tmp/out"; then
            passed=$((passed + 1))
        else
            fail "$cc: a mix does not link: $mix"
        fi
    done
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
