#!/bin/sh
# Installs the Debian packages of what is named, as far as they are missing: only those.
#   tools/deps.sh [--print] [build|demo|test]...     nothing named: all of it
# With --print nothing is installed: a missing package is named in the line that would, and the exit
# status is 1.
set -eu

build="build-essential pkg-config libsqlite3-dev libjansson-dev libcurl4-openssl-dev libseccomp-dev
       libpython3-dev python3 librandom123-dev libpcre2-dev nettle-dev zlib1g-dev libzstd-dev
       libsnappy-dev"
demo="libjs-chart.js"
test="libcmocka-dev bats perl zsh openssl python3-numpy python3-jinja2 python3-pytest gnuplot-nox chromium chromium-driver python3-selenium slurm-wlm munge"

print=
if [ "${1:-}" = --print ]; then
    print=1
    shift
fi
wanted=
for part in "${@:-all}"; do
    case $part in
    build) wanted="$wanted $build" ;;
    demo) wanted="$wanted $demo" ;;
    test) wanted="$wanted $test" ;;
    all) wanted="$build $demo $test" ;;
    *)
        echo "deps: there is build, demo and test, not '$part'" >&2
        exit 2
        ;;
    esac
done

missing=
for p in $wanted ${RATION_EXTRA_DEPS:-}; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ -n "$print" ]; then
    echo "packages are missing; this installs them (so does 'make deps', as root or with sudo):" >&2
    echo "    sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "deps: missing packages, and neither root nor sudo here. Install:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# An index may be stale or absent on a fresh machine; try without a refresh first, it is faster.
# shellcheck disable=SC2086
$as_root apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update >/dev/null
    $as_root apt-get install -y --no-install-recommends $missing >/dev/null
}
