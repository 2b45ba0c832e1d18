#!/bin/sh
# resume.sh PROGRAM: the instructions of a resume, of each kind that the program PROGRAM, built of
# resume.c, knows: counted by callgrind in two runs, of N and of 2N resumes, by difference.
set -eu
program=${1:?usage: resume.sh PROGRAM}
n=131072

command -v valgrind >/dev/null || { echo "resume: no valgrind: instructions not counted"; exit 0; }

count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --count "$1" "$2" 2>&1 |
        awk '/Collected/ { print $NF }'
}

for kind in $("$program" --kinds); do
    [ ! -t 2 ] || printf '\r%-20s' "$kind" >&2
    echo "$kind $(count "$kind" $n) $(count "$kind" $((2 * n)))"
done | awk -v n=$n -v terminal="$([ ! -t 2 ] || echo 1)" -v results="${BENCH_RESULTS-}" '
function row(what, ours, peer, budget,    ratio) {
    ratio = of[ours] / of[peer]
    printf "%-48s %8.2f %8.2f %6.3f  %-11s", what, of[ours], of[peer], ratio, ""
    if (budget)
        printf "  %6.2f  %s", budget, ratio <= budget ? "pass" : "falls short"
    printf "\n"
    if (results)
        printf "{\"what\": \"%s\", \"unit\": \"instructions\", \"ours\": %.2f, \"peer\": %.2f, " \
               "\"ratio\": %.4f, \"budget\": %.2f}\n", what, of[ours], of[peer], ratio,
               budget >>results
}
NF == 3 { of[$1] = ($3 - $2) / n }
NF != 3 { failed = 1 }
END {
    if (terminal)
        printf "\r%-20s\r", "" >"/dev/stderr"
    if (failed) {
        print "resume: callgrind did not run; valgrind reads no DWARF 5 of clang: use -gdwarf-4"
        exit 1
    }
    printf "resume: instructions, the loop that drives included, by callgrind\n\n"
    printf "%-48s %8s %8s %6s  %-11s  %6s\n", "what", "ours", "peer", "ratio", "", "budget"
    row("instructions: switch form / hand-written", "switch", "hand", 1.05)
    row("instructions: CO_LABELS / hand-written", "labels", "hand", 1.05)
    row("instructions: C++20 / hand-written", "cpp", "hand")
    row("instructions: a call / a resume, switch", "call-switch", "switch", 4)
    row("instructions: a call / a resume, labels", "call-labels", "labels", 4)
    row("instructions: resume under 10 frames / 1", "depth10-switch", "depth1-switch", 1.10)
    row("instructions: resume under 100 frames / 1", "depth100-switch", "depth1-switch", 1.10)
}'
