#!/bin/sh
# What the extractors make of recorded answers (bench/extract.py); needs RATION_DATA or ../shared/data.
#   bench/extract.sh BUILD
set -eu
data=${RATION_DATA:-../shared/data}
[ -d "$data/samples" ] || {
    echo "extract: no recorded samples in $data, left out"
    exit 0
}
exec /usr/bin/python3 bench/extract.py "$1" "$data"
