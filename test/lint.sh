#!/bin/sh
# lint.sh: duffel-lint finds in each program of test/lint what its first lines say, and nothing
# else; what --fix writes compiles and is silent; its options, its output as SARIF and its exit
# statuses; it is silent on the snippets of the documents, but for those of docs/how-to/lint.md that
# say "wrong". Ends with the line "N passed, M failed".
#
#     /* expect: LINE CHECK */        one for each finding, or:  /* expect: nothing */
#     /* flags: <for the compiler> */                            optional
#     /* options: <for duffel-lint> */                           optional
#
# It also prints how many of the findings of test/lint/untuned it has, for which it is not tuned.
cd "$(dirname "$0")/.." || exit 2
lint=tools/duffel-lint
if ! command -v clang >/dev/null || ! command -v python3 >/dev/null; then
    echo 'lint.sh: duffel-lint needs clang and python3, and one is missing'
    echo '0 passed, 0 failed'
    exit 0
fi
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0

# count WHAT COMMAND...: runs it; what failed is shown with its first lines.
count() {
    what=$1
    shift
    if "$@" >"$tmp/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what"
        head -n 12 "$tmp/out" | sed 's/^/    /'
    fi
}

# header NAME FILE: the texts after "NAME:" in the comments that open FILE.
header() { sed -n "/^\/\*/!q; s|^/\* $1: \(.*\) \*/\$|\1|p" "$2"; }

# found OUTPUT: "LINE CHECK" of each finding.
found() { sed -n 's/^[^:]*:\([0-9]*\):[0-9]*: warning: .*\[\(.*\)\]$/\1 \2/p' "$1" | sort; }

# ---- Each program --------------------------------------------------------------------------------

