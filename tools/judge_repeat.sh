#!/bin/sh
# Repeats tests of the judge under every condition and prints a table: whether verdicts depend on how busy, cold or full the machine
# is, or on who runs them where.
#     tools/judge_repeat.sh N [TEST...]      N runs a cell; TEST: judge_limits judge_hostile ... (default: judge_limits)
# Conditions: idle; 4 busy loops; page cache dropped before each run; all memory but 3 GiB taken. Places: here (root: the test runs its
# table as a normal user, too), as nobody, in a chroot of bind mounts, with unshare() refused to it. Needs root; uses $BUILD (default build).
set -u
n=$1
shift
[ $# -gt 0 ] || set -- judge_limits
build=$(realpath "${BUILD:-build}")
cd "$(dirname "$0")/.." || exit 2
export RATION_BUILD="$build"
root=$(mktemp -d)
chmod 755 "$root"
trap 'kill $helpers 2>/dev/null; rm -rf "$root"' EXIT
helpers=
failed=0

place() { # place WHERE COMMAND...
    where=$1
    shift
    case $where in
    here) "$@" ;;
    nobody) setpriv --reuid=65534 --regid=65534 --clear-groups "$@" ;;
    chroot) # shellcheck disable=SC2016
        unshare -m sh -c 'r=$1; d=$2; shift 2
            for x in usr etc dev proc tmp sys work home root; do [ -d /$x ] && mkdir -p $r/$x && mount --rbind /$x $r/$x; done
            for x in bin sbin lib lib64; do [ -e $r/$x ] || ln -s usr/$x $r/$x; done
            exec chroot $r sh -c '\''cd "$1" && shift && exec "$@"'\'' x "$d" "$@"' x "$root" "$PWD" "$@" ;;
    no-userns) RATION_JUDGE_WITHOUT=userns "$@" ;;
    esac
}

condition() { # condition NAME: starts what keeps the machine so
    helpers=
    case $1 in
    loops) for _ in 1 2 3 4; do
        sh -c 'while :; do :; done' &
        helpers="$helpers $!"
    done ;;
    full)
        /usr/bin/python3 -c 'import time
free = int([l for l in open("/proc/meminfo") if l.startswith("MemAvailable")][0].split()[1]) // 1024
b = bytearray(max(0, free - 3072) << 20)
b[::4096] = b"x" * len(b[::4096])
time.sleep(600)' &
        helpers=$!
        sleep 10
        ;;
    esac
}

echo "| condition | place | runs | failures |"
echo "| --- | --- | --- | --- |"
for what in idle loops cold full; do
    condition "$what"
    for where in here nobody chroot no-userns; do
        bad=0
        for _ in $(seq "$n"); do
            [ "$what" = cold ] && sync && echo 3 >/proc/sys/vm/drop_caches
            for t in "$@"; do
                place "$where" "$build/tests/test_$t" >"$root.out" 2>&1 || {
                    bad=$((bad + 1))
                    grep -h 'got \|ERROR' "$root.out" | sed "s/^/$what, $where: /" >&2
                }
            done
        done
        failed=$((failed + bad))
        echo "| $what | $where | $((n * $#)) | $bad |"
    done
    # shellcheck disable=SC2086
    [ -z "$helpers" ] || kill $helpers
done
rm -f "$root.out"
[ "$failed" = 0 ]
