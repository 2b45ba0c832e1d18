#!/bin/sh
# echo_instructions.sh [--quick|--functions] LOAD NAME=COMMAND...: the instructions that a request
# costs each of the echo servers in user space, ours first: counted by callgrind in two runs, of N
# and of 2N requests, by difference. LOAD is the program of echo.c.
#
# With 1 connection each request is a turn of the loop, and the count is exact but for how the
# connection comes in. With 50 a server under callgrind is so slow that nearly all of them are ready
# in each turn: what is left is the cost of a request, with a fiftieth of a turn.
# --functions: where they go in ours, by function, each alone and with what it calls.
set -eu
n=10000
functions=
[ "${1-}" != --quick ] || { n=2000; shift; }
[ "${1-}" != --functions ] || { functions=1; shift; }
load=${1:?usage: echo_instructions.sh [--quick|--functions] LOAD NAME=COMMAND...}
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

command -v valgrind >/dev/null || { echo "echo: no valgrind: instructions not counted"; exit 0; }

# count COMMAND CONNECTIONS REQUESTS: the instructions; the profile is in $dir/REQUESTS.
count() {
    # shellcheck disable=SC2086         # a command is words
    "${0%/*}/echo_under.sh" "$load" "$2" "$3" \
        valgrind --tool=callgrind --callgrind-out-file="$dir/$3" $1 2>&1 |
        awk '/Collected/ { print $NF }'
}

# by_function ALSO: lines of instructions a request and function; ALSO yes: with what it calls.
by_function() {
    for runs in $n $((2 * n)); do
        callgrind_annotate --auto=no --threshold=100 --inclusive="$1" "$dir/$runs" |
            sed -n 's/^ *\([0-9,]*\) ([ 0-9.]*%) *\(.*:[^ ]*\).*/\1 \2/p' | tr -d , |
            sed 's/ .*[/]\([^/]*:[^/]*\)$/ \1/' >"$dir/by.$runs"
    done
    # Inlined code makes a function appear more than once: alone, they add up; else the largest is.
    awk -v n=$n -v also="$1" '
    FNR == 1 { run++ }
    also == "no" { of[run, $2] += $1 }
    also == "yes" && of[run, $2] < $1 { of[run, $2] = $1 }
    { names[$2] }
    END {
        for (name in names)
            if ((each = (of[2, name] - of[1, name]) / n) >= 2)
                printf "%8.1f  %s\n", each, name
    }
    ' "$dir/by.$n" "$dir/by.$((2 * n))" | sort -rn | head -n 40
}

for connections in 1 50; do
    for server; do
        [ ! -t 2 ] || printf '\r%-40s' "$connections connections: ${server%%=*}" >&2
        once=$(count "${server#*=}" $connections $n)
        echo "$connections $once $(count "${server#*=}" $connections $((2 * n))) ${server%%=*}"
        if [ -n "$functions" ] && [ "$server" = "$1" ]; then
            echo "instructions a request, $connections connections: each function alone" >&2
            by_function no >&2
            echo "instructions a request, $connections connections: with what it calls" >&2
            by_function yes >&2
        fi
    done
done >"$dir/counts"
[ ! -t 2 ] || printf '\r%40s\r' '' >&2

awk -v n=$n -v results="${BENCH_RESULTS-}" '
function name(    text) { text = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ /, "", text); return text }
BEGIN {
    printf "echo: instructions a request in user space, by callgrind\n\n"
    printf "%-48s %8s %8s %6s\n", "what", "ours", "peer", "ratio"
}
$2 !~ /^[0-9]+$/ || $3 !~ /^[0-9]+$/ {
    print "echo: callgrind did not run; valgrind reads no DWARF 5 of clang: use -gdwarf-4"
    exit 1
}
{ each = ($3 - $2) / n }
$1 != connections { connections = $1; ours = each; next }
{
    what = "echo, " $1 ($1 > 1 ? " connections" : " connection") ", instructions: ours / " name()
    printf "%-48s %8.1f %8.1f %6.2f\n", what, ours, each, ours / each
    if (results)
        printf "{\"what\": \"%s\", \"unit\": \"instructions\", \"ours\": %.2f, \"peer\": %.2f, " \
               "\"ratio\": %.4f, \"budget\": 0}\n", what, ours, each, ours / each >>results
}
END { print "" }' "$dir/counts"