# Those that need no flags and options are looked at in one go.
plain=
for file in test/lint/*.c; do
    [ -n "$(header expect "$file")" ] || count "$file: no line 'expect:'" false
    [ -n "$(header flags "$file")$(header options "$file")" ] || plain="$plain $file"
done
# shellcheck disable=SC2086
$lint -q $plain -- -std=gnu11 -I. >"$tmp/plain"

# as_expected FILE: the findings of FILE are those that it asks for.
as_expected() {
    header expect "$1" | grep -v '^nothing$' | sort >"$tmp/expected"
    case " $plain " in
    *" $1 "*)
        grep "^$1:" "$tmp/plain" >"$tmp/found" ;;
    *)  # shellcheck disable=SC2046
        $lint -q $(header options "$1") "$1" -- -std=gnu11 -I. $(header flags "$1") \
            >"$tmp/found" ;;
    esac
    cat "$tmp/found"
    found "$tmp/found" | diff "$tmp/expected" -
}
for file in test/lint/*.c; do
    count "$file" as_expected "$file"
done

# ---- --fix ---------------------------------------------------------------------------------------

# fixed FILE: --fix mends it whole, and what it wrote compiles.
fixed() {
    cp "$1" "$tmp/fixed.c" || return
    $lint -q --fix "$tmp/fixed.c" -- -I. || return
    ! cmp -s "$1" "$tmp/fixed.c" || return
    $lint -q "$tmp/fixed.c" -- -I. && clang -std=gnu11 -Wall -Wextra -Werror -I. -c -o "$tmp/o" \
        "$tmp/fixed.c"
}
for name in stale_scalar stale_loop stale_array stale_pointer stale_on_one_path stale_by_goto \
        stale_in_finally stale_in_result stale_in_condition stale_for_each stale_wait_until; do
    count "--fix of $name" fixed test/lint/$name.c
done

# kept FILE: --fix leaves alone what is not plain, says why, and the finding stays.
kept() {
    cp "$1" "$tmp/kept.c" || return
    $lint -q --fix "$tmp/kept.c" -- -I. 2>"$tmp/why" && return 1
    cmp "$1" "$tmp/kept.c" && grep -q 'was not moved' "$tmp/why"
}
count '--fix leaves a struct' kept test/lint/stale_struct.c
count '--fix leaves two in one declaration' kept test/lint/stale_twice.c

dry() {
    cp test/lint/stale_loop.c "$tmp/dry.c" || return
    $lint -q --fix --dry-run "$tmp/dry.c" -- -I. >"$tmp/diff"
    cmp test/lint/stale_loop.c "$tmp/dry.c" && (cd / && patch -s -p0 <"$tmp/diff") &&
        $lint -q "$tmp/dry.c" -- -I.
}
if command -v patch >/dev/null; then
    count '--dry-run prints a difference that patch takes' dry
fi

# ---- Options, output, statuses -------------------------------------------------------------------

# ends STATUS TEXT COMMAND...: it ends so, and prints a line with TEXT.
ends() {
    wanted=$1 text=$2
    shift 2
    "$@" >"$tmp/said" 2>&1
    status=$?
    cat "$tmp/said"
    [ $status -eq "$wanted" ] && grep -q -e "$text" "$tmp/said"
}
wrong=test/lint/stale_scalar.c
count 'a finding is 1' ends 1 'stale_scalar.c:.*: warning: .n. is read here' $lint $wrong -- -I.
count 'none is 0' ends 0 '0 findings' $lint test/lint/right_frame.c -- -I.
count 'no clang is 2' ends 2 'no-such-clang is not installed' \
    $lint --clang no-such-clang $wrong -- -I.
count 'no file is 2' ends 2 'there is no such file' $lint no_such.c -- -I.
count 'no files are 2' ends 2 'no files to look at' $lint
count 'an error of the compiler is 2, and shown first' ends 2 "error: .*undeclared_name" \
    sh -c "echo 'int x = undeclared_name;' >'$tmp/error.c'; $lint '$tmp/error.c'"
count 'a check that is not there is 2' ends 2 'there is no check' $lint --only no-such $wrong
count '--only another check' ends 0 '0 findings' $lint --only co-blocking $wrong -- -I.
count '--disable' ends 0 '0 findings' $lint --disable stale-local $wrong -- -I.
count '--list' ends 0 '^co-finally-release ' $lint --list
count '--help' ends 0 'co-dropped-result' $lint --help

configured() {
    echo 'blocking database_query' >"$tmp/config"
    ends 1 'database_query() blocks' $lint --config "$tmp/config" test/lint/blocking_of_users.c \
        -- -I. || return
    echo 'copies co_send_all        # not true' >"$tmp/config"
    ends 0 '0 findings' $lint --config "$tmp/config" test/lint/address_in_helper.c -- -I. || return
    echo 'pair co_semaphore_acquire' >"$tmp/config"
    ends 2 'expected blocking NAME' $lint --config "$tmp/config" $wrong -- -I.
}
count 'a configuration' configured

database() {
    cat >"$tmp/compile_commands.json" <<END
[{ "directory": "$PWD", "file": "$wrong", "command": "gcc -I. -O2 -Wall -o x.o -c $wrong" },
 { "directory": "$PWD", "file": "test/lint/right_frame.c",
   "arguments": ["cc", "-I", ".", "-fno-such-flag", "-c", "test/lint/right_frame.c"] }]
END
    ends 1 '2 files, 2 coroutines, 1 findings' $lint -p "$tmp" &&
        ends 0 '1 files, 1 coroutines, 0 findings' $lint -p "$tmp" test/lint/right_frame.c &&
        ends 2 'not in ' $lint -p "$tmp" test/lint/stale_loop.c &&
        ends 2 'No such file' $lint -p "$tmp/nowhere"
}
count 'compile_commands.json' database

sarif() {
    $lint -q --sarif "$tmp/s.json" $wrong -- -I.
    python3 - "$tmp/s.json" <<'END'
import json, sys
run = json.load(open(sys.argv[1]))['runs'][0]
(result,) = run['results']
place = result['locations'][0]['physicalLocation']
assert result['ruleId'] == 'co-stale-local' and 'is read here' in result['message']['text']
assert place['artifactLocation']['uri'] == 'test/lint/stale_scalar.c'
assert place['region']['startLine'] == 11 and len(run['tool']['driver']['rules']) == 9
END
}
count 'SARIF' sarif

installed() {
    make -s install DESTDIR="$tmp/root" PREFIX=/usr B="$tmp/build" CFLAGS=-O0 >"$tmp/made" 2>&1 ||
        { cat "$tmp/made"; return 1; }
    [ "$(find "$tmp/root" -name 'duffel_lint.h')" = "$tmp/root/usr/share/duffel/duffel_lint.h" ] &&
        ends 1 'co-stale-local' "$tmp/root/usr/bin/duffel-lint" $wrong -- \
            -I"$tmp/root/usr/include/duffel"
}
count 'make install' installed

# ---- The documents, and what it was not tuned on -------------------------------------------------

# Writes each snippet that compiles, or of the page of duffel-lint, to a file of its own, and the
# lines that say that they are wrong to [expected].
snippets() {
    python3 - "$tmp" <<'END' || return
import pathlib, re, sys
sys.path.insert(0, 'test')
import snippets
wrong = []
for number, (name, line, mark, code) in enumerate(snippets.collect()):
    page = name == 'docs/how-to/lint.md'
    if mark.split(' ')[0] in ('skip', 'expect-error') and not page:
        continue
    whole = re.search(r'\b(main|TEST_MAIN)\s*\(', code)
    text = ('' if whole else snippets.INCLUDES) + f'/* {name}:{line} */\n' + code
    path = pathlib.Path(sys.argv[1], f'snippet{number:03}.c')
    path.write_text(text)
    wrong += [f'{path.name}:{n}' for n, line in enumerate(text.splitlines(), 1)
              if page and re.search(r'\S.*// wrong', line)]
pathlib.Path(sys.argv[1], 'expected').write_text(''.join(w + '\n' for w in sorted(wrong)))
END
    $lint "$tmp"/snippet*.c -- -std=c11 -Iinclude -I. -Itest -D_POSIX_C_SOURCE=200809L \
        >"$tmp/found"
    [ $? -eq 1 ] || return
    cat "$tmp/found"
    sed -n 's|^.*/\(snippet[^:]*:[0-9]*\):.*|\1|p' "$tmp/found" | sort -u | diff "$tmp/expected" -
}
count 'the snippets of the documents' snippets

untuned() {
    $lint -q test/lint/untuned/*.c -- -I. |
        sed -n 's|^.*/\([^:/]*:[0-9]*\):[0-9]*: warning: .*\[\(.*\)\]$|\1 \2|p' |
        sort -u >"$tmp/all"
    sort -u test/lint/untuned/EXPECTED >"$tmp/expected"
    lines=$(cat test/lint/untuned/*.c | wc -l)
    echo "untuned: $(comm -12 "$tmp/all" "$tmp/expected" | wc -l) of" \
        "$(wc -l <"$tmp/expected") found," "$(comm -23 "$tmp/all" "$tmp/expected" | wc -l)" \
        "others, in $lines lines"
}
untuned

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
