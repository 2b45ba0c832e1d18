#!/bin/sh
# misuse.sh: the programs of test/misuse must be refused by each compiler of CC_LIST (gcc and clang,
# if installed), with the diagnostic that their first lines ask for. Ends with "N passed, M failed".
#
#     /* expect: <extended regex> */       or, if they word it differently:
#     /* expect gcc: <regex> */            a compiler that no line names is not asked
#     /* expect clang: <regex> */
#     /* flags: <more flags> */            optional
#
# "expect: nothing" is for a program that must compile without a word.
cd "$(dirname "$0")" || exit 2
WARN='-std=c11 -I.. -Wall -Wextra -Wpedantic -Wshadow -Wconversion -O2 -Werror'
LC_ALL=C                                # ASCII quotes in gcc's diagnostics
export LC_ALL
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0

# header NAME FILE: the text after "NAME:" in the comments that open FILE.
header() {
    sed -n "/^\/\*/!q; s|^/\* $1: \(.*\) \*/\$|\1|p" "$2"
}

# fail FILE COMPILER EXPECTED: with what came instead.
fail() {
    came=$(grep -E '(error|warning):' "$tmp/out" | head -n 1)
    echo "$1: $2: expected: $3; came: ${came:-nothing}"
    failed=$((failed + 1))
}

# as_expected REGEX STATUS: what the compiler said and how it ended.
as_expected() {
    case $1 in
    nothing) [ "$2" -eq 0 ] && [ ! -s "$tmp/out" ];;
    *)       [ "$2" -ne 0 ] && grep -E '(error|warning): ' "$tmp/out" | grep -Eq "$1";;
    esac
}

for cc in ${CC_LIST:-gcc clang}; do
    command -v "$cc" >/dev/null || continue
    case $cc in *clang*) family=clang;; *) family=gcc;; esac
    for file in misuse/*.c; do
        expected=$(header "expect $family" "$file")
        [ -n "$expected" ] || expected=$(header expect "$file")
        if [ -z "$expected" ]; then
            grep -q '^/\* expect [a-z]*: ' "$file" || fail "$file" "$cc" 'a line that says what'
            continue
        fi
        # shellcheck disable=SC2046,SC2086
        $cc $WARN $(header flags "$file") -c -o "$tmp/object" "$file" >"$tmp/out" 2>&1
        refused=$?
        if as_expected "$expected" $refused; then
            passed=$((passed + 1))
        else
            fail "$file" "$cc" "$expected"
        fi
    done
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
