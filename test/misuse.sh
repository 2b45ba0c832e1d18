#!/bin/sh
# misuse.sh: each program of test/misuse must get what its first lines ask for, from gcc and clang
# and from a run; misuse.py says how they ask. Ends with "N passed, M failed".
exec python3 "$(dirname "$0")/misuse.py" "$@"
