#!/bin/sh
# model.sh: SPIN explores every state of model/handoff.pml: the hand-off of a queue's item, and of a
# lock, with cancels at any time: nothing is lost or given twice, nobody waits for what is there
# (safety), and who waits is served (liveness, with weak fairness). Each broken variant must fail,
# or the check would be none. Ends with "N passed, M failed".
cd "$(dirname "$0")" || exit 2
spin=$(command -v "${SPIN:-spin}") || { echo "no spin here: the model is left out"; exit 0; }
CC=${CC:-cc}
model=$PWD/model/handoff.pml
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp" || exit 2
passed=0 failed=0

# explore WHAT EXPECTED DEFINES [CLAIM]: EXPECTED is right or wrong; CLAIM is what must hold in the
# end, else the assertions must always. In a broken variant no assertion shall answer for a claim.
explore() {
    what=$1 expected=$2 defines=$3 claim=${4-} depth=1000000 optimise=-O1
    [ "$expected" = right ] || depth=20000 optimise=-O0
    rm -f pan pan.* ./*.trail
    # shellcheck disable=SC2086                 # defines are words
    "$spin" $defines -a "$model" >spin.out 2>&1
    if [ -n "$claim" ]; then
        set -- -a -f -N "$claim"
        [ "$expected" = right ] || set -- -A "$@"
        $CC $optimise -w -DNFAIR=3 -o pan pan.c >>spin.out 2>&1
    else
        set --
        $CC $optimise -w -DSAFETY -DNOCLAIM -o pan pan.c >>spin.out 2>&1
    fi
    timeout 60 ./pan -m$depth "$@" >pan.out 2>&1
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.out)
    errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.out)
    if grep -Eq 'max search depth|out of memory|Search not completed' pan.out &&
            [ "$expected" = right ]; then
        errors='not all was searched'
    fi
    printf '%-46s %8s states, errors: %s\n' "$what" "${states:-no}" "${errors:-no answer}"
    case $expected:$errors in
    right:0 | wrong:[1-9]*) passed=$((passed + 1)) ;;
    *)  failed=$((failed + 1))
        echo "    expected: $expected; spin and pan said:"
        tail -n 20 spin.out pan.out ;;
    esac
}

explore 'a queue of one' right ''
explore 'a queue of two' right -DROOM=2
explore 'a lock' right -DLOCK
for claim in handed delivered getter; do
    explore "a queue of one: $claim" right '' $claim
done
explore 'a lock: locker' right -DLOCK locker

for broken in 1 2 3 4; do
    explore "a queue of one, broken $broken" wrong -DBROKEN=$broken
    explore "a lock, broken $broken" wrong "-DLOCK -DBROKEN=$broken"
done
explore 'a queue of one, broken 2: delivered' wrong -DBROKEN=2 delivered
explore 'a queue of one, broken 5: getter' wrong -DBROKEN=5 getter
explore 'a queue of one, broken 6: handed' wrong -DBROKEN=6 handed
explore 'a lock, broken 5: locker' wrong '-DLOCK -DBROKEN=5' locker

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
