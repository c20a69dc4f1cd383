#!/bin/sh
# Makes models/: the training text, the four sizes, their logs. tools/train/run.sh [WORK]   (default build/train)
# Needs Debian's python3-torch, python3-numpy and libopenblas0-pthread (the default BLAS is 20 times slower) or any
# PyTorch with a GPU. Stopped at any time, the same command continues. tools/train/cards.sh measures what came out.
set -eu
cd "$(dirname "$0")/../.."
work=${1:-build/train}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-$(nproc)}
mkdir -p "$work" models

[ -e "$work/corpus.jsonl" ] || "$python" tools/train/corpus.py --functions 150000 --out "$work/corpus.jsonl"
"$python" tools/train/corpus.py --check "$work/corpus.jsonl"
while read -r size tokens; do
    "$python" tools/train/train.py --size "$size" --tokens "$tokens" --corpus "$work/corpus.jsonl" \
        --cache "$work/cache" --state "$work/$size.pt" --out models --threads "$threads"
done <<EOF
xs 6e6
s 6e6
m 6e6
l 6e6
EOF
