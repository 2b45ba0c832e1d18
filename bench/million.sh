#!/bin/sh
# million.sh: what an idle connection costs in memory, by demos/million with 100,000 of them, or as
# many as the hard limit of open files allows; one process has them all, another their other ends.
#
#     million.sh [--quick] MILLION        quick: 10,000; the program
set -u
n=100000
if [ "${1-}" = --quick ]; then
    n=10000
    shift
fi
[ $# -eq 1 ] || { echo "usage: million.sh [--quick] MILLION" >&2; exit 2; }
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 1' HUP INT TERM

if ! "$1" --connections $n >"$out"; then        # it has said why
    limit=$("$1" --connections $n 2>&1 >/dev/null |
        sed -n 's/.*hard limit is \([0-9]*\):.*/\1/p')
    [ -n "$limit" ] || exit 1
    n=$((limit - 100 - limit / 5000))           # it listens on several addresses
    echo "million.sh: so here are $n"
    "$1" --connections $n >"$out" || exit 1
fi
cat "$out"

# figure WHAT UNIT BUDGET SED: a row, and a line of JSON as in bench.h.
figure() {
    value=$(sed -n "s/$4/\1/p" "$out")
    what="million, $(echo $n | sed 's/...$/,&/') connections: $1"
    awk -v what="$what" -v unit="$2" -v value="$value" -v budget="$3" \
        -v to="${BENCH_RESULTS-}" '
        BEGIN {
            printf "%-60s %8d %-5s", what, value, unit
            print budget ? "  " budget "  " (value <= budget ? "pass" : "falls short") : ""
            if (to != "")
                printf "{\"what\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, \"peer\": 0, " \
                    "\"ratio\": 0, \"budget\": %d}\n", what, unit, value, budget >>to
        }'
}
echo
figure 'user bytes an idle connection' bytes 400 'user bytes .*: \([0-9-]*\) resident.*'
figure 'user bytes by malloc' bytes 0 'user bytes .* \([0-9-]*\) by malloc'
figure 'kernel bytes, both ends' bytes 0 'kernel bytes .*: \([0-9-]*\)'
figure 'lines back and forth a second' /s 0 '.* lines .*, \([0-9]*\) requests.s'
