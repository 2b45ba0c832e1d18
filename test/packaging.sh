#!/bin/sh
# packaging.sh: what PlatformIO, Arduino, Zephyr and ESP-IDF read, as far as it can be checked
# without them: it parses, the versions are one, the files that it names are there and compile; the
# Arduino examples run on a board made of stubs. A project of CMake builds with libev and without;
# the first program of README.md runs. Ends with the line "N passed, M failed".
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0
WARN='-Wall -Wextra -Werror'

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
same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; false; }; }

# ---- Versions ------------------------------------------------------------------------------------

version=$(sed -n 's/^VERSION = *//p' Makefile)
json() { python3 -c "import json; print(json.load(open('library.json'))$1)"; }
count 'the Makefile has a version' test -n "$version"
count 'version of library.json' same "$(json '["version"]')" "$version"
count 'version of library.properties' \
    same "$(sed -n 's/^version=//p' library.properties)" "$version"
count 'version of idf_component.yml' \
    same "$(sed -n 's/^version: "\(.*\)"$/\1/p' idf_component.yml)" "$version"
count 'version of CHANGELOG.md' \
    same "$(sed -n 's/^## .*[^0-9.]\([0-9][0-9.]*[0-9]\).*/\1/p' CHANGELOG.md | head -n 1)" \
    "$version"

# ---- What parses ---------------------------------------------------------------------------------

if python3 -c 'import yaml' 2>/dev/null; then
    for file in zephyr/module.yml idf_component.yml; do
        count "$file parses" python3 -c "import sys, yaml; yaml.safe_load(open('$file'))['build' \
            if 'module' in '$file' else 'version']"
    done
else
    echo 'packaging: no yaml module for python3; the .yml files were not parsed'
fi

# What the Arduino tools insist on.
properties() {
    for key in name version author maintainer sentence paragraph category architectures; do
        grep -q "^$key=." library.properties || { echo "no $key"; return 1; }
    done
    for header in $(sed -n 's/^includes=//p' library.properties | tr ',' ' '); do
        [ -e "src/$header" ] || { echo "no src/$header"; return 1; }
    done
}
count 'library.properties is complete' properties

# ---- Lists of files: the same everywhere, and that of the first two floors -----------------------

