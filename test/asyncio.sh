#!/bin/sh
# Checks docs/asyncio.md: each row of a table must name a file of test/ and a test that is in it.
# shellcheck disable=SC2016         # the backquotes are those of the table

cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

rows=$(grep -c '^| .*\.c) `[A-Za-z0-9_]*` |$' docs/asyncio.md)
all=$(grep '^|' docs/asyncio.md | grep -vc '^| asyncio\|^|---')
missing=0
[ "$rows" -eq "$all" ] || { echo "docs/asyncio.md: $((all - rows)) rows name no test"; missing=1; }
sed -n 's/^| .*(\.\.\/\(test\/[a-z_]*\.c\)) `\([A-Za-z0-9_]*\)` |$/\1 \2/p' docs/asyncio.md |
    while read -r file test; do
        grep -q "static void $test(void \*\*state)" "$file" 2>/dev/null ||
            echo "docs/asyncio.md: $file has no test $test"
    done >"$tmp/missing"
cat "$tmp/missing"
missing=$((missing + $(wc -l <"$tmp/missing")))
echo "$((rows - missing)) passed, $missing failed"
[ "$missing" -eq 0 ]
