#!/bin/sh
# Programs per second and core in other languages than Python: HumanEval-X' solutions and a mutant of each, judged with their references.
#   bench/languages.sh BUILD [LANGUAGE...]    js cpp where nothing is named; also go, java, rust
# JavaScript is to make 20 programs per second and core; C++ goes at the compiler's pace.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
data=${RATION_DATA:-../shared/data}/humaneval-x
[ -d "$data" ] || {
    echo "languages: no $data; 'ration fetch' brings it"
    exit 0
}
[ $# -gt 0 ] || set -- js cpp
exec python3 bench/humaneval_x.py "$build/ration" "$data" "$@"
