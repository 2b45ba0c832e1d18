#!/bin/sh
# run.sh DIR SECONDS TARGET...: fuzzes each TARGET, which libFuzzer's main is in, for so long, from
# corpus/TARGET and what was found before (build/fuzz/found/TARGET). Ends with a line for each:
#     fuzz: TARGET: runs N, failed 0, seconds T
# and tells what repeats a failure. "keep" for SECONDS: puts what was found into corpus/ instead.
set -u
dir=$1 seconds=$2
shift 2
here=$(dirname "$0")
case $seconds in
keep) ;;
'' | *[!0-9]* | 0)
    echo "fuzz: SECONDS wants a whole number from 1, not '$seconds'" >&2
    exit 2 ;;
esac
for target; do
    [ -x "$dir/$target" ] && continue
    echo "fuzz: no target '$target': there are" "$(cd "$here/corpus" && echo ./*)" >&2
    exit 2
done
found=build/fuzz/found
status=0
pid=

# No target needs more; and the C library's allocator gives back what is freed.
options='-timeout=20 -rss_limit_mb=2048 -print_final_stats=1'

# The longest input worth a try.
length() {
    case $1 in
    http) echo 8300;;
    path) echo 1200;;
    range) echo 100;;
    url) echo 300;;
    stream) echo 1000;;
    *) echo 2000;;
    esac
}

# told NAME LOG: the last figure that libFuzzer gave for it: runs, cov, ft.
told() {
    case $1 in
    runs) sed -n 's/^#\([0-9]*\).*/\1/p' "$2";;
    *) sed -n "s/.* $1: \([0-9]*\).*/\1/p" "$2";;
    esac | tail -n 1
}

# On a terminal: what is done of how much.
show() {
    runs=$(told runs "$2")
    printf '\rfuzz: %s: %s of %s s, %s runs, cov %s, features %s ' "$1" "$3" "$seconds" \
        "${runs:-0}" "$(told cov "$2")" "$(told ft "$2")"
}

fuzz() {
    log=build/fuzz/$1.log crash=build/fuzz/crash-$1-
    mkdir -p "$found/$1"
    start=$(date +%s)
    # shellcheck disable=SC2086         # options are words
    "$dir/$1" $options -max_len="$(length "$1")" -max_total_time="$seconds" \
        -artifact_prefix="$crash" "$found/$1" "$here/corpus/$1" >"$log" 2>&1 &
    pid=$!
    while [ -t 1 ] && kill -0 $pid 2>/dev/null; do
        show "$1" "$log" $(($(date +%s) - start))
        sleep 1
    done
    failed=0
    wait $pid || failed=1
    pid=
    [ -t 1 ] && printf '\r\033[K'
    if [ $failed -eq 1 ]; then
        status=1
        tail -n 40 "$log"
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "fuzz: $1: failed; this repeats it: $dir/$1 ${input:-$here/corpus/$1/*}"
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    [ "$runs" ] || runs=$(told runs "$log")
    echo "fuzz: $1: coverage $(told cov "$log"), features $(told ft "$log")," \
        "kept inputs $(find "$here/corpus/$1" -type f | wc -l)"
    echo "fuzz: $1: runs ${runs:-0}, failed $failed, seconds $(($(date +%s) - start))"
}

# As few and as small inputs as reach what all of them reach: named by what they are.
keep() {
    small=build/fuzz/keep/$1
    rm -rf "$small"
    mkdir -p "$small" "$found/$1" "$here/corpus/$1"
    "$dir/$1" -set_cover_merge=1 -use_counters=0 -max_len="$(length "$1")" \
        "$small" "$here/corpus/$1" "$found/$1" \
        >"build/fuzz/$1.log" 2>&1 || { cat "build/fuzz/$1.log"; status=1; return; }
    rm -f "$here/corpus/$1"/[0-9]*         # what once broke it stays: bug-*
    for input in "$small"/*; do
        cp "$input" "$here/corpus/$1/$(cksum <"$input" | cut -d ' ' -f 1)"
    done
    echo "fuzz: $1: keeps $(find "$here/corpus/$1" -type f | wc -l) inputs," \
        "$(cat "$here/corpus/$1"/* | wc -c) bytes"
}

trap '[ "$pid" ] && kill $pid 2>/dev/null; exit 1' HUP INT TERM
for target; do
    mkdir -p "$here/corpus/$target"
    if [ "$seconds" = keep ]; then
        keep "$target"
    else
        fuzz "$target"
    fi
done
exit $status
