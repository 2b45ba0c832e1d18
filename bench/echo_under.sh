#!/bin/sh
# echo_under.sh LOAD CONNECTIONS REQUESTS COMMAND...: runs COMMAND, an echo server or a tool that
# runs one, gives it that load, and ends it. LOAD is the program of echo.c. What the tool says goes
# to standard error. 77: the server does not run here; its own line says why.
set -eu
load=${1:?usage: echo_under.sh LOAD CONNECTIONS REQUESTS COMMAND...} connections=$2 requests=$3
shift 3
said=$(mktemp)
tool=
# A server ends with the tool that it is a child of.
trap '[ -z "$tool" ] || kill -9 "$tool" 2>/dev/null || :; rm -f "$said"' EXIT
trap 'exit 1' HUP INT TERM

"$@" >"$said" &
tool=$!
tries=0
while [ ! -s "$said" ] && kill -0 "$tool" 2>/dev/null && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
read -r port pid <"$said" || exit 77
"$load" --load "$port" "$connections" "$requests" >/dev/null
sleep 0.2                       # it closes the connections
kill "$pid"
wait "$tool" 2>/dev/null || :
tool=
