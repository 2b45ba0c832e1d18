#!/bin/sh
# Five requests, at once, of a server that takes 3 s for each. DEMOS: where the programs were
# built. The arguments are options of requests.
set -u
cd "$(dirname "$0")/.." || exit 1
demos=${DEMOS:-build/demos}
dir=$(mktemp -d) || exit 1
server=

finish() {
    status=$?
    trap - EXIT INT TERM HUP
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
    rm -rf "$dir"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkfifo "$dir/line" || exit 1
"$demos/slow_server" >"$dir/line" &
server=$!
read -r line <"$dir/line"               # waits until the server has said where it listens, or ended
url=${line#Serving on }
if [ "$url" = "$line" ]; then
    echo "main_job: $demos/slow_server did not start: run make demos" >&2
    exit 1
fi

"$demos/requests" "$@" "$url" || exit
[ $# -gt 0 ] || echo "one after the other it would take 15 s: make demo ARGS=--sync"
