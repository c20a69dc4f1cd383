#!/bin/sh
# Repeats the tests under every condition and in every place and prints a table: whether anything depends on how busy, cold or full
# the machine is, or on who runs it where.
#     tools/repeat.sh N [NAME...]     N runs of each cell; NAME: part of a test's file name, as of tests/run.sh (default: every test)
#     CELLS='idle:here cold:nobody'   only these cells
# Conditions: idle; 4 busy loops; page cache dropped before each run; all memory but 4 GiB taken. Places: here (as root the tests of
# limits run as a normal user, too), as nobody in a tree of its own, in a chroot of bind mounts, with user namespaces refused.
# Needs root; uses $BUILD (default build), which must hold the tests.
set -u
n=$1
shift
cd "$(dirname "$0")/.." || exit 2
build=${BUILD:-build}
root=$(mktemp -d)
chmod 755 "$root"
trap 'kill $helpers 2>/dev/null; umount -R "$root" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM
helpers=
failed=0

place() { # place WHERE COMMAND...
    where=$1
    shift
    case $where in
    here) "$@" ;;
    nobody)
        [ -d "$root/nobody" ] || {
            mkdir -p "$root/nobody/tree"
            { git ls-files && find "$build" -type f ! -name '*.o'; } | tar -c -T - | tar -x -C "$root/nobody/tree"
            chown -R 65534:65534 "$root/nobody"
        }
        (cd "$root/nobody/tree" && HOME=$root/nobody setpriv --reuid=65534 --regid=65534 --clear-groups "$@")
        ;;
    chroot) # shellcheck disable=SC2016
        unshare -m sh -c 'r=$1; d=$2; shift 2; mkdir -p "$r"; mount -t tmpfs none "$r"
            for x in usr etc dev proc tmp var sys work home root; do [ -d /$x ] && mkdir -p $r/$x && mount --rbind /$x $r/$x; done
            for x in bin sbin lib lib64; do [ -e $r/$x ] || ln -s usr/$x $r/$x; done
            exec chroot $r sh -c '\''cd "$1" && shift && exec "$@"'\'' x "$d" "$@"' x "$root/chroot" "$PWD" "$@" ;;
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
b = bytearray(max(0, free - 4096) << 20)
b[::4096] = b"x" * len(b[::4096])
time.sleep(36000)' &
        helpers=$!
        sleep 20
        ;;
    esac
}

if [ -z "${RATION_DATA:-}" ] && [ -d ../shared/data ]; then
    RATION_DATA=$(cd ../shared/data && pwd)
    export RATION_DATA
fi
echo "| condition | place | runs | failed files |"
echo "| --- | --- | --- | --- |"
for what in idle loops cold full; do
    started=
    for where in here nobody chroot no-userns; do
        case " ${CELLS:-$what:$where} " in *" $what:$where "*) ;; *) continue ;; esac
        [ -n "$started" ] || condition "$what"
        started=1
        bad=0
        for _ in $(seq "$n"); do
            [ "$what" = cold ] && sync && echo 3 >/proc/sys/vm/drop_caches
            place "$where" tests/run.sh "$build" "$@" >"$root.out" 2>&1 && continue
            of_run=$(grep -c '(Wstat' "$root.out")
            bad=$((bad + (of_run > 0 ? of_run : 1)))
            sed -n '/^Test Summary/,$p' "$root.out" | sed "s/^/$what, $where: /" >&2
        done
        failed=$((failed + bad))
        echo "| $what | $where | $n | $bad |"
    done
    # shellcheck disable=SC2086
    [ -z "$helpers" ] || kill $helpers
done
rm -f "$root.out"
[ "$failed" = 0 ]
