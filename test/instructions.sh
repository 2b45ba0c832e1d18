#!/bin/sh
# instructions.sh [--update]: the instructions of a resume, a spawn, a wake ..., counted by
# callgrind, against the figures of bench/counts.txt: fails when one is more than 2 % above.
# --update writes them anew (make bench-counts). They are those of one compiler; with another one
# nothing is counted.
cd "$(dirname "$0")/.." || exit 2
figures=bench/counts.txt
cc=${CC:-cc}
n=4000
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

skip() {
    echo "instructions: not counted: $*"
    [ "${update-}" ] && exit 1
    exit 0
}

# What the figures are for: "gcc MAJOR MACHINE", or another compiler's word.
compiler() {
    if echo __clang__ | $cc -E - | grep -q __clang__; then
        echo "gcc $($cc -dumpversion | sed 's/\..*//') $($cc -dumpmachine | sed 's/-.*//')"
    else
        echo clang
    fi
}

# count N FILE: the instructions of N of each kind, and of what comes before: "NAME COUNT" lines.
count() {
    valgrind --tool=callgrind --callgrind-out-file="$tmp/out" --dump-after=counted \
        "$tmp/counts" "$1" >"$tmp/names" 2>"$tmp/log" || return 1
    i=1
    while read -r name; do
        echo "$name $(awk '/^totals:/ { print $2 }' "$tmp/out.$i")"
        i=$((i + 1))
    done <"$tmp/names" >"$2"
}

[ "${1-}" = --update ] && update=1
command -v valgrind >/dev/null || skip 'there is no valgrind'
here=$(compiler)
case $here in
"gcc "*) ;;
*) skip "$cc is no gcc" ;;
esac
for_them=$(sed -n 's/^compiler //p' "$figures" 2>/dev/null)
[ "${update-}" ] || [ "$here" = "$for_them" ] ||
    skip "the figures of $figures are for $for_them, this is $here"

# What distributions switch on by themselves is switched off.
$cc -std=c11 -O2 -fno-pie -no-pie -fcf-protection=none -fno-stack-protector -U_FORTIFY_SOURCE -I. \
    -o "$tmp/counts" bench/counts.c bench/resume_switch.c bench/resume_labels.c \
    bench/resume_drive.c task.c timer.c cancel.c sync.c || exit 1
if ! count $n "$tmp/once" || ! count $((2 * n)) "$tmp/twice"; then
    cat "$tmp/log"
    exit 1
fi
paste -d ' ' "$tmp/once" "$tmp/twice" | awk -v n=$n '{ printf "%s %.2f\n", $1, ($4 - $2) / n }' \
    >"$tmp/counts.txt"

if [ "${update-}" ]; then
    {
        echo "# The instructions of one of each kind, for test/instructions.sh. make bench-counts"
        echo "# writes this file."
        echo "compiler $here"
        cat "$tmp/counts.txt"
    } >"$figures"
    cat "$figures"
    exit 0
fi

awk '
FNR == NR { if (NF == 2) was[$1] = $2; next }
!($1 in was) {
    print $1 ": bench/counts.txt does not know it: make bench-counts"
    failed++
    next
}
{
    change = 100 * ($2 / was[$1] - 1)
    seen++
    if (change > 2) {
        printf "%s: %.2f instructions, %.1f %% above %.2f\n", $1, $2, change, was[$1]
        failed++
    } else if (change < -2)
        printf "%s: %.2f instructions, %.1f %% below %.2f: run make bench-counts\n",
               $1, $2, -change, was[$1]
    delete was[$1]
}
END {
    for (name in was) {
        print name ": it is in bench/counts.txt, and was not counted: make bench-counts"
        failed++
    }
    printf "%d passed, %d failed\n", seen - failed, failed
    exit failed > 0 || seen == 0
}' "$figures" "$tmp/counts.txt"
