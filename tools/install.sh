#!/bin/sh
# Installs (or with --remove takes away) program, libraries, headers, pkg-config file, man pages, shell
# completions and the data files that ship with ration. From the Makefile: BUILD, VERSION, PREFIX, DESTDIR.
set -eu
cd "$(dirname "$0")/.."
: "${BUILD:?}" "${VERSION:?}" "${PREFIX:?}"
case $PREFIX in
/*) ;;
*)
    echo "install: PREFIX must be an absolute path, not '$PREFIX'" >&2
    exit 2
    ;;
esac
root=${DESTDIR:-}$PREFIX
major=${VERSION%%.*}

# One line per file: mode, source, place below the prefix. Removal walks the same list.
files() {
    echo "755 $BUILD/ration bin/ration"
    [ ! -e "$BUILD/ration-judge-host" ] || echo "755 $BUILD/ration-judge-host libexec/ration/ration-judge-host"
    echo "644 $BUILD/libration.a lib/libration.a"
    echo "755 $BUILD/libration.so lib/libration.so.$VERSION"
    for f in include/ration.h include/ration/*.h; do echo "644 $f $f"; done
    for f in docs/man/*.1; do
        [ ! -e "$f" ] || echo "644 $f share/man/man1/${f##*/}"
    done
    echo "644 $BUILD/completion/ration share/bash-completion/completions/ration"
    echo "644 $BUILD/completion/_ration share/zsh/site-functions/_ration"
    for d in data models; do
        [ -d $d ] && find $d -type f ! -name '.*' | sort | while IFS= read -r f; do
            echo "644 $f share/ration/${f#data/}"
        done
    done
}

pc=$root/lib/pkgconfig/ration.pc
if [ "${1:-}" = --remove ]; then
    files | while read -r _ _ to; do rm -f "$root/$to"; done
    rm -f "$root/lib/libration.so" "$root/lib/libration.so.$major" "$pc"
    find "$root/share/ration" "$root/libexec/ration" "$root/include/ration" -depth -type d -empty -delete 2>/dev/null || true
    exit 0
fi

mkdir -p "$BUILD/completion"
"$BUILD/ration" completion bash >"$BUILD/completion/ration"
"$BUILD/ration" completion zsh >"$BUILD/completion/_ration"
files | while read -r mode from to; do
    install -D -m "$mode" "$from" "$root/$to"
done
ln -sf "libration.so.$VERSION" "$root/lib/libration.so.$major"
ln -sf "libration.so.$major" "$root/lib/libration.so"
mkdir -p "${pc%/*}"
cat >"$pc" <<EOF
prefix=$PREFIX
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: ration
Description: spends a code-generation budget where it buys the most passing programs
Version: $VERSION
Requires.private: sqlite3 jansson libseccomp libpcre2-8 nettle zlib libzstd
Libs: -L\${libdir} -lration
Libs.private: -lm -lpthread
Cflags: -I\${includedir}
EOF
chmod 644 "$pc"
echo "installed below $root"
