#!/bin/sh
# echo_calls.sh LOAD SERVER...: the system calls of a request to each of the echo servers, counted
# by strace in two runs, of N and of 2N requests, by difference. LOAD is the program of echo.c.
set -eu
load=${1:?usage: echo_calls.sh LOAD SERVER...}
shift
n=20000
connections=50
dir=$(mktemp -d)
tracer=
# A server ends with the strace that it is a child of.
trap '[ -z "$tracer" ] || kill -9 "$tracer" 2>/dev/null || :; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

strace -c -o "$dir/table" true 2>/dev/null || { echo "echo: no strace: calls not counted"; exit 0; }

# The calls of SERVER under so many requests: lines of name and number.
calls() {
    : >"$dir/port"
    strace -f -c -o "$dir/table" "$1" >"$dir/port" &
    tracer=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ ! -s "$dir/port" ] || break
        sleep 0.1
    done
    read -r port pid <"$dir/port" || { echo "echo: $1 tells no port" >&2; exit 1; }
    "$load" --load "$port" $connections "$2" >/dev/null
    kill "$pid"
    wait "$tracer" 2>/dev/null || :
    tracer=
    awk '$4 ~ /^[0-9]+$/ && $NF != "total" { print $NF, $4 }' "$dir/table"
}

echo "echo: system calls a request, by strace; $connections connections"
echo
printf '%-20s %8s %8s %10s %9s %6s\n' server recv send epoll_wait epoll_ctl others
for server; do
    [ ! -t 2 ] || printf '\r%-20s' "$server" >&2
    calls "$server" $n >"$dir/once"
    calls "$server" $((2 * n)) >"$dir/twice"
    [ ! -t 2 ] || printf '\r%20s\r' '' >&2
    awk -v server="${server##*/}" -v n=$n '
    FNR == NR { of[$1] = -$2; next }
    { of[$1] += $2 }
    END {
        for (name in of)
            others += name ~ /^(recvfrom|sendto|epoll_p?wait2?|epoll_ctl)$/ ? 0 : of[name]
        printf "%-20s %8.3f %8.3f %10.3f %9.3f %6.3f  %s\n", server, of["recvfrom"] / n,
            of["sendto"] / n, (of["epoll_wait"] + of["epoll_pwait"] + of["epoll_pwait2"]) / n,
            of["epoll_ctl"] / n, others / n, of["epoll_ctl"] / n < 0.001 ? "pass" : "falls short"
    }' "$dir/once" "$dir/twice"
done
