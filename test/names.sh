#!/bin/sh
# names.sh: every public name begins with co_ or CO_: the link names of each .c file of the library,
# and what each public header defines, in all its branches (by ctags, where it is there) and under
# the switches of coro.h (by the compiler). Members and parameters are free. A header also includes
# no system header that another program could stumble over. Ends with "N passed, M failed".
set -u
cd "$(dirname "$0")/.." || exit 2
CC=${CC:-cc}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0
files=$(echo ./*.c | sed 's,\./,,g')
# shellcheck disable=SC2016             # it is for make
headers=$(printf 'include Makefile\nnames-of-headers:\n\t@echo $(HEADERS)\n' |
    MAKEFLAGS='' make -s -f - names-of-headers)

# What may have another name: the file, the name, and the reason, which is for the reader.
exceptions='
task.h     EBUSY         errno values, where the C library of a bare compiler has none; the check by
task.h     ECANCELED     the compiler, below, sees that they are not defined where it has
task.h     EDEADLK       .
task.h     EINPROGRESS   .
task.h     EINVAL        .
task.h     ENOMEM        .
task.h     ETIMEDOUT     .
sync.h     EAGAIN        .
sync.h     EPERM         .
sync.h     EPIPE         .
sync.h     ERANGE        .
group.h    ENOBUFS       .
trial.h    EUCLEAN       the same, for systems other than Linux
trial.h    __lsan_do_recoverable_leak_check   a weak reference to a call of the leak sanitizer
trial.h    __sanitizer_set_death_callback     the same
'

# clean WHAT [FILE]: standard input, names one in a line, holds none but ours and FILE's exceptions.
clean() {
    echo "$exceptions" | awk -v file="${2-}" '
        FNR == NR { if (NF > 1 && $1 == file) known[$2] = 1; next }
        NF && $1 !~ /^(co|CO)_/ && !($1 in known) { print $1 }' - "$tmp/found" >"$tmp/bad"
    if [ -s "$tmp/found" ] && [ ! -s "$tmp/bad" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $1:"
        [ -s "$tmp/found" ] || echo '    there is not one name'
        sort -u "$tmp/bad" | head -n 20 | sed 's/^/    /'
    fi
}

# ---- Link names ----------------------------------------------------------------------------------

# symbols OBJECT: what it defines for others.
symbols() { nm -g "$1" | awk 'NF == 3 && $2 !~ /^[Uwv]$/ { print $3 }'; }

for form in '' '-O2 -DCO_LABELS' '-DCO_DEBUG'; do
    for file in $files; do
        case $file$form in              # debug.c has names with CO_DEBUG only
        debug.c*-DCO_DEBUG*) ;;
        debug.c*) continue ;;
        esac
        # shellcheck disable=SC2086     # flags are words
        if $CC -std=c11 $form -I. -c -o "$tmp/object.o" "$file" 2>"$tmp/out"; then
            symbols "$tmp/object.o" | sed 's/^_\(co_\)/\1/' >"$tmp/found"
        else
            cat "$tmp/out"
            : >"$tmp/found"
        fi
        clean "link names of $file $form"
    done
done

# ---- What a header defines, in every branch ------------------------------------------------------

# Enumerators, enums, structs, unions, typedefs, macros, functions, prototypes and variables. ctags
# invents __anon names for what has none.
if ctags --version 2>/dev/null | grep -q Universal; then
    for header in $headers src/Duffel.h; do
        ctags -x --language-force=C --kinds-C=degstufvpx --_xformat=%N "$header" |
            grep -v '^__anon' >"$tmp/found"
        clean "names of $header" "$header"
    done
else
    echo 'names: no universal-ctags; the branches that this compiler does not take were not read'
fi

# ---- Macros, as the compiler sees them -----------------------------------------------------------

# macros HEADER FLAG...: those that files of this directory define.
macros() {
    header=$1
    shift
    echo "#include \"$header\"" | $CC -std=c11 -I. "$@" -dD -E -x c - | awk '
        /^# [0-9]+ "/ { split($0, part, "\""); ours = part[2] !~ "^[/<]"; next }
        ours && /^#define / { sub(/[(].*/, "", $2); print $2 }'
}

if echo | $CC -dD -E -x c - >/dev/null 2>&1; then
    for header in $headers; do
        for form in -O1 -DCO_LABELS -DCO_TINY -DCO_DEBUG; do
            macros "$header" $form >"$tmp/found" 2>"$tmp/out" || cat "$tmp/out"
            clean "macros of $header $form"
        done
    done
else
    echo "names: $CC does not list macros (-dD)"
fi

# ---- What a header brings with it ----------------------------------------------------------------

# No header of libev: its names and libevent's are the same. No task.h but our own.
for header in $headers; do
    echo "#include \"$header\"" >"$tmp/include.c"
    if $CC -std=c11 -I. -E "$tmp/include.c" >"$tmp/out" 2>&1 &&
            ! grep -qE '^#.*[/"](ev|event|uthash|netdb|sys/epoll)\.h"' "$tmp/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $header includes what it should leave to the .c files"
    fi
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
