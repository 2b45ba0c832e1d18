#!/bin/sh
# main.sh: ONLY picks tests of a program by their names, with test/main.h; and make test-NAME tells
# of a program that there is not. Ends with the line "N passed, M failed".
cd "$(dirname "$0")/.." || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0

# The program: two tests that pass, one that fails.
cat >"$tmp/three.c" <<'END'
#include "test.h"
static void one_and_one_is_two(void **state) { (void)state; assert_int_equal(1 + 1, 2); }
static void one_is_one(void **state) { (void)state; assert_int_equal(1, 1); }
static void one_is_two(void **state) { (void)state; assert_int_equal(1, 2); }
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_and_one_is_two),
    cmocka_unit_test(one_is_one),
    cmocka_unit_test(one_is_two),
};
TEST_MAIN(tests)
END
# shellcheck disable=SC2086             # flags are words
${CC:-cc} ${CPPFLAGS-} -std=c11 -Itest -o "$tmp/three" "$tmp/three.c" ${LDFLAGS-} -lcmocka || exit 2

# says PATTERN STATUS WORDS: with ONLY=PATTERN the program ends with STATUS and says WORDS.
says() {
    ONLY=$1 "$tmp/three" >"$tmp/said" 2>&1
    status=$?
    if [ $status -eq "$2" ] && grep -qF -- "$3" "$tmp/said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "ONLY='$1': expected status $2 and '$3', got $status and:"
        cat "$tmp/said"
    fi
}

says '' 1 'Running 3 test(s)'
says '' 1 '[  FAILED  ] one_is_two'
says one_is_one 0 'Running 1 test(s)'
says one_is_two 1 '[  FAILED  ] 1 test(s)'
says 'one*on*' 0 '[  PASSED  ] 2 test(s)'
says 'one_is_???' 1 'Running 2 test(s)'
says one 1 "ONLY='one' matches the name of none of its 3 tests"

if ${MAKE:-make} -s test-nothing_of_this_name >"$tmp/said" 2>&1; then
    failed=$((failed + 1))
    echo "make test-nothing_of_this_name: it ends well"
elif grep -q "^no test 'nothing_of_this_name': there are .*within" "$tmp/said"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    cat "$tmp/said"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