listed() { sed -n "s/^$1 *= *//p" Makefile; }
floors=$(listed CORE_C)
above="$(listed LOOP_C) $(listed NET_C)"
system='#include <\(ev\|unistd\|sys/.*\)\.h>\|#include "\(loop\|thread\|net\|stream\)'
# A file that stands on no system header belongs into the list.
wanted() {
    grep -L "$system" ./*.c | sed 's,./,,' | sort | tr '\n' ' '
}
sorted() { [ "$1" != -- ] || shift; printf '%s\n' "$@" | sort | tr '\n' ' '; }
members() { ar t "$1" | sed 's/[.]c[.]o$/.c/; s/[.]o$/.c/' | sort | tr '\n' ' '; }
has_ev() { echo '#include <ev.h>' | ${CC:-cc} -E - >/dev/null 2>&1; }
# The program that README.md begins with, and the line that makes it.
requests() { awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md; }
line() { sed -n 's/^    \(cc -I[.] requests[.]c .*\)$/\1/p' README.md; }
# shellcheck disable=SC2086             # lists are words
count 'the list holds all that needs no system' same "$(wanted)" "$(sorted $floors)"
# shellcheck disable=SC2046,SC2086
count 'files of library.json' same "$(json '["build"]["srcFilter"]')" \
    "$(python3 -c "import sys; print(['-<*>'] + ['+<%s>' % f for f in sys.argv[1:]])" $floors)"
for header in $(json '["headers"]' | tr -d "[],'"); do
    count "header $header of library.json" test -e "include/$header"
done
# shellcheck disable=SC2086
count 'files of src/' same "$(cd src && sorted -- *.c)" "$(sorted duffel.c $floors)"

# include/duffel: a header for each that is installed, which leads to it and no other.
leads() {
    for header in include/duffel/*.h; do
        grep -qx "#include \"../../$(basename "$header")\"" "$header" && continue
        echo "$header does not"
        return 1
    done
}
# shellcheck disable=SC2046,SC2016
count 'headers of include/duffel' same "$(cd include/duffel && sorted -- *.h)" \
    "$(printf 'include Makefile\nnames-of-headers:\n\t@echo $(HEADERS)\n' |
        MAKEFLAGS='' make -s -f - names-of-headers | tr ' ' '\n' | sort | tr '\n' ' ')"
count 'each leads to the header of its name' leads

answers() { "$1" | tail -n 1 | grep -qx 'Cost time: 0.3[0-9]'; }
if has_ev; then
    mkdir "$tmp/readme" && ln -s "$PWD" "$tmp/readme/duffel" && requests >"$tmp/readme/requests.c"
    line | sed "s,^cc,cd '$tmp/readme' \&\& ${CC:-cc}," >"$tmp/line"
    count 'README.md begins with one line' same "$(line | wc -l)" 1
    count 'the line of README.md' sh -e "$tmp/line"
    count 'the program of README.md' answers "$tmp/readme/a.out"
fi

if has cmake; then
    # The words of ESP-IDF and Zephyr, as functions that print the files they are given.
    cat >"$tmp/idf.cmake" <<END
function(idf_component_register)
  cmake_parse_arguments(A "" "" "SRCS;INCLUDE_DIRS" \${ARGN})
  message("idf \${A_SRCS} \${A_INCLUDE_DIRS}")
endfunction()
set(ESP_PLATFORM 1)
include($PWD/CMakeLists.txt)
END
    count 'files of CMakeLists.txt for ESP-IDF' \
        same "$(cmake -P "$tmp/idf.cmake" 2>&1)" "idf $(echo "$floors" | tr ' ' ';') include"
    cat >"$tmp/zephyr.cmake" <<END
function(zephyr_include_directories dir)
endfunction()
function(zephyr_compile_definitions word)
  message("-D\${word}")
endfunction()
function(zephyr_library_named name)
endfunction()
function(zephyr_library_sources)
  foreach(file \${ARGN})
    file(REAL_PATH \${file} real)
    if(NOT EXISTS \${real})
      message(FATAL_ERROR "no \${real}")
    endif()
    get_filename_component(name \${real} NAME)
    message("\${name}")
  endforeach()
endfunction()
set(CONFIG_DUFFEL 1)
set(CONFIG_DUFFEL_TINY 1)
include($PWD/zephyr/CMakeLists.txt)
END
    count 'files of zephyr/CMakeLists.txt' \
        same "$(cmake -P "$tmp/zephyr.cmake" 2>&1 | tr '\n' ' ')" "-DCO_TINY $floors "
    # A project that uses it: with all floors, where there is libev, and without.
    mkdir "$tmp/user"
    cat >"$tmp/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(user C)
add_subdirectory($PWD duffel)
add_executable(user user.c)
target_link_libraries(user duffel::\${FLOOR})
END
    echo 'int main(void) { return 0; }' >"$tmp/user/user.c"
    count 'CMakeLists.txt configures without libev' \
        cmake -DDUFFEL_LOOP=OFF -DFLOOR=tasks -S "$tmp/user" -B "$tmp/off"
    count 'CMakeLists.txt builds without libev' cmake --build "$tmp/off"
    # shellcheck disable=SC2086
    count 'files of CMakeLists.txt without libev' same "$(members "$tmp/off/duffel/libduffel.a")" \
        "$(sorted $floors)"
    if has_ev; then
        requests >"$tmp/user/user.c"
        count 'CMakeLists.txt configures' cmake -DFLOOR=loop -S "$tmp/user" -B "$tmp/cmake"
        count 'CMakeLists.txt builds' cmake --build "$tmp/cmake"
        # shellcheck disable=SC2086
        count 'files of CMakeLists.txt' same "$(members "$tmp/cmake/duffel/libduffel.a")" \
            "$(sorted $floors $above)"
        count 'a program built by CMake' answers "$tmp/cmake/user"
    fi
else
    echo 'packaging: no cmake; the CMakeLists.txt were read by nobody'
fi

# What they compile: freestanding, as Zephyr and PlatformIO's bare platforms do.
for form in '' -DCO_TINY; do
    for file in $floors; do
        # shellcheck disable=SC2086
        count "$file, freestanding $form" ${CC:-cc} -std=c11 $WARN -Os -ffreestanding $form -c \
            -o "$tmp/object.o" "$file"
    done
done

# ---- Arduino: a sketch is compiled as C++, behind #include <Arduino.h> ---------------------------

board=test/targets/arduino
# sketch NAME C CXX STANDARD FLAG...: compiles it with the library into $tmp/*.o
sketch() {
    name=$1 c=$2 cxx=$3 std=$4
    shift 4
    rm -f "$tmp"/*.o
    { echo '#include <Arduino.h>' && cat "examples/$name/$name.ino"; } >"$tmp/$name.cpp"
    for file in src/*.c; do
        "$c" -std=gnu11 -Os -Wall "$@" -I$board -Isrc -c -o "$tmp/$(basename "$file" .c).o" \
            "$file" || return
    done
    "$cxx" "-std=$std" -Os -Wall "$@" -I$board -Isrc "-Iexamples/$name" -c \
        -o "$tmp/sketch.o" "$tmp/$name.cpp"
}

# says NAME LINE...: the sketch, run on the board of stubs, prints these lines in this order.
says() {
    name=$1
    shift
    sketch "$name" gcc g++ gnu++17 -Wextra -Werror || return
    # shellcheck disable=SC2086
    g++ -std=gnu++17 $WARN -I$board -o "$tmp/sketch" $board/board.cpp "$tmp"/*.o || return
    "$tmp/sketch" >"$tmp/printed" || return
    for line; do
        grep -qx "$line" "$tmp/printed" && continue
        echo "no line '$line' in:"
        cat "$tmp/printed"
        return 1
    done
}

if has gcc && has g++; then
    count 'Blink runs' says Blink '0 pin 13 mode 1' '0 pin 13 = 1' '330 pin 12 = 0' \
        '500 pin 13 = 0' '660 pin 12 = 1' '10500 pin 13 = 0' '19500 pin 13 = 0' '19800 pin 12 = 1'
    count 'LineEcho runs' says LineEcho '0 baud 9600' '1000 said hello' '4000 said world' \
        '13000 said that line took too long' '14000 said x'
    count 'Blink changes its pins as often as it should' \
        same "$(says Blink && grep -c ' = ' "$tmp/printed")" $((20000 / 500 + 19999 / 330 + 1))
fi
if has avr-gcc && has avr-g++; then
    for name in Blink LineEcho; do
        count "$name compiles for an Uno" sketch "$name" avr-gcc avr-g++ gnu++11 -mmcu=atmega328p
    done
else
    echo 'packaging: no avr-gcc with avr-g++; the sketches were not compiled for an Uno'
fi
# The Arduino tools write a prototype for what looks like a function in an .ino.
count 'no coroutine stands in an .ino' sh -c '! grep -n co_define examples/*/*.ino'
count 'all examples are tried' same "$(cd examples && echo ./*/)" './Blink/ ./LineEcho/'

echo 'packaging: PlatformIO, the Arduino tools, west and idf.py themselves were not run'
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
