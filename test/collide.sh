#!/bin/sh
# collide.sh: a program that has a struct task, queue and loop of its own, with calls and macros of
# such names, in headers that are called task.h, net.h and loop.h, uses the library beside them, in
# each way in which one gets it. It uses libevent, too, or libev by libevent's names: both have an
# event_set(). It is compiled as C and as C++. Ends with "N passed, M failed".
set -u
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0
unset MAKEFLAGS MFLAGS              # those of a make test are not for the makes below
own=$PWD/test/collide tree=$PWD
WARN='-Wall -Wextra -Wpedantic -Wshadow -Werror'

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

modes=USE_NEITHER
if echo 'void *event_base_new(void); int main(void) { return !event_base_new; }' |
        ${CC:-cc} -x c -o "$tmp/try" - -lev 2>/dev/null; then
    modes="$modes USE_EMULATION"
else
    echo "collide: this libev has none of libevent's names; the program does without"
fi
if printf '#include <event2/event.h>\nint main(void) { return !event_get_version(); }\n' |
        ${CC:-cc} -x c -o "$tmp/try" - -levent_core 2>/dev/null; then
    modes="$modes USE_LIBEVENT"
else
    echo 'collide: no libevent here; the program does without'
fi

# program CC LANGUAGE MODE FLAGS LIBS: compiles it, with its own headers first on the path, links
# and runs it. The library of libev has libevent's names too, so libevent must come before it.
program() {
    cc=$1 language=$2 mode=$3 flags=$4 libs=$5 other=
    [ "$mode" != USE_LIBEVENT ] || other=-levent_core
    case $language in
    c) std='-x c -std=c11' ;;
    *) std='-x c++ -std=c++17' ;;
    esac
    rm -f "$tmp/program" "$tmp"/*.o
    # shellcheck disable=SC2086         # flags are words
    $cc -std=c11 $WARN "-D$mode" -c -o "$tmp/parts.o" "$own/parts.c" &&
        $cc $std $WARN "-D$mode" "-I$own" $flags -c -o "$tmp/program.o" "$own/program.c" &&
        $cc ${sanitize-} -o "$tmp/program" "$tmp/program.o" "$tmp/parts.o" $other $libs &&
        timeout 30 "$tmp/program"
}

# all WAY FLAGS LIBS: in all modes, languages and compilers; CC in LIBS is the compiler.
all() {
    for cc in gcc clang; do
        has $cc || continue
        for mode in $modes; do
            for language in c c++; do
                count "$1: $cc, $language, $mode" program $cc $language "$mode" "$2" \
                    "$(echo "$3" | sed "s,CC,$cc,")"
            done
        done
    done
}

# library CC FLAG...: $tmp/CC.a, of the sources in a folder, while the program's headers come first.
library() {
    cc=$1
    shift
    rm -rf "$tmp/objects" "$tmp/$cc.a"
    mkdir "$tmp/objects"
    for file in "$tmp"/lib/duffel/*.c; do
        "$cc" -std=c11 -O1 "$@" "-I$own" -c -o "$tmp/objects/$(basename "$file" .c).o" "$file" ||
            return
    done
    ar rcs "$tmp/$cc.a" "$tmp"/objects/*.o
}

# ---- A folder on the path; the same for the system's headers -------------------------------------

mkdir -p "$tmp/lib/duffel"
cp ./*.c ./*.h "$tmp/lib/duffel"
for cc in gcc clang; do
    has $cc && count "the library: $cc" library $cc
done
all '-I' "-I$tmp/lib" "$tmp/CC.a -lev -pthread"
all 'our headers first' "-DOURS_FIRST -I$tmp/lib" "$tmp/CC.a -lev -pthread"
all '-isystem' "-isystem $tmp/lib" "$tmp/CC.a -lev -pthread"
all 'the tree, by include/' "-I$tree/include" "$tmp/CC.a -lev -pthread"

# The address sanitizer sees a foreign event_free() that does not free.
sanitize=-fsanitize=address
if echo 'int main(void) { return 0; }' | gcc $sanitize -x c -o "$tmp/try" - 2>/dev/null; then
    count 'the library: gcc, sanitized' library gcc $sanitize
    for mode in $modes; do
        count "-I: gcc, sanitized, $mode" program gcc c "$mode" "$sanitize -I$tmp/lib" \
            "$tmp/gcc.a -lev -pthread"
    done
fi
unset sanitize

# ---- A folder beside the program, as README.md has it --------------------------------------------

# drop_in CC FLAG...: all files of both by one command, in the program's directory.
drop_in() {
    (cd "$tmp/app" && "$@" -std=c11 -Wall -Wextra -Werror -DUSE_NEITHER -o ../program \
        program.c parts.c duffel/*.c -lev -pthread) && timeout 30 "$tmp/program"
}
mkdir "$tmp/app"
cp -r "$own"/*.[ch] "$tmp/lib/duffel" "$tmp/app"
for cc in gcc clang; do
    has $cc || continue
    count "a folder, <duffel/loop.h>: $cc" drop_in $cc -I.
    count "a folder, \"duffel/loop.h\": $cc" drop_in $cc -DQUOTED
done

# ---- What make install installs, by pkg-config ---------------------------------------------------

installed() {
    make -s install B="$tmp/build" CFLAGS=-O1 PREFIX=/opt/duffel DESTDIR="$tmp/root"
}
count 'make install' installed
if has pkg-config; then
    from_root() {
        PKG_CONFIG_SYSROOT_DIR=$tmp/root PKG_CONFIG_PATH=$tmp/root/opt/duffel/lib/pkgconfig \
            pkg-config "$1" duffel
    }
    all 'pkg-config' "$(from_root --cflags)" "$(from_root --libs)"
else
    echo 'collide: no pkg-config; what was installed is used by its path'
    root=$tmp/root/opt/duffel
    all 'installed' "-I$root/include" "-L$root/lib -lduffel -lev -pthread"
fi
# Nothing but duffel/ comes onto the path of whoever has that.
count 'only duffel/ is installed' test "$(ls "$tmp/root/opt/duffel/include")" = duffel

# ---- By CMake ------------------------------------------------------------------------------------

# configured NAME FLAG...: configures, builds and runs the program.
configured() {
    name=$1
    shift
    cmake -S "$own" -B "$tmp/$name" "$@" && cmake --build "$tmp/$name" -j 2 &&
        timeout 30 "$tmp/$name/program"
}
cmake_installed() {
    cmake -S . -B "$tmp/cmake" && cmake --build "$tmp/cmake" -j 2 &&
        cmake --install "$tmp/cmake" --prefix "$tmp/usr"
}
if has cmake; then
    for mode in $modes; do
        count "add_subdirectory: $mode" configured subdirectory "-DTREE=$tree" "-DMODE=$mode"
    done
    count 'CMake installs' cmake_installed
    for mode in $modes; do
        count "find_package: $mode" configured package "-DCMAKE_PREFIX_PATH=$tmp/usr" \
            "-DMODE=$mode"
    done
else
    echo 'collide: no cmake; CMakeLists.txt was not tried'
fi

# ---- By the amalgamation -------------------------------------------------------------------------

if make -n single >/dev/null 2>&1; then
    count 'make single' make -s single
    for cc in gcc clang; do
        has $cc && count "duffel.c: $cc" $cc -std=c11 -O1 "-I$own" -c -o "$tmp/single.$cc" \
            build/single/duffel.c
    done
    all 'the amalgamation' "-DSINGLE -I$tree/build/single" "$tmp/single.CC -lev -pthread"
else
    echo 'collide: there is no make single; the amalgamation was not tried'
fi

# A header that the program does not include would not be tried.
count 'the program includes all public headers' test \
    "$(sed -n 's,^#include <duffel/\(.*\)>,\1,p' "$own/program.c" | sort | tr '\n' ' ')" = \
    "$(cd include/duffel && echo ./*.h ' ' | sed 's,\./,,g; s/  *$/ /')"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
