#!/bin/sh
# echo_calls.sh [--quick] LOAD NAME=COMMAND...: the system calls of a request to each of the echo
# servers, ours first, counted by strace in two runs, of N and of 2N requests, by difference. LOAD
# is the program of echo.c.
set -eu
n=5000
connections=50
[ "${1-}" != --quick ] || { n=2000; shift; }
load=${1:?usage: echo_calls.sh [--quick] LOAD NAME=COMMAND...}
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

strace -c -o "$dir/table" true 2>/dev/null || { echo "echo: no strace: calls not counted"; exit 0; }

# calls COMMAND REQUESTS: lines of name and number.
calls() {
    # shellcheck disable=SC2086         # a command is words
    "${0%/*}/echo_under.sh" "$load" $connections "$2" strace -f -c -o "$dir/table" $1 \
        2>>"$dir/said" || return
    awk '$4 ~ /^[0-9]+$/ && $NF != "total" { print $NF, $4 }' "$dir/table"
}

echo "echo: system calls a request, by strace; $connections connections"
echo
printf '%-20s %7s %7s %7s %7s %10s %9s %7s %7s\n' \
    server recv send read write epoll_wait epoll_ctl others all
ours=1
for server; do
    name=${server%%=*}
    [ ! -t 2 ] || printf '\r%-20s' "$name" >&2
    : >"$dir/said"
    if ! calls "${server#*=}" $n >"$dir/once" || ! calls "${server#*=}" $((2 * n)) >"$dir/twice"
    then
        echo "echo: $name is left out: $(head -n 1 "$dir/said")"
        continue
    fi
    [ ! -t 2 ] || printf '\r%20s\r' '' >&2
    awk -v name="$name" -v ours=$ours -v n=$n -v results="${BENCH_RESULTS-}" '
    FNR == NR { of[$1] = -$2; next }
    { of[$1] += $2 }
    function take(pattern,    call, sum) {
        for (call in of)
            if (call ~ pattern) {
                sum += of[call]
                delete of[call]
            }
        all += sum / n
        return sum / n
    }
    END {
        printf "%-20s %7.3f %7.3f", name, take("^recv(from|msg)?$"), take("^send(to|msg)?$")
        printf " %7.3f %7.3f", take("^readv?$"), take("^writev?$")
        printf " %10.3f", take("^epoll_p?wait2?$")
        printf " %9.3f", ctl = take("^epoll_ctl$")
        printf " %7.3f", take(".")
        printf " %7.3f%s\n", all, ours ? ctl < 0.001 ? "  pass" : "  falls short" : ""
        if (ours && results) {
            line = "{\"what\": \"echo: %s a request\", \"unit\": \"calls\", \"ours\": %.4f, " \
                   "\"peer\": 0, \"ratio\": 0, \"budget\": %g}\n"
            printf line, "system calls", all, 0 >>results
            printf line, "epoll_ctl", ctl < 0 ? 0 : ctl, 0.001 >>results
        }
    }' "$dir/once" "$dir/twice"
    ours=0
done
echo
