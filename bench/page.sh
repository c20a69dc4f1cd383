#!/bin/sh
# The page of a store with 1,328,000 samples: at most 5 MB, open within 3 s.
#   bench/page.sh BUILD [PROBLEMS [SAMPLES]]     default 664 x 2000
# Two models (the same texts), so that the page compares; time to write it, its size, and the time that
# headless Chromium takes from the start of the navigation to the end of the load event, charts drawn.
set -eu
cd "$(dirname "$0")/.."
here=$PWD
ration=$PWD/$1/ration
problems=${2:-664}
samples=${3:-2000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/ration-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
half=$((samples / 2))
for model in code-llama-7b code-llama-13b; do
    /usr/bin/python3 "$here/bench/make_release.py" release.json "$problems" "$half"
    "$ration" import -s s.db -t bench --ids-only --model $model --cost $model release.json >/dev/null 2>&1
done
echo "$((problems * half * 2)) samples of 2 models, store of $(($(stat -c %s s.db) / 1000000)) MB"

/usr/bin/python3 - "$ration" report -s s.db --profile paper-8xa100 --html page.html <<'PY'
import resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.call(sys.argv[1:], stderr=subprocess.DEVNULL)
seconds = time.monotonic() - start
use = resource.getrusage(resource.RUSAGE_CHILDREN)
if status > 1:
    sys.exit("report --html: exit status %d" % status)
print("report --html %33.1f s %8.0f MiB" % (seconds, use.ru_maxrss / 1024))
PY
echo "page of $(stat -c %s page.html) bytes"
/usr/bin/python3 "$here/bench/page_load.py" "$dir/page.html"
