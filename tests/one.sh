#!/bin/sh
# Runs one test file as TAP; see run.sh. What it said lies in $RATION_TEST_CACHE/failed if it fails.
said=${RATION_TEST_CACHE:-/nonexistent}/failed/${1##*/}
[ -d "${said%/*}" ] || said=/dev/null
exec 4>&1
status=$({
    {
        case $1 in
        *.bats) bats --tap "$1" 3>&- 2>>"$said" ;;
        *) CMOCKA_MESSAGE_OUTPUT=TAP "$1" 2>>"$said" ;;
        esac
        echo $? >&3
        # cmocka 1.1 calls a skipped test "not ok N # SKIP", which prove takes for a failure.
    } 4>&- | sed -u 's/^not ok \([0-9]* # SKIP\)/ok \1/' | tee -a "$said" >&4
} 3>&1)
if [ "$status" -eq 0 ] && [ -f "$said" ]; then rm -f "$said"; fi
exit "$status"
