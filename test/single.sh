#!/bin/sh
# single.sh: the amalgamation that `make single` writes: gcc and clang take it without a warning, as
# C99 and as C11, with all floors and with fewer; a C++ compiler takes duffel.h; its link names are
# ours; and the test programs of its floors pass on it. Ends with the line "N passed, M failed".
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0
WARN='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
export DUFFEL_SHORT=1           # the tests themselves run at full length elsewhere
CORE='coro task sync queue group join time'
LOOP='loop fd stream process thread trial'
NET='net'

# count WHAT COMMAND...: runs it; what failed is shown with its first lines.
count() {
    what=$1
    shift
    if "$@" >"$tmp/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what"
        head -n 8 "$tmp/out" | sed 's/^/    /'
    fi
}

has() { command -v "$1" >/dev/null; }

make -s single B="$tmp" || { echo 'no amalgamation was written'; exit 1; }
dir=$tmp/single

# ---- It compiles, floor by floor -----------------------------------------------------------------

# foreign OBJECT: prints the link names that are not ours, and fails if there is one.
foreign() { ! nm -g --defined-only "$1" | awk '$3 != "" { print $3 }' | grep -v '^_*co_'; }

compiled=
for cc in gcc clang; do
    has $cc || continue
    compiled=1
    for form in '-std=c11 -O2' -DCO_LABELS -DCO_NO_NET -DCO_NO_LOOP \
        '-DCO_NO_LOOP -ffreestanding' '-DCO_NO_LOOP -DCO_TINY'; do
        # shellcheck disable=SC2086             # a form is words
        count "$cc $form" $cc -std=c99 -O1 $WARN $form -c -o "$tmp/duffel.o" "$dir/duffel.c"
        count "the link names, $cc $form" foreign "$tmp/duffel.o"
    done
done
[ "$compiled" ] || { echo 'neither gcc nor clang'; exit 1; }
echo '#include "duffel.h"' >"$tmp/include.cc"
for cxx in g++ clang++; do
    has $cxx || continue
    for form in '' -DCO_NO_LOOP; do
        # shellcheck disable=SC2086
        count "$cxx $form" $cxx -std=c++11 -Wall -Wextra -Werror $form -I"$dir" -c \
            -o "$tmp/include.o" "$tmp/include.cc"
    done
done

# Switched off is gone: no name of the floor is left, and what a program links.
without() {
    ! nm "$tmp/duffel.o" | grep -E "$1"
}
cc=$(command -v gcc || command -v clang)
count 'without sockets' "$cc" -O1 -DCO_NO_NET -c -o "$tmp/duffel.o" "$dir/duffel.c"
count 'no socket is left' without 'co_(tcp|udp|recv|connect)|getaddrinfo'
count 'without the loop' "$cc" -O1 -DCO_NO_LOOP -c -o "$tmp/duffel.o" "$dir/duffel.c"
count 'no loop is left' without 'co_(loop|fd|thread|tcp)| ev_|pthread'

# ---- The test programs of its floors pass --------------------------------------------------------

# Each header of the library is one line there, which includes duffel.h.
mkdir "$tmp/tree" "$tmp/tree/test"
cp test/*.c test/*.h "$tmp/tree/test"
for header in ./*.h; do
    echo '#include "duffel.h"' >"$tmp/tree/$header"
done
rm "$tmp/tree/loop_impl.h"

# passes NAME LIBS FORM...: test/NAME.c, compiled against duffel.h and linked with duffel.o, passes.
passes() {
    name=$1 libs=$2
    shift 2
    # shellcheck disable=SC2086
    $cc -std=c11 "$@" -I"$dir" -I"$tmp/tree" -o "$tmp/$name" "$tmp/tree/test/$name.c" \
        "$tmp/duffel.o" -lcmocka $libs && timeout 120 "$tmp/$name"
}

count "the floor of tasks" "$cc" -std=c99 -O1 -DCO_NO_LOOP -c -o "$tmp/duffel.o" "$dir/duffel.c"
for name in $CORE; do
    grep -q 'include "loop_test.h"\|include "../loop.h"' "test/$name.c" ||
        count "test/$name.c, tasks alone" passes "$name" '' -DCO_NO_LOOP
done
for cc in gcc clang; do
    has $cc || continue
    count "all floors, $cc" $cc -std=c99 -O1 -c -o "$tmp/duffel.o" "$dir/duffel.c"
    for name in $CORE $LOOP $NET; do
        count "test/$name.c, $cc" passes "$name" '-lev -pthread' -O0
    done
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
