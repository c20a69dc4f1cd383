#!/bin/sh
# Compiles the kernels for AArch64 with a cross compiler and runs their tests under qemu-user.
# Float and integer kernels, attention and row operations; the thread pool with them.
set -eu
cd "$(dirname "$0")/.."
cc=aarch64-linux-gnu-gcc
RATION_EXTRA_DEPS="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" tools/deps.sh
out=build/neon
mkdir -p $out
warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wpointer-arith -Wwrite-strings -Werror"
flags="-std=c17 -D_GNU_SOURCE -O2 -ffp-contract=off $warn -Iinclude -Isrc"
objects=
for f in base/err base/rng gguf/quant model/cpu model/pool model/kern_pick model/mat model/pack \
    model/attn model/kern_scalar model/kern_neon; do
    o=$out/$(basename $f).o
    isa=
    [ $f = model/kern_neon ] && isa=-march=armv8.2-a+dotprod+fp16
    # shellcheck disable=SC2086
    $cc $flags $isa -c -o "$o" src/$f.c
    objects="$objects $o"
done
for t in mat attn ops; do
    # shellcheck disable=SC2086
    $cc $flags -Itests/neon -Itests -static -o $out/test_kern_$t tests/test_kern_$t.c $objects -lm -lpthread
    echo "neon-check: test_kern_$t"
    qemu-aarch64 -cpu max $out/test_kern_$t
done
